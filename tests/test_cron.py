"""Cron lines as in crontab(5), and what summer time does to those with and without a star."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.days import Calendar, Days, On
from rules.occurrences import (
    ClockTime,
    Elapsing,
    Occurrence,
    Trigger,
    at_minutes,
    cron,
    latest,
)
from tests.wall_clock import DAY, MINUTE, utc

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")


def shown(trigger: Trigger, zone: ZoneInfo, start: str, number: int) -> list[str]:
    """The next occurrences after a local time, as the clock on the wall shows them."""
    after = utc(datetime.fromisoformat(start).replace(tzinfo=zone).isoformat())
    order, found = trigger.order_at(after), []
    for _ in range(number):
        one = trigger.after(order)
        assert one is not None
        order = one.order
        found.append(datetime.fromtimestamp(one.at / 1000, zone).strftime("%a %m-%d %H:%M %z"))
    return [text.removesuffix(" +0900") for text in found]


# The lines are the examples of crontab(5) (EXAMPLE CRON FILE) and of its sentences on ranges,
# lists, steps and names; 2026-01-01 is a Thursday.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("5 0 * * *", ["Thu 01-01 00:05", "Fri 01-02 00:05"]),
        ("15 14 1 * *", ["Thu 01-01 14:15", "Sun 02-01 14:15"]),
        ("0 22 * * 1-5", ["Thu 01-01 22:00", "Fri 01-02 22:00", "Mon 01-05 22:00"]),
        ("23 0-23/2 * * *", ["Thu 01-01 00:23", "Thu 01-01 02:23", "Thu 01-01 04:23"]),
        ("5 4 * * sun", ["Sun 01-04 04:05", "Sun 01-11 04:05"]),
        ("0 4 8-14 * *", ["Thu 01-08 04:00", "Fri 01-09 04:00"]),
        # "30 4 1,15 * 5 would cause a command to be run at 4:30 am on the 1st and 15th of each
        # month, plus every Friday."
        (
            "30 4 1,15 * 5",
            ["Thu 01-01 04:30", "Fri 01-02 04:30", "Fri 01-09 04:30", "Thu 01-15 04:30"],
        ),
        ("0 12 */10 * mon", ["Mon 05-11 12:00"]),  # a star: both
        ("0 0 * * 0", ["Sun 01-04 00:00"]),  # 0 and 7 are Sunday
        ("0 0 * * 7", ["Sun 01-04 00:00"]),
        ("0 0 * JAN,mar Mon", ["Mon 01-05 00:00", "Mon 01-12 00:00"]),
        ("0 0 29 2 *", ["Tue 02-29 00:00"]),  # 2028
        ("*/20 8-9 * * *", ["Thu 01-01 08:00", "Thu 01-01 08:20", "Thu 01-01 08:40"]),
    ],
)
def test_a_line_means_what_crontab_says(line: str, expected: list[str]) -> None:
    trigger = cron(line, SEOUL)
    start = "2025-12-31T23:59:59"
    assert shown(trigger, SEOUL, start, len(expected)) == expected


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "0 0 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
     "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "@daily", "0 0 30 2 *", "1,, * * * *",
     "0 " * 100],
)  # fmt: skip
def test_a_wrong_line_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected minute, hour, day, month, weekday, such as"):
        cron(line, SEOUL)


def test_a_job_at_a_clock_time_runs_once_a_day_when_the_clocks_change() -> None:
    trigger = cron("30 2 * * *", BERLIN)
    assert isinstance(trigger, ClockTime)
    assert shown(trigger, BERLIN, "2026-03-28T12:00", 2) == [
        "Sun 03-29 03:00 +0200",
        "Mon 03-30 02:30 +0200",
    ]
    assert shown(trigger, BERLIN, "2026-10-24T12:00", 2) == [
        "Sun 10-25 02:30 +0200",
        "Mon 10-26 02:30 +0100",
    ]


@pytest.mark.parametrize("start", ["2026-03-28T20:00+01:00", "2026-10-24T20:00+02:00"])
def test_a_job_with_a_star_goes_on_by_elapsed_time_when_the_clocks_change(start: str) -> None:
    trigger = cron("*/15 * * * *", BERLIN)
    assert isinstance(trigger, Elapsing)
    order = utc(start)
    for number in range(1, 100):
        found = trigger.after(order)
        assert found is not None
        assert found.at == utc(start) + number * 15 * MINUTE
        order = found.order


def test_a_job_with_a_star_for_one_hour_comes_in_both_of_them() -> None:
    trigger = cron("*/30 2 25 10 *", BERLIN)
    assert shown(trigger, BERLIN, "2026-10-25T00:00", 5) == [
        "Sun 10-25 02:00 +0200",
        "Sun 10-25 02:30 +0200",
        "Sun 10-25 02:00 +0100",
        "Sun 10-25 02:30 +0100",
        "Mon 10-25 02:00 +0200",
    ]


def test_times_that_summer_time_brings_together_are_one_instant() -> None:
    trigger = cron("0,30 2,3 * * *", BERLIN)
    found = shown(trigger, BERLIN, "2026-03-28T12:00", 4)
    assert found == ["Sun 03-29 03:00 +0200"] * 3 + ["Sun 03-29 03:30 +0200"]


def test_only_days_that_count_are_taken() -> None:
    holiday = datetime(2026, 1, 1, tzinfo=SEOUL).date()
    days = Days(on=On.WORKDAYS, calendar=Calendar(holidays={holiday: "New Year's Day"}))
    found = shown(cron("0 9 * * *", SEOUL, days), SEOUL, "2025-12-31T10:00", 3)
    assert found == ["Fri 01-02 09:00", "Mon 01-05 09:00", "Tue 01-06 09:00"]


def test_a_line_that_no_day_fits_has_no_next_one() -> None:
    nothing = Days(on=On.HOLIDAYS)
    assert cron("0 9 * * *", SEOUL, nothing).after(0) is None
    assert cron("*/5 9 * * *", SEOUL, nothing).after(0) is None


def test_the_latest_is_found_without_going_through_all() -> None:
    trigger = cron("* * * * *", SEOUL)
    asked: list[int] = []

    class Counting(Elapsing):
        def after(self, order: int) -> Occurrence | None:
            asked.append(order)
            return super().after(order)

    end = utc("2026-06-01T12:34:56")
    found = latest(Counting(SEOUL, at_minutes(range(1440))), end - 400 * DAY, end)
    assert found is not None
    assert found.at == utc("2026-06-01T12:34:00")
    assert len(asked) < 60
    assert latest(trigger, end, end + 3 * 1000) is None


@given(st.text(alphabet="0123456789*/,-#LWlw mnosatufrijepy?", max_size=30))
def test_any_text_is_a_line_or_refused_and_a_line_goes_on_in_order(line: str) -> None:
    try:
        trigger = cron(line, BERLIN)
    except ValueError:
        return
    order = utc("2026-03-28T12:00")
    for _ in range(3):
        found = trigger.after(order)
        if found is None:
            return
        assert found.order > order
        assert trigger.order_at(found.at) >= found.order
        order = found.order


FIELD = st.sampled_from(["*", "*/7", "3", "2-5", "0", "1,4"])


@given(st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD))
def test_any_line_is_found_again_from_just_before_each_occurrence(parts: tuple[str, ...]) -> None:
    line = " ".join(parts).replace("0 ", "1 ")
    trigger = cron(line, BERLIN)
    order = utc("2026-03-28T12:00")
    for _ in range(5):
        found = trigger.after(order)
        if found is None:
            return
        assert trigger.after(found.order - 1) == found
        order = found.order
