"""Every sequence of verbs against a second description: facts about an alarm, not transitions.

ISA-18.2 names the states by what is true of an alarm: whether its condition holds, whether a person
has seen that, whether it has yet to be reset, and whether anything hides it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.alarm import Alarm, State
from rules.base import Priority
from rules.events import Announce, Elapsed, Observed, Record, Started
from rules.judge import Judge
from rules.people import (
    Acknowledged,
    BackInService,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)
from rules.state import Memories
from rules.terms import AlarmTerms, Suppress
from tests.kitchen_rules import DOOR, Bench, Seen, decided, rule

MINUTE = 60_000
CAP = 20 * MINUTE
SUPPRESS = Suppress(point=DOOR, value=True, up_to_ms=CAP)


@dataclass
class Facts:
    """What is true of the alarm `warm`, by the words of the standard."""

    latch: bool
    limit_ms: int
    condition: bool = False
    seen: bool = True
    latched: bool = False
    missed: bool = False
    door: bool = False
    cap: int | None = None
    suppressed: bool = False
    shelved_until: int | None = None
    removed: bool = False
    announcements: int = 0

    def hidden(self) -> bool:
        return self.removed or self.shelved_until is not None or self.suppressed

    def state(self) -> State:
        if self.removed:
            return State.OUT_OF_SERVICE
        if self.shelved_until is not None:
            return State.SHELVED
        if self.suppressed:
            return State.SUPPRESSED
        if not self.seen:
            return State.UNACKNOWLEDGED if self.condition else State.RETURNED
        if self.condition:
            return State.ACKNOWLEDGED
        return State.LATCHED if self.latched else State.NORMAL

    def see_value(self, *, warm: bool) -> None:
        if warm and not self.condition:
            if not self.hidden() and self.state() is State.NORMAL and self.cap is not None:
                self.suppressed = True
            self.condition, self.latched = True, self.latch
            if self.hidden():
                self.missed = True
            else:
                self.seen = False
                self.announcements += 1
        elif not warm and self.condition:
            self.condition = False
            if self.suppressed and not self.latched:
                self.suppressed = False

    def see_door(self, now: int, *, opened: bool) -> None:
        if opened and not self.door:
            self.cap = now + CAP
        elif not opened and self.door:
            self.end_suppression()
            self.cap = None
        self.door = opened

    def end_suppression(self) -> None:
        if self.suppressed:
            self.suppressed = False
            self.appear()

    def appear(self) -> None:
        if self.hidden():
            return
        if self.condition or (self.latched and self.missed):
            self.seen = False
            self.announcements += 1
        self.missed = False

    def hide(self) -> None:
        self.seen = True

    def pass_time(self, now: int) -> None:
        ends = []
        if self.shelved_until is not None and self.shelved_until <= now:
            ends.append((self.shelved_until, "shelved"))
        if self.cap is not None and self.cap <= now:
            ends.append((self.cap, "cap"))
        for _, what in sorted(ends, key=lambda end: (end[0], end[1] != "shelved")):
            if what == "shelved":
                self.shelved_until = None
                self.appear()
            else:
                self.cap = None
                self.end_suppression()


VERBS = st.sampled_from(
    ["warm", "cool", "ack", "reset", "shelve", "unshelve", "remove", "restore", "open", "shut",
     "blind", "tick", "start"]
)  # fmt: skip
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from([0, 1, MINUTE, 7 * MINUTE, 25 * MINUTE]), VERBS), max_size=30
)


def do(kitchen: Bench, facts: Facts, what: str, now: int) -> None:  # noqa: C901, PLR0912 - a list
    match what:
        case "warm" | "cool":
            kitchen.see(9.0 if what == "warm" else 5.0, now)
            facts.see_value(warm=what == "warm")
        case "open" | "shut" | "blind":
            seen = Seen(what != "shut", good=what != "blind", at=now)
            kitchen.feed(Observed(DOOR, seen), now)
            facts.see_door(now, opened=what == "open")
        case "ack":
            kitchen.feed(Acknowledged("warm", "mina"), now)
            if not facts.hidden():
                facts.seen = True
        case "reset":
            kitchen.feed(Reset("warm", "mina"), now)
            if not facts.condition and facts.seen:
                facts.latched = False
                if facts.suppressed:
                    facts.suppressed = False
        case "shelve":
            kitchen.feed(Shelved("warm", "mina", "delivery", 15 * MINUTE), now)
            facts.hide()
            facts.shelved_until = now + min(15 * MINUTE, facts.limit_ms)
        case "unshelve":
            kitchen.feed(Unshelved("warm", "mina"), now)
            if facts.shelved_until is not None:
                facts.shelved_until = None
                facts.appear()
        case "remove":
            kitchen.feed(OutOfService("warm", "lee", "repair"), now)
            facts.hide()
            facts.removed = True
        case "restore":
            kitchen.feed(BackInService("warm", "lee"), now)
            if facts.removed:
                facts.removed = False
                facts.appear()
        case "start":
            kitchen.feed(Started(), now)
        case _:
            kitchen.feed(Elapsed(), now)


@settings(max_examples=300)
@given(HAPPENINGS, st.booleans(), st.sampled_from([Priority.LIFE, Priority.HIGH]))
def test_an_alarm_is_always_in_the_state_its_facts_name(
    happenings: Sequence[tuple[int, str]],
    latch: bool,
    priority: Priority,
) -> None:
    terms = AlarmTerms(latch=latch, suppress=SUPPRESS)
    kitchen = Bench(Judge([rule(priority=priority, terms=terms, commands=())], {}))
    limit = 10 * MINUTE if priority is Priority.LIFE else 24 * 60 * MINUTE
    facts, now = Facts(latch, limit), 0
    for gap, what in happenings:
        now += gap
        kitchen.feed(Elapsed(), now)
        facts.pass_time(now)
        do(kitchen, facts, what, now)
        alarm = kitchen.alarm()
        assert (alarm.state if alarm else State.NORMAL) is facts.state(), (what, alarm)
        assert alarm is None or alarm.stands == facts.condition
        again = Memories(kitchen.judge, kitchen.state.entries)
        assert (again.timers, again.next_due) == (kitchen.state.timers, kitchen.state.next_due)
        assert kitchen.state.next_due > now
    if priority is Priority.LIFE:  # nothing holds these back
        assert told(kitchen) == facts.announcements


def told(kitchen: Bench) -> int:
    """How often people were told that it stands."""
    rows = decided([effect for _, effect in kitchen.effects], Record)
    announces = decided([effect for _, effect in kitchen.effects], Announce)
    raised = [row.data for row in rows if row.data.get("verb") == "raise"]
    at_once = sum(1 for row in raised if row.get("announced", True))
    return at_once + sum(1 for it in announces if it.data["reason"] in ("raised", "gathered"))


@given(HAPPENINGS, st.booleans())
def test_every_change_of_state_is_a_row(
    happenings: Sequence[tuple[int, str]],
    latch: bool,
) -> None:
    terms = AlarmTerms(latch=latch, suppress=SUPPRESS, clear_for_ms=3 * MINUTE)
    kitchen = Bench(Judge([rule(terms=terms, commands=())], {}))
    facts, now = Facts(latch, MINUTE), 0
    before = State.NORMAL
    for gap, what in happenings:
        now += gap
        told_before = len(kitchen.effects)
        do(kitchen, facts, what, now)
        alarm: Alarm | None = kitchen.alarm()
        state = alarm.state if alarm else State.NORMAL
        rows = decided([effect for _, effect in kitchen.effects[told_before:]], Record)
        named = [row.data["state"] for row in rows if row.kind == "alarm"]
        assert state is before or named[-1] == state.value
        before = state
