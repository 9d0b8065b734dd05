"""The small entries of the state: what a run, a timer, a mode and the clock leave behind.

Keys are `run/<rule>`, `pace/<rule>`, `timer/<timer>`, `cooking/<timer>`, `mode/<mode>`,
`last/<point>` and `clock`. Times are kitchen ms.
"""

import msgspec

from rules.base import Value


class Run(msgspec.Struct, frozen=True, tag="run"):
    """A run that waits before its action number `action`."""

    action: int
    due: int
    waiting: int = 0  # triggers in the queue
    chain: tuple[str, ...] = ()  # what led to it


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """How much of a rule's allowance is used: `used` leaks away with time.

    `excess`: what was too much has been told, and is not told again until it has calmed down.
    """

    used: float
    at: int
    excess: bool = False


class Timer(msgspec.Struct, frozen=True, tag="timer"):
    """A kitchen timer that runs."""

    due: int
    since: int


class CookingTimer(msgspec.Struct, frozen=True, kw_only=True, tag="cooking"):
    """A timer a person has started; `elapsed` waits to be seen."""

    label: str
    end: int
    since: int
    by: str
    elapsed: bool = False

    @property
    def due(self) -> int | None:
        """When it has to be looked at."""
        return None if self.elapsed else self.end


class InMode(msgspec.Struct, frozen=True, tag="mode"):
    """What a mode is set to, and who did it."""

    value: str
    since: int
    by: str = ""


class Last(msgspec.Struct, frozen=True, tag="last"):
    """The last usable value of a point whose changes a rule waits for."""

    value: Value


class Hands(msgspec.Struct, frozen=True, tag="clock"):
    """Where the wall clock stands: ahead of kitchen time by so much, None while not believed."""

    ahead_ms: int | None
