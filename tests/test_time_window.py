"""Windows: when they hold, when they change next, and what summer time makes of them."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.days import EVERY_DAY, Days
from rules.occurrences import ClockTime, SunTime, at_minutes
from rules.sun import Event, Sun
from rules.time_window import Window
from tests.wall_clock import DAY, HOUR, utc

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = Days(weekdays=frozenset({4}))
TROMSO = Sun(latitude=69.5, longitude=19.0)


def between(begin: str, end: str, zone: ZoneInfo = SEOUL, days: Days = EVERY_DAY) -> Window:
    first, last = (int(at[:2]) * 60 + int(at[3:]) for at in (begin, end))
    return Window(
        begin=ClockTime(zone, at_minutes((first,), days.count)),
        end=ClockTime(zone, at_minutes((last,))),
    )


@pytest.mark.parametrize(
    ("at", "holds", "change"),
    [
        ("2026-05-01T21:59", False, "2026-05-01T22:00"),  # a Friday
        ("2026-05-01T22:00", True, "2026-05-02T06:00"),
        ("2026-05-02T05:59", True, "2026-05-02T06:00"),
        ("2026-05-02T06:00", False, "2026-05-08T22:00"),
        ("2026-05-02T23:00", False, "2026-05-08T22:00"),  # Saturday's night does not begin
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(at: str, holds: bool, change: str) -> None:
    window = between("22:00", "06:00", days=FRIDAY)
    assert window.holds(utc(f"{at}+09:00")) is holds
    assert window.next_change(utc(f"{at}+09:00")) == utc(f"{change}+09:00")


@pytest.mark.parametrize(
    ("begin", "end", "zone", "day", "hours"),
    [
        ("22:00", "06:00", BERLIN, "2026-03-28T12:00", 7.0),  # the night that is an hour short
        ("22:00", "06:00", BERLIN, "2026-10-24T12:00", 9.0),
        ("01:30", "02:30", BERLIN, "2026-10-24T12:00", 1.0),  # to the first 02:30
        ("02:30", "03:30", BERLIN, "2026-03-28T12:00", 0.5),
        ("01:00", "02:30", BERLIN, "2026-03-28T12:00", 1.0),
    ],
)
def test_its_length_follows_the_clock_on_the_wall(
    begin: str, end: str, zone: ZoneInfo, day: str, hours: float
) -> None:
    window = between(begin, end, zone)
    start = window.next_change(utc(day))
    assert start is not None
    assert window.holds(start)
    assert window.next_change(start) == start + round(hours * HOUR)


def test_one_that_summer_time_leaves_out_does_not_hold() -> None:
    window = between("02:10", "02:50", BERLIN)
    gap = utc("2026-03-29T01:00")
    assert not window.holds(gap)
    assert window.next_change(gap - HOUR) == utc("2026-03-30T00:10")


def test_from_sunset_to_sunrise_it_holds_through_a_polar_night() -> None:
    dark = Window(
        begin=SunTime(sun=TROMSO, event=Event.SUNSET, zone=UTC),
        end=SunTime(sun=TROMSO, event=Event.SUNRISE, zone=UTC),
    )
    assert dark.holds(utc("2026-12-21T11:00"))
    assert not dark.holds(utc("2026-06-21T23:30"))
    change = dark.next_change(utc("2026-12-21T11:00"))
    assert change is not None
    assert utc("2027-01-10") < change < utc("2027-01-20")


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from([SEOUL, BERLIN, ZoneInfo("Australia/Lord_Howe")]),
    st.integers(utc("2026-01-01"), utc("2027-01-01")),
)
def test_it_is_constant_up_to_its_next_change_and_another_from_then_on(
    begin: int, end: int, zone: ZoneInfo, now: int
) -> None:
    if begin == end:
        return
    window = Window(
        begin=ClockTime(zone, at_minutes((begin,))), end=ClockTime(zone, at_minutes((end,)))
    )
    change = window.next_change(now)
    assert change is not None
    assert now < change <= now + 2 * DAY
    for at in (now + 1, (now + change) // 2, change - 1):
        if at < change:
            assert window.holds(at) is window.holds(now)
    assert window.holds(change) is not window.holds(now)
