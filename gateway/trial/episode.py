"""What rules did in a stretch of the past: alarms that stood, outputs that were not safe."""

from typing import Literal

import msgspec

from gateway.reading import Value

EPISODES_MAX = 10_000  # of one set of rules; a trial ends where it has more


class Cause(msgspec.Struct, frozen=True):
    """The reading something was decided with; `reason` says why it had no value."""

    point: str
    value: Value
    at: int  # UTC ms
    reason: str | None = None


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm from raise to return, or an output from one value to the next; UTC ms.

    `value` is the alarm's priority or what the output was driven to. `end` is None while it lasts.
    """

    what: Literal["alarm", "command"]
    name: str  # of the alarm or the actuator
    value: Value
    start: int
    by: str  # rule, or what else the judge names as the cause
    began: Cause | None = None  # None: nothing was read, time alone or a person decided
    end: int | None = None
    ended: Cause | None = None


class TooMany(Exception):
    """More than EPISODES_MAX."""


class Episodes:
    """Gathers them; those that ended before `since` (UTC ms) are let go."""

    def __init__(self, since: int) -> None:
        self.closed: list[Episode] = []
        self._open: dict[tuple[str, str], Episode] = {}
        self._since = since

    def standing(self, what: str, name: str) -> Episode | None:
        return self._open.get((what, name))

    def begin(self, episode: Episode) -> None:
        """Raises TooMany."""
        if len(self.closed) + len(self._open) >= EPISODES_MAX:
            raise TooMany
        self._open[episode.what, episode.name] = episode

    def end(self, what: str, name: str, at: int, cause: Cause | None) -> None:
        """End one, if it lasts."""
        episode = self._open.pop((what, name), None)
        if episode is not None and at > self._since:
            self.closed.append(msgspec.structs.replace(episode, end=at, ended=cause))

    def all(self) -> list[Episode]:
        """Those that ended and those that last, by start."""
        found = [*self.closed, *self._open.values()]
        return sorted(found, key=lambda one: (one.start, one.what, one.name))
