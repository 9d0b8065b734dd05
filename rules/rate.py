"""A value that changes too fast: the change over a window, with limits as those of `limit`.

Beyond a raising limit it raises, within the clearing one it clears; both are absolute changes, so a
fall is written with a negative limit under `raise_below`.
"""

from dataclasses import dataclass
from typing import Annotated

from rules import limit
from rules.base import DurationS, PointRate
from rules.expression import BLIND, UNSEEN, Unknown, World
from rules.window import SPAN_LEAST_MS, SPAN_MOST_MS

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


class Rate:
    """True while a point changes beyond a limit; needs the window (`point`, `span_ms`)."""

    def __init__(self, options: Options, point: str) -> None:
        self.point = point
        self.span_ms = round(options.over_s * 1000)
        self._limit = limit.Condition(options.limits())

    def holds(self, world: World, *, active: bool) -> bool | Unknown | None:
        """None between the limits: stay as you are. BLIND while half of the window is a gap."""
        window = world.window(self.point, self.span_ms)
        if window is None or not window.begun:
            return UNSEEN
        per_minute = window.rate(world.now)
        if per_minute is None:
            return BLIND
        return self._limit.holds(_Change(per_minute / _MINUTE_S), active=active)
