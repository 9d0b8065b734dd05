"""What the history answers: steps, days of the site, bounds, and gaps that are said."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.reading import Quality
from gateway.store import hot, query
from gateway.store.query import TooManyRows
from gateway.store.source import UnknownPoint
from tests.history_log import DOOR, HOUR, MINUTE, Kitchen

STALE = Quality.STALE.code
DAY = 24 * HOUR
EIGHT = 1_800_000_000_000  # 2027-01-15T08:00Z, 17:00 in Seoul
Open = Callable[..., Kitchen]


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Open]:
    opened: list[Kitchen] = []

    def start(wall: int = EIGHT, zone: str = "Asia/Seoul") -> Kitchen:
        opened.append(Kitchen(tmp_path, wall=wall, zone=zone))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def utc(zone: str, *moment: int) -> int:
    year, month, day, hour = moment
    return int(datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).timestamp()) * 1000


async def test_a_day_is_the_sites_and_begins_at_its_midnight(kitchen: Open) -> None:
    cold = kitchen(EIGHT, "Asia/Kolkata")  # UTC+5:30: midnight is in the middle of an hour
    for after in range(0, 48, 2):
        await cold.cold_row(EIGHT + after * HOUR + 10 * MINUTE, float(after))
    expected = await cold.rows(EIGHT, EIGHT + 2 * DAY, "1d")
    await cold.fold()
    days = await cold.rows(EIGHT, EIGHT + 2 * DAY, "1d")
    assert days == expected
    assert [row[0] for row in days] == [
        utc("Asia/Kolkata", 2027, 1, day, 0) for day in (15, 16, 17)
    ]
    assert [row[4] for row in days] == [6, 12, 6]
    assert [row[1:3] for row in days] == [[0, 10], [12, 34], [36, 46]]


async def test_a_day_the_clocks_change_has_23_hours(kitchen: Open) -> None:
    start = utc("Europe/Berlin", 2027, 3, 28, 0)
    cold = kitchen(start, "Europe/Berlin")
    for after in range(30):
        await cold.cold_row(start + after * HOUR, 4.0)
    await cold.fold()
    found = await cold.rows(start, start + 30 * HOUR, "1d")
    assert [(row[0], row[4]) for row in found] == [(start, 23), (start + 23 * HOUR, 7)]


async def test_curves_go_over_the_border_of_a_month(kitchen: Open) -> None:
    eve = utc("UTC", 2027, 1, 31, 22)
    cold = kitchen(eve)
    await cold.every(MINUTE, eve, eve + 4 * HOUR)
    await cold.fold()
    assert cold.months() == ["2027-01.db", "2027-02.db"]
    assert len(await cold.rows(eve, eve + 4 * HOUR)) == 240
    hours = await cold.rows(eve, eve + 4 * HOUR, "1h")
    assert [row[4] for row in hours] == [60, 60, 60, 60]
    assert [row[6] for row in hours] == [0, 0, 0, 0], "what stood is known over the border"


async def test_a_switch_nobody_touches_stands_over_hours_and_months(kitchen: Open) -> None:
    eve = utc("UTC", 2027, 1, 31, 22)
    cold = kitchen(eve)
    await cold.row(eve, (cold.door, True), (cold.cold, 4.0))
    await cold.every(MINUTE, eve + MINUTE, eve + 4 * HOUR)
    await cold.row(eve + 4 * HOUR, (cold.door, False))
    await cold.fold()
    hours = await cold.rows(eve + HOUR, eve + 4 * HOUR, "1h", DOOR)
    assert [tuple(row) for row in hours] == [
        (eve + after * HOUR, None, None, 1.0, 0, True, 0.0, None) for after in (1, 2, 3)
    ]
    assert await cold.rows(eve + HOUR, eve + 4 * HOUR, "raw", DOOR) == []


async def test_what_nobody_collected_is_a_gap_and_no_value(kitchen: Open) -> None:
    cold = kitchen()
    await cold.cold_row(EIGHT, 4.0)
    await cold.row(EIGHT + MINUTE, (cold.cold, None, STALE))
    await cold.cold_row(EIGHT + 5 * DAY, 5.0)
    await cold.fold()
    days = await cold.stamped(EIGHT - DAY, EIGHT + 5 * DAY, "1d")
    first, *between, last = days.values()
    assert (first["gap_s"], first["min"], first["worst"]) == (86_400, None, "not_started")
    assert [day["count"] for day in between] == [1, 0, 0, 0, 0]
    assert {day["gap_s"] for day in between[1:]} == {86_400}
    assert (last["count"], last["min"]) == (1, 5)


async def test_an_automatic_step_gives_what_a_curve_can_show(kitchen: Open) -> None:
    cold = kitchen()
    await cold.every(5_000, EIGHT, EIGHT + 3 * HOUR)
    await cold.fold()
    found = {}
    for name, hours in (("hour", 1), ("day", 24), ("week", 168), ("month", 744), ("year", 8_784)):
        series = await cold.ask(EIGHT + 3 * HOUR - hours * HOUR, EIGHT + 3 * HOUR, "auto")
        found[name] = series.step
    assert found == {"hour": "raw", "day": "1min", "week": "15min", "month": "1h", "year": "6h"}


async def test_more_rows_than_one_answer_holds_are_refused_with_the_way_out(
    kitchen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 2 * HOUR)
    await cold.fold()
    with pytest.raises(TooManyRows) as minutes:
        await cold.ask(EIGHT - 366 * DAY, EIGHT, "1min")
    assert minutes.value.finest == "15min"
    monkeypatch.setattr(query, "ROWS_MAX", 100)
    with pytest.raises(TooManyRows) as raw:
        await cold.ask(EIGHT, EIGHT + 2 * HOUR, "raw")
    assert raw.value.finest == "5min"
    monkeypatch.setattr(query, "ROWS_MAX", 120)
    assert len(await cold.rows(EIGHT, EIGHT + 2 * HOUR)) == 120


async def test_a_log_far_ahead_of_the_history_is_answered_as_not_complete(
    kitchen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + HOUR)
    monkeypatch.setattr(hot, "ROWS_MAX", 30)
    assert (await cold.ask(EIGHT, EIGHT + HOUR, "raw")).complete is False
    await cold.fold()
    assert (await cold.ask(EIGHT, EIGHT + HOUR, "raw")).complete is True


async def test_a_point_nobody_has_is_unknown_and_one_without_a_reading_is_all_gap(
    kitchen: Open,
) -> None:
    cold = kitchen()
    await cold.cold_row(EIGHT, 4.0)
    with pytest.raises(UnknownPoint):
        await cold.ask(EIGHT, EIGHT + HOUR, "raw", "oven/temperature")
    await cold.fold()
    await cold.clock.advance(2 * HOUR)
    assert [row[6] for row in await cold.rows(EIGHT, EIGHT + HOUR, "1h", DOOR)] == [3_600]
    assert await cold.rows(EIGHT, EIGHT + HOUR, "raw", DOOR) == []


async def test_more_questions_than_the_disk_can_answer_are_turned_away(kitchen: Open) -> None:
    cold = kitchen()
    await cold.cold_row(EIGHT, 4.0)
    asked = [cold.ask(EIGHT, EIGHT + HOUR, "raw") for _ in range(20)]
    answered = await asyncio.gather(*asked, return_exceptions=True)
    refused = [str(each) for each in answered if isinstance(each, Exception)]
    assert len(refused) == 12
    assert "try again" in refused[0]
