"""A schedule under clocks that jump, zones that change and power that fails."""

import random
from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.local_time import offset_at
from rules.occurrences import cron, latest
from rules.schedule import (
    MISSED_MAX,
    IfMissed,
    Missed,
    Run,
    Schedule,
    State,
    Why,
    advance,
)
from tests.wall_clock import DAY, HOUR, MINUTE, WallClock, utc

SEOUL = ZoneInfo("Asia/Seoul")
NOON = utc("2026-05-01T12:00+09:00")


def daily(
    line: str = "0 22 * * *",
    zone: ZoneInfo = SEOUL,
    if_missed: IfMissed = IfMissed.ONCE,
    late_within_ms: int = HOUR,
) -> Schedule:
    return Schedule(
        trigger=cron(line, zone), of=line, if_missed=if_missed, late_within_ms=late_within_ms
    )


def at_22(day: int) -> int:
    return utc(f"2026-05-{day:02}T22:00+09:00")


def test_it_runs_at_its_time_and_only_then() -> None:
    clock = WallClock(daily(), NOON)
    clock.go_on(3 * DAY)
    assert clock.runs == [(at_22(day) - NOON, Run(at_22(day), 0)) for day in (1, 2, 3)]
    assert clock.missed == []


def test_a_look_at_any_other_time_changes_nothing() -> None:
    clock = WallClock(daily(), NOON)
    for _ in range(50):
        before = clock.state
        clock.look()
        assert clock.state == before
        clock.go_on(HOUR - 1)
    assert clock.run_at == [at_22(1), at_22(2)]


def test_its_state_is_json_and_goes_on_where_it_stood() -> None:
    clock = WallClock(daily(), NOON)
    clock.go_on(DAY)
    stored = msgspec.json.encode(clock.state)
    clock.state = msgspec.json.decode(stored, type=State)
    clock.go_on(DAY)
    assert clock.run_at == [at_22(1), at_22(2)]
    assert clock.state.last_run == at_22(2)


def test_pure_questions_have_strict_and_bounded_answers() -> None:
    schedule = daily()
    assert schedule.next_after(NOON) == at_22(1)
    assert schedule.next_after(at_22(1) - 1) == at_22(1)
    assert schedule.next_after(at_22(1)) == at_22(2)
    assert schedule.missed(at_22(1), at_22(3)) == (at_22(2), at_22(3))
    assert len(schedule.missed(NOON, NOON + 5 * 366 * DAY)) == MISSED_MAX


@pytest.mark.parametrize(
    ("off", "if_missed", "runs", "missed"),
    [
        (10 * HOUR + MINUTE // 2, IfMissed.SKIP, [at_22(1)], 0),  # half a minute is on time
        (10 * HOUR + 2 * MINUTE, IfMissed.SKIP, [], 1),
        (10 * HOUR + 30 * MINUTE, IfMissed.ONCE, [at_22(1)], 0),
        (11 * HOUR + 1, IfMissed.ONCE, [], 1),
        (34 * HOUR + 30 * MINUTE, IfMissed.ONCE, [at_22(2)], 1),
        (34 * HOUR + 30 * MINUTE, IfMissed.SKIP, [], 2),
        (3 * DAY, IfMissed.ONCE, [], 3),
    ],
)
def test_after_a_power_cut_the_last_missed_run_is_made_up_for_if_it_is_not_too_late(
    off: int, if_missed: IfMissed, runs: list[int], missed: int
) -> None:
    clock = WallClock(daily(if_missed=if_missed), NOON)
    clock.be_off(off)
    assert clock.run_at == runs
    assert sum(one.number for one in clock.missed) == missed
    assert all(one.why is Why.LATE and not one.more for one in clock.missed)
    for one in clock.runs:
        assert one[1].late_ms == NOON + off - one[1].at
    clock.go_on(DAY)
    assert len(clock.runs) == len(runs) + 1  # and goes on as ever


def test_of_very_many_missed_runs_it_says_that_there_are_more() -> None:
    clock = WallClock(daily("* * * * *"), NOON)
    clock.be_off(DAY)
    assert len(clock.runs) == 1
    first = NOON + MINUTE
    assert clock.missed == [
        Missed(MISSED_MAX, True, first, first + (MISSED_MAX - 1) * MINUTE, Why.LATE)
    ]


def test_a_clock_that_was_never_set_runs_nothing_and_says_so() -> None:
    clock = WallClock(daily(), NOON, trusted=False)
    clock.go_on(5 * DAY)
    assert clock.runs == []
    assert clock.state == State(waiting=True)
    for wall in (0, utc("1970-06-01"), utc("2150-01-01")):
        state = advance(daily(), None, 0, wall, True).state
        assert state.waiting
        assert state.due is None


def test_what_came_due_while_the_clock_was_not_trusted_is_judged_once_it_is() -> None:
    clock = WallClock(daily(), NOON)
    clock.trusted = False
    clock.look()
    assert clock.state is not None
    assert clock.state.waiting
    clock.go_on(9 * HOUR)
    clock.trusted = True
    clock.look()
    clock.go_on(2 * HOUR)
    assert clock.run_at == [at_22(1)]

    clock.trusted = False
    clock.look()
    clock.go_on(2 * DAY + HOUR)
    clock.trusted = True
    clock.look()
    assert sum(one.number for one in clock.missed) == 2


def test_back_from_1970_nothing_has_run_twice_and_nothing_was_missed() -> None:
    clock = WallClock(daily(), NOON)
    clock.go_on(11 * HOUR)
    right = clock.wall
    clock.set_to(0)
    clock.set_to(right)
    clock.go_on(DAY)
    assert clock.run_at == [at_22(1), at_22(2)]
    assert clock.missed == []


def test_ten_years_ahead_and_back_every_day_is_run_once() -> None:
    clock = WallClock(daily(), NOON)
    clock.go_on(9 * HOUR)
    right = clock.wall
    clock.set_to(right + 3652 * DAY)
    assert clock.runs == []
    (jumped,) = clock.missed
    assert jumped.more
    clock.set_to(right)
    clock.go_on(3 * DAY)
    assert clock.run_at == [at_22(1), at_22(2), at_22(3)]
    assert clock.missed == [jumped]


def test_what_ran_under_a_clock_that_was_years_ahead_does_not_stop_it_for_years() -> None:
    clock = WallClock(daily(), NOON + 3652 * DAY)
    clock.go_on(2 * DAY + 11 * HOUR)
    assert len(clock.runs) == 3
    clock.set_to(at_22(9) - HOUR)
    clock.go_on(3 * DAY)
    # It ran two hours before: the next in an hour is left out, and that is said.
    assert clock.run_at[3:] == [at_22(10), at_22(11)]
    assert clock.missed == [Missed(1, False, at_22(9), at_22(9), Why.SET_BACK)]


@pytest.mark.parametrize("back", [MINUTE, HOUR, 25 * HOUR, 47 * HOUR])
def test_a_clock_set_back_a_little_runs_nothing_a_second_time(back: int) -> None:
    clock = WallClock(daily(), NOON)
    clock.go_on(DAY + 10 * HOUR + MINUTE // 2)
    clock.set_to(clock.wall - back)
    clock.go_on(4 * DAY)
    assert clock.run_at == sorted(set(clock.run_at))
    assert clock.run_at[:3] == [at_22(1), at_22(2), at_22(3)]


def test_a_monthly_job_does_not_run_again_after_three_days_back() -> None:
    clock = WallClock(daily("0 4 1 * *"), utc("2026-05-30T12:00+09:00"))
    clock.go_on(2 * DAY)
    clock.set_to(clock.wall - 3 * DAY)
    clock.go_on(40 * DAY)
    assert clock.run_at == [utc("2026-06-01T04:00+09:00"), utc("2026-07-01T04:00+09:00")]


def test_a_quarter_hour_goes_on_at_once_when_the_clock_is_set_back() -> None:
    clock = WallClock(daily("*/15 * * * *"), NOON)
    clock.go_on(25 * HOUR)
    before = len(clock.runs)
    clock.set_to(clock.wall - 25 * HOUR)
    clock.go_on(2 * HOUR)
    assert len(clock.runs) == before + 8


def test_another_schedule_begins_from_now_and_says_what_the_old_one_left() -> None:
    clock = WallClock(daily(), NOON)
    clock.rewrite(daily("0 10 * * *"))
    assert clock.runs == []
    clock.go_on(DAY)
    assert clock.run_at == [utc("2026-05-02T10:00+09:00")]

    clock.now += 2 * DAY  # without power
    clock.rewrite(daily("0 11 * * *"))
    assert [one.why for one in clock.missed] == [Why.CHANGED]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Honolulu", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_after_a_change_of_the_zone_a_daily_job_still_runs_once_for_each_local_day(
    zone: str, hour: int
) -> None:
    clock = WallClock(daily(late_within_ms=0), NOON)
    clock.go_on(2 * DAY + hour * HOUR)
    other = ZoneInfo(zone)
    clock.rewrite(daily(zone=other, late_within_ms=0))
    clock.go_on(5 * DAY)
    clock.rewrite(daily(late_within_ms=0))
    clock.go_on(5 * DAY)
    zones = [SEOUL, other, SEOUL]
    turns = [2 * DAY + hour * HOUR, 7 * DAY + hour * HOUR, 13 * DAY]
    days: list[int] = []
    for kitchen, _ in clock.runs:
        here = zones[next(index for index, end in enumerate(turns) if kitchen < end)]
        days.append((NOON + kitchen + offset_at(here, NOON + kitchen) - 22 * HOUR) // DAY)
    assert clock.missed == []
    assert len(days) == len(set(days))
    # What the new zone has already behind it runs at once; no day is left out.
    assert set(days) >= set(range(min(days), max(days) + 1))


def test_a_zone_change_over_a_power_cut_goes_by_the_policy() -> None:
    clock = WallClock(daily(zone=ZoneInfo("Europe/Berlin")), NOON)
    clock.now += 3 * DAY
    clock.rewrite(daily())
    assert clock.runs == []
    assert sum(one.number for one in clock.missed) == 3


JUMPS: tuple[Callable[[random.Random], int], ...] = (
    lambda chance: HOUR,
    lambda chance: -HOUR,
    lambda chance: -25 * HOUR,
    lambda chance: 3652 * DAY,
    lambda chance: chance.randrange(-60 * DAY, 60 * DAY),
    lambda chance: chance.randrange(-90_000, 90_000),
)


LINES = ["0 22 * * *", "*/30 * * * *", "0 6,18 * * 1-5", "0 4 1 * *"]


@pytest.mark.parametrize("line", LINES)
def test_five_hundred_jumps_fire_nothing_twice_and_miss_nothing_silently(line: str) -> None:
    jump_about(line, seed=1, jumps=500 // len(LINES))


@pytest.mark.long
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(10))
def test_five_thousand_jumps_do_no_more_harm(line: str, seed: int) -> None:
    jump_about(line, seed, 500)


def jump_about(
    line: str, seed: int, jumps: int, make: Callable[[Schedule, int], WallClock] = WallClock
) -> None:
    """Set the clock wrong, and half of the times right again some hours later."""
    chance = random.Random(seed)
    clock = make(daily(line, late_within_ms=chance.choice([0, HOUR, DAY])), NOON)
    spans: list[tuple[int, int]] = []  # of wall time that went by, or was jumped over
    ran: dict[int, int] = {}
    elapsing = line.startswith("*")
    for _ in range(jumps):
        start = clock.wall
        clock.go_on(chance.randrange(4 * HOUR if elapsing else 40 * HOUR))
        spans.append((start, clock.wall))
        jump = chance.choice(JUMPS)(chance)
        if chance.random() < 0.15:
            jump = -clock.wall  # 1970
        right, now = clock.wall, clock.now
        clock.set_to(clock.wall + jump)
        spans.append((right, clock.wall))
        if chance.random() < 0.5 or clock.wall > NOON + 3000 * DAY or clock.wall < NOON - DAY * 365:
            clock.go_on(chance.randrange(5 * HOUR))
            wrong = clock.wall
            clock.set_to(right + clock.now - now)
            spans.append((wrong, clock.wall))
    for kitchen, run in clock.runs:
        before = ran.get(run.at)
        if before is not None and not elapsing:
            assert kitchen - before > 2 * DAY - HOUR, "twice, and not set back far"
        ran[run.at] = kitchen
    told = [(one.first, max(one.last, one.first + one.more * 10**15)) for one in clock.missed]
    for begin, end in spans:
        start = max(begin, NOON)  # nothing was planned before
        one = clock.schedule.trigger.after(clock.schedule.trigger.order_at(start))
        if one is None or one.at > end:
            continue
        last = latest(clock.schedule.trigger, one.order, end) or one
        for at in (one.at, last.at):
            assert at in ran or any(first <= at <= until for first, until in told), at


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(-3 * DAY, 3 * DAY)), max_size=30))
def test_whatever_the_clock_does_the_next_run_is_planned_ahead(
    steps: list[tuple[int, int]],
) -> None:
    clock = WallClock(daily("0 */8 * * *"), NOON)
    for passed, jump in steps:
        clock.go_on(passed)
        clock.set_to(clock.wall + jump)
        assert clock.state is not None
        assert clock.state.due is not None
        assert clock.state.due > clock.now
        assert clock.state.planned == clock.state.due + clock.ahead
