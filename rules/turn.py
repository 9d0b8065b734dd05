"""One step at work: fires timers, takes the event in, and lets each rule say what follows."""

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from rules import cooking
from rules.alarm import Verb
from rules.alarms import CONFIGURATION, KINDS, Alarms
from rules.base import Observation, OnBad, Priority, Rule, Value
from rules.changes import Changes
from rules.cooks import TimerSeen, TimerSet, TimerStopped
from rules.doses import grow, has_dose, recall
from rules.due import LOOKS, DueTimes
from rules.events import (
    Asked,
    Begun,
    Clocked,
    Elapsed,
    Event,
    Observed,
    Ordered,
    ReadBack,
    Record,
    Relinquished,
    Started,
    Switched,
    Troubled,
)
from rules.hours import Hours
from rules.interlocks import Interlocks
from rules.kept import Last, Pace
from rules.memory import (
    IDLE,
    Memory,
    Phase,
    Verdict,
    about,
    answer,
    next_memory,
    raises,
    reconsidered,
    remembers,
    stays_idle,
)
from rules.orders import Orders
from rules.outputs import Claims, Outputs
from rules.pace import REST_MS, spend
from rules.plan import AlarmPlan
from rules.runs import Runs, switch
from rules.slots import Contract
from rules.state import Compiled, Memories
from rules.triggers import Hearers

DEPTH = 8  # so long may a chain of causes be
TOO_OFTEN = "it begins too often"
TIMERS_MOST = 10_000  # of one step, each at its own instant
LOOK = 0.1  # what a look counts for among them: most end in nothing


class Kitchen(Compiled, Protocol):
    """The rules and contracts a step works with."""

    contracts: dict[str, Contract]
    hearers: Hearers
    interlocks: Interlocks
    alarm_plan: AlarmPlan
    rank: dict[str, int]  # of rules, the most urgent first

    @property
    def claims(self) -> Claims:
        """The rules that may want a slot of an actuator."""

    def decides(self, state: Memories, point: str, seen: Observation) -> bool:
        """Whether a rule on this point alone changes by a reading."""


class Turn:
    """One step: `changes` holds what came of it."""

    def __init__(self, judge: Kitchen, state: Memories) -> None:
        self.changes = Changes(state)
        self._judge = judge
        self._seen = state.seen
        self._alarms = Alarms(judge.alarm_plan, self.changes)
        self._outputs = Outputs(
            judge.contracts, judge.claims, judge.interlocks, self.changes, self._alarms
        )
        self._orders = Orders(judge.contracts, self._outputs, self.changes)
        self._runs = Runs(self.changes, self._outputs)
        self._hours = Hours(judge.hearers, self.changes)
        self._heard = 0  # effects whose followers have run

    def fire_until(self, now: int, *, away: bool = False) -> None:
        """Let every timer that is due fire at its own instant, earliest first.

        After `away` schedules wait for the event: what they missed is not made up for as if the
        gateway had been there. Past `TIMERS_MOST` what is still due fires now instead.
        """
        if self.changes.state.next_due > now:
            return
        due_times = DueTimes(self._judge, self.changes, now, away=away)
        fired = 0.0
        for due, keys in due_times:
            at = due if fired < TIMERS_MOST else now
            self._seen.now = at
            for key in keys:
                if due_times.due_of(key) != due:
                    continue  # one that fired before it has moved it
                self._fire(key, at)
                self._follow(at)
                due_times.look_ahead(key)
                fired += LOOK if key.startswith(LOOKS) else 1.0
            self._settle(at)
            due_times.look_ahead()
        if fired > TIMERS_MOST:
            self.changes.chain = ()
            self.changes.record("system", {"code": "timers_late"})
        self.changes.state.watch_time()

    def take(self, event: Event, now: int) -> None:
        """Let an event have its effect, after the timers before it."""
        self._seen.now = now
        self.changes.chain = ()
        match event:
            case Observed(point, seen, kept):
                self._observe(point, seen, now, kept=kept)
            case Started(known=known):
                self._start(now, known)
            case Clocked(ahead_ms):
                self._hours.set(ahead_ms)
                self._by_the_clock(now)
            case Asked(rule_id, by):
                self.changes.chain = (f"person {by}",)
                self._trigger(self._judge.hearers.of_call(rule_id), now)
            case Switched(mode, value, by):
                switch(self.changes, mode, value, by, now)
            case Troubled(alarm, standing, what):
                verb = Verb.RAISE if standing else Verb.RETURN
                self._alarms.apply(alarm, verb, now, value=what)
            case Ordered() | Relinquished() | Begun() | ReadBack():
                self._orders.take(event, now)
            case TimerSet() | TimerStopped() | TimerSeen():
                cooking.take(self.changes, event, now)
            case Elapsed():
                pass
            case _:
                self._alarms.take(event, now)
        self._follow(now)
        self._settle(now)

    def _settle(self, now: int) -> None:
        """Settle the outputs, and let rules hear of those that do not do as they are driven."""
        self._outputs.settle(now)
        if self._heard < len(self.changes.effects):
            self._follow(now)
            self._outputs.settle(now)

    def _observe(self, point: str, seen: Observation, now: int, *, kept: bool) -> None:
        """A reading: formulas see it only if it is kept, be it because it decides something."""
        kept = kept or self._judge.decides(self.changes.state, point, seen)
        if kept:
            self._seen.see(point, seen)
        self.changes.chain = (f"point {point}",)
        self._alarms.observe(point, seen, now)
        for rule in self._judge.rules_of(point):
            memory = self.changes.memory(rule.id)
            if rule.condition is not None and rule.gate is None:
                self._become(rule, memory, next_memory(rule, memory, seen), now)
            elif kept:
                self._become(rule, memory, reconsidered(rule, memory, self._seen), now)
        if kept and seen.good and point in self._judge.hearers.points:
            self._changed(point, seen.value, now)

    def _changed(self, point: str, value: Value, now: int) -> None:
        before = self.changes.get(f"last/{point}")
        if isinstance(before, Last) and before.value == value:
            return
        self.changes.put(f"last/{point}", Last(value))
        if isinstance(before, Last):
            self._trigger(self._judge.hearers.of_point(point, value), now)

    def _follow(self, now: int) -> None:
        """Let rules hear of alarms; what they do may raise others, but not for ever."""
        effects = self.changes.effects
        while self._heard < len(effects):
            effect = effects[self._heard]
            self._heard += 1
            if isinstance(effect, Record) and effect.kind == "alarm":
                alarm, verb = str(effect.data["id"]), str(effect.data["verb"])
                rules = self._judge.hearers.of_alarm(alarm, verb)
                if rules:
                    chain = effect.data.get("chain", [])
                    self.changes.chain = (*chain, f"alarm {alarm} {verb}")  # type: ignore[misc]
                    self._trigger(rules, now)

    def _trigger(self, rules: Iterable[Rule], now: int) -> None:
        """Run these rules where their `if` lets them."""
        chain = self.changes.chain
        for rule in rules:
            self.changes.chain = (*chain, f"rule {rule.id}")
            if self.changes.memory(rule.id).phase is Phase.SUSPENDED or not self._passes(rule):
                continue
            if len(self.changes.chain) > DEPTH:
                self._suspend(rule, "it leads back to itself", now)
            elif self._allowed(rule, now) and self._runs.begin(rule, now) and rule.alarm:
                self._alarms.apply(rule.id, Verb.RAISE, now)
                self._alarms.apply(rule.id, Verb.RETURN, now)
        self.changes.chain = chain

    def _passes(self, rule: Rule) -> bool:
        if rule.gate is None:
            return True
        said = answer(rule.gate, self._seen)
        if said is Verdict.BLIND and rule.on_bad is OnBad.ALARM:
            return True
        if said in {Verdict.BLIND, Verdict.SILENT}:
            self.changes.record("rule", {"rule": rule.id, "verb": "could not see"})
        return said is Verdict.TRUE

    def _allowed(self, rule: Rule, now: int) -> bool:
        """Whether a rule may begin once more; one that begins too often is suspended.

        Life safety never is: a condition always counts, and only runs in excess are left out.
        """
        life = rule.priority is Priority.LIFE
        if life and not rule.triggers:
            return True
        entry = self.changes.get(f"pace/{rule.id}")
        before = entry if isinstance(entry, Pace) else None
        pace = spend(before, now)
        if pace is None and not life:
            self._suspend(rule, TOO_OFTEN, now)
        elif pace is None and before is not None and not before.excess:
            pace = msgspec.structs.replace(before, excess=True)
            self.changes.put(f"pace/{rule.id}", pace)
            self.changes.record("rule", {"rule": rule.id, "verb": "stopped", "why": TOO_OFTEN})
            return False
        elif pace is not None:
            self.changes.put(f"pace/{rule.id}", pace)
        return pace is not None

    def _suspend(self, rule: Rule, why: str, now: int) -> None:
        if rule.priority is Priority.LIFE:
            self.changes.record("rule", {"rule": rule.id, "verb": "stopped", "why": why})
            return
        memory = self.changes.memory(rule.id)
        suspended = Memory(Phase.SUSPENDED, now, value=why, of=about(rule), until=now + REST_MS)
        self._become(rule, memory, suspended, now)

    def _fire(self, key: str, at: int) -> None:
        """One timer has come to its end."""
        kind, _, name = key.partition("/")
        self.changes.chain = ()
        match kind:
            case "rule":
                self._fire_rule(self._judge.rules[name], at)
            case "run":
                self._runs.resume(self._judge.rules[name], at)
            case "timer":
                self.changes.put(key, None)
                self.changes.record("timer", {"timer": name, "verb": "elapsed"})
                self.changes.chain = (f"timer {name}",)
                self._trigger(self._judge.hearers.of_timer(name), at)
            case "cooking":
                cooking.fire(self.changes, name)
            case "schedule":
                self._come_round(self._judge.rules[name], at)
            case "look":
                self._seen.looked(name, at)
                grow(self._judge.rules[name], self.changes, self._seen, at)
                self._look_again(self._judge.rules[name], at)
            case "order":
                self._orders.fire(name, at)
            case _ if kind in KINDS:
                self._alarms.fire(key, at)
            case _:
                self._outputs.reconsider(name)

    def _fire_rule(self, rule: Rule, at: int) -> None:
        memory = self.changes.memory(rule.id)
        if memory.phase is Phase.SUSPENDED:
            self._become(rule, memory, IDLE, at)
            return
        self.changes.chain = (f"point {rule.point}",) if rule.point else ()
        self._become(rule, memory, msgspec.structs.replace(memory, phase=Phase.ACTIVE), at)

    def _come_round(self, rule: Rule, now: int) -> None:
        if self._hours.due(rule, now):
            self.changes.chain = (f"schedule {rule.id}",)
            self._trigger([rule], now)

    def _by_the_clock(self, now: int) -> None:
        """Look again at all that hangs on the wall clock: it has moved, or is believed now."""
        for rule in self._judge.hearers.scheduled.values():
            self._come_round(rule, now)
        for rule_id in self._seen.periods:
            self._look_again(self._judge.rules[rule_id], now)

    def _look_again(self, rule: Rule, now: int) -> None:
        memory = self.changes.memory(rule.id)
        if memory is not IDLE or not stays_idle(rule, self._seen):
            self._become(rule, memory, reconsidered(rule, memory, self._seen), now)

    def _become(self, rule: Rule, before: Memory, then: Memory, now: int) -> None:
        """Take over what a rule remembers now, with all that follows from it."""
        if then is before:
            return
        begins = then.phase is Phase.ACTIVE and before.phase is not Phase.ACTIVE
        if begins and not self._allowed(rule, now):
            return
        self.changes.put(f"rule/{rule.id}", None if then is IDLE else then)
        self.changes.chain = (*self.changes.chain, f"rule {rule.id}")
        was, is_up = raises(rule, before.phase), raises(rule, then.phase)
        if is_up and not was:
            self._alarms.apply(rule.id, Verb.RAISE, now, value=then.value)
        elif was and not is_up:
            self._alarms.apply(rule.id, Verb.RETURN, now)
        if then.phase is Phase.SUSPENDED:
            data = {"code": "rule_suspended", "rule": rule.id}
            self.changes.record("system", data | ({"why": then.value} if then.value else {}))
        if Phase.ACTIVE in (before.phase, then.phase):
            for command in rule.commands:
                self._outputs.claimed(command, before, then)
        if begins and rule.actions:
            self._runs.begin(rule, now)
        self.changes.chain = self.changes.chain[:-1]

    def _start(self, now: int, known: Collection[str]) -> None:
        """Fit what was left behind to the rules and contracts of today; drive every output."""
        for key, entry in list(self.changes.state.entries.items()):
            kind, _, name = key.partition("/")
            if kind in KINDS:
                self._alarms.refit(key, entry, now)
            elif not self._belongs(kind, name):
                self.changes.put(key, None)
        for rule in self._judge.rules.values():
            self._resume(rule, now)
            recall(rule, self.changes, self._seen, now)
        self._hours.start()
        self._seen.look_after(now)
        self._by_the_clock(now)
        self._orders.start(now, known)
        self._outputs.start(now, known)

    def _belongs(self, kind: str, name: str) -> bool:
        match kind:
            case "rule" | "run" | "pace":
                return name in self._judge.rules
            case "dose":
                return name in self._judge.rules and has_dose(self._judge.rules[name])
            case "schedule":
                return name in self._judge.hearers.scheduled
            case "output":
                return name in self._judge.contracts
            case "last":
                return name in self._judge.hearers.points
            case _:
                return True

    def _resume(self, rule: Rule, now: int) -> None:
        """Go on with what a rule remembers, unless it remembers another condition."""
        memory = self.changes.memory(rule.id)
        if memory.phase is Phase.IDLE:
            return
        if memory.phase is Phase.SUSPENDED:  # a new start is a new chance
            self._become(rule, memory, IDLE, now)
        elif not remembers(memory, rule):
            self._alarms.apply(rule.id, Verb.CLEAR, now, by=CONFIGURATION)
            self._become(rule, memory, IDLE, now)
        else:
            if not memory.of:
                self.changes.put(f"rule/{rule.id}", msgspec.structs.replace(memory, of=about(rule)))
            if rule.alarm and memory.phase is Phase.ACTIVE:
                self._alarms.apply(rule.id, Verb.RAISE, now, value=memory.value)
