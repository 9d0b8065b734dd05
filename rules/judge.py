"""Judging as a pure reducer: `step(state, event, now)` gives what changes and what to do.

The state is a mapping of small frozen entries, and a step returns only the entries it changes:
that is what is stored with the batch. Timers that are due fire first, each at its own instant, so
the outcome at any moment does not depend on how often anybody asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from rules import slots
from rules.alarm import Alarm, State, Verb, after
from rules.base import Observation, OnBad, Priority, Rule
from rules.slots import Contract, Occupant, OnSensorLoss, Output

NEVER = 1 << 62


class Phase(StrEnum):
    """Where a rule stands."""

    IDLE = "idle"
    PENDING = "pending"  # the condition holds, its `for` is running
    ACTIVE = "active"


class Memory(msgspec.Struct, frozen=True, tag="rule"):
    """What a rule remembers; `since` is when the condition began to hold, kitchen time in ms."""

    phase: Phase = Phase.IDLE
    since: int = 0
    blind: bool = False  # its point has no usable value and the contract took its commands back
    value: float | bool | str | None = None  # with which the condition began


Entry = Memory | Alarm | Output
_IDLE = Memory()


class Observed(NamedTuple):
    """A new reading of a point."""

    point: str
    seen: Observation


class Elapsed(NamedTuple):
    """Nothing but time has passed."""


class Acknowledged(NamedTuple):
    """A person has seen an alarm."""

    alarm: str
    by: str


class Started(NamedTuple):
    """The process has started with this set of rules."""


Event = Observed | Elapsed | Acknowledged | Started


class Drive(NamedTuple):
    """Bring an actuator to this value."""

    actuator: str
    value: bool
    slot: int | None
    cause: str


class Record(NamedTuple):
    """Write this event row."""

    kind: str
    data: dict[str, object]


Effect = Drive | Record


class Step(NamedTuple):
    """What one event changes (None: forget the entry) and what has to be done about it."""

    changes: Mapping[str, Entry | None]
    effects: Sequence[Effect]


NOTHING = Step({}, ())


class Memories:
    """The state between steps: the entries and, derived from them, the running timers."""

    def __init__(self, judge: "Judge", entries: Mapping[str, Entry] | None = None) -> None:
        self._judge = judge
        self.entries: dict[str, Entry] = {}
        self.timers: dict[str, int] = {}
        self.next_due = NEVER
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
        if changes:
            self.next_due = min(self.timers.values(), default=NEVER)


class Judge:
    """The rules and contracts of one kitchen, compiled; holds no state of its own."""

    def __init__(self, rules: Iterable[Rule], contracts: Mapping[str, Contract]) -> None:
        order = {priority: rank for rank, priority in enumerate(Priority)}
        ranked = sorted(rules, key=lambda rule: (order[rule.priority], rule.id))
        self.rules = {rule.id: rule for rule in ranked}
        self.contracts = dict(contracts)
        self._by_point: dict[str, list[tuple[str, Rule]]] = {}
        for rule in ranked:
            self._by_point.setdefault(rule.point, []).append((f"rule/{rule.id}", rule))

    def step(self, state: Memories, event: Event, now: int) -> Step:
        """One event at kitchen time `now` (ms, never decreasing); changes nothing by itself."""
        if state.next_due > now and isinstance(event, Observed) and not self._stirs(state, event):
            return NOTHING
        turn = _Turn(self, state)
        turn.fire_until(now)
        turn.take(event, now)
        return Step(turn.changes, turn.effects)

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again without any event."""
        if isinstance(entry, Output):
            return entry.due
        if isinstance(entry, Memory) and entry.phase is Phase.PENDING:
            rule = self.rules.get(key.removeprefix("rule/"))
            return None if rule is None else entry.since + rule.for_ms
        return None

    def rules_of(self, point: str) -> Sequence[tuple[str, Rule]]:
        """The rules that look at a point, most urgent first, each with the key of its memory."""
        return self._by_point.get(point, ())

    def _stirs(self, state: Memories, event: Observed) -> bool:
        """Whether any rule would change; the common reading changes none and ends here."""
        for key, rule in self._by_point.get(event.point, ()):
            memory = state.entries.get(key, _IDLE)
            if isinstance(memory, Memory) and self.next_memory(rule, memory, event.seen) != memory:
                return True
        return False

    def next_memory(self, rule: Rule, memory: Memory, seen: Observation) -> Memory:
        """What a rule remembers after a reading, before its effects."""
        active = memory.phase is Phase.ACTIVE
        blind = not seen.good and active and self._gives_way(rule)
        if seen.good:
            verdict = rule.condition.holds(seen, active=active)
        else:
            verdict = _on_bad(rule.on_bad, memory.phase)
        if verdict is None:
            return _blinded(memory, blind=blind)
        if not verdict:
            return _IDLE
        if memory.phase is not Phase.IDLE:
            return _blinded(memory, blind=blind)
        phase = Phase.PENDING if rule.for_ms else Phase.ACTIVE
        return Memory(phase, seen.at, value=seen.value)

    def _gives_way(self, rule: Rule) -> bool:
        return any(
            self.contracts[command.actuator].on_sensor_loss is OnSensorLoss.SAFE
            for command in rule.commands
        )


class _Turn:
    """One step at work: reads through its own changes to the state it was given."""

    def __init__(self, judge: Judge, state: Memories) -> None:
        self.judge = judge
        self.state = state
        self.changes: dict[str, Entry | None] = {}
        self.effects: list[Effect] = []

    def fire_until(self, now: int) -> None:
        """Let every timer that is due fire at its own instant, earliest first."""
        while True:
            key, at = self._earliest()
            if at > now:
                return
            if key.startswith("rule/"):
                self._elapse(key, at)
            else:
                self._settle(key.removeprefix("output/"), at)

    def take(self, event: Event, now: int) -> None:
        match event:
            case Observed(point, seen):
                for key, rule in self.judge.rules_of(point):
                    self._observe(key, rule, seen, now)
            case Acknowledged(alarm, by):
                self._alarm(alarm, Verb.ACKNOWLEDGE, now, by=by)
            case Started():
                self._start(now)
            case Elapsed():
                pass

    def _elapse(self, key: str, at: int) -> None:
        memory = self._get(key)
        if isinstance(memory, Memory):
            active = msgspec.structs.replace(memory, phase=Phase.ACTIVE)
            self._activate(self.judge.rules[key.removeprefix("rule/")], active, at)

    def _earliest(self) -> tuple[str, int]:
        timers = dict(self.state.timers)
        for key, entry in self.changes.items():
            due = self.judge.due(key, entry)
            if due is None:
                timers.pop(key, None)
            else:
                timers[key] = due
        return min(timers.items(), key=lambda item: (item[1], item[0]), default=("", NEVER))

    def _get(self, key: str) -> Entry | None:
        return self.changes[key] if key in self.changes else self.state.entries.get(key)

    def _observe(self, key: str, rule: Rule, seen: Observation, now: int) -> None:
        entry = self._get(key)
        memory = entry if isinstance(entry, Memory) else _IDLE
        then = self.judge.next_memory(rule, memory, seen)
        if then == memory:
            return
        if then.phase is Phase.ACTIVE and memory.phase is not Phase.ACTIVE:
            self._activate(rule, then, now)
        elif memory.phase is Phase.ACTIVE and then.phase is not Phase.ACTIVE:
            self._end(rule, now, then)
        else:
            self.changes[key] = then if then != _IDLE else None
            if then.blind is not memory.blind:
                self._command(rule, now, occupied=not then.blind, only=OnSensorLoss.SAFE)

    def _activate(self, rule: Rule, memory: Memory, now: int) -> None:
        self.changes[f"rule/{rule.id}"] = memory
        if rule.alarm:
            self._alarm(rule.id, Verb.RAISE, now, value=memory.value)
        self._command(rule, now, occupied=True)

    def _end(self, rule: Rule, now: int, memory: Memory) -> None:
        self.changes[f"rule/{rule.id}"] = memory if memory != _IDLE else None
        if rule.alarm:
            self._alarm(rule.id, Verb.RETURN, now)
        self._command(rule, now, occupied=False)

    def _command(
        self, rule: Rule, now: int, *, occupied: bool, only: OnSensorLoss | None = None
    ) -> None:
        for command in rule.commands:
            contract = self.judge.contracts[command.actuator]
            if only is not None and contract.on_sensor_loss is not only:
                continue
            output = self._output(command.actuator)
            occupant = Occupant(command.value, f"rule/{rule.id}") if occupied else None
            held = output.slots.get(command.slot)
            if occupied or (held is not None and held.cause == f"rule/{rule.id}"):
                self._settle(command.actuator, now, slots.occupy(output, command.slot, occupant))

    def _output(self, actuator: str) -> Output:
        entry = self._get(f"output/{actuator}")
        safe = self.judge.contracts[actuator].safe
        return entry if isinstance(entry, Output) else Output({}, safe, -NEVER)

    def _settle(self, actuator: str, now: int, output: Output | None = None) -> None:
        before = self._output(actuator)
        settled = slots.settle(output or before, self.judge.contracts[actuator], now)
        if settled == before:
            return
        self.changes[f"output/{actuator}"] = settled
        if settled.value is not before.value:
            self._drive(actuator, settled)

    def _drive(self, actuator: str, output: Output) -> None:
        slot = slots.winner(output.slots)
        cause = "safe state" if slot is None else output.slots[slot].cause
        if output.ran_out:
            cause = "maximum run time"
        self.effects.append(Drive(actuator, output.value, slot, cause))
        data: dict[str, object] = {"actuator": actuator, "value": output.value}
        self.effects.append(Record("command", data | {"slot": slot, "cause": cause}))

    def _alarm(
        self,
        alarm_id: str,
        verb: Verb,
        now: int,
        *,
        value: float | bool | str | None = None,
        by: str | None = None,
    ) -> None:
        key = f"alarm/{alarm_id}"
        entry = self._get(key)
        before = entry if isinstance(entry, Alarm) else None
        state = after(before.state if before else State.NORMAL, verb)
        if state is None:
            return
        alarm = self._next_alarm(before, alarm_id, verb, state, now, value=value, by=by)
        self.changes[key] = None if state is State.NORMAL else alarm
        self._tell(alarm_id, alarm, verb, by)
        if state is State.NORMAL and verb is not Verb.CLEAR:
            self._tell(alarm_id, alarm, Verb.CLEAR, by)

    def _next_alarm(  # noqa: PLR0913 - one field of an alarm each
        self,
        before: Alarm | None,
        alarm_id: str,
        verb: Verb,
        state: State,
        now: int,
        *,
        value: float | bool | str | None,
        by: str | None,
    ) -> Alarm:
        if verb is Verb.RAISE or before is None:
            rule = self.judge.rules[alarm_id]
            return Alarm(state, rule.priority, rule.point, value, now)
        if verb is Verb.RETURN:
            return msgspec.structs.replace(before, state=state, returned_at=now)
        if verb is Verb.ACKNOWLEDGE:
            return msgspec.structs.replace(
                before, state=state, acknowledged_at=now, acknowledged_by=by
            )
        return msgspec.structs.replace(before, state=state)

    def _tell(self, alarm_id: str, alarm: Alarm, verb: Verb, by: str | None) -> None:
        data: dict[str, object] = {
            "id": alarm_id,
            "verb": verb.value,
            "state": alarm.state.value,
            "priority": alarm.priority.value,
            "point": alarm.point,
            "value": alarm.value,
            "by": by,
        }
        self.effects.append(Record("alarm", data))

    def _start(self, now: int) -> None:
        """Forget what belongs to rules and actuators that are gone, then drive every output."""
        for key in list(self.state.entries):
            kind, _, name = key.partition("/")
            if kind == "rule" and name not in self.judge.rules:
                self.changes[key] = None
            elif kind == "alarm" and name not in self.judge.rules:
                self._alarm(name, Verb.CLEAR, now, by="configuration")
            elif kind == "output" and name not in self.judge.contracts:
                self.changes[key] = None
        for actuator in self.judge.contracts:
            output = self._output(actuator)
            kept = {slot: held for slot, held in output.slots.items() if self._wanted(held.cause)}
            self._settle(actuator, now, msgspec.structs.replace(output, slots=kept))
            self._drive(actuator, self._output(actuator))

    def _wanted(self, cause: str) -> bool:
        kind, _, name = cause.partition("/")
        return kind != "rule" or name in self.judge.rules


def _blinded(memory: Memory, *, blind: bool) -> Memory:
    return memory if memory.blind is blind else msgspec.structs.replace(memory, blind=blind)


def _on_bad(on_bad: OnBad, phase: Phase) -> bool | None:
    if on_bad is OnBad.ALARM:
        return True
    if on_bad is OnBad.SAFE or (on_bad is OnBad.IGNORE and phase is Phase.PENDING):
        return False
    return None
