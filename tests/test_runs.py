"""Rules on several points and rules that run: what they do, and that a restart changes nothing."""

from collections.abc import Iterable

from gateway.config import quantity
from rules.alarm import Alarm
from rules.base import (
    Action,
    AlarmHeard,
    Called,
    Formula,
    Mode,
    Note,
    Notify,
    OnBad,
    PointChanged,
    Priority,
    Rule,
    SetMode,
    StartTimer,
    TimerElapsed,
    Trigger,
    Wait,
)
from rules.events import Asked, Effect, Elapsed, Observed, Record, Started, Switched, Tell, Turned
from rules.expression import condition
from rules.judge import Judge
from rules.memory import Phase
from rules.pace import BURST, REST_MS
from tests.expression_world import POINTS as METRICS
from tests.kitchen_rules import Bench, Seen, decided

TEMPERATURE, DOOR = "walk_in/temperature", "walk_in_door/open"
MINUTE = 60_000


def formula(text: str) -> Formula:
    return condition(text, METRICS, quantity)


def rule(  # noqa: PLR0913 - what a test wants to be different
    name: str = "watch",
    *,
    when: str = "",
    gate: str = "",
    triggers: Iterable[Trigger] = (),
    actions: Iterable[Action] = (),
    mode: Mode = Mode.SINGLE,
    for_ms: int = 0,
    on_bad: OnBad = OnBad.HOLD,
    priority: Priority = Priority.HIGH,
    alarm: bool = False,
) -> Rule:
    return Rule(
        id=name,
        label=name,
        point=TEMPERATURE if when else "",
        formula=formula(when) if when else None,
        gate=formula(gate) if gate else None,
        triggers=tuple(triggers),
        mode=mode,
        for_ms=for_ms,
        on_bad=on_bad,
        priority=priority,
        alarm=alarm,
        actions=tuple(actions),
        fingerprint=when + gate,
    )


def bench(*rules: Rule, kept: Bench | None = None) -> Bench:
    """A kitchen with these rules; `kept`: with the entries another has left behind."""
    return Bench(Judge(rules, {}), None if kept is None else dict(kept.state.entries))


def notes(effects: Iterable[Effect]) -> list[object]:
    return [
        record.data["text"] for record in decided(list(effects), Record) if record.kind == "record"
    ]


def verbs(effects: Iterable[Effect], kind: str = "alarm") -> list[object]:
    return [record.data["verb"] for record in decided(list(effects), Record) if record.kind == kind]


def seen(
    kitchen: Bench, point: str, value: float | bool | str, now: int, *, kept: bool = True
) -> list[Effect]:
    return kitchen.feed(Observed(point, Seen(value, at=now), kept), now)


def test_a_formula_holds_once_all_it_looks_at_has_been_seen_and_says_so() -> None:
    kitchen = bench(rule(when=f"{TEMPERATURE} > 8 and not {DOOR}", alarm=True))
    assert seen(kitchen, TEMPERATURE, 9.0, 1) == []
    effects = seen(kitchen, DOOR, value=False, now=2)
    (record,) = (one for one in decided(effects, Record) if one.kind == "alarm")
    assert record.data["chain"] == [f"point {DOOR}", "rule watch"]
    assert record.data["value"] == 9.0
    assert verbs(seen(kitchen, DOOR, value=True, now=3)) == ["return"]


def test_a_formula_never_sees_a_reading_that_is_not_kept() -> None:
    kitchen = bench(rule(when=f"{TEMPERATURE} > 8", alarm=True))
    assert seen(kitchen, TEMPERATURE, 9.0, 1, kept=False) == []
    assert verbs(seen(kitchen, TEMPERATURE, 9.0, 2)) == ["raise"]


def test_a_formula_that_is_blind_goes_by_on_bad() -> None:
    for on_bad, expected in ((OnBad.ALARM, ["raise"]), (OnBad.HOLD, []), (OnBad.SAFE, [])):
        kitchen = bench(rule(when=f"{TEMPERATURE} > 8", alarm=True, on_bad=on_bad))
        bad = Observed(TEMPERATURE, Seen(None, good=False, at=1))
        assert verbs(kitchen.feed(bad, 1)) == expected


def test_the_answer_of_a_window_changes_though_nothing_comes() -> None:
    kitchen = bench(rule(when=f'avg({TEMPERATURE}, "10min") > 8', alarm=True))
    kitchen.feed(Started(), 0)
    for minute in range(10):
        seen(kitchen, TEMPERATURE, 4.0, minute * MINUTE)
    assert verbs(seen(kitchen, TEMPERATURE, 12.0, 10 * MINUTE)) == []
    assert verbs(kitchen.feed(Elapsed(), 20 * MINUTE)) == ["raise"]
    alarm = kitchen.state.entries["alarm/watch"]
    assert isinstance(alarm, Alarm)
    assert 14 * MINUTE < alarm.since < 17 * MINUTE  # when half of the window was at 12


def test_a_condition_with_an_if_counts_only_while_that_is_true() -> None:
    kitchen = bench(rule(when=f"{TEMPERATURE} > 8", gate=f"not {DOOR}", alarm=True, for_ms=MINUTE))
    seen(kitchen, DOOR, value=True, now=0)
    seen(kitchen, TEMPERATURE, 9.0, 1)
    assert verbs(kitchen.feed(Elapsed(), 5 * MINUTE)) == []
    seen(kitchen, DOOR, value=False, now=6 * MINUTE)
    assert verbs(kitchen.feed(Elapsed(), 7 * MINUTE)) == ["raise"]


def test_a_change_runs_a_rule_once_and_the_first_sight_of_a_point_is_none() -> None:
    opened = PointChanged(point=DOOR, to=True)
    kitchen = bench(rule(triggers=[opened], actions=[Note(text="opened")]))
    assert notes(seen(kitchen, DOOR, value=True, now=1)) == []
    assert notes(seen(kitchen, DOOR, value=False, now=2)) == []
    assert notes(seen(kitchen, DOOR, value=True, now=3)) == ["opened"]
    assert notes(seen(kitchen, DOOR, value=True, now=4)) == []


def test_what_changed_while_the_gateway_was_away_is_a_change_too() -> None:
    watching = rule(triggers=[PointChanged(point=DOOR, to=True)], actions=[Note(text="opened")])
    before = bench(watching)
    seen(before, DOOR, value=False, now=1)
    after = bench(watching, kept=before)
    after.feed(Started(), 10)
    assert notes(seen(after, DOOR, value=True, now=11)) == ["opened"]


def test_a_run_that_waits_goes_on_after_a_restart() -> None:
    steps: list[Action] = [Note(text="begun"), Wait(for_ms=10 * MINUTE), Note(text="done")]
    slow = rule(triggers=[Called()], actions=steps)
    before = bench(slow)
    assert notes(before.feed(Asked("watch", "mina"), 0)) == ["begun"]
    after = bench(slow, kept=before)
    after.feed(Started(), 5 * MINUTE)
    assert notes(after.feed(Elapsed(), 9 * MINUTE)) == []
    effects = after.feed(Elapsed(), 30 * MINUTE)
    assert notes(effects) == ["done"]
    (record,) = (one for one in decided(effects, Record) if one.kind == "record")
    assert record.data["chain"] == ["person mina", "rule watch"]
    assert "run/watch" not in after.state.entries


def test_a_trigger_during_a_run_is_passed_over_or_begins_again_or_waits_its_turn() -> None:
    steps: list[Action] = [Note(text="begun"), Wait(for_ms=10 * MINUTE), Note(text="done")]
    heard: dict[Mode, list[object]] = {}
    for mode in Mode:
        kitchen = bench(rule(triggers=[Called()], actions=steps, mode=mode))
        effects = kitchen.feed(Asked("watch", "mina"), 0)
        effects += kitchen.feed(Asked("watch", "mina"), 5 * MINUTE)
        effects += kitchen.feed(Elapsed(), 10 * MINUTE)
        effects += kitchen.feed(Elapsed(), 15 * MINUTE)
        heard[mode] = [*notes(effects), *verbs(effects, "rule")]
    assert heard == {
        Mode.SINGLE: ["begun", "done", "passed over"],
        Mode.RESTART: ["begun", "begun", "done"],
        Mode.QUEUED: ["begun", "done", "begun"],
    }


def test_a_timer_runs_the_rules_that_wait_for_it_unless_it_was_stopped() -> None:
    start = rule("start", triggers=[Called()], actions=[StartTimer(timer="fryer", for_ms=MINUTE)])
    stop = rule("stop", triggers=[Called()], actions=[StartTimer(timer="fryer", for_ms=0)])
    done = rule("done", triggers=[TimerElapsed(timer="fryer")], actions=[Notify(text="chips!")])
    kitchen = bench(start, stop, done)
    kitchen.feed(Asked("start", "mina"), 0)
    effects = kitchen.feed(Elapsed(), MINUTE)
    assert decided(effects, Tell) == [Tell("chips!", "", "done", "high")]
    kitchen.feed(Asked("start", "mina"), 2 * MINUTE)
    assert verbs(kitchen.feed(Asked("stop", "mina"), 2 * MINUTE + 1), "timer") == ["stop"]
    assert kitchen.feed(Elapsed(), 10 * MINUTE) == []


def test_asking_for_a_rule_that_is_gone_or_takes_no_calls_does_nothing() -> None:
    kitchen = bench(rule(when=f"{TEMPERATURE} > 8", alarm=True))
    for name in ("watch", "gone"):
        assert kitchen.feed(Asked(name, "mina"), 0) == []


def test_a_mode_is_kept_and_told_once() -> None:
    closing = rule(triggers=[Called()], actions=[SetMode(mode="kitchen", value="closed")])
    kitchen = bench(closing)
    assert decided(kitchen.feed(Asked("watch", "mina"), 1), Turned) == [Turned("kitchen", "closed")]
    assert decided(kitchen.feed(Asked("watch", "mina"), 2), Turned) == []
    effects = kitchen.feed(Switched("kitchen", "open", "jun"), 3)
    assert [one.data["by"] for one in decided(effects, Record)] == ["jun"]


def test_an_alarm_runs_the_rules_that_wait_for_it_with_all_that_led_there() -> None:
    warm = rule("warm", when=f"{TEMPERATURE} > 8", alarm=True)
    heard = AlarmHeard(alarm="warm", verb="raise")
    kitchen = bench(warm, rule("tell", triggers=[heard], actions=[Note(text="look")]))
    effects = seen(kitchen, TEMPERATURE, 9.0, 1)
    (note,) = (one for one in decided(effects, Record) if one.kind == "record")
    assert note.data["chain"] == [
        f"point {TEMPERATURE}",
        "rule warm",
        "alarm warm raise",
        "rule tell",
    ]


def circle(priority: Priority) -> Bench:
    """Two rules of which each waits for the other's alarm."""
    a = rule(
        "a", triggers=[Called(), AlarmHeard(alarm="b", verb="raise")], alarm=True, priority=priority
    )
    b = rule("b", triggers=[AlarmHeard(alarm="a", verb="raise")], alarm=True, priority=priority)
    return bench(a, b)


def test_rules_that_lead_back_to_themselves_are_suspended_and_say_so() -> None:
    kitchen = circle(Priority.HIGH)
    effects = kitchen.feed(Asked("a", "mina"), 0)
    told = [one.data for one in decided(effects, Record) if "why" in one.data]
    assert {str(data["why"]) for data in told} == {"it leads back to itself"}
    assert Phase.SUSPENDED in {kitchen.phase("a"), kitchen.phase("b")}
    assert len(effects) < 100


def test_rules_of_life_safety_that_lead_back_to_themselves_stop_and_stay_awake() -> None:
    kitchen = circle(Priority.LIFE)
    effects = kitchen.feed(Asked("a", "mina"), 0)
    assert "stopped" in verbs(effects, "rule")
    assert {kitchen.phase("a"), kitchen.phase("b")} == {Phase.IDLE}


def test_a_rule_that_begins_too_often_rests_and_gets_another_chance() -> None:
    kitchen = bench(rule(triggers=[Called()], actions=[Note(text="again")]))
    now = 0
    for _ in range(int(BURST) + 50):
        now += 1
        kitchen.feed(Asked("watch", "mina"), now)
    assert kitchen.phase("watch") is Phase.SUSPENDED
    assert "alarm/watch" in kitchen.state.entries
    assert notes(kitchen.feed(Asked("watch", "mina"), now + 1)) == []
    kitchen.feed(Elapsed(), now + REST_MS)
    assert notes(kitchen.feed(Asked("watch", "mina"), now + REST_MS)) == ["again"]


def test_a_number_that_comes_back_whole_from_the_log_is_still_the_one_waited_for() -> None:
    for value in (9.0, 9):
        kitchen = bench(
            rule(triggers=[PointChanged(point=TEMPERATURE, to=9.0)], actions=[Note(text="nine")])
        )
        seen(kitchen, TEMPERATURE, 4.0, 1)
        assert notes(seen(kitchen, TEMPERATURE, value, 2)) == ["nine"]
    kitchen = bench(rule(triggers=[PointChanged(point=DOOR, to=True)], actions=[Note(text="open")]))
    seen(kitchen, DOOR, value=False, now=1)
    assert notes(seen(kitchen, DOOR, 1.0, 2)) == []
