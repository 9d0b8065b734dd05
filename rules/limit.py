"""`kind: limit`: a value beyond an absolute limit, cleared beyond another.

While the `for` delay runs the value must stay beyond the raising limit; the clearing limit guards
only the way back of an active rule (ISA-18.2 keeps on-delay and deadband apart in the same way).
"""

from dataclasses import dataclass

from rules.base import Observation, PointUnit


@dataclass(frozen=True, kw_only=True)
class Options:
    """One side or both; a clearing limit that is left out equals the raising one."""

    raise_above: PointUnit | None = None
    clear_below: PointUnit | None = None
    raise_below: PointUnit | None = None
    clear_above: PointUnit | None = None

    def __post_init__(self) -> None:
        if self.raise_above is None and self.raise_below is None:
            message = "needs raise_above or raise_below"
            raise ValueError(message)
        if self.clear_below is not None and self.raise_above is None:
            message = "clear_below needs raise_above"
            raise ValueError(message)
        if self.clear_above is not None and self.raise_below is None:
            message = "clear_above needs raise_below"
            raise ValueError(message)
        high, low = self.raise_above, self.raise_below
        if high is not None and _first(self.clear_below, high) > high:
            message = "clear_below must not be above raise_above"
            raise ValueError(message)
        if low is not None and _first(self.clear_above, low) < low:
            message = "clear_above must not be below raise_below"
            raise ValueError(message)
        if high is not None and low is not None:
            if low > high:
                message = "raise_below must not be above raise_above"
                raise ValueError(message)
            if _first(self.clear_above, low) > _first(self.clear_below, high):
                message = "clear_above must not be above clear_below: nothing would clear it"
                raise ValueError(message)


class Condition:
    """True beyond a raising limit; an active one stays so until within both clearing limits.

    `low` and `high` are the raising limits, for people to see; None where there is none.
    """

    def __init__(self, options: Options) -> None:
        infinite = float("inf")
        self.low, self.high = options.raise_below, options.raise_above
        self._raise_above = infinite if options.raise_above is None else options.raise_above
        self._raise_below = -infinite if options.raise_below is None else options.raise_below
        self.calm = (self._raise_below, self._raise_above)
        self._clear_below = _first(options.clear_below, self._raise_above)
        self._clear_above = _first(options.clear_above, self._raise_below)

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        value = seen.value
        if isinstance(value, (bool, str)) or value is None:
            return None
        if value > self._raise_above or value < self._raise_below:
            return True
        if active and not self._clear_above <= value <= self._clear_below:
            return None
        return False


def _first(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
