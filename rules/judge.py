"""Judging as a pure reducer: `step(state, event, now)` gives what changes and what to do.

The state is a mapping of small frozen entries, and a step returns only the entries it changes:
that is what is stored with the batch. Timers that are due fire first, each at its own instant, so
the outcome at any moment does not depend on how often anybody asked.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from rules.alarm import Alarm
from rules.announcing import Announcing
from rules.base import Command, Observation, Priority, Rule
from rules.escalation import Duty, Escalation, Ladder
from rules.events import NOTHING, Entry, Event, Observed, Step
from rules.memory import IDLE, Memory, Phase, next_memory, remembers
from rules.outputs import Claims
from rules.plan import AlarmPlan
from rules.slots import Contract, Output
from rules.state import Memories
from rules.suppression import Suppression, says
from rules.turn import Turn

_NUMBERS = (float, int)  # by exact type: a boolean is no number


class Judge:
    """The rules and contracts of one kitchen, compiled; holds no state of its own."""

    def __init__(
        self,
        rules: Iterable[Rule],
        contracts: Mapping[str, Contract],
        ladders: Mapping[str, Ladder] = MappingProxyType({}),
    ) -> None:
        """Raises ValueError for a command to an actuator without a contract."""
        order = {priority: rank for rank, priority in enumerate(Priority)}
        ranked = sorted(rules, key=lambda rule: (order[rule.priority], rule.id))
        self.rules = {rule.id: rule for rule in ranked}
        self.contracts = dict(contracts)
        self.alarm_plan = AlarmPlan(self.rules, ladders)
        self._by_point: dict[str, list[tuple[str, Rule]]] = {}
        self._claims: dict[tuple[str, int], list[tuple[str, Rule, Command]]] = {}
        for rule in ranked:
            self._by_point.setdefault(rule.point, []).append((f"rule/{rule.id}", rule))
            for command in rule.commands:
                if command.actuator not in self.contracts:
                    message = f"rule {rule.id}: {command.actuator} has no fail-safe contract"
                    raise ValueError(message)
                claim = (command.actuator, command.slot)
                self._claims.setdefault(claim, []).append((f"rule/{rule.id}", rule, command))
        self._calm = {point: _calm(rules) for point, rules in self._by_point.items()}

    def step(self, state: Memories, event: Event, now: int) -> Step:
        """One event at kitchen time `now` (ms, never decreasing); changes nothing by itself."""
        if isinstance(event, Observed) and not self.stirs(state, event.point, event.seen, now):
            return NOTHING
        turn = Turn(self, state)
        turn.fire_until(now)
        turn.take(event, now)
        return Step(turn.changes.entries, turn.changes.effects)

    def stirs(self, state: Memories, point: str, seen: Observation, now: int) -> bool:
        """Whether a reading would change anything; the common one does not and ends here."""
        if state.next_due <= now:
            return True
        for rule in self.alarm_plan.suppressed_by(point):
            there = f"suppression/{rule.id}" in state.entries
            if rule.terms.suppress is not None and says(rule.terms.suppress, seen) is not there:
                return True
        rules = self._by_point.get(point)
        if rules is None:
            return False
        calm = self._calm[point]
        if calm is not None and point not in state.busy:
            value = seen.value
            if type(value) in _NUMBERS and calm[0] <= value <= calm[1] and seen.good:  # type: ignore[operator]
                return False
        for key, rule in rules:
            memory = state.entries.get(key, IDLE)
            if isinstance(memory, Memory) and next_memory(rule, memory, seen) is not memory:
                return True
        return False

    @property
    def claims(self) -> Claims:
        """The rules that may want a slot of an actuator, most urgent first, with their keys."""
        return self._claims

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again without any event."""
        if isinstance(entry, Output):
            return entry.due if key.removeprefix("output/") in self.contracts else None
        if isinstance(entry, (Alarm, Escalation, Announcing)):
            return entry.due
        if isinstance(entry, (Suppression, Duty)):
            return entry.until
        if isinstance(entry, Memory) and entry.phase is Phase.PENDING:
            rule = self.rules.get(key.removeprefix("rule/"))
            if rule is not None and remembers(entry, rule):
                return entry.since + rule.for_ms
        return None

    def rules_of(self, point: str) -> Sequence[tuple[str, Rule]]:
        """The rules that look at a point, most urgent first, each with the key of its memory."""
        return self._by_point.get(point, ())


def _calm(rules: Sequence[tuple[str, Rule]]) -> tuple[float, float] | None:
    """The numbers of a point that leave all its rules as they are while none remembers anything."""
    low, high = -math.inf, math.inf
    for _, rule in rules:
        calm: tuple[float, float] | None = getattr(rule.condition, "calm", None)
        if calm is None:
            return None
        low, high = max(low, calm[0]), min(high, calm[1])
    return low, high
