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
from rules.kept import CookingTimer, Last, Run, Timer
from rules.memory import IDLE, Memory, Phase, next_memory, reconsidered, remembers, stays_idle
from rules.order import Order
from rules.outputs import Claim, Claims
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
        self._claims: dict[tuple[str, int], dict[str, Claim]] = {}
        for rule in ranked:
            self._index(rule)
        self._simple = {
            point: [rule for rule in rules if simple(rule)]
            for point, rules in self._by_point.items()
        }
        self._keyed = {
            point: [(f"rule/{rule.id}", rule, simple(rule)) for rule in rules]
            for point, rules in self._by_point.items()
        }
        self._calm = {point: _calm(rules) for point, rules in self._simple.items()}
        self._wide = {
            point for point, rules in self._by_point.items() if not all(map(simple, rules))
        }
        self._wide |= self.hearers.points | {
            point for rule in ranked for point in looks_at(rule).points if not simple(rule)
        }
        self._short = {  # points about which a calm number has nothing more to say
            point: calm
            for point, calm in self._calm.items()
            if calm is not None and point not in self._wide and not self._may_hide(point)
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
            claims = self._claims.setdefault((command.actuator, command.slot), {})
            claims.setdefault(f"rule/{rule.id}", Claim(self.rank[rule.id], rule.id, command.value))

    def step(self, state: Memories, event: Event, now: int) -> Step:
        """One event at kitchen time `now` (ms, never decreasing); changes nothing by itself."""
        if isinstance(event, Observed):
            point, seen, kept = event
            if self.takes_in(state, point, seen, now, kept=kept):
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
        """Whether a reading may change anything; the common one does not and ends here."""
        if state.next_due <= now:
            return True
        calm = self._short.get(point)
        if calm is not None and point not in state.busy:
            value = seen.value
            if type(value) in _NUMBERS and calm[0] <= value <= calm[1] and seen.good:  # type: ignore[operator]
                return False
        return (kept and point in self._wide) or self.decides(state, point, seen)

    def takes_in(
        self, state: Memories, point: str, seen: Observation, now: int, *, kept: bool = True
    ) -> bool:
        """Let formulas see a reading if it is kept; whether nothing else comes of it, as of most.

        Where something does, `step` takes it in once more, which is as good as once.
        """
        if not self.stirs(state, point, seen, now, kept=kept):
            return True
        return kept and state.next_due > now and self._leaves_all_as_it_is(state, point, seen, now)

    def _is_calm(self, state: Memories, point: str, seen: Observation) -> bool:
        """Whether a reading is a number that leaves the rules on this point alone as they are."""
        calm = self._calm.get(point)
        if calm is None or point in state.busy:
            return False
        value = seen.value
        return type(value) in _NUMBERS and calm[0] <= value <= calm[1] and seen.good  # type: ignore[operator]

    def decides(self, state: Memories, point: str, seen: Observation) -> bool:
        """Whether a rule on this point alone changes by a reading, so that it is kept."""
        if self._hides(state, point, seen):
            return True
        for rule in self._simple.get(point, ()):
            memory = state.entries.get(f"rule/{rule.id}", IDLE)
            if isinstance(memory, Memory) and next_memory(rule, memory, seen) is not memory:
                return True
        return False

    def _leaves_all_as_it_is(
        self, state: Memories, point: str, seen: Observation, now: int
    ) -> bool:
        """Take a kept reading in; whether every rule stays as it is."""
        if self._hides(state, point, seen):
            return False
        if point in self.hearers.points and seen.good:
            last = state.entries.get(f"last/{point}")
            if not isinstance(last, Last) or last.value != seen.value:
                return False
        world = state.seen
        world.now = now
        world.see(point, seen)
        calm = self._is_calm(state, point, seen)
        for key, rule, alone in self._keyed.get(point, ()):
            if alone and calm:
                continue
            memory = state.entries.get(key, IDLE)
            if not isinstance(memory, Memory):
                return False
            if not alone and memory is IDLE and stays_idle(rule, world):
                continue
            then = next_memory(rule, memory, seen) if alone else reconsidered(rule, memory, world)
            if then is not memory:
                return False
        return True

    def _may_hide(self, point: str) -> bool:
        return bool(self.alarm_plan.suppressed_by(point))

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
        """The rules that may want a slot of an actuator, by their keys."""
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
            case Order() | CookingTimer():
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
