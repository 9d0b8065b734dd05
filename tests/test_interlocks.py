"""What outputs have to do with each other: needs, lockouts in gas, and read-backs that differ."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alarm import State
from rules.base import Priority, Rule
from rules.events import Drive, Effect, Elapsed, ReadBack, Record, Started
from rules.interlocks import EVERYWHERE, circle_of
from rules.judge import Judge
from rules.people import Acknowledged, Reset
from rules.slots import Contract
from rules.terms import AlarmTerms
from tests.kitchen_rules import OPEN, POINTS, Bench, decided, rule
from tests.kitchen_rules import contract as plain

FAN, FRYER, MAKE_UP = "fan", "fryer", "make_up_air"
DEADLINE_MS = 2_000


def contract(
    *, needs: dict[str, bool] | None = None, zone: str = "", proof: bool = False, min_off: int = 0
) -> Contract:
    guards = plain(min_off_ms=min_off)
    return Contract(
        safe=guards.safe,
        on_sensor_loss=guards.on_sensor_loss,
        max_on_ms=0,
        min_on_ms=0,
        min_off_ms=min_off,
        deadline_ms=DEADLINE_MS,
        needs=needs or {},
        zone=zone,
        explosion_proof=proof,
    )


def on_when_open(rule_id: str, actuator: str, *, slot: int = 10, value: bool = True) -> Rule:
    commands = [(actuator, value, slot)]
    return rule(
        rule_id, point=f"{rule_id}/open", condition=OPEN, alarm=False, commands=commands,
        priority=Priority.LIFE if slot <= 2 else Priority.HIGH,
    )  # fmt: skip


class Kitchen(Bench):
    """Switches by hand what rules want: `want("fryer")` is a rule of that name."""

    def want(self, name: str, now: int, *, wanted: bool = True) -> list[Effect]:
        return self.see(wanted, now, point=f"{name}/open")

    def driven(self, effects: list[Effect]) -> list[tuple[str, bool]]:
        return [(drive.actuator, drive.value) for drive in decided(effects, Drive)]


def fryer_and_hood(*extra: Rule, min_off: int = 0) -> Kitchen:
    contracts = {
        FRYER: contract(needs={FAN: True}),
        FAN: contract(needs={MAKE_UP: True}, min_off=min_off),
        MAKE_UP: contract(),
    }
    rules = [on_when_open(name, name) for name in (FRYER, FAN, MAKE_UP)]
    return Kitchen(Judge([*rules, *extra], contracts))


def test_the_fryer_stays_off_until_its_hood_runs_and_says_what_it_waits_for() -> None:
    kitchen = fryer_and_hood()
    assert kitchen.driven(kitchen.want(FRYER, 0)) == []
    assert kitchen.output(FRYER).held == "needs/fan"
    assert kitchen.driven(kitchen.want(FAN, 10)) == []
    assert kitchen.output(FAN).held == "needs/make_up_air"
    cascade = kitchen.driven(kitchen.want(MAKE_UP, 20))
    assert cascade == [(MAKE_UP, True), (FAN, True), (FRYER, True)], "who is needed comes first"
    assert kitchen.output(FRYER).held == ""


def test_who_needs_goes_off_before_who_is_needed_and_the_cause_is_told() -> None:
    kitchen = fryer_and_hood()
    for now, name in enumerate((MAKE_UP, FAN, FRYER)):
        kitchen.want(name, now)
    effects = kitchen.want(MAKE_UP, 10, wanted=False)
    assert kitchen.driven(effects) == [(FRYER, False), (FAN, False), (MAKE_UP, False)]
    told = {str(it.data["actuator"]): it.data["cause"] for it in decided(effects, Record)}
    assert told == {FRYER: "needs/fan", FAN: "needs/make_up_air", MAKE_UP: "safe state"}


def test_a_guard_of_the_hood_holds_the_fryer_as_long() -> None:
    kitchen = fryer_and_hood(min_off=1_000)
    for now, name in enumerate((MAKE_UP, FRYER, FAN)):
        kitchen.want(name, now)
    kitchen.want(FAN, 100, wanted=False)
    kitchen.want(FAN, 200)
    assert (kitchen.output(FAN).held, kitchen.output(FRYER).value) == ("min_off", False)
    assert kitchen.driven(kitchen.feed(Elapsed(), 1_100)) == [(FAN, True), (FRYER, True)]


def test_only_life_safety_breaks_an_interlock() -> None:
    life = on_when_open("fire_pump", FRYER, slot=2)
    kitchen = fryer_and_hood(life)
    assert kitchen.driven(kitchen.want("fire_pump", 0)) == [(FRYER, True)]
    assert kitchen.output(FRYER).held == ""


def test_an_output_that_must_be_off_for_another_is_switched_off_first() -> None:
    contracts = {"cooler": contract(needs={"heater": False}), "heater": contract()}
    kitchen = Kitchen(Judge([on_when_open(name, name) for name in contracts], contracts))
    kitchen.want("cooler", 0)
    assert kitchen.driven(kitchen.want("heater", 1)) == [("cooler", False), ("heater", True)]
    back = kitchen.want("heater", 2, wanted=False)
    assert kitchen.driven(back) == [("heater", False), ("cooler", True)]


def test_an_output_that_needs_one_that_is_left_out_stays_off() -> None:
    kitchen = Kitchen(Judge([on_when_open(FRYER, FRYER)], {FRYER: contract(needs={FAN: True})}))
    assert kitchen.driven(kitchen.want(FRYER, 0)) == []


def test_a_circle_is_refused() -> None:
    assert circle_of({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})[0] in "abc"
    assert circle_of({"a": ["b"], "b": [], "c": ["a", "b"]}) == []
    with pytest.raises(ValueError, match="needs"):
        Judge([], {"a": contract(needs={"b": True}), "b": contract(needs={"a": True})})


def test_what_is_read_back_as_something_else_for_too_long_is_an_alarm_and_serves_nobody() -> None:
    kitchen = fryer_and_hood()
    for now, name in enumerate((MAKE_UP, FAN, FRYER)):
        kitchen.want(name, now)
    kitchen.feed(ReadBack(FAN, value=False), 100)
    assert kitchen.driven(kitchen.feed(Elapsed(), 100 + DEADLINE_MS - 1)) == []
    effects = kitchen.feed(Elapsed(), 100 + DEADLINE_MS)
    assert kitchen.driven(effects) == [(FRYER, False)], "its hood stands still"
    alarm = kitchen.alarm("system.mismatch.fan")
    assert alarm is not None
    assert alarm.state is State.UNACKNOWLEDGED
    assert kitchen.driven(kitchen.feed(ReadBack(FAN, value=True), 5_000)) == [(FRYER, True)]
    alarm = kitchen.alarm("system.mismatch.fan")
    assert alarm is not None
    assert alarm.state is State.RETURNED


def test_an_output_that_cannot_be_read_is_not_taken_for_one_that_runs() -> None:
    kitchen = fryer_and_hood()
    for now, name in enumerate((MAKE_UP, FAN, FRYER)):
        kitchen.want(name, now)
    kitchen.feed(ReadBack(FAN, value=None), 100)
    assert kitchen.driven(kitchen.feed(Elapsed(), 100 + DEADLINE_MS)) == [(FRYER, False)]


def test_a_read_back_that_differs_for_a_moment_is_nothing() -> None:
    kitchen = fryer_and_hood()
    kitchen.want(MAKE_UP, 0)
    kitchen.feed(ReadBack(MAKE_UP, value=False), 10)
    kitchen.feed(ReadBack(MAKE_UP, value=True), DEADLINE_MS)
    kitchen.feed(Elapsed(), 10 * DEADLINE_MS)
    assert kitchen.alarm("system.mismatch.make_up_air") is None


def test_a_start_drives_anew_so_what_was_read_back_before_is_forgotten() -> None:
    kitchen = fryer_and_hood()
    kitchen.want(MAKE_UP, 0)
    kitchen.feed(ReadBack(MAKE_UP, value=False), 10)
    kitchen.feed(Elapsed(), 10 + DEADLINE_MS)
    kitchen.feed(Started([MAKE_UP, FAN, FRYER]), 5_000)
    assert kitchen.output(MAKE_UP).mismatched, "a reload that keeps it knows no better"
    kitchen.feed(Started(), 6_000)
    assert not kitchen.output(MAKE_UP).mismatched
    alarm = kitchen.alarm("system.mismatch.make_up_air")
    assert alarm is not None
    assert alarm.state is State.RETURNED


GAS = POINTS[0]


def gas_kitchen(zone: str = "kitchen") -> Kitchen:
    """Gas raises at 8, clears at 6; a fan, a valve that may act in gas, and a lamp elsewhere."""
    leak = rule("gas_leak", priority=Priority.LIFE, commands=[("valve", True, 2)])
    leak = dataclasses.replace(leak, lockout=zone)
    contracts = {
        FAN: contract(zone="kitchen"),
        "valve": contract(zone="kitchen", proof=True),
        "lamp": contract(zone="hall"),
    }
    return Kitchen(Judge([leak, *(on_when_open(name, name) for name in (FAN, "lamp"))], contracts))


def test_nothing_in_the_zone_is_switched_while_gas_stands_but_what_is_explosion_proof() -> None:
    kitchen = gas_kitchen()
    assert kitchen.driven(kitchen.see(9.0, 0, point=GAS)) == [("valve", True)]
    assert kitchen.driven(kitchen.want(FAN, 10)) == []
    assert kitchen.output(FAN).held == "lockout/gas_leak"
    assert kitchen.driven(kitchen.want("lamp", 20)) == [("lamp", True)]
    assert kitchen.driven(kitchen.see(5.0, 30, point=GAS)) == [("valve", False), (FAN, True)]


def test_what_runs_in_gas_is_not_switched_off_either() -> None:
    kitchen = gas_kitchen()
    kitchen.want(FAN, 0)
    kitchen.see(9.0, 10, point=GAS)
    assert kitchen.driven(kitchen.want(FAN, 20, wanted=False)) == []
    assert kitchen.output(FAN).value is True
    over = kitchen.see(5.0, 30, point=GAS)
    assert kitchen.driven(over) == [("valve", False), (FAN, False)]


def test_a_lockout_of_everywhere_means_every_zone_and_an_acknowledged_alarm_still_stands() -> None:
    kitchen = gas_kitchen(EVERYWHERE)
    kitchen.see(9.0, 0, point=GAS)
    kitchen.feed(Acknowledged("gas_leak", "mina"), 10)
    assert kitchen.driven(kitchen.want("lamp", 20)) == []


def test_a_lockout_of_an_alarm_that_latches_lasts_until_a_person_has_reset_it() -> None:
    kitchen = gas_kitchen()
    leak = kitchen.judge.rules["gas_leak"]
    latching = dataclasses.replace(leak, terms=AlarmTerms(latch=True))
    kitchen = Kitchen(Judge([latching, on_when_open(FAN, FAN)], kitchen.judge.contracts))
    kitchen.see(9.0, 0, point=GAS)
    kitchen.want(FAN, 10)
    kitchen.see(5.0, 20, point=GAS)
    kitchen.feed(Acknowledged("gas_leak", "mina"), 30)
    assert kitchen.output(FAN).value is False
    assert kitchen.driven(kitchen.feed(Reset("gas_leak", "mina"), 40)) == [(FAN, True)]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from([FRYER, FAN, MAKE_UP, "fire_pump", "kill_hood"]),
        st.booleans(),
        st.sampled_from([None, None, True, False]),
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from([0, 200]))
def test_no_sequence_breaks_an_interlock_below_life_safety(
    steps: list[tuple[int, str, bool, bool | None]], min_off: int
) -> None:
    extra = [
        on_when_open("fire_pump", FRYER, slot=2),
        on_when_open("kill_hood", FAN, slot=2, value=False),
    ]
    kitchen, now = fryer_and_hood(*extra, min_off=min_off), 0
    for gap, name, wanted, read_back in steps:
        now += gap
        kitchen.want(name, now, wanted=wanted)
        if read_back is not None:
            kitchen.feed(ReadBack(FAN, value=read_back), now)
        fryer, fan, air = (kitchen.output(it) for it in (FRYER, FAN, MAKE_UP))
        if fryer.value and min(fryer.slots) > 2:
            assert fan.value
            assert not fan.mismatched
        if fan.value and min(fan.slots) > 2:
            assert air.value
        if 2 in fryer.slots:
            assert fryer.value, "life safety always wins"
        if 2 in fan.slots:
            assert not fan.value
