"""One step of judging: which timers fire when, and what is due, moved, too late or too often."""

import msgspec
import pytest

from gateway.judging import decode
from rules.base import (
    Action,
    AlarmHeard,
    Called,
    Due,
    Mode,
    Note,
    PointChanged,
    Priority,
    SetMode,
    StartTimer,
    TimerElapsed,
    Wait,
)
from rules.events import Asked, Clocked, Effect, Elapsed, Record, Started, Turned
from rules.judge import Judge
from rules.kept import Run
from rules.memory import Phase
from rules.schedule import IfMissed
from rules.state import Memories
from rules.turn import TIMERS_MOST
from tests.kitchen_rules import Bench, stored
from tests.rule_graphs import AHEAD_MS, DAY, HOUR, MINUTE, SECOND, schedule
from tests.test_runs import DOOR, TEMPERATURE, bench, notes, rule, seen, verbs

UPTIME_MS = 400 * DAY


def restarted(before: Bench, *, judge: Judge | None = None) -> Bench:
    """A new process on what another has stored, at its very start."""
    return Bench(judge or before.judge, decode(stored(before.state.entries)))


def records(effects: list[Effect], kind: str) -> list[dict[str, object]]:
    return [one.data for one in effects if isinstance(one, Record) and one.kind == kind]


def test_a_rule_that_looks_by_itself_begins_to_with_the_process_however_long_the_uptime() -> None:
    window = rule(when=f'avg({TEMPERATURE}, "1min") > 8 or age({TEMPERATURE}) > 60', alarm=True)
    kitchen = bench(window)
    assert kitchen.state.next_due > UPTIME_MS
    kitchen.feed(Started(), UPTIME_MS)
    assert UPTIME_MS < kitchen.state.next_due <= UPTIME_MS + SECOND
    seen(kitchen, TEMPERATURE, 4.0, UPTIME_MS + 1)
    after = restarted(kitchen)
    after.feed(Started(), 2 * UPTIME_MS)
    assert 2 * UPTIME_MS < after.state.next_due <= 2 * UPTIME_MS + SECOND
    assert "alarm/watch" not in after.state.entries, "nobody looked while the gateway was away"


def test_what_is_taken_over_looks_again_when_it_would_have() -> None:
    kitchen = bench(rule(when=f"age({TEMPERATURE}) > 60"))
    kitchen.feed(Started(), UPTIME_MS)
    following = Memories(kitchen.judge, kitchen.state.entries, kitchen.state.seen)
    assert following.next_due == kitchen.state.next_due


def test_an_alarm_may_be_about_a_point_that_its_formula_does_not_look_at() -> None:
    kitchen = bench(rule(when=DOOR, alarm=True))
    effects = seen(kitchen, DOOR, value=True, now=1)
    (raised,) = records(effects, "alarm")
    assert (raised["point"], raised["value"]) == (TEMPERATURE, None)


def test_a_timer_that_is_stopped_in_the_instant_it_is_due_does_not_elapse() -> None:
    """The run comes first, because it belongs to a rule; the timer it stops was due as well."""
    start = rule(
        "start",
        triggers=[Called()],
        actions=[StartTimer(timer="fryer", for_ms=MINUTE), Wait(for_ms=MINUTE),
                 StartTimer(timer="fryer", for_ms=0)],
    )  # fmt: skip
    heard = rule("heard", triggers=[TimerElapsed(timer="fryer")], actions=[Note(text="chips!")])
    kitchen = bench(start, heard)
    kitchen.feed(Asked("start", "mina"), 0)
    effects = kitchen.feed(Elapsed(), HOUR)
    assert (verbs(effects, "timer"), notes(effects)) == (["stop"], [])


def test_a_wait_that_begins_anew_in_the_instant_it_is_over_is_waited_for() -> None:
    """A rule that is more urgent raises the alarm that restarts the run, before that goes on."""
    warm = rule("warm", when=f"{TEMPERATURE} > 8", for_ms=MINUTE, alarm=True)
    slow = rule(
        "slow",
        triggers=[Called(), AlarmHeard(alarm="warm", verb="raise")],
        actions=[Wait(for_ms=MINUTE), Note(text="done")],
        mode=Mode.RESTART,
        priority=Priority.LOW,
    )
    kitchen = bench(warm, slow)
    seen(kitchen, TEMPERATURE, 9.0, 0)
    kitchen.feed(Asked("slow", "mina"), 0)
    assert notes(kitchen.feed(Elapsed(), 2 * MINUTE - 1)) == []
    run = kitchen.state.entries["run/slow"]
    assert isinstance(run, Run)
    assert run.due == 2 * MINUTE
    assert notes(kitchen.feed(Elapsed(), 2 * MINUTE)) == ["done"]


def test_a_condition_that_ends_in_the_instant_its_time_is_over_raises_nothing() -> None:
    ending = rule(when=f"age({TEMPERATURE}) < 10", for_ms=10 * SECOND, alarm=True)
    kitchen = bench(ending)
    kitchen.feed(Started(), 0)
    seen(kitchen, TEMPERATURE, 4.0, 0)
    assert kitchen.phase("watch") is Phase.PENDING
    assert kitchen.feed(Elapsed(), MINUTE) == []
    assert kitchen.phase("watch") is Phase.IDLE


def test_of_what_is_due_at_once_the_most_urgent_rule_comes_first() -> None:
    low = rule("a", when=f"{TEMPERATURE} > 8", for_ms=MINUTE, alarm=True, priority=Priority.LOW)
    life = rule("z", when=f"{TEMPERATURE} > 8", for_ms=MINUTE, alarm=True, priority=Priority.LIFE)
    kitchen = bench(low, life)
    seen(kitchen, TEMPERATURE, 9.0, 0)
    assert [data["id"] for data in records(kitchen.feed(Elapsed(), MINUTE), "alarm")] == ["z", "a"]


def test_a_queue_goes_on_also_after_a_wait_at_the_end() -> None:
    steps: list[Action] = [Note(text="rung"), Wait(for_ms=MINUTE)]
    kitchen = bench(rule(triggers=[Called()], actions=steps, mode=Mode.QUEUED, alarm=True))
    effects = kitchen.feed(Asked("watch", "mina"), 0)
    effects += kitchen.feed(Asked("watch", "jun"), 1)
    assert verbs(effects) == ["raise", "return", "raise", "return"], "both are told at once"
    effects += kitchen.feed(Elapsed(), MINUTE)
    assert notes(effects) == ["rung", "rung"]
    assert notes(kitchen.feed(Elapsed(), HOUR)) == []
    assert "run/watch" not in kitchen.state.entries


def hourly(if_missed: IfMissed = IfMissed.SKIP) -> Bench:
    """A rule at each full hour, in a kitchen that knows the time."""
    due = Due(schedule=schedule("0 */1 * * *", if_missed))
    kitchen = bench(rule(triggers=[due], actions=[Note(text="rung")]))
    kitchen.feed(Started(), 0)
    kitchen.feed(Clocked(AHEAD_MS), 0)
    return kitchen


def test_runs_that_the_gateway_slept_through_are_missed_and_said_so() -> None:
    kitchen = hourly()
    assert notes(kitchen.feed(Elapsed(), HOUR)) == ["rung"]
    after = restarted(kitchen)
    effects = after.feed(Started(), 9 * HOUR + 30 * MINUTE)
    assert notes(effects) == []
    (missed,) = records(effects, "schedule")
    assert (missed["verb"], missed["count"], missed["why"]) == ("missed", 8, "late")
    msgspec.json.encode(missed)
    assert notes(after.feed(Elapsed(), 10 * HOUR)) == ["rung"]


def test_a_loop_that_was_held_up_runs_each_at_its_own_instant() -> None:
    assert notes(hourly().feed(Elapsed(), 3 * HOUR)) == ["rung"] * 3


def test_a_rule_that_has_no_schedule_any_more_forgets_when_it_would_have_come_round() -> None:
    kitchen = hourly()
    called = Judge([rule(triggers=[Called()], actions=[Note(text="asked")])], {})
    after = restarted(kitchen, judge=called)
    assert after.feed(Started(), 5 * HOUR) == []
    assert "schedule/watch" not in after.state.entries
    assert notes(after.feed(Asked("watch", "mina"), 5 * HOUR)) == ["asked"]


def test_a_circle_of_timers_does_not_hold_up_a_start_after_months() -> None:
    again = rule(
        triggers=[Called(), TimerElapsed(timer="t")],
        actions=[StartTimer(timer="t", for_ms=SECOND)],
        priority=Priority.LIFE,
    )
    kitchen = bench(again)
    kitchen.feed(Asked("watch", "mina"), 0)
    after = restarted(kitchen)
    effects = after.feed(Started(), 60 * DAY)
    assert len(records(effects, "timer")) < 2 * TIMERS_MOST + 10
    assert [data["code"] for data in records(effects, "system")] == ["timers_late"]
    assert after.state.timers["timer/t"] == 60 * DAY + SECOND


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.LIFE])
def test_two_rules_that_set_a_mode_to_and_fro_end(priority: Priority) -> None:
    """In the daemon each mode that was set is published in the next turn of the loop."""
    point = "mode/kitchen"
    opened, closed = (
        rule(
            f"on_{here}",
            triggers=[PointChanged(point=point, to=here)],
            actions=[SetMode(mode="kitchen", value=there)],
            priority=priority,
        )
        for here, there in (("open", "closed"), ("closed", "open"))
    )
    kitchen = bench(opened, closed)
    seen(kitchen, point, "open", 0)
    turns, told = 0, []
    value = "closed"
    while True:
        turns += 1
        effects = seen(kitchen, point, value, 1)
        told += effects
        turned = [effect.value for effect in effects if isinstance(effect, Turned)]
        if not turned:
            break
        value = turned[-1]
    assert turns < 1_000
    stopped = verbs(told, "rule")
    if priority is Priority.LIFE:
        assert stopped == ["stopped"]
        assert {kitchen.phase("on_open"), kitchen.phase("on_closed")} == {Phase.IDLE}
        kitchen.feed(Elapsed(), HOUR)
        again = seen(kitchen, point, "open", HOUR) + seen(kitchen, point, "closed", HOUR)
        assert again, "it runs again as soon as it may"
    else:
        assert Phase.SUSPENDED in {kitchen.phase("on_open"), kitchen.phase("on_closed")}
