"""Judging as a pure reducer: what rules do over time, over restarts and without sight."""

import dataclasses
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judging import decode
from rules.alarm import Alarm, State
from rules.base import Observation, OnBad, Priority, Rule
from rules.events import (
    NOTHING,
    Drive,
    Elapsed,
    Event,
    Observed,
    Record,
    Started,
    Troubled,
)
from rules.judge import Judge
from rules.memory import IDLE, Memory, Phase, next_memory
from rules.people import Acknowledged
from rules.slots import EVERY_MS, LIFE_SLOTS, SWITCHES, Contract, OnSensorLoss
from rules.state import Memories
from rules.telling import BOOK
from tests.kitchen_rules import (
    ACTUATORS,
    DOOR,
    GAPS,
    GRID_MS,
    OPEN,
    POINTS,
    READINGS,
    Bench,
    Seen,
    contract,
    contracts,
    decided,
    judges,
    rule,
    stored,
)

MINUTE = 60_000


def bench(*rules: Rule, siren: Contract | None = None, fan: Contract | None = None) -> Bench:
    return Bench(Judge(rules, {"siren": siren or contract(), "fan": fan or contract()}))


def driven(kitchen: Bench) -> list[tuple[int, str, bool]]:
    return [
        (at, effect.actuator, effect.value)
        for at, effect in kitchen.effects
        if isinstance(effect, Drive)
    ]


def test_a_limit_acts_once_it_has_held_for_its_time_and_ends_at_the_clearing_limit() -> None:
    kitchen = bench(rule(for_ms=10 * MINUTE))
    kitchen.see(8.5, 0)
    kitchen.see(9.5, 5 * MINUTE)
    assert kitchen.phase() is Phase.PENDING
    kitchen.feed(Elapsed(), 10 * MINUTE - 1)
    assert kitchen.alarm() is None
    kitchen.feed(Elapsed(), 10 * MINUTE)
    alarm = kitchen.alarm()
    assert alarm is not None
    assert (alarm.since, alarm.value) == (10 * MINUTE, 8.5)
    assert kitchen.see(7.0, 11 * MINUTE) == []
    kitchen.see(6.0, 12 * MINUTE)
    assert driven(kitchen) == [(10 * MINUTE, "siren", True), (12 * MINUTE, "siren", False)]


def test_a_value_that_falls_back_below_the_raising_limit_starts_the_time_anew() -> None:
    kitchen = bench(rule(for_ms=10 * MINUTE))
    kitchen.see(8.5, 0)
    kitchen.see(7.9, 9 * MINUTE)
    assert kitchen.phase() is Phase.IDLE
    kitchen.see(8.5, 9 * MINUTE + 1)
    kitchen.feed(Elapsed(), 19 * MINUTE)
    assert kitchen.alarm() is None


def test_a_timer_fires_at_its_own_instant_however_late_it_is_noticed() -> None:
    kitchen = bench(rule(for_ms=MINUTE), siren=contract(max_on_ms=MINUTE))
    kitchen.see(9.0, 0)
    effects = kitchen.feed(Elapsed(), 60 * MINUTE)
    alarm = kitchen.alarm()
    assert alarm is not None
    assert alarm.since == MINUTE
    assert [drive.value for drive in decided(effects, Drive)] == [True, False]
    assert kitchen.output().since == 2 * MINUTE


def test_a_timer_fires_before_a_reading_of_the_same_instant() -> None:
    kitchen = bench(rule(for_ms=MINUTE))
    kitchen.see(9.0, 0)
    kitchen.see(9.0, MINUTE)
    assert kitchen.phase() is Phase.ACTIVE
    kitchen.see(5.0, MINUTE)
    assert kitchen.phase() is Phase.IDLE


def test_a_reading_that_changes_nothing_costs_nothing() -> None:
    kitchen = bench(rule())
    step = kitchen.judge.step(kitchen.state, Observed(POINTS[0], Seen(4.0, at=5)), 5)
    assert step is NOTHING
    assert kitchen.judge.step(kitchen.state, Observed("unknown/point", Seen(99.0)), 5) is NOTHING


@pytest.mark.parametrize(
    ("on_bad", "pending", "active"),
    [
        (OnBad.HOLD, Phase.PENDING, Phase.ACTIVE),
        (OnBad.IGNORE, Phase.IDLE, Phase.ACTIVE),
        (OnBad.ALARM, Phase.PENDING, Phase.ACTIVE),
        (OnBad.SAFE, Phase.IDLE, Phase.IDLE),
    ],
)
def test_what_a_rule_does_without_a_usable_value_is_its_own_choice(
    on_bad: OnBad, pending: Phase, active: Phase
) -> None:
    kitchen = bench(rule(for_ms=MINUTE, on_bad=on_bad))
    kitchen.see(9.0, 0)
    kitchen.lose(1_000)
    assert kitchen.phase() is pending

    kitchen = bench(rule(for_ms=MINUTE, on_bad=on_bad))
    kitchen.see(9.0, 0)
    kitchen.feed(Elapsed(), MINUTE)
    kitchen.lose(2 * MINUTE)
    assert kitchen.phase() is active
    assert kitchen.output().value is (active is Phase.ACTIVE)


@pytest.mark.parametrize("on_bad", OnBad)
def test_a_bad_reading_never_acts_as_a_number(on_bad: OnBad) -> None:
    kitchen = bench(rule(on_bad=on_bad))
    kitchen.lose(1_000)
    assert kitchen.phase() is (Phase.ACTIVE if on_bad is OnBad.ALARM else Phase.IDLE)
    alarm = kitchen.alarm()
    assert alarm is None or alarm.value is None
    kitchen.see(9.0, 2_000)
    kitchen.see(4.0, 3_000, good=False)
    assert kitchen.phase() is (Phase.IDLE if on_bad is OnBad.SAFE else Phase.ACTIVE)


def test_a_running_time_runs_on_through_bad_readings_when_the_rule_holds() -> None:
    kitchen = bench(rule(for_ms=MINUTE, on_bad=OnBad.HOLD))
    kitchen.see(9.0, 0)
    kitchen.lose(30_000)
    kitchen.feed(Elapsed(), MINUTE)
    assert kitchen.phase() is Phase.ACTIVE


def test_the_contract_takes_a_command_back_while_its_rule_cannot_see() -> None:
    safe, hold = OnSensorLoss.SAFE, OnSensorLoss.HOLD
    both = rule(commands=[("siren", True, 10), ("fan", True, 10)])
    kitchen = bench(both, siren=contract(on_sensor_loss=hold), fan=contract(on_sensor_loss=safe))
    kitchen.see(9.0, 0)
    kitchen.lose(1_000)
    assert (kitchen.output("siren").value, kitchen.output("fan").value) == (True, False)
    assert kitchen.alarm() is not None, "the alarm stands: nobody saw the value return"
    assert kitchen.lose(2_000) == []
    kitchen.see(7.0, 3_000)
    assert kitchen.output("fan").value is True


@pytest.mark.parametrize("on_bad", [OnBad.HOLD, OnBad.ALARM])
def test_a_rule_that_becomes_active_blind_does_not_command_against_the_contract(
    on_bad: OnBad,
) -> None:
    safe = contract(on_sensor_loss=OnSensorLoss.SAFE)
    kitchen = bench(rule(for_ms=MINUTE, on_bad=on_bad), siren=safe)
    kitchen.see(9.0, 0)
    kitchen.lose(1_000)
    kitchen.feed(Elapsed(), MINUTE)
    assert kitchen.alarm() is not None
    assert kitchen.output().value is False
    kitchen.see(9.0, 2 * MINUTE)
    assert kitchen.output().value is True


def test_a_slot_that_several_rules_want_is_free_only_when_the_last_one_ends() -> None:
    kitchen = bench(rule("first"), rule("second", point=POINTS[1]))
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 1_000, point=POINTS[1])
    kitchen.see(5.0, 2_000, point=POINTS[1])
    assert kitchen.output().value is True, "the first rule still wants the siren"
    kitchen.see(9.0, 3_000, point=POINTS[1])
    kitchen.see(5.0, 4_000)
    assert kitchen.output().value is True, "the second rule still wants the siren"
    kitchen.see(5.0, 5_000, point=POINTS[1])
    assert kitchen.output().value is False
    assert len(driven(kitchen)) == 2


def test_of_the_rules_that_want_a_slot_the_most_urgent_has_it() -> None:
    life = rule("zz", priority=Priority.LIFE, commands=[("siren", True, 10)])
    low = rule("aa", priority=Priority.LOW, point=POINTS[1], commands=[("siren", False, 10)])
    kitchen = bench(low, life)
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 1_000, point=POINTS[1])
    assert kitchen.output().value is True
    kitchen.see(5.0, 2_000)
    assert kitchen.output().slots[10].cause == "rule/aa"
    assert kitchen.output().value is False


def test_a_hand_over_between_two_rules_on_one_reading_switches_nothing() -> None:
    """Else the guard of the minimum off time would keep the output off for no reason."""
    closed = rule("b", point=DOOR, condition=OPEN, commands=[("fan", True, 11)])
    hot = rule("a", point=DOOR, condition=_Not(), commands=[("fan", True, 10)])
    kitchen = bench(closed, hot, fan=contract(min_off_ms=MINUTE))
    kitchen.see(value=True, now=0, point=DOOR)
    kitchen.see(value=False, now=1_000, point=DOOR)
    kitchen.see(value=True, now=2_000, point=DOOR)
    assert driven(kitchen) == [(0, "fan", True)]


class _Not:
    """A contact rule the other way round."""

    def holds(self, seen: object, *, active: bool) -> bool | None:
        del active
        value = getattr(seen, "value", None)
        return None if value is None else value is False


def test_a_command_without_a_contract_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="rule warm: siren has no fail-safe contract"):
        Judge([rule()], {})


def restarted(before: Bench, judge: Judge) -> Bench:
    return Bench(judge, decode(stored(before.state.entries)))


def test_a_start_brings_every_output_where_its_slots_say() -> None:
    kitchen = bench(rule(), fan=contract(safe=True))
    kitchen.see(9.0, 0)
    after = restarted(kitchen, kitchen.judge)
    drives = decided(after.feed(Started(), 5_000), Drive)
    assert [(drive.actuator, drive.value) for drive in drives] == [("siren", True), ("fan", True)]
    assert after.state.entries == kitchen.state.entries


def test_a_running_time_survives_a_restart_and_counts_the_time_away() -> None:
    kitchen = bench(rule(for_ms=10 * MINUTE))
    kitchen.see(9.0, 0)
    after = restarted(kitchen, kitchen.judge)
    after.feed(Started(), 9 * MINUTE)
    assert after.phase() is Phase.PENDING
    after.feed(Elapsed(), 10 * MINUTE)
    alarm = after.alarm()
    assert alarm is not None
    assert alarm.since == 10 * MINUTE


def test_what_is_already_true_at_boot_acts() -> None:
    kitchen = bench(rule())
    kitchen.feed(Started(), 0)
    kitchen.see(9.0, 1)
    assert kitchen.output().value is True


def test_a_rule_removed_from_the_configuration_releases_its_slots_and_clears_its_alarm() -> None:
    kitchen = bench(rule("gone"), rule("kept", point=POINTS[1], commands=[("fan", True, 10)]))
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 0, point=POINTS[1])
    remaining = Judge([kitchen.judge.rules["kept"]], kitchen.judge.contracts)
    after = restarted(kitchen, remaining)
    effects = after.feed(Started(), 1_000)
    (told,) = (record.data for record in decided(effects, Record) if record.kind == "alarm")
    assert (told["id"], told["verb"], told["by"]) == ("gone", "clear", "configuration")
    assert (after.output("siren").value, after.output("fan").value) == (False, True)
    left = {"rule/kept", "pace/kept", "alarm/kept", "output/fan", "output/siren"}
    assert set(after.state.entries) - {BOOK} == left


def test_an_active_rule_whose_actions_were_changed_acts_as_it_is_written_now() -> None:
    kitchen = bench(rule())
    kitchen.see(9.0, 0)
    quiet = rule(alarm=False, commands=[("fan", True, 11)])
    after = restarted(kitchen, Judge([quiet], kitchen.judge.contracts))
    after.feed(Started(), 1_000)
    assert after.alarm() is None
    assert (after.output("siren").slots, after.output("siren").value) == ({}, False)
    assert after.output("fan").slots[11].cause == "rule/warm"

    loud = restarted(after, kitchen.judge)
    loud.feed(Started(), 2_000)
    alarm = loud.alarm()
    assert alarm is not None
    assert (alarm.state, alarm.value) == (State.UNACKNOWLEDGED, 9.0)
    assert loud.output("siren").value is True


@pytest.mark.parametrize(
    "other",
    [
        rule(point=POINTS[1], priority=Priority.LIFE),
        rule(fingerprint="limit raise_above=100.0"),
        rule(point=POINTS[1], for_ms=MINUTE, alarm=False, commands=[("fan", True, 11)]),
    ],
    ids=["another point", "other limits", "everything"],
)
@pytest.mark.parametrize("for_ms", [0, MINUTE], ids=["active", "pending"])
def test_a_rule_that_is_now_about_something_else_begins_anew(other: Rule, for_ms: int) -> None:
    """A freezer too warm must not stand for gas, and so hide it, because the name is the same."""
    kitchen = bench(rule(for_ms=for_ms, priority=Priority.LOW))
    kitchen.see(9.0, 0)
    after = restarted(kitchen, Judge([other], kitchen.judge.contracts))
    effects = after.feed(Started(), 1_000)
    told = [record.data for record in decided(effects, Record) if record.kind == "alarm"]
    assert [(data["verb"], data["by"]) for data in told] == (
        [] if for_ms else [("clear", "configuration")]
    )
    assert (after.phase(), after.alarm(), after.output().value) == (Phase.IDLE, None, False)
    assert after.output().slots == {}
    after.see(500.0, 2_000, point=other.point)
    after.feed(Elapsed(), 2_000 + other.for_ms)
    assert after.phase() is Phase.ACTIVE
    alarm = after.alarm()
    assert (alarm is not None) == other.alarm
    assert alarm is None or (alarm.point, alarm.priority) == (other.point, other.priority)


def test_a_rule_that_is_now_more_urgent_says_so_again_and_goes_on() -> None:
    kitchen = bench(rule(priority=Priority.LOW))
    kitchen.see(9.0, 0)
    kitchen.feed(Acknowledged("warm", "mina"), 500)
    after = restarted(kitchen, Judge([rule(priority=Priority.LIFE)], kitchen.judge.contracts))
    after.feed(Started(), 1_000)
    alarm = after.alarm()
    assert alarm is not None
    assert (alarm.state, alarm.priority) == (State.UNACKNOWLEDGED, Priority.LIFE)
    assert (after.phase(), after.output().value) == (Phase.ACTIVE, True)


def test_an_alarm_that_nobody_saw_goes_with_the_point_it_was_about() -> None:
    kitchen = bench(rule())
    kitchen.see(9.0, 0)
    kitchen.see(5.0, 1_000)
    moved = rule(point=POINTS[1])
    after = restarted(kitchen, Judge([moved], kitchen.judge.contracts))
    after.feed(Started(), 2_000)
    assert after.alarm() is None
    same = restarted(kitchen, Judge([rule(fingerprint="other")], kitchen.judge.contracts))
    same.feed(Started(), 2_000)
    assert same.alarm() == kitchen.alarm()


def test_another_time_label_or_advice_lets_a_rule_run_on() -> None:
    kitchen = bench(rule(for_ms=10 * MINUTE), rule("now", point=POINTS[1]))
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 0, point=POINTS[1])
    changed = [
        dataclasses.replace(found, label="other", advice="other", for_ms=found.for_ms // 2)
        for found in kitchen.judge.rules.values()
    ]
    after = restarted(kitchen, Judge(changed, kitchen.judge.contracts))
    after.feed(Started(), MINUTE)
    assert after.state.entries == kitchen.state.entries
    after.feed(Elapsed(), 5 * MINUTE)
    assert after.phase() is Phase.ACTIVE


def test_what_an_older_version_remembered_goes_on_and_is_known_from_then_on() -> None:
    kitchen = bench(rule())
    kitchen.see(9.0, 0)
    old = stored(kitchen.state.entries)
    body = msgspec.json.decode(old["rule/warm"])
    del body["of"]
    old["rule/warm"] = msgspec.json.encode(body).decode()
    after = Bench(kitchen.judge, decode(old))
    after.feed(Started(), 1_000)
    assert after.state.entries == kitchen.state.entries


def siren_for_two(*, slot: int = 10) -> Bench:
    fridge = rule("fridge", commands=[("siren", True, 10)])
    freezer = rule("freezer", point=POINTS[1], commands=[("siren", True, slot)])
    return bench(fridge, freezer, siren=contract(max_on_ms=10 * MINUTE))


def test_an_alarm_whose_run_has_ended_does_not_mute_the_next_one() -> None:
    kitchen = siren_for_two()
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 120 * MINUTE, point=POINTS[1])
    kitchen.see(9.5, 121 * MINUTE)
    kitchen.feed(Elapsed(), 140 * MINUTE)
    kitchen.see(9.5, 150 * MINUTE, point=POINTS[1])
    assert driven(kitchen) == [
        (0, "siren", True),
        (120 * MINUTE, "siren", False),
        (120 * MINUTE, "siren", True),
        (140 * MINUTE, "siren", False),
    ]


def test_a_less_urgent_alarm_does_not_renew_a_run_that_has_ended() -> None:
    kitchen = siren_for_two(slot=11)
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 120 * MINUTE, point=POINTS[1])
    assert kitchen.output().value is False


def test_an_alarm_that_ends_while_another_stands_does_not_renew_the_run() -> None:
    kitchen = siren_for_two()
    kitchen.see(9.0, 0)
    kitchen.see(9.0, 1_000, point=POINTS[1])
    kitchen.feed(Elapsed(), 11 * MINUTE)
    kitchen.see(5.0, 12 * MINUTE)
    assert kitchen.output().slots[10].cause == "rule/freezer"
    assert kitchen.output().value is False


def test_an_output_that_is_switched_too_often_is_an_alarm_until_it_has_rested() -> None:
    kitchen = bench(rule(alarm=False))
    for number in range(SWITCHES + 1):
        assert kitchen.alarm("system.pace.siren") is None
        kitchen.see(9.0, 100 * number)
        kitchen.see(5.0, 100 * number + 50)
    alarm = kitchen.alarm("system.pace.siren")
    assert alarm is not None
    assert alarm.state is State.UNACKNOWLEDGED
    kitchen.feed(Elapsed(), 6_100 + SWITCHES * EVERY_MS // 2)
    alarm = kitchen.alarm("system.pace.siren")
    assert alarm is not None
    assert alarm.state is State.RETURNED


def test_an_actuator_that_is_gone_leaves_no_timer_behind() -> None:
    kitchen = bench(rule(), siren=contract(max_on_ms=MINUTE))
    kitchen.see(9.0, 0)
    after = restarted(kitchen, Judge([rule(commands=[])], {"fan": contract()}))
    assert after.state.next_due > 10 * MINUTE
    after.feed(Started(), 10 * MINUTE)
    assert "output/siren" not in after.state.entries


ODD = [4, 7.0, 8.0, 30, True, False, None, float("nan"), float("inf")]
EVENTS = st.lists(
    st.tuples(
        GAPS,
        st.one_of(READINGS, READINGS, st.sampled_from(["a", "b", "c", "tick", "restart"])),
    ),
    max_size=30,
)
Happening = tuple[int, tuple[str, float | bool | None] | str]


def event_of(what: tuple[str, float | bool | None] | str, now: int) -> Event:
    if isinstance(what, tuple):
        point, value = what
        return Observed(point, Seen(value, good=value is not None, at=now))
    if what in ("tick", "restart"):
        return Elapsed()
    return Acknowledged(what, "mina")


@given(judges(), EVENTS, st.data())
def test_how_often_time_is_told_to_pass_makes_no_difference(
    judge: Judge, happenings: Sequence[Happening], data: st.DataObject
) -> None:
    coarse, fine = Bench(judge), Bench(judge)
    now = 0
    for gap, what in happenings:
        for after in sorted(data.draw(st.lists(st.integers(0, gap), max_size=3))):
            fine.feed(Elapsed(), now + after)
        now += gap
        for kitchen in (coarse, fine):
            kitchen.feed(event_of(what, now), now)
        assert [effect for _, effect in coarse.effects] == [effect for _, effect in fine.effects]
    coarse.feed(Elapsed(), now)
    fine.feed(Elapsed(), now)
    assert coarse.state.entries == fine.state.entries
    assert coarse.state.timers == fine.state.timers


@given(judges(), EVENTS, st.sampled_from([*POINTS, DOOR]), st.sampled_from(ODD), st.booleans())
def test_a_reading_is_passed_over_exactly_when_no_rule_would_remember_anything_else(
    judge: Judge, happenings: Sequence[Happening], point: str, value: float | None, good: bool
) -> None:
    kitchen, now = Bench(judge), 0
    for gap, what in happenings:
        now += gap
        kitchen.feed(event_of(what, now), now)
        seen = Seen(value, good=good, at=now)
        rules = judge.rules_of(point)
        memories = [kitchen.state.entries.get(f"rule/{rule.id}", IDLE) for rule in rules]
        remembered = any(
            next_memory(rule, memory, seen) is not memory
            for rule, memory in zip(rules, memories, strict=True)
            if isinstance(memory, Memory)
        )
        assert judge.stirs(kitchen.state, point, seen, now) == remembered


@given(judges(), EVENTS)
def test_a_restart_at_any_point_makes_no_difference(
    judge: Judge, happenings: Sequence[Happening]
) -> None:
    steady, unsteady = Bench(judge), Bench(judge)
    now = 0
    for gap, what in happenings:
        now += gap
        steady.feed(event_of(what, now), now)
        if what == "restart":
            unsteady = restarted(unsteady, judge)
            unsteady.feed(Started(), now)
        else:
            unsteady.feed(event_of(what, now), now)
        assert steady.state.entries == unsteady.state.entries
        assert steady.state.next_due == unsteady.state.next_due


@given(judges(), judges(), EVENTS)
def test_alarms_and_slots_follow_from_the_rules_alone_whatever_was_configured_before(
    before: Judge, after: Judge, happenings: Sequence[Happening]
) -> None:
    kitchen, now = Bench(before), 0
    for gap, what in happenings:
        now += gap
        if what == "restart":
            kitchen = restarted(kitchen, after)
            kitchen.feed(Started(), now)
        else:
            kitchen.feed(event_of(what, now), now)
        kitchen.check()


@given(judges(), EVENTS)
def test_a_step_changes_nothing_by_itself_and_does_the_same_each_time(
    judge: Judge, happenings: Sequence[Happening]
) -> None:
    kitchen, now = Bench(judge), 0
    for gap, what in happenings:
        now += gap
        entries, event = dict(kitchen.state.entries), event_of(what, now)
        first = judge.step(kitchen.state, event, now)
        assert judge.step(kitchen.state, event, now) == first
        assert kitchen.state.entries == entries
        kitchen.feed(event, now)
        assert kitchen.state.next_due > now
        assert kitchen.state.timers == Memories(judge, kitchen.state.entries).timers


@given(judges(), EVENTS)
def test_no_output_ever_breaks_its_contract(judge: Judge, happenings: Sequence[Happening]) -> None:
    kitchen, now = Bench(judge), 0
    for gap, what in happenings:
        for instant in range(now, now + gap, GRID_MS):
            kitchen.feed(Elapsed(), instant)
        now += gap
        kitchen.feed(event_of(what, now), now)
    for instant in range(now, now + 50 * GRID_MS, GRID_MS):
        kitchen.feed(Elapsed(), instant)
        now = instant
    for actuator in ACTUATORS:
        _check_contract(kitchen, actuator, now)


def _check_contract(kitchen: Bench, actuator: str, end: int) -> None:
    guards = kitchen.judge.contracts[actuator]
    since, value = -(10**9), guards.safe
    commands = [command for rule in kitchen.judge.rules.values() for command in rule.commands]
    life = any(it.actuator == actuator and it.slot in LIFE_SLOTS for it in commands)
    limited = guards.max_on_ms and not guards.safe and not life
    for at, drive in kitchen.effects:
        if not isinstance(drive, Drive) or drive.actuator != actuator:
            continue
        least = guards.min_on_ms if value else guards.min_off_ms
        excused = drive.slot in LIFE_SLOTS or drive.cause == "maximum run time"
        assert drive.value is not value
        assert at - since >= least or excused
        assert not (value and limited) or at - since <= guards.max_on_ms
        since, value = at, drive.value
    assert not (value and limited) or end - since < guards.max_on_ms
    assert kitchen.output(actuator).value is value


@given(contracts(), st.lists(st.tuples(GAPS, READINGS), max_size=20))
def test_a_bad_value_and_no_value_are_the_same(
    guards: Contract, readings: Sequence[tuple[int, tuple[str, float | bool | None]]]
) -> None:
    rules = [rule(on_bad.value, on_bad=on_bad, for_ms=5 * GRID_MS) for on_bad in OnBad]
    lying, honest = (Bench(Judge(rules, {"siren": guards})) for _ in range(2))
    now = 0
    for gap, (_, value) in readings:
        now += gap
        good = value in (4.0, 8.5)
        lying.see(value, now, good=good)
        honest.see(value if good else None, now, good=good)
        assert lying.state.entries == honest.state.entries


class Broken:
    """A condition with a bug that shows at 5."""

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        del active
        if seen.value == 5:
            raise ZeroDivisionError
        return False


def test_a_rule_that_raises_is_suspended_with_an_alarm_and_the_others_go_on() -> None:
    broken = rule("broken", condition=Broken(), alarm=False, commands=())
    judge = Judge([broken, rule("sound", commands=())], {})
    state = Memories(judge)
    point = POINTS[0]
    step = judge.step(state, Observed(point, Seen(5.0, at=1)), 1)
    state.apply(step.changes)
    raised = [effect.data for effect in step.effects if isinstance(effect, Record)]
    suspended = [data for data in raised if data.get("code") == "rule_suspended"]
    assert [data["rule"] for data in suspended] == ["broken"]
    assert isinstance(state.entries["alarm/broken"], Alarm)
    assert judge.step(state, Observed(point, Seen(5.0, at=2)), 2) == NOTHING
    step = judge.step(state, Observed(point, Seen(9.0, at=3)), 3)
    assert "rule/sound" in step.changes
    state.apply(step.changes)
    state.apply(judge.step(state, Started(), 4).changes)
    assert "rule/broken" not in state.entries, "a new start is a new chance"
    alarm = state.entries["alarm/broken"]
    assert isinstance(alarm, Alarm)
    assert alarm.state is State.RETURNED


def test_an_alarm_about_the_gateway_itself_stands_over_a_start_until_it_is_over() -> None:
    judge = Judge([], {})
    state = Memories(judge)
    name = "alarm/system.left_out.walk_in"
    for event in (
        Troubled("system.left_out.walk_in", standing=True, what="line 3"),
        Acknowledged("system.left_out.walk_in", "minji"),
        Started(),
        Troubled("system.left_out.walk_in", standing=True, what="line 3"),
    ):
        state.apply(judge.step(state, event, 1).changes)
    alarm = state.entries[name]
    assert isinstance(alarm, Alarm)
    assert alarm.state is State.ACKNOWLEDGED
    over = Troubled("system.left_out.walk_in", standing=False, what="")
    state.apply(judge.step(state, over, 2).changes)
    assert name not in state.entries
