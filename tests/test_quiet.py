"""Quiet hours: over midnight, at their edges, and on the days on which clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notify.quiet import quiet_until

NIGHT = (time(22), time(7))


def at(text: str, zone: str = "Asia/Seoul") -> int:
    """UTC ms of a wall clock's time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2027-01-15 21:59:59", None),
        ("2027-01-15 22:00:00", "2027-01-16 07:00"),
        ("2027-01-15 23:30:00", "2027-01-16 07:00"),
        ("2027-01-16 00:00:00", "2027-01-16 07:00"),
        ("2027-01-16 06:59:59", "2027-01-16 07:00"),
        ("2027-01-16 07:00:00", None),
    ],
)
def test_a_night_goes_over_midnight(now: str, ends: str | None) -> None:
    assert quiet_until(*NIGHT, at(now), "Asia/Seoul") == (None if ends is None else at(ends))


@pytest.mark.parametrize(
    ("now", "quiet"), [("13:59", False), ("14:00", True), ("16:59", True), ("17:00", False)]
)
def test_an_afternoon_does_not(now: str, quiet: bool) -> None:
    found = quiet_until(time(14), time(17), at(f"2027-01-15 {now}"), "Asia/Seoul")
    assert (found is not None) is quiet


def test_equal_hours_are_none() -> None:
    assert quiet_until(time(7), time(7), at("2027-01-15 07:00"), "Asia/Seoul") is None


def test_the_night_of_a_clock_change_ends_by_the_wall() -> None:
    """Berlin: 2027-03-28 02:00 becomes 03:00, 2027-10-31 03:00 becomes 02:00."""
    for day, hours in (("2027-03-28", 8), ("2027-10-31", 10)):
        before = datetime.fromisoformat(day) - timedelta(hours=2)
        now = at(before.isoformat(sep=" "), "Europe/Berlin")
        ends = quiet_until(*NIGHT, now, "Europe/Berlin")
        assert ends is not None
        assert ends == at(f"{day} 07:00", "Europe/Berlin")
        assert ends - now == hours * 3_600_000


ZONES = st.sampled_from(
    ["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
)
HOURS = st.times().map(lambda it: it.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001
    lambda it: round(it.replace(tzinfo=UTC).timestamp() * 1000)
)


@given(HOURS, HOURS, MOMENTS, ZONES)
def test_quiet_hours_always_end_and_within_a_day(
    start: time, end: time, now: int, zone: str
) -> None:
    ends = quiet_until(start, end, now, zone)
    assert ends is None or 0 < ends - now <= 25 * 3_600_000
