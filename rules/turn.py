"""One step at work: fires timers, takes the event in, and lets each rule say what follows."""

from collections.abc import Collection
from typing import Protocol

import msgspec

from rules.alarm import Verb
from rules.alarms import CONFIGURATION, KINDS, Alarms
from rules.base import Rule
from rules.changes import Changes
from rules.events import (
    NEVER,
    Elapsed,
    Event,
    Observed,
    Started,
    Troubled,
)
from rules.memory import IDLE, Memory, Phase, about, next_memory, raises, remembers
from rules.outputs import Claims, Outputs
from rules.plan import AlarmPlan
from rules.slots import Contract
from rules.state import Compiled, Memories


class Kitchen(Compiled, Protocol):
    """The rules and contracts a step works with."""

    contracts: dict[str, Contract]
    alarm_plan: AlarmPlan

    @property
    def claims(self) -> Claims:
        """The rules that may want a slot of an actuator."""


class Turn:
    """One step: `changes` holds what came of it."""

    def __init__(self, judge: Kitchen, state: Memories) -> None:
        self.changes = Changes(state)
        self._judge = judge
        self._alarms = Alarms(judge.alarm_plan, self.changes)
        self._outputs = Outputs(judge.contracts, judge.claims, self.changes)

    def fire_until(self, now: int) -> None:
        """Let every timer that is due fire at its own instant, earliest first."""
        if self.changes.state.next_due > now:
            return
        while True:
            timers = self._timers()
            at = min(timers.values(), default=NEVER)
            if at > now:
                return
            for key in sorted(key for key, due in timers.items() if due == at):
                self._fire(key, at)
            self._outputs.settle(at)

    def take(self, event: Event, now: int) -> None:
        """Let an event have its effect, after the timers before it."""
        match event:
            case Observed(point, seen):
                self._alarms.observe(point, seen, now)
                for _, rule in self._judge.rules_of(point):
                    memory = self.changes.memory(rule.id)
                    self._become(rule, memory, next_memory(rule, memory, seen), now)
                self._outputs.settle(now)
            case Started(known):
                self._start(now, known)
            case Troubled(alarm, standing, what):
                self._alarms.apply(alarm, Verb.RAISE if standing else Verb.RETURN, now, value=what)
            case Elapsed():
                pass
            case _:
                self._alarms.take(event, now)

    def _fire(self, key: str, at: int) -> None:
        """One timer has come to its end."""
        kind, _, name = key.partition("/")
        if kind == "rule":
            memory = self.changes.memory(name)
            active = msgspec.structs.replace(memory, phase=Phase.ACTIVE)
            self._become(self._judge.rules[name], memory, active, at)
        elif kind in KINDS:
            self._alarms.fire(key, at)
        else:
            self._outputs.reconsider(name)

    def _timers(self) -> dict[str, int]:
        timers = dict(self.changes.state.timers)
        for key, entry in self.changes.entries.items():
            due = self._judge.due(key, entry)
            if due is None:
                timers.pop(key, None)
            else:
                timers[key] = due
        return timers

    def _become(self, rule: Rule, before: Memory, then: Memory, now: int) -> None:
        """Take over what a rule remembers now, with all that follows from it."""
        if then is before:
            return
        self.changes.put(f"rule/{rule.id}", None if then is IDLE else then)
        was, is_up = raises(rule, before.phase), raises(rule, then.phase)
        if is_up and not was:
            self._alarms.apply(rule.id, Verb.RAISE, now, value=then.value)
        elif was and not is_up:
            self._alarms.apply(rule.id, Verb.RETURN, now)
        if then.phase is Phase.SUSPENDED:
            self.changes.record("system", {"code": "rule_suspended", "rule": rule.id})
        if Phase.ACTIVE in (before.phase, then.phase):
            for command in rule.commands:
                self._outputs.claimed(command, before, then)

    def _start(self, now: int, known: Collection[str]) -> None:
        """Fit what was left behind to the rules and contracts of today; drive every output."""
        rules, contracts = self._judge.rules, self._judge.contracts
        for key, entry in list(self.changes.state.entries.items()):
            kind, _, name = key.partition("/")
            if kind in KINDS:
                self._alarms.refit(key, entry, now)
            elif name not in (rules if kind == "rule" else contracts):
                self.changes.put(key, None)
        for rule in rules.values():
            self._resume(rule, now)
        self._outputs.start(now, known)

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
