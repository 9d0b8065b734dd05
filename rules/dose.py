"""`kind: dose`: too much over hours, though never too much at once: noise, and gases at work.

The dose of the last hours is looked at each minute, in % of what may be borne. With `exchange` it
is that of sound (29 CFR 1910.95 App. A: T = 8 h / 2^((L - 90) / 5)), without it that of a gas (the
time-weighted average, in % of `reference`). What nobody measured is not in it: while the point is
BAD the rule is blind, and says so by its `on_bad`.
"""

from dataclasses import dataclass
from typing import Annotated

from rules import limit
from rules.base import DurationS, PointUnit
from rules.exposure import LOOK_MS, SPAN_MS, Measure
from rules.expression import BLIND, UNSEEN, Unknown, World

OVER_TIME = True  # it looks at a window, so it is a formula


@dataclass(frozen=True, kw_only=True)
class Options:
    """`reference` may be borne for `allowed`; limits are in % of that, over the time `over`."""

    reference: PointUnit
    allowed_s: Annotated[DurationS, "60..86400"] = 28_800.0
    over_s: Annotated[DurationS, "3600..86400"] = 28_800.0
    exchange: Annotated[float, "point_difference"] | None = None
    threshold: PointUnit | None = None
    raise_above: Annotated[float, "unit %"]
    clear_below: Annotated[float, "unit %"] | None = None

    def __post_init__(self) -> None:
        if self.exchange is not None and self.exchange <= 0.0:
            raise ValueError("exchange must be more than 0")
        if self.exchange is None and self.reference <= 0.0:
            raise ValueError("reference must be more than 0")
        if self.over_s % 3600.0:
            raise ValueError("over must be whole hours")
        self.limits()

    def limits(self) -> limit.Options:
        """The limits on the dose itself; raises ValueError for those that contradict."""
        return limit.Options(raise_above=self.raise_above, clear_below=self.clear_below)


@dataclass(frozen=True)
class Borne:
    """A dose in %, as `limit` sees a value."""

    value: float
    at: int
    good: bool = True


class Condition:
    """True while more was borne than the limit; UNSEEN between the limits of an active rule.

    The dose itself is an entry of the state; whoever judges puts it where `key` is looked up.
    """

    def __init__(self, options: Options, point: str) -> None:
        self.points = (point,)
        self.windows = ((point, SPAN_MS),)
        self.every_ms: int | None = LOOK_MS
        self.measure = Measure(
            reference=options.reference,
            allowed_ms=options.allowed_s * 1000,
            over_ms=round(options.over_s * 1000),
            exchange=options.exchange,
            threshold=options.threshold,
        )
        self.key = f"dose of {point} by {self.measure}"  # no point's id has a space
        self._limit = limit.Condition(options.limits())

    def holds(self, world: World, *, active: bool = False) -> bool | Unknown:
        """BLIND while the point is: what is not measured cannot be known to be little."""
        seen = world.latest(self.points[0])
        if seen is not None and not seen.good:
            return BLIND
        borne = world.latest(self.key)
        if borne is None:
            return UNSEEN
        held = self._limit.holds(borne, active=active)
        return UNSEEN if held is None else held
