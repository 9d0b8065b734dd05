"""Windows cut from recorded days: an hour seen, the next hour as truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import HISTORY_MIN, LEAST_MIN
from models.train.kitchen import Day, Floats

AHEAD_MIN = 60

# What `forget` takes away: how many of the windows are hit.
_YOUNG = 0.3  # lose their oldest minutes
_HOLED = 0.15  # lose single minutes
_DOORLESS = 0.25  # have no door sensor
_TIMELESS = 0.4  # do not know the hour of the day


@dataclass(frozen=True)
class Windows:
    """Row i: 60 minutes seen, the hour of the day at their end, the 60 minutes that followed."""

    temperature: Floats
    door_open: Floats
    hour: Floats
    ahead: Floats


def cut(days: Sequence[Day], every_min: int, *, from_start: bool = False) -> Windows:
    """All windows of all days, one every `every_min` minutes.

    With `from_start` each day is that of a gateway just switched on: the first window knows no more
    than LEAST_MIN minutes.
    """
    span = HISTORY_MIN + AHEAD_MIN
    rows: list[list[NDArray[np.float64]]] = [[], [], [], []]
    for each in days:
        day = _switched_on(each) if from_start else each
        starts = np.arange(0, len(day.temperature) - span + 1, every_min)
        seen = starts[:, None] + np.arange(HISTORY_MIN)
        rows[0].append(day.temperature[seen])
        rows[1].append(day.door_open[seen])
        rows[2].append(day.hour[starts + HISTORY_MIN - 1])
        rows[3].append(day.temperature[starts[:, None] + np.arange(HISTORY_MIN, span)])
    return Windows(*(np.concatenate(each) for each in rows))


def _switched_on(day: Day) -> Day:
    before = np.full(HISTORY_MIN - LEAST_MIN, np.nan)
    parts = (day.temperature, day.door_open, day.hour)
    return Day(*(np.concatenate([before, each]) for each in parts))


def forget(windows: Windows, seed: int) -> Windows:
    """Blank some of what was seen, as a young or lame gateway would: it must cope with less."""
    draw = np.random.default_rng(seed)
    count = len(windows.hour)
    temperature, door = windows.temperature.copy(), windows.door_open.copy()
    place = np.arange(HISTORY_MIN)
    young = draw.random(count) < _YOUNG
    begins = draw.integers(1, HISTORY_MIN - LEAST_MIN + 1, count)
    lost = young[:, None] & (place < begins[:, None])
    holes = (draw.random(count) < _HOLED)[:, None] & (
        draw.random((count, HISTORY_MIN)) < draw.uniform(0.05, 0.3, count)[:, None]
    )
    holes[:, -1] = False
    temperature[lost | holes] = np.nan
    door[lost] = np.nan
    door[draw.random(count) < _DOORLESS] = np.nan
    hour = np.where(draw.random(count) < _TIMELESS, np.nan, windows.hour)
    return Windows(temperature, door, hour, windows.ahead)
