"""What is due in one step without any event, in the order in which it fires.

Those of entries are derived from these; `look/<rule>` are the times at which a rule looks again by
itself. What fires may move others, or make them due.
"""

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import NamedTuple, Protocol

from rules.changes import Changes
from rules.events import Entry

LOOKS = "look/"
_SCHEDULES = "schedule/"


class Ranking(Protocol):
    """What is asked of the rules."""

    @property
    def rank(self) -> Mapping[str, int]:
        """Of rules, the most urgent first."""

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again."""


class _Due(NamedTuple):
    """One of them; the most urgent rule first, as with everything else that comes at once."""

    due: int
    rank: int
    key: str


class DueTimes:
    """All that is due by `now`; after `away` without schedules, which wait for the event."""

    def __init__(self, judge: Ranking, changes: Changes, now: int, *, away: bool) -> None:
        self._judge = judge
        self._changes = changes
        self._looks = changes.state.seen.looks
        self._now = now
        found = [(key, at) for key, at in changes.state.timers.items() if at <= now]
        if away:
            found = [(key, at) for key, at in found if not key.startswith(_SCHEDULES)]
        found += [(f"{LOOKS}{name}", at) for name, at in self._looks.items() if at <= now]
        self._waiting = [self._ranked(key, at) for key, at in found]
        heapify(self._waiting)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Each instant with what is due at it, as long as there is one."""
        while self._waiting:
            due = self._waiting[0].due
            keys = []
            while self._waiting and self._waiting[0].due == due:
                keys.append(heappop(self._waiting).key)
            yield due, keys

    def look_ahead(self, fired: str = "") -> None:
        """Take up what has changed and is due by now; those that were moved away are passed."""
        changed = self._changes.changed()
        if fired.startswith(LOOKS):
            changed.append(fired)
        for key in changed:
            due = self.due_of(key)
            if due is not None and due <= self._now:
                heappush(self._waiting, self._ranked(key, due))

    def due_of(self, key: str) -> int | None:
        """When it is due as things stand now."""
        if key.startswith(LOOKS):
            return self._looks[key.removeprefix(LOOKS)]
        return self._judge.due(key, self._changes.get(key))

    def _ranked(self, key: str, due: int) -> _Due:
        rank = self._judge.rank
        return _Due(due, rank.get(key.partition("/")[2], len(rank)), key)
