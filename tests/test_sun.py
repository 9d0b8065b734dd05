"""Sunrise and sunset against published tables, and places where the sun does neither."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.days import Days
from rules.occurrences import SunTime
from rules.sun import Event, Polar, Sun
from tests.wall_clock import DAY, HOUR, MINUTE, utc

# Towns are larger than a minute of sun; the tables round to the minute.
TOLERANCE_MS = 90_000
TROMSO = Sun(latitude=69.5, longitude=19.0)
SEOUL = Sun(latitude=37.5665, longitude=126.978)

# Korea Astronomy and Space Science Institute, press release of 18 December 2023 (sea level).
KASI = [
    (SEOUL, Event.SUNRISE, "2024-01-01", "2024-01-01T07:47+09:00"),
    (SEOUL, Event.SUNSET, "2023-12-31", "2023-12-31T17:23+09:00"),
    (Sun(latitude=35.1796, longitude=129.0756), Event.SUNRISE, "2024-01-01",
     "2024-01-01T07:32+09:00"),  # Busan
    (Sun(latitude=35.1796, longitude=129.0756), Event.SUNSET, "2023-12-31",
     "2023-12-31T17:21+09:00"),
    (Sun(latitude=35.1595, longitude=126.8526), Event.SUNRISE, "2024-01-01",
     "2024-01-01T07:41+09:00"),  # Gwangju
    (Sun(latitude=35.1595, longitude=126.8526), Event.SUNSET, "2023-12-31",
     "2023-12-31T17:30+09:00"),
    (Sun(latitude=37.2411, longitude=131.8644), Event.SUNRISE, "2024-01-01",
     "2024-01-01T07:26+09:00"),  # Dokdo
    (Sun(latitude=37.2411, longitude=131.8644), Event.SUNSET, "2023-12-31",
     "2023-12-31T17:05+09:00"),
]  # fmt: skip
# US Naval Observatory, Sun and Moon Data for One Day.
USNO = [
    (Sun(latitude=33.8, longitude=-84.4), Event.SUNRISE, "2009-09-06", "2009-09-06T07:15-04:00"),
    (Sun(latitude=33.8, longitude=-84.4), Event.SUNSET, "2009-09-06", "2009-09-06T19:56-04:00"),
    (TROMSO, Event.SUNRISE, "2014-04-01", "2014-04-01T04:50+01:00"),
    (TROMSO, Event.SUNSET, "2014-04-01", "2014-04-01T18:49+01:00"),
    (TROMSO, Event.SUNRISE, "2014-04-30", "2014-04-30T02:29+01:00"),
    (TROMSO, Event.SUNSET, "2014-04-30", "2014-04-30T20:58+01:00"),
]


@pytest.mark.parametrize(("sun", "event", "day", "expected"), KASI + USNO)
def test_the_sun_keeps_to_the_published_tables(
    sun: Sun, event: Event, day: str, expected: str
) -> None:
    at = sun.event(event, date.fromisoformat(day))
    assert isinstance(at, int)
    assert abs(at - utc(expected)) <= TOLERANCE_MS


def test_between_the_last_sunset_and_the_first_there_is_a_polar_day() -> None:
    """The same table for Tromso: up on 18 May 2014 at 00:13, and down on 25 July at 23:20."""
    trigger = SunTime(sun=TROMSO, event=Event.SUNSET, zone=ZoneInfo("Europe/Oslo"))
    last, first = utc("2014-05-17T23:06+01:00"), utc("2014-07-25T23:20+01:00")
    found = trigger.after(last + HOUR)
    assert found is not None
    assert abs(found.at - first) <= DAY  # so near to grazing a day depends on the refraction
    assert trigger.absent(utc("2014-06-21T12:00")) == "polar day: no sunset"
    assert trigger.absent(utc("2014-12-21T12:00")) == "polar night: no sunset"
    assert trigger.absent(utc("2014-04-01T12:00")) == ""
    assert TROMSO.event(Event.SUNRISE, date(2014, 12, 21)) is Polar.NIGHT


@pytest.mark.parametrize("latitude", [-90.0, -66.0, 0.0, 51.5, 66.0, 90.0])
@pytest.mark.parametrize("longitude", [-180.0, -122.0, 0.0, 89.9, 90.1, 127.0, 180.0])
def test_there_is_one_event_for_each_solar_day_and_never_two(
    latitude: float, longitude: float
) -> None:
    sun = Sun(latitude=latitude, longitude=longitude)
    for event in Event:
        trigger = SunTime(sun=sun, event=event, zone=UTC)
        at = utc("2026-01-01")
        for _ in range(0 if abs(latitude) > 80.0 else 60):
            found = trigger.after(at)
            assert found is not None
            assert at == utc("2026-01-01") or 23 * HOUR < found.at - at < 25 * HOUR
            at = found.at


def test_an_offset_moves_it_and_only_days_that_count_are_taken() -> None:
    zone = ZoneInfo("Asia/Seoul")
    days = Days(weekdays=frozenset({5}))
    early = SunTime(
        sun=SEOUL, event=Event.SUNSET, zone=zone, offset_ms=-30 * MINUTE, days=days
    ).after(utc("2023-12-26"))
    assert early is not None
    local = datetime.fromtimestamp(early.at / 1000, zone)
    assert local.strftime("%A %H:%M") == "Saturday 16:52"
    assert local.date() - date(2023, 12, 26) == timedelta(days=4)
