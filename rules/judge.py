"""Judging as a pure reducer: `step(state, event, now)` gives what changes and what to do.

The state is a mapping of small frozen entries, and a step returns only the entries it changes:
that is what is stored with the batch. Timers that are due fire first, each at its own instant, so
the outcome at any moment does not depend on how often anybody asked.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rules.alarm import Alarm
from rules.announcing import Announcing
from rules.base import Command, Observation, Priority, Rule, looks_at
from rules.escalation import Escalation, Ladder, StandIn
from rules.events import NOTHING, Entry, Event, Observed, Started, Step
from rules.interlocks import Interlocks
from rules.kept import Run, Timer
from rules.memory import IDLE, Memory, Phase, next_memory, remembers
from rules.order import Order
from rules.outputs import Claims
from rules.plan import AlarmPlan
from rules.schedule import State
from rules.slots import Contract, Output
from rules.state import Memories
from rules.suppression import Suppression, says
from rules.triggers import Hearers
from rules.turn import Turn
from rules.world import Seen

_NUMBERS = (float, int)  # by exact type: a boolean is no number
_UTC = ZoneInfo("UTC")


class Judge:
    """The rules and contracts of one kitchen, compiled; holds no state of its own."""

    def __init__(
        self,
        rules: Iterable[Rule],
        contracts: Mapping[str, Contract],
        zone: ZoneInfo = _UTC,
        ladders: Mapping[str, Ladder] = MappingProxyType({}),
    ) -> None:
        """Raises ValueError for a command without a contract, and for needs in a circle."""
        order = {priority: rank for rank, priority in enumerate(Priority)}
        ranked = sorted(rules, key=lambda rule: (order[rule.priority], rule.id))
        self.rules = {rule.id: rule for rule in ranked}
        self.rank = {rule.id: rank for rank, rule in enumerate(ranked)}
        self.contracts = dict(contracts)
        self.interlocks = Interlocks(self.contracts, ranked)
        self.zone = zone
        self.alarm_plan = AlarmPlan(self.rules, ladders)
        self.hearers = Hearers(ranked)
        # Whether anything here hangs on the time of day.
        self.wants_wall_time = bool(self.hearers.scheduled) or any(
            looks_at(rule).every_ms is not None for rule in ranked
        )
        self._by_point: dict[str, list[Rule]] = {}
        self._claims: dict[tuple[str, int], list[tuple[str, Rule, Command]]] = {}
        for rule in ranked:
            self._index(rule)
        self._simple = {
            point: [rule for rule in rules if simple(rule)]
            for point, rules in self._by_point.items()
        }
        self._calm = {point: _calm(rules) for point, rules in self._simple.items()}
        self._wide = {
            point for point, rules in self._by_point.items() if not all(map(simple, rules))
        }
        self._wide |= self.hearers.points | {
            point for rule in ranked for point in looks_at(rule).points if not simple(rule)
        }

    def _index(self, rule: Rule) -> None:
        if not rule.triggers:
            for point in looks_at(rule).points:
                self._by_point.setdefault(point, []).append(rule)
        for command in [*rule.commands, *_commands_of(rule)]:
            if command.actuator not in self.contracts:
                message = f"rule {rule.id}: {command.actuator} has no fail-safe contract"
                raise ValueError(message)
        for command in rule.commands:
            claim = (command.actuator, command.slot)
            self._claims.setdefault(claim, []).append((f"rule/{rule.id}", rule, command))

    def step(self, state: Memories, event: Event, now: int) -> Step:
        """One event at kitchen time `now` (ms, never decreasing); changes nothing by itself."""
        if isinstance(event, Observed) and not self.stirs(
            state, event.point, event.seen, now, kept=event.kept
        ):
            return NOTHING
        turn = Turn(self, state)
        away = isinstance(event, Started) and event.fresh
        if away:
            state.seen.begin()
        turn.fire_until(now, away=away)
        turn.take(event, now)
        return Step(turn.changes.entries, turn.changes.effects)

    def stirs(
        self, state: Memories, point: str, seen: Observation, now: int, *, kept: bool = True
    ) -> bool:
        """Whether a reading would change anything; the common one does not and ends here."""
        if state.next_due <= now or (kept and point in self._wide):
            return True
        rules = self._simple.get(point)
        if self._hides(state, point, seen):
            return True
        if not rules:
            return False
        calm = self._calm[point]
        if calm is not None and point not in state.busy:
            value = seen.value
            if type(value) in _NUMBERS and calm[0] <= value <= calm[1] and seen.good:  # type: ignore[operator]
                return False
        return self.decides(state, point, seen)

    def decides(self, state: Memories, point: str, seen: Observation) -> bool:
        """Whether a rule on this point alone changes by a reading, so that it is kept."""
        if self._hides(state, point, seen):
            return True
        for rule in self._simple.get(point, ()):
            memory = state.entries.get(f"rule/{rule.id}", IDLE)
            if isinstance(memory, Memory) and next_memory(rule, memory, seen) is not memory:
                return True
        return False

    def _hides(self, state: Memories, point: str, seen: Observation) -> bool:
        """Whether a reading begins or ends to hide an alarm by design."""
        rules = self.alarm_plan.suppressed_by(point)
        return bool(rules) and any(
            says(suppress, seen) is not (f"suppression/{rule.id}" in state.entries)
            for rule in rules
            if (suppress := rule.terms.suppress) is not None
        )

    @property
    def claims(self) -> Claims:
        """The rules that may want a slot of an actuator, most urgent first, with their keys."""
        return self._claims

    @property
    def spans_ms(self) -> dict[str, int]:
        """How far back the windows over each point reach."""
        return Seen(self.rules.values(), self.zone).spans_ms

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again without any event."""
        kind, _, name = key.partition("/")
        match entry:
            case Alarm() | Escalation() | Announcing():
                return entry.due
            case Suppression() | StandIn():
                return entry.until
            case Output():
                return entry.due if name in self.contracts else None
            case Memory():
                rule = self.rules.get(name)
                return None if rule is None else _memory_due(entry, rule)
            case Order():
                return entry.due
            case State():
                return entry.due if name in self.hearers.scheduled else None
            case Run() | Timer():
                return entry.due if kind == "timer" or name in self.rules else None
            case _:
                return None

    def rules_of(self, point: str) -> Sequence[Rule]:
        """The rules that look at a point, most urgent first."""
        return self._by_point.get(point, ())


def simple(rule: Rule) -> bool:
    """Whether a rule hangs on one point and nothing else."""
    return rule.condition is not None and rule.gate is None


def _memory_due(memory: Memory, rule: Rule) -> int | None:
    if memory.phase is Phase.SUSPENDED:
        return memory.until
    if memory.phase is Phase.PENDING and remembers(memory, rule):
        return memory.since + rule.for_ms
    return None


def _commands_of(rule: Rule) -> list[Command]:
    return [action for action in rule.actions if isinstance(action, Command)]


def _calm(rules: Sequence[Rule]) -> tuple[float, float] | None:
    """The numbers of a point that leave all its rules as they are while none remembers anything."""
    low, high = -math.inf, math.inf
    for rule in rules:
        calm: tuple[float, float] | None = getattr(rule.condition, "calm", None)
        if calm is None:
            return None
        low, high = max(low, calm[0]), min(high, calm[1])
    return low, high
