"""The alarm machine: the ISA-18.2 states an alarm goes through, and what is written about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alarm import State, Verb, after
from rules.base import Priority
from rules.events import Effect, Record
from rules.judge import Judge
from rules.people import Acknowledged
from tests.kitchen_rules import Bench, contract, decided, rule

# (state, verb) -> state, written from the transition paths of ISA-18.2 (normal A, unacknowledged B,
# acknowledged C, returned unacknowledged D, latched F), not from our table.
DIAGRAM = {
    "normal raise unacknowledged",
    "unacknowledged acknowledge acknowledged",
    "unacknowledged return returned",
    "acknowledged return normal",
    "returned acknowledge normal",
    "returned raise unacknowledged",
    "latched raise unacknowledged",
    "latched reset normal",
}
# With latching, what was seen and is over waits for its reset (paths C to F and E to F).
LATCHING = DIAGRAM - {"acknowledged return normal", "returned acknowledge normal"} | {
    "acknowledged return latched",
    "returned acknowledge latched",
}


def bench() -> Bench:
    return Bench(Judge([rule(priority=Priority.LIFE)], {"siren": contract()}))


def told(effects: list[Effect]) -> list[tuple[object, object]]:
    records = [record.data for record in decided(effects, Record) if record.kind == "alarm"]
    return [(data["verb"], data["state"]) for data in records]


@pytest.mark.parametrize(("latch", "diagram"), [(False, DIAGRAM), (True, LATCHING)])
def test_the_transitions_are_those_of_the_diagram(diagram: set[str], *, latch: bool) -> None:
    transitions = {
        f"{state} {verb} {following}"
        for state in State
        for verb in (Verb.RAISE, Verb.ACKNOWLEDGE, Verb.RETURN, Verb.RESET)
        if (following := after(state, verb, latch=latch)) is not None
    }
    assert transitions == diagram


SHOWN = (State.UNACKNOWLEDGED, State.ACKNOWLEDGED, State.RETURNED, State.LATCHED)


@pytest.mark.parametrize("state", SHOWN)
def test_an_alarm_without_its_rule_can_be_cleared_from_any_state(state: State) -> None:
    assert after(state, Verb.CLEAR) is State.NORMAL
    assert after(State.NORMAL, Verb.CLEAR) is None


@given(st.lists(st.sampled_from([Verb.RAISE, Verb.ACKNOWLEDGE, Verb.RETURN])))
def test_an_alarm_is_normal_only_when_it_is_over_and_was_seen(verbs: list[Verb]) -> None:
    state, over, seen = State.NORMAL, True, True
    for verb in verbs:
        following = after(state, verb)
        if following is None:
            continue
        state = following
        over = verb is Verb.RETURN or (over and verb is not Verb.RAISE)
        seen = verb is Verb.ACKNOWLEDGE or (seen and verb is not Verb.RAISE)
        assert (state is State.NORMAL) == (over and seen)


def test_an_acknowledged_alarm_is_forgotten_when_it_returns() -> None:
    kitchen = bench()
    assert told(kitchen.see(9.0, 1_000)) == [("raise", "unacknowledged")]
    assert told(kitchen.feed(Acknowledged("warm", "mina"), 2_000)) == [
        ("acknowledge", "acknowledged")
    ]
    alarm = kitchen.alarm()
    assert alarm is not None
    assert (alarm.since, alarm.acknowledged_at, alarm.acknowledged_by) == (1_000, 2_000, "mina")
    assert (alarm.priority, alarm.point, alarm.value) == (
        Priority.LIFE,
        "walk_in/temperature",
        9.0,
    )
    assert told(kitchen.see(5.0, 3_000)) == [("return", "normal"), ("clear", "normal")]
    assert kitchen.alarm() is None


def test_an_alarm_nobody_saw_waits_for_its_acknowledgement() -> None:
    kitchen = bench()
    kitchen.see(9.0, 1_000)
    assert told(kitchen.see(5.0, 3_000)) == [("return", "returned")]
    alarm = kitchen.alarm()
    assert alarm is not None
    assert (alarm.state, alarm.since, alarm.returned_at) == (State.RETURNED, 1_000, 3_000)
    assert told(kitchen.feed(Acknowledged("warm", "mina"), 4_000)) == [
        ("acknowledge", "normal"),
        ("clear", "normal"),
    ]
    assert kitchen.alarm() is None


def test_a_returned_alarm_that_comes_back_must_be_acknowledged_anew() -> None:
    kitchen = bench()
    kitchen.see(9.0, 1_000)
    kitchen.see(5.0, 3_000)
    assert told(kitchen.see(12.0, 5_000)) == [("raise", "unacknowledged")]
    alarm = kitchen.alarm()
    assert alarm is not None
    assert (alarm.since, alarm.returned_at, alarm.value) == (5_000, None, 12.0)


def test_an_alarm_is_told_once_however_often_it_is_seen_or_acknowledged() -> None:
    kitchen = bench()
    kitchen.see(9.0, 1_000)
    assert kitchen.see(9.5, 2_000) == []
    kitchen.feed(Acknowledged("warm", "mina"), 3_000)
    assert kitchen.feed(Acknowledged("warm", "jun"), 4_000) == []
    assert kitchen.feed(Acknowledged("unknown", "jun"), 4_000) == []
    assert kitchen.see(9.0, 5_000) == []


def test_an_event_row_carries_what_the_protocol_promises() -> None:
    (record,) = (r for r in decided(bench().see(9.0, 1_000), Record) if r.kind == "alarm")
    assert record.data == {
        "id": "warm",
        "verb": "raise",
        "state": "unacknowledged",
        "chain": ["point walk_in/temperature", "rule warm"],
        "priority": "life",
        "point": "walk_in/temperature",
        "value": 9.0,
        "by": None,
    }
