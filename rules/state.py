"""The state between steps: the entries, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

from rules.base import Rule
from rules.events import NEVER, Entry
from rules.world import Seen


class Compiled(Protocol):
    """What the state asks of the rules it belongs to."""

    rules: dict[str, Rule]
    zone: ZoneInfo

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again."""

    def rules_of(self, point: str) -> Sequence[Rule]:
        """The rules that look at a point."""


class Memories:
    """The entries and, derived from them, the running timers; beside them what was seen."""

    def __init__(
        self,
        judge: Compiled,
        entries: Mapping[str, Entry] | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._judge = judge
        self.entries: dict[str, Entry] = {}
        self.timers: dict[str, int] = {}
        self.next_due = NEVER
        self.busy: set[str] = set()  # points of which a rule remembers anything
        self.remembering: set[str] = set()  # the keys of these rules
        self.seen = Seen(judge.rules.values(), judge.zone)
        if seen is not None:
            self.seen.follow(seen)
        self.apply(dict(entries or {}))

    def apply(self, changes: Mapping[str, Entry | None]) -> None:
        """Take over what a step changed."""
        for key, entry in changes.items():
            if entry is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = entry
            due = self._judge.due(key, entry)
            if due is None:
                self.timers.pop(key, None)
            else:
                self.timers[key] = due
            self._note(key)
        self.watch_time()

    def watch_time(self) -> None:
        """See when something is due next; to be asked after every step that fired something."""
        instants = (*self.timers.values(), *self.seen.looks.values())
        self.next_due = min(instants, default=NEVER)

    def _note(self, key: str) -> None:
        rule = self._judge.rules.get(key.removeprefix("rule/"))
        if rule is None:
            return
        if key in self.entries:
            self.remembering.add(key)
        else:
            self.remembering.discard(key)
        if any(f"rule/{other.id}" in self.entries for other in self._judge.rules_of(rule.point)):
            self.busy.add(rule.point)
        else:
            self.busy.discard(rule.point)
