"""How much of what people may bear they have borne: a dose, remembered in parts of the time.

A part is a whole number of billionths of what may be borne in all, so that adding them up gives the
same on every machine.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from rules.window import Window

PARTS = 60  # of the time looked at; the oldest counts as far as it still lies in it
LOOK_MS = 60_000  # how often a part grows, and so how often it is written
SPAN_MS = 2 * LOOK_MS  # of the window it is taken from: buckets of 2 s, which add up to a minute
_ALL = 1_000_000_000
_DOUBLINGS_MAX = 30.0  # beyond any sensor; keeps a wrong number from overflowing


class Dose(msgspec.Struct, frozen=True, tag="dose"):
    """What was borne: `parts` end with the one of number `index`, counted from kitchen time 0.

    `of` is what it is about; parts by another measure are worth nothing.
    """

    index: int
    parts: tuple[int, ...]
    of: str = ""


class Measure(NamedTuple):
    """What may be borne: `reference` for `allowed_ms`.

    With `exchange`, so much more halves the time (sound); without, the product counts (gas).
    Below `threshold` nothing counts. `over_ms` is the time looked at.
    """

    reference: float
    allowed_ms: float
    over_ms: int
    exchange: float | None = None
    threshold: float | None = None

    @property
    def part_ms(self) -> int:
        return self.over_ms // PARTS

    def share(self, level: float) -> float:
        """The share of what may be borne that one millisecond at this level is."""
        if self.threshold is not None and level < self.threshold:
            return 0.0
        if self.exchange is None:
            return max(level, 0.0) / self.reference / self.allowed_ms
        doublings = min((level - self.reference) / self.exchange, _DOUBLINGS_MAX)
        return math.pow(2.0, doublings) / self.allowed_ms


def grown(before: Dose | None, measure: Measure, window: Window, now: int) -> Dose | None:
    """The dose after the minute that ends at `now`; None while there is none."""
    shares = (measure.share(level) * ms for level, ms in window.held_since(now - LOOK_MS, now))
    borne = round(_ALL * math.fsum(shares))
    index = (now - 1) // measure.part_ms
    oldest = (now - measure.over_ms) // measure.part_ms
    parts = dict(numbered(before))
    parts[index] = parts.get(index, 0) + borne
    counting = {number: part for number, part in parts.items() if part and number >= oldest}
    if not counting:
        return None
    last = max(counting)
    return Dose(last, tuple(counting.get(n, 0) for n in range(min(counting), last + 1)))


def percent(dose: Dose | None, measure: Measure, now: int) -> float:
    """What was borne in the time before `now`, in % of what may be."""
    begin = now - measure.over_ms
    total = 0.0
    for number, part in numbered(dose):
        left = (number + 1) * measure.part_ms - begin
        total += part * min(max(left / measure.part_ms, 0.0), 1.0)
    return total * 100.0 / _ALL


def numbered(dose: Dose | None) -> Iterable[tuple[int, int]]:
    """Each part with its number, oldest first."""
    if dose is None:
        return ()
    return enumerate(dose.parts, dose.index - len(dose.parts) + 1)
