"""The past as rules are tried on it: in the order in which it was judged, and nothing made up."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.reading import Quality
from gateway.store.errors import StoreError
from gateway.store.file import NAME
from gateway.store.past import START, Past, Stretch
from gateway.store.state import JudgedInput, JudgedReading, committed
from tests.stored_week import BEGAN, DAY, DOOR, HOUR, MINUTE, TEMPERATURE, Week

ALL = Stretch(0, BEGAN + 1_000 * DAY)


@pytest_asyncio.fixture
async def week(tmp_path: Path) -> AsyncIterator[Week]:
    week = Week(tmp_path)
    yield week
    week.close()


def entries(week: Week, stretch: Stretch = ALL) -> list[JudgedReading | JudgedInput]:
    with closing(Past(week.data, stretch)) as past:
        found = [entry for piece in past.pieces() for entry in piece.entries]
        assert (past.damaged, past.unreadable) == ([], 0)
        return found


async def eventful(week: Week) -> None:
    """Doors, people, a blind sensor and a restart."""
    await week.quiet(70)
    await week.door(6)
    week.judging.acknowledge("door_open", "mina", week.clock.now())
    week.see(TEMPERATURE, None, Quality.NO_COMMUNICATION)
    week.pass_time(2 * MINUTE)
    await week.restart(20 * MINUTE)
    await week.quiet(70)
    await week.commit()


async def test_the_log_is_read_as_it_was_judged(week: Week) -> None:
    await eventful(week)
    judged = await week.store.reader.call(lambda connection: list(committed(connection)))
    assert entries(week) == judged
    assert sum(isinstance(one, JudgedInput) for one in judged) > 4


async def test_the_months_have_the_readings_the_gaps_and_where_it_began_anew(week: Week) -> None:
    await eventful(week)
    before = entries(week)
    await week.fold(and_trim=True)
    after = entries(week)
    ahead = BEGAN - before[0].at

    def readings(found: list[JudgedReading | JudgedInput]) -> list[JudgedReading]:
        return [one for one in found if isinstance(one, JudgedReading)]

    # Two readings of the same ms are in the order of their points there.
    assert sorted(readings(after), key=lambda one: (one.at, one.point)) == sorted(
        readings(before), key=lambda one: (one.at, one.point)
    )
    assert [one.at for one in after] == sorted(one.at for one in after)
    starts = [one.at for one in after if isinstance(one, JudgedInput) and one.body == START]
    assert [at + ahead for at in starts] == [BEGAN + (70 + 6 + 2 + 20) * MINUTE]


async def test_only_points_that_are_wanted_are_read_and_all_that_were_there_are_named(
    week: Week,
) -> None:
    await eventful(week)

    def doors_and_people() -> list[JudgedReading | JudgedInput]:
        with closing(Past(week.data, ALL, {DOOR})) as past:
            found = [entry for piece in past.pieces() for entry in piece.entries]
            assert past.points == {TEMPERATURE, DOOR}
            return found

    everything = entries(week)
    kept = [one for one in everything if isinstance(one, JudgedInput) or one.point == DOOR]
    assert doors_and_people() == kept
    await week.fold(and_trim=True)
    assert doors_and_people() == [one for one in kept if isinstance(one, JudgedReading)]


async def test_a_stretch_begins_and_ends_where_it_is_asked_for(week: Week) -> None:
    await week.quiet(600)
    await week.commit()
    start, end = BEGAN + 3 * HOUR, BEGAN + 5 * HOUR
    ahead = BEGAN - entries(week)[0].at
    found = [one.at + ahead for one in entries(week, Stretch(start, end))]
    assert len(found) == 120
    assert (found[0], found[-1]) == (start, end - MINUTE)


async def test_a_clock_that_was_set_back_hides_nothing_of_the_stretch(week: Week) -> None:
    for set_back in (0, HOUR):
        week.clock.wall_ms -= set_back
        for _ in range(120):
            await week.quiet(1)
            await week.commit()
    found = entries(week, Stretch(BEGAN + 90 * MINUTE, BEGAN + 150 * MINUTE))
    assert len(found) == 30 + 90  # the second time from where it was set back to
    assert [one.at for one in found] == sorted(one.at for one in found)


async def test_a_damaged_month_and_a_row_nobody_can_read_are_counted(week: Week) -> None:
    await week.quiet(180)
    await week.fold(and_trim=True)
    await week.quiet(60)
    await week.commit()
    with closing(sqlite3.connect(week.data / NAME)) as log:
        log.execute("UPDATE tm SET body = x'00' WHERE s = (SELECT max(s) FROM tm)")
        log.commit()
    month = next((week.data / "history").glob("*.db"))
    with closing(sqlite3.connect(month)) as connection:
        connection.execute("UPDATE blocks SET body = x'00'")
        connection.commit()
    with closing(Past(week.data, ALL)) as past:
        assert sum(len(piece.entries) for piece in past.pieces()) > 0
        assert past.damaged == [month]
        assert past.unreadable >= 1


async def test_what_there_is_can_be_asked_for(week: Week) -> None:
    with closing(Past(week.data, ALL)) as past:
        assert past.reach() is None
        assert list(past.pieces()) == []
        assert past.in_force() is None
    week.see(DOOR, value=True)
    await week.commit()
    with closing(Past(week.data, ALL)) as past:
        assert past.reach() == Stretch(BEGAN, BEGAN + 1)


def test_a_folder_without_data_says_how_to_name_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no data in .*; name the folder with --data"):
        Past(tmp_path, ALL)
    (tmp_path / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"gateway\.db is damaged"):
        Past(tmp_path, ALL)
