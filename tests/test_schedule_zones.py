"""Every zone there is and 20 years of its changes: a daily job runs once for each local day."""

import random
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules import local_time
from rules.occurrences import ClockTime, at_minutes, cron
from rules.schedule import Schedule
from tests.wall_clock import DAY, HOUR, MINUTE, WallClock, utc

FIRST, LAST = utc("2010-01-01"), utc("2030-01-01")
STEP = 10 * DAY  # no zone has changed twice within so few days
AROUND = 2  # days before and after a change

Changes = tuple[tuple[int, int, int], ...]  # instant, offset before, offset after


def offset(zone: ZoneInfo, at: int) -> int:
    """As the library tells it, without our own arithmetic."""
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    found = local.utcoffset()
    assert found is not None
    return round(found / timedelta(milliseconds=1))


def changes(zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    before = offset(zone, FIRST)
    for at in range(FIRST + STEP, LAST, STEP):
        after = offset(zone, at)
        if after != before:
            low, high = at - STEP, at
            while high - low > 1000:
                middle = (low + high) // 2000 * 1000
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            yield high, before, after
            before = after


def different_zones(names: list[str]) -> list[tuple[str, Changes]]:
    """One of the names for each set of zones that changed alike; most are another's."""
    found: dict[tuple[int, Changes], str] = {}
    for name in names:
        zone = ZoneInfo(name)
        found.setdefault((offset(zone, FIRST), tuple(changes(zone))), name)
    return [(name, key[1]) for key, name in found.items() if key[1]]


def expected(zone: ZoneInfo, label: int, change: tuple[int, int, int]) -> int | None:
    """The first instant that shows a label, else the change itself; None on a day left out."""
    at, before, after = change
    shows = [label - ahead for ahead in (before, after) if offset(zone, label - ahead) == ahead]
    if shows:
        return min(shows)
    midnight = label - label % DAY
    left_out = at + before <= midnight and at + after >= midnight + DAY
    return None if left_out else at


def check(name: str, change: tuple[int, int, int]) -> None:
    zone = ZoneInfo(name)
    at, before, after = change
    near = {(at + ahead + apart * MINUTE) % DAY // MINUTE
            for ahead in (before, after) for apart in (-1, 0, 29)}  # fmt: skip
    for minute in {*near, 0, 2 * 60 + 30, 23 * 60 + 59}:
        trigger = ClockTime(zone, at_minutes((minute,)))
        first_day = (at + before) // DAY * DAY - AROUND * DAY
        labels = range(first_day + minute * MINUTE, first_day + (2 * AROUND + 1) * DAY, DAY)
        wanted = [one for label in labels if (one := expected(zone, label, change)) is not None]
        assert len(wanted) == len(set(wanted))
        order = labels[0] - 1
        found: list[int] = []
        while len(found) < len(wanted):
            following = trigger.after(order)
            assert following is not None
            order = following.order
            found.append(following.at)
        assert found == wanted, (name, minute, datetime.fromtimestamp(at / 1000, UTC))


def sweep(names: list[str]) -> int:
    checked = 0
    for name, known in different_zones(names):
        for change in known:
            check(name, change)
            checked += 1
    return checked


def all_names() -> list[str]:
    names = sorted(zoneinfo.available_timezones() - {"localtime"})
    random.Random(20).shuffle(names)
    return names


def test_a_daily_job_runs_once_for_each_local_day_in_a_quarter_of_all_zones() -> None:
    assert sweep(all_names()[::4]) > 500


@pytest.mark.long
def test_a_daily_job_runs_once_for_each_local_day_in_every_zone() -> None:
    assert sweep(all_names()) > 1000


@pytest.mark.parametrize(
    ("name", "start", "days"),
    [
        ("Europe/Berlin", "2026-03-20", 20),
        ("Europe/Berlin", "2026-10-20", 20),
        ("Australia/Lord_Howe", "2026-09-25", 20),
        ("Africa/Casablanca", "2026-02-01", 60),
    ],
)
@pytest.mark.parametrize("line", ["30 2 * * *", "0 0 * * *", "15 3 * * *"])
def test_the_state_of_a_daily_job_goes_through_the_changes_day_by_day(
    name: str, start: str, days: int, line: str
) -> None:
    zone = ZoneInfo(name)
    clock = WallClock(Schedule(trigger=cron(line, zone), of=line), utc(start) + 12 * HOUR)
    clock.go_on(days * DAY)
    dates = [
        local_time.day_of(at + local_time.offset_at(zone, at)).toordinal() for at in clock.run_at
    ]
    assert len(dates) == days
    assert dates == list(range(dates[0], dates[0] + days))
    assert clock.missed == []
