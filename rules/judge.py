"""Judging as a pure reducer: `step(state, event, now)` gives what changes and what to do.

The state is a mapping of small frozen entries, and a step returns only the entries it changes:
that is what is stored with the batch. Timers that are due fire first, each at its own instant, so
the outcome at any moment does not depend on how often anybody asked.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from rules import slots
from rules.alarm import Alarm, State, Verb, after
from rules.base import Command, Observation, OnBad, Priority, Rule
from rules.slots import Contract, Occupant, OnSensorLoss, Output

NEVER = 1 << 62
OWN = "system."  # no rule's id has a dot


class Phase(StrEnum):
    """Where a rule stands."""

    IDLE = "idle"
    PENDING = "pending"  # the condition holds, its `for` is running
    ACTIVE = "active"
    SUSPENDED = "suspended"  # its condition raised: it no longer judges, and says so


class Memory(msgspec.Struct, frozen=True, tag="rule"):
    """What a rule remembers; `since` is when the condition began to hold, kitchen time in ms."""

    phase: Phase = Phase.IDLE
    since: int = 0
    blind: bool = False  # its point has no usable value: contracts may take its commands back
    value: float | bool | str | None = None  # with which the condition began
    of: str = ""  # point and condition it is about; empty in what older versions stored


Entry = Memory | Alarm | Output
_IDLE = Memory()
_NUMBERS = (float, int)  # by exact type: a boolean is no number


class _Unseen(NamedTuple):
    """All that a condition gets to see of a bad reading, so that none can act on its value."""

    at: int
    value: None = None
    good: bool = False


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
    """The process has started with this set of rules, or goes on with it.

    `known` are the actuators that are still as they were driven: only a change drives them.
    """

    known: Collection[str] = ()


class Troubled(NamedTuple):
    """The gateway itself is not whole, or is again; its alarms begin with `OWN`."""

    alarm: str
    standing: bool
    what: str


Event = Observed | Elapsed | Acknowledged | Started | Troubled


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
        self.busy: set[str] = set()  # points of which a rule remembers anything
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
        if changes:
            self.next_due = min(self.timers.values(), default=NEVER)

    def _note(self, key: str) -> None:
        rule = self._judge.rules.get(key.removeprefix("rule/"))
        if rule is None:
            return
        if any(other in self.entries for other, _ in self._judge.rules_of(rule.point)):
            self.busy.add(rule.point)
        else:
            self.busy.discard(rule.point)


class Judge:
    """The rules and contracts of one kitchen, compiled; holds no state of its own."""

    def __init__(self, rules: Iterable[Rule], contracts: Mapping[str, Contract]) -> None:
        """Raises ValueError for a command to an actuator without a contract."""
        order = {priority: rank for rank, priority in enumerate(Priority)}
        ranked = sorted(rules, key=lambda rule: (order[rule.priority], rule.id))
        self.rules = {rule.id: rule for rule in ranked}
        self.contracts = dict(contracts)
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
        turn = _Turn(self, state)
        turn.fire_until(now)
        turn.take(event, now)
        return Step(turn.changes, turn.effects)

    def stirs(self, state: Memories, point: str, seen: Observation, now: int) -> bool:
        """Whether a reading would change anything; the common one does not and ends here."""
        if state.next_due <= now:
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
            memory = state.entries.get(key, _IDLE)
            if isinstance(memory, Memory) and next_memory(rule, memory, seen) is not memory:
                return True
        return False

    def due(self, key: str, entry: Entry | None) -> int | None:
        """When an entry has to be looked at again without any event."""
        if isinstance(entry, Output):
            return entry.due if key.removeprefix("output/") in self.contracts else None
        if isinstance(entry, Memory) and entry.phase is Phase.PENDING:
            rule = self.rules.get(key.removeprefix("rule/"))
            if rule is not None and _remembers(entry, rule):
                return entry.since + rule.for_ms
        return None

    def rules_of(self, point: str) -> Sequence[tuple[str, Rule]]:
        """The rules that look at a point, most urgent first, each with the key of its memory."""
        return self._by_point.get(point, ())

    def claims(self, actuator: str, slot: int) -> Sequence[tuple[str, Rule, Command]]:
        """The rules that may want a slot of an actuator, most urgent first, with their keys."""
        return self._claims.get((actuator, slot), ())


def _calm(rules: Sequence[tuple[str, Rule]]) -> tuple[float, float] | None:
    """The numbers of a point that leave all its rules as they are while none remembers anything."""
    low, high = -math.inf, math.inf
    for _, rule in rules:
        calm: tuple[float, float] | None = getattr(rule.condition, "calm", None)
        if calm is None:
            return None
        low, high = max(low, calm[0]), min(high, calm[1])
    return low, high


def next_memory(rule: Rule, memory: Memory, seen: Observation) -> Memory:
    """What a rule remembers after a reading, before its effects; the same object if no change."""
    if memory.phase is Phase.SUSPENDED:
        return memory
    try:
        verdict = rule.condition.holds(
            seen if seen.good else _Unseen(seen.at), active=memory.phase is Phase.ACTIVE
        )
    except Exception:  # noqa: BLE001 - a bug in one rule must not stop the others
        return Memory(Phase.SUSPENDED, seen.at)
    blind = False
    if verdict is None and not seen.good:
        blind, verdict = True, _on_bad(rule.on_bad, memory.phase)
    if verdict is False:
        return _IDLE
    if memory.phase is not Phase.IDLE:
        return memory if memory.blind is blind else msgspec.structs.replace(memory, blind=blind)
    if verdict is None:
        return memory
    phase = Phase.PENDING if rule.for_ms else Phase.ACTIVE
    return Memory(phase, seen.at, blind, seen.value if seen.good else None, _about(rule))


def _about(rule: Rule) -> str:
    return f"{rule.point} {rule.fingerprint}"


def _remembers(memory: Memory, rule: Rule) -> bool:
    """Whether it is this rule's, and not that of another condition under the same name."""
    return memory.of in ("", _about(rule))


def _on_bad(on_bad: OnBad, phase: Phase) -> bool | None:
    if on_bad is OnBad.ALARM:
        return True
    if on_bad is OnBad.SAFE or (on_bad is OnBad.IGNORE and phase is Phase.PENDING):
        return False
    return None


def _commands(memory: Memory, contract: Contract) -> bool:
    """Whether a rule has its slots: while it cannot see, that is for the contract to say."""
    gives_way = memory.blind and contract.on_sensor_loss is OnSensorLoss.SAFE
    return memory.phase is Phase.ACTIVE and not gives_way


def _raises(rule: Rule, phase: Phase) -> bool:
    """Whether an alarm stands in this phase; a rule that cannot judge always raises one."""
    return phase is Phase.SUSPENDED or (rule.alarm and phase is Phase.ACTIVE)


class _Turn:
    """One step at work: reads through its own changes to the state it was given."""

    def __init__(self, judge: Judge, state: Memories) -> None:
        self.judge = judge
        self.state = state
        self.changes: dict[str, Entry | None] = {}
        self.effects: list[Effect] = []
        self._touched: dict[str, set[int]] = {}  # slots to arbitrate anew, by actuator

    def fire_until(self, now: int) -> None:
        """Let every timer that is due fire at its own instant, earliest first."""
        if self.state.next_due > now:
            return
        while True:
            timers = self._timers()
            at = min(timers.values(), default=NEVER)
            if at > now:
                return
            for key in sorted(key for key, due in timers.items() if due == at):
                if key.startswith("rule/"):
                    memory = self._memory(key)
                    active = msgspec.structs.replace(memory, phase=Phase.ACTIVE)
                    self._become(key, memory, active, at)
                else:
                    self._touched.setdefault(key.removeprefix("output/"), set())
            self._settle_touched(at)

    def take(self, event: Event, now: int) -> None:
        match event:
            case Observed(point, seen):
                for key, rule in self.judge.rules_of(point):
                    memory = self._memory(key)
                    self._become(key, memory, next_memory(rule, memory, seen), now)
                self._settle_touched(now)
            case Acknowledged(alarm, by):
                self._alarm(alarm, Verb.ACKNOWLEDGE, now, by=by)
            case Started(known):
                self._start(now, known)
            case Troubled(alarm, standing, what):
                self._alarm(alarm, Verb.RAISE if standing else Verb.RETURN, now, value=what)
            case Elapsed():
                pass

    def _may_stand(self, alarm: Alarm, rule: Rule | None) -> bool:
        """Whether an alarm that was left behind is still what its rule would raise today."""
        if rule is None or (alarm.priority, alarm.point) != (rule.priority, rule.point):
            return False
        return rule.alarm or self._memory(f"rule/{rule.id}").phase is Phase.SUSPENDED

    def _timers(self) -> dict[str, int]:
        timers = dict(self.state.timers)
        for key, entry in self.changes.items():
            due = self.judge.due(key, entry)
            if due is None:
                timers.pop(key, None)
            else:
                timers[key] = due
        return timers

    def _get(self, key: str) -> Entry | None:
        return self.changes[key] if key in self.changes else self.state.entries.get(key)

    def _memory(self, key: str) -> Memory:
        entry = self._get(key)
        return entry if isinstance(entry, Memory) else _IDLE

    def _become(self, key: str, before: Memory, then: Memory, now: int) -> None:
        """Take over what a rule remembers now, with all that follows from it."""
        if then is before:
            return
        self.changes[key] = None if then is _IDLE else then
        rule = self.judge.rules[key.removeprefix("rule/")]
        was, is_up = _raises(rule, before.phase), _raises(rule, then.phase)
        if is_up and not was:
            self._alarm(rule.id, Verb.RAISE, now, value=then.value)
        elif was and not is_up:
            self._alarm(rule.id, Verb.RETURN, now)
        if then.phase is Phase.SUSPENDED:
            self.effects.append(Record("system", {"code": "rule_suspended", "rule": rule.id}))
        if Phase.ACTIVE in (before.phase, then.phase):
            for command in rule.commands:
                self._touched.setdefault(command.actuator, set()).add(command.slot)
                self._renew(command, before, then)

    def _renew(self, command: Command, before: Memory, then: Memory) -> None:
        """Let a rule that begins to command run the actuator, though another's run was ended."""
        contract = self.judge.contracts[command.actuator]
        begins = _commands(then, contract) and not _commands(before, contract)
        if not begins or command.value is contract.safe:
            return
        output = self._output(command.actuator)
        renewed = slots.renew(output, command.slot)
        if renewed is not output:
            self.changes[f"output/{command.actuator}"] = renewed

    def _settle_touched(self, now: int) -> None:
        """Bring the outputs up to date, once all rules have spoken: a hand-over is no switching."""
        for actuator, numbers in self._touched.items():
            self._settle(actuator, now, self._arbitrated(actuator, numbers))
        self._touched.clear()

    def _arbitrated(self, actuator: str, numbers: Iterable[int]) -> Output:
        """The array with each of these slots given to the most urgent rule that wants it."""
        output = self._output(actuator)
        for slot in numbers:
            held = output.slots.get(slot)
            occupant = None if held is None or held.cause.startswith("rule/") else held
            for key, rule, command in self.judge.claims(actuator, slot):
                if key not in self.changes and key not in self.state.entries:
                    continue  # one that remembers nothing wants nothing: of many, most
                if _commands(self._memory(key), self.judge.contracts[actuator]):
                    occupant = Occupant(command.value, f"rule/{rule.id}")
                    break
            output = slots.occupy(output, slot, occupant)
        return output

    def _output(self, actuator: str) -> Output:
        entry = self._get(f"output/{actuator}")
        safe = self.judge.contracts[actuator].safe
        return entry if isinstance(entry, Output) else Output({}, safe, -NEVER)

    def _settle(self, actuator: str, now: int, arbitrated: Output) -> None:
        before = self._output(actuator)
        settled = slots.settle(arbitrated, self.judge.contracts[actuator], now)
        if settled == before:
            return
        self.changes[f"output/{actuator}"] = settled
        if settled.value is not before.value:
            self._drive(actuator, settled)

    def _drive(self, actuator: str, output: Output) -> None:
        slot = slots.winner(output.slots)
        cause = "safe state" if slot is None else output.slots[slot].cause
        if output.ran_out_slot is not None:
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
            rule = self.judge.rules.get(alarm_id)
            priority, point = (rule.priority, rule.point) if rule else (Priority.HIGH, "")
            return Alarm(state, priority, point, value, now)
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
            "point": alarm.point or None,
            "value": alarm.value,
            "by": by,
        }
        self.effects.append(Record("alarm", data))

    def _start(self, now: int, known: Collection[str]) -> None:
        """Fit what was left behind to the rules and contracts of today; drive every output."""
        rules, contracts = self.judge.rules, self.judge.contracts
        for key, entry in list(self.state.entries.items()):
            kind, _, name = key.partition("/")
            if isinstance(entry, Alarm):
                if not name.startswith(OWN) and not self._may_stand(entry, rules.get(name)):
                    self._alarm(name, Verb.CLEAR, now, by="configuration")
            elif name not in (rules if kind == "rule" else contracts):
                self.changes[key] = None
        for rule in rules.values():
            self._resume(rule, now)
        for actuator in contracts:
            before = self._output(actuator).value
            self._settle(actuator, now, self._arbitrated(actuator, slots.SLOTS))
            after_settling = self._output(actuator)
            if after_settling.value is before and actuator not in known:
                self._drive(actuator, after_settling)

    def _resume(self, rule: Rule, now: int) -> None:
        """Go on with what a rule remembers, unless it remembers another condition."""
        key = f"rule/{rule.id}"
        memory = self._memory(key)
        if memory.phase is Phase.IDLE:
            return
        if memory.phase is Phase.SUSPENDED:  # a new start is a new chance
            self._become(key, memory, _IDLE, now)
        elif not _remembers(memory, rule):
            self._alarm(rule.id, Verb.CLEAR, now, by="configuration")
            self._become(key, memory, _IDLE, now)
        else:
            if not memory.of:
                self.changes[key] = msgspec.structs.replace(memory, of=_about(rule))
            if rule.alarm and memory.phase is Phase.ACTIVE:
                self._alarm(rule.id, Verb.RAISE, now, value=memory.value)
