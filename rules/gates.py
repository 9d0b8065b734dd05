"""What else has to be true for a rule, beside its own condition: spans of the day, and both."""

from collections.abc import Sequence

from rules.base import Formula
from rules.formula.evaluation import BLIND, Unknown, World, worse
from rules.time_window import Window

_LOOK_MS = 10_000


class Between:
    """Whether it is a time within one of these windows; BLIND while no clock is believed."""

    points: tuple[str, ...] = ()
    windows: tuple[tuple[str, int], ...] = ()
    every_ms: int | None = _LOOK_MS

    def __init__(self, spans: Sequence[Window]) -> None:
        self._spans = tuple(spans)
        self._held = False
        self._since, self._until = 0, 0  # UTC ms between which it is as it was last found

    def __repr__(self) -> str:
        """The windows, for people."""
        return f"Between({self._spans})"

    def holds(self, world: World, *, active: bool = False) -> bool | Unknown:
        """Whether now is a time within; `active` is of no account."""
        del active
        now = world.utc_ms
        if now is None:
            return BLIND
        if not self._since <= now < self._until:
            self._held = any(span.holds(now) for span in self._spans)
            changes = [at for span in self._spans if (at := span.next_change(now)) is not None]
            self._since, self._until = now, min([now + _LOOK_MS, *changes])
        return self._held


class Both:
    """Whether all of these hold: false if one is, and unknown where that is not known (Kleene)."""

    def __init__(self, parts: Sequence[Formula]) -> None:
        self.parts = tuple(parts)
        self.points = tuple(dict.fromkeys(point for part in parts for point in part.points))
        self.windows = tuple(dict.fromkeys(window for part in parts for window in part.windows))
        periods = [part.every_ms for part in parts if part.every_ms is not None]
        self.every_ms: int | None = min(periods, default=None)

    def holds(self, world: World, *, active: bool = False) -> bool | Unknown:
        """What they say together."""
        together: bool | Unknown = True
        for part in self.parts:
            said = part.holds(world, active=active)
            if said is False:
                return False
            if said is not True:
                together = worse(together, said)
        return together
