"""`kind: rate`: a value that changes too fast, with limits as those of `limit`.

Beyond a raising limit it raises, within the clearing one it clears; both are absolute changes over
a window, so a fall is written with a negative limit under `raise_below`.
"""

from dataclasses import dataclass
from typing import Annotated

from rules import limit
from rules.base import DurationS, PointRate
from rules.expression import BLIND, UNSEEN, Unknown, World
from rules.window import SPAN_LEAST_MS, SPAN_MOST_MS, width_ms

OVER_TIME = True  # it looks at a window, so it is a formula
_MINUTE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """Changes per second in the unit of the point, and the time over which they are measured."""

    over_s: Annotated[DurationS, "10..3600"]
    raise_above: PointRate | None = None
    clear_below: PointRate | None = None
    raise_below: PointRate | None = None
    clear_above: PointRate | None = None

    def __post_init__(self) -> None:
        self.limits()
        if not SPAN_LEAST_MS <= self.over_s * 1000 <= SPAN_MOST_MS:
            raise ValueError("over must be 10s to 1h")

    def limits(self) -> limit.Options:
        """The same limits on the change itself; raises ValueError for those that contradict."""
        return limit.Options(
            raise_above=self.raise_above,
            clear_below=self.clear_below,
            raise_below=self.raise_below,
            clear_above=self.clear_above,
        )


@dataclass(frozen=True)
class _Change:
    """A change per second, as `limit` sees a value."""

    value: float
    good: bool = True
    at: int = 0


class Condition:
    """True while a point changes beyond a limit; what it has to be given is as for a formula."""

    def __init__(self, options: Options, point: str) -> None:
        span_ms = round(options.over_s * 1000)
        self.points = (point,)
        self.windows = ((point, span_ms),)
        self.every_ms: int | None = width_ms(span_ms)
        self._limit = limit.Condition(options.limits())

    def holds(self, world: World, *, active: bool = False) -> bool | Unknown:
        """UNSEEN between the limits of an active rule (no opinion: stay as you are).

        BLIND while less than half of the window is covered.
        """
        window = world.window(*self.windows[0])
        if window is None or not window.begun:
            return UNSEEN
        per_minute = window.rate(world.now)
        if per_minute is None:
            return BLIND
        held = self._limit.holds(_Change(per_minute / _MINUTE_S), active=active)
        return UNSEEN if held is None else held
