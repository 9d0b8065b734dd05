"""`kind: contact`: a door, a leak sensor, any point that is true or false."""

from dataclasses import dataclass

from rules.base import Observation

POINT = "boolean"  # what it can judge; of a number it would never have an opinion


@dataclass(frozen=True, kw_only=True)
class Options:
    """`raise_when: true` raises while the point is true (a door: while it is open)."""

    raise_when: bool = True


class Condition:
    """True while the point has the given state."""

    def __init__(self, options: Options) -> None:
        self._raise_when = options.raise_when

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        del active
        return seen.value is self._raise_when if isinstance(seen.value, bool) else None
