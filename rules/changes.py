"""The changes of one step: reads through them to the state the step was given."""

from rules.events import Effect, Entry, Record
from rules.memory import IDLE, Memory
from rules.state import Memories


class Changes:
    """What a step has changed so far, and the effects it wants."""

    def __init__(self, state: Memories) -> None:
        self.state = state
        self.entries: dict[str, Entry | None] = {}
        self.effects: list[Effect] = []
        self.chain: tuple[str, ...] = ()  # what led to what happens just now
        self._changed: list[str] = []

    def get(self, key: str) -> Entry | None:
        """An entry as it stands now."""
        return self.entries[key] if key in self.entries else self.state.entries.get(key)

    def put(self, key: str, entry: Entry | None) -> None:
        """Change an entry, or forget it with None."""
        self.entries[key] = entry
        self._changed.append(key)

    def changed(self) -> list[str]:
        """The keys that were put since this was last asked."""
        changed, self._changed = self._changed, []
        return changed

    def memory(self, rule_id: str) -> Memory:
        """What a rule remembers."""
        entry = self.get(f"rule/{rule_id}")
        return entry if isinstance(entry, Memory) else IDLE

    def record(self, kind: str, data: dict[str, object]) -> dict[str, object]:
        """Have an event row written, with what led to it; within the step it may be added to."""
        row = data | ({"chain": list(self.chain)} if self.chain else {})
        self.effects.append(Record(kind, row))
        return row
