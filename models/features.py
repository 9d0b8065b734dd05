"""An hour of a cold room as the numbers its network reads; training and device share this file.

numpy is imported when the first vector is made, not before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.minutes import MINUTE_MS, Minute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HISTORY_MIN = 60
LEAST_MIN = 20  # minutes with a temperature, of the 60
NEWEST_MIN = 3  # one of so many newest minutes must have a temperature
_BELIEVABLE = 200.0  # Cel; beyond it, or not finite, is no temperature of any kitchen
_FINE = 10  # newest minutes taken one by one; before them means of _BLOCK
_BLOCK = 5
_BLOCKS = (HISTORY_MIN - _FINE) // _BLOCK

NAMES: tuple[str, ...] = (
    "temperature",
    *(f"temperature_{ago}min_ago" for ago in range(1, _FINE)),
    *(f"temperature_block_{block}" for block in range(_BLOCKS)),  # oldest first
    "temperature_least",
    "temperature_most",
    "temperature_mean",
    *(f"door_{ago}min_ago" for ago in range(_FINE)),
    *(f"door_block_{block}" for block in range(_BLOCKS)),
    "door_known",
    "minutes_known",
    "hour_sine",
    "hour_cosine",
    "hour_known",
)


@dataclass(frozen=True, slots=True)
class Window:
    """The newest HISTORY_MIN minutes, oldest first; nan where nothing is known."""

    temperature: tuple[float, ...]
    door_open: tuple[float, ...]


def window(minutes: Sequence[Minute]) -> Window:
    """Lay minutes into the hour that ends with the newest of them; what is older is left out."""
    temperature = [math.nan] * HISTORY_MIN
    door_open = [math.nan] * HISTORY_MIN
    newest = max((each.at_ms // MINUTE_MS for each in minutes), default=0)
    for each in minutes:
        place = HISTORY_MIN - 1 - (newest - each.at_ms // MINUTE_MS)
        if place >= 0:
            temperature[place] = _known(each.temperature)
            door_open[place] = _share(each.door_open)
    return Window(tuple(temperature), tuple(door_open))


def newest_temperature(seen: Window) -> float | None:
    """The newest known temperature if it is recent enough to start a forecast from, Cel."""
    recent = [each for each in seen.temperature[-NEWEST_MIN:] if not math.isnan(each)]
    return recent[-1] if recent else None


def enough(seen: Window) -> bool:
    """Whether a forecast may be made from this hour at all."""
    known = sum(not math.isnan(each) for each in seen.temperature)
    return known >= LEAST_MIN and newest_temperature(seen) is not None


def matrix(temperature: Floats, door_open: Floats, hour: Floats) -> Floats:
    """Rows of features from (n, 60) temperatures and door shares and (n,) hours; nan is unknown.

    Every row must hold at least one temperature.
    """
    import numpy as np

    known = ~np.isnan(temperature)
    filled = _fill(temperature)
    now = filled[:, -1:]
    change = filled - now
    door_known = ~np.isnan(door_open).all(axis=1, keepdims=True)
    door = np.where(np.isnan(door_open), 0.0, door_open)
    hour_known = ~np.isnan(hour)
    angle = np.where(hour_known, hour, 0.0) * (2.0 * np.pi / 24.0)
    columns = [
        now,
        change[:, -2 : -_FINE - 1 : -1],
        _blocks(change),
        change.min(axis=1, keepdims=True),
        change.max(axis=1, keepdims=True),
        change.mean(axis=1, keepdims=True),
        door[:, : -_FINE - 1 : -1],
        _blocks(door),
        door_known,
        known.mean(axis=1, keepdims=True),
        (np.sin(angle) * hour_known)[:, None],
        (np.cos(angle) * hour_known)[:, None],
        hour_known[:, None],
    ]
    return np.concatenate([np.asarray(each, dtype=np.float64) for each in columns], axis=1)


def _blocks(rows: Floats) -> Floats:
    means: Floats = rows[:, :-_FINE].reshape(len(rows), _BLOCKS, _BLOCK).mean(axis=2)
    return means


def _fill(rows: Floats) -> Floats:
    """Straight lines over holes; the outermost known values are held to the edges."""
    import numpy as np

    filled = rows.copy()
    at = np.arange(rows.shape[1])
    for index in np.flatnonzero(np.isnan(rows).any(axis=1)):
        known = ~np.isnan(rows[index])
        filled[index] = np.interp(at, at[known], rows[index, known])
    return filled


def _share(value: float | None) -> float:
    share = _known(value)
    return share if math.isnan(share) else min(1.0, max(0.0, share))


def _known(value: float | None) -> float:
    return math.nan if value is None or not abs(value) <= _BELIEVABLE else value
