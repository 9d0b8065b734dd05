"""The history holds what the log holds, once, whatever happens in between."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.clock import Trust
from gateway.reading import Quality
from gateway.store import state
from gateway.store.errors import StoreError
from gateway.store.folding import Folding
from gateway.store.months import open_to_write
from gateway.store.space import Space
from gateway.sync.ranges import RangeSet
from tests.history_log import DOOR, HOUR, MINUTE, Kitchen

STALE = Quality.STALE.code
EIGHT = 1_800_000_000_000  # 2027-01-15T08:00Z
STEPS = ("raw", "1min", "5min", "15min", "1h", "6h", "1d")
Open = Callable[..., Kitchen]


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Open]:
    opened: list[Kitchen] = []

    def start(wall: int = EIGHT, zone: str = "Asia/Seoul") -> Kitchen:
        """The next start of the same installation."""
        if opened:
            opened[-1].close()
        opened.append(Kitchen(tmp_path, wall=wall, zone=zone, number=len(opened)))
        return opened[-1]

    yield start
    opened[-1].close()


async def answers(of: Kitchen, start: int, end: int) -> dict[str, object]:
    return {step: await of.rows(start, end, step) for step in STEPS}


async def test_what_is_asked_is_the_same_before_and_after_it_is_folded(kitchen: Open) -> None:
    cold = kitchen()
    await cold.every(20_000, EIGHT + 5_000, EIGHT + 90 * MINUTE)
    await cold.cold_row(EIGHT + 91 * MINUTE, None, STALE)
    await cold.cold_row(EIGHT + 92 * MINUTE, 5.25)
    before = await answers(cold, EIGHT - HOUR, EIGHT + 3 * HOUR)
    await cold.fold(100)
    assert await answers(cold, EIGHT - HOUR, EIGHT + 3 * HOUR) == before
    await cold.fold()
    assert await answers(cold, EIGHT - HOUR, EIGHT + 3 * HOUR) == before
    assert len(await cold.rows(EIGHT, EIGHT + 2 * HOUR)) == 272


async def test_an_hour_is_folded_ten_minutes_after_its_end(kitchen: Open) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 69 * MINUTE)
    await cold.clock.advance(50_000)
    await cold.history.turn()
    assert cold.months() == []
    await cold.every(MINUTE, EIGHT + 69 * MINUTE, EIGHT + 71 * MINUTE)
    await cold.history.turn()
    assert cold.months() == ["2027-01.db"]
    assert cold.store.space.folded == 60
    assert cold.history.counters.waiting_rows == 11


async def test_a_start_in_the_middle_of_an_hour_goes_on_and_the_time_off_is_a_gap(
    kitchen: Open,
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 20 * MINUTE)
    await cold.row(EIGHT + 20 * MINUTE, (cold.door, True))
    cold = kitchen(EIGHT + 30 * MINUTE)
    await cold.every(MINUTE, EIGHT + 30 * MINUTE, EIGHT + 40 * MINUTE, 6.0)
    before = await answers(cold, EIGHT, EIGHT + HOUR)
    await cold.fold()
    assert await answers(cold, EIGHT, EIGHT + HOUR) == before
    hour = (await cold.stamped(EIGHT, EIGHT + HOUR, "1h"))[EIGHT]
    assert (hour["count"], hour["gap_s"], hour["worst"]) == (30, 600.0, "not_started")
    door = await cold.rows(EIGHT, EIGHT + HOUR, of=DOOR)
    assert door[-1] == [EIGHT + 20 * MINUTE, None, "not_started"], "nobody looked at it since"


async def test_a_hole_without_a_restart_is_a_gap_too(kitchen: Open) -> None:
    cold = kitchen()
    await cold.cold_row(EIGHT, 4.0)
    await cold.cold_row(EIGHT + 10 * MINUTE, 4.5)
    await cold.fold()
    hour = (await cold.stamped(EIGHT, EIGHT + HOUR, "15min"))[EIGHT]
    assert (hour["count"], hour["gap_s"]) == (2, 600.0)


async def test_a_kill_between_two_months_and_the_cursor_doubles_nothing(kitchen: Open) -> None:
    eve = int(datetime(2027, 1, 31, 23, 50, tzinfo=UTC).timestamp()) * 1000
    cold = kitchen(eve)
    await cold.every(MINUTE, eve, eve + 20 * MINUTE)
    path = cold.store.path

    def killed(connection: sqlite3.Connection) -> None:
        work = Folding(path, cold.store.identity.install, 0)
        while work.take(connection, 20):
            pass
        while work.stage():
            pass
        stored = work._stored["2027-01"]
        with closing(open_to_write(path, "2027-01")) as month:
            month.write(stored, cold.store.identity.install, 20)
        work.close()

    await cold.store.reader.call(killed)
    expected = await answers(cold, eve, eve + 20 * MINUTE)
    assert len(await cold.rows(eve, eve + 20 * MINUTE)) == 20
    await cold.fold()
    assert cold.months() == ["2027-01.db", "2027-02.db"]
    assert await answers(cold, eve, eve + 20 * MINUTE) == expected


async def test_a_late_reading_joins_its_hour_and_tells_the_next_one_how_it_ended(
    kitchen: Open,
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 59 * MINUTE)
    await cold.every(MINUTE, EIGHT + 70 * MINUTE - 15_000, EIGHT + 80 * MINUTE)
    await cold.fold()
    await cold.cold_row(EIGHT + 59 * MINUTE + 30_000, None, STALE)  # the clock was set back
    before = await answers(cold, EIGHT, EIGHT + 2 * HOUR)
    await cold.fold()
    assert await answers(cold, EIGHT, EIGHT + 2 * HOUR) == before
    hours = await cold.stamped(EIGHT, EIGHT + 2 * HOUR, "1h")
    assert hours[EIGHT + HOUR]["gap_s"] == 585.0


@settings(max_examples=12, deadline=None)
@given(
    some.lists(
        some.tuples(
            some.integers(-3 * HOUR, 40 * 24 * HOUR),  # UTC steps as it likes
            some.one_of(some.none(), some.integers(-10, 30)),
            some.sampled_from(["go on", "fold", "killed", "restart"]),
        ),
        min_size=1,
        max_size=14,
    )
)
def test_no_order_of_clocks_folds_kills_and_starts_loses_or_doubles_a_reading(
    tmp_path_factory: pytest.TempPathFactory, played: list[tuple[int, int | None, str]]
) -> None:
    asyncio.run(_play(tmp_path_factory.mktemp("history"), played))


async def _play(folder: Path, played: list[tuple[int, int | None, str]]) -> None:
    cold = Kitchen(folder, wall=EIGHT)
    for number, (after, value, then) in enumerate(played, start=1):
        await cold.cold_row(EIGHT + after, value, STALE if value is None else 0)
        if then == "killed":
            before = await cold.store.reader.call(state.folded)
            await cold.fold()
            await cold.store.writer.call(partial(state.save_folded, last=before))
        elif then == "fold":
            await cold.fold()
        elif then == "restart":
            cold.close()
            cold = Kitchen(folder, wall=EIGHT + after, number=number)
    rows = await cold.rows(EIGHT - 4 * HOUR, EIGHT + 41 * 24 * HOUR)
    cold.close()
    found = [(at, value) for at, value, reason in rows if reason != "not_started"]
    told = sorted(((EIGHT + after, value) for after, value, _ in played), key=lambda one: one[0])
    assert sorted(found, key=repr) == sorted(told, key=repr)
    assert [at for at, _ in found] == [at for at, _ in told]


async def test_the_log_keeps_what_the_history_has_not(kitchen: Open) -> None:
    cold = kitchen()
    for number in range(300):
        await cold.row(EIGHT + number, (cold.cold, "x" * 200))
    await cold.fold(100)
    space = Space(cold.store.path, cold.store.writer, cold.clock, budget_bytes=130_000)
    space.folded = cold.store.space.folded
    await space.trim({"tm": RangeSet([(1, 300)]), "ev": RangeSet()})
    assert [row.s for row in await cold.store.fetch("tm", range(1, 301))] == list(range(100, 301))
    cold = kitchen(EIGHT)
    assert cold.store.space.folded == 100, "also after a start, before the history is there"


async def test_a_damaged_month_is_set_aside_and_made_again_from_the_log(
    kitchen: Open, caplog: pytest.LogCaptureFixture
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 3 * HOUR)
    await cold.fold()
    await cold.clock.advance(2 * HOUR)
    expected = await answers(cold, EIGHT, EIGHT + 3 * HOUR)
    month = cold.folder / "2027-01.db"
    month.write_bytes(b"worn out" * 1_000)
    partly = await cold.ask(EIGHT, EIGHT + 3 * HOUR, "1h")
    assert partly.complete is False
    await cold.history.turn()
    assert cold.months() == ["2027-01.db", "2027-01.db.damaged"]
    assert cold.history.counters.damaged == 1
    assert [entry.levelname for entry in caplog.records if "damaged" in entry.message] == ["ERROR"]
    assert await answers(cold, EIGHT, EIGHT + 3 * HOUR) == expected
    assert cold.store.space.folded == 180


async def test_one_worn_block_damages_its_month_and_no_number_comes_of_it(kitchen: Open) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 2 * HOUR)
    await cold.fold()
    expected = await cold.rows(EIGHT, EIGHT + 2 * HOUR)
    with closing(sqlite3.connect(cold.folder / "2027-01.db")) as month:
        body = bytearray(month.execute("SELECT body FROM blocks").fetchone()[0])
        body[20] ^= 4
        month.execute("UPDATE blocks SET body = ? WHERE id = (SELECT min(id) FROM blocks)",
                      (bytes(body),))  # fmt: skip
        month.commit()
    worn = await cold.ask(EIGHT, EIGHT + 2 * HOUR, "raw")
    assert (worn.complete, bytes(worn.rows)) == (False, b"[]")
    await cold.history.turn()
    await cold.fold()
    assert await cold.rows(EIGHT, EIGHT + 2 * HOUR) == expected


async def test_what_the_disk_refuses_is_said_once_and_tried_again(
    kitchen: Open, caplog: pytest.LogCaptureFixture
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 80 * MINUTE)
    cold.folder.write_text("in the way")
    await cold.history.turn()
    await cold.history.turn()
    assert cold.history.counters.failures == 2
    assert len([entry for entry in caplog.records if entry.levelname == "ERROR"]) == 1
    cold.folder.unlink()
    await cold.history.turn()
    assert cold.history.counters.failures == 2
    assert not cold.history.failing
    assert cold.months() == ["2027-01.db"]


async def test_months_go_when_they_are_too_old_and_the_clock_may_be_believed(
    kitchen: Open,
) -> None:
    cold = kitchen()
    for month in ("1970-01", "2025-11", "2025-12", "2027-01"):
        open_to_write(cold.store.path, month).close()
    cold.trust(Trust.UNSYNCED)
    await cold.history.turn()
    assert len(cold.months()) == 4
    cold.trust(Trust.NTP)
    await cold.history.turn()
    assert cold.months() == ["1970-01.db", "2025-12.db", "2027-01.db"]
    assert cold.history.counters.removed == 1


async def test_beyond_the_budget_the_oldest_months_go_and_the_newest_stays(kitchen: Open) -> None:
    cold = kitchen()
    for month in ("2026-11", "2026-12", "2027-01"):
        open_to_write(cold.store.path, month).close()
    cold.history.budget_bytes = (cold.folder / "2027-01.db").stat().st_size * 2
    await cold.history.turn()
    assert cold.months() == ["2026-12.db", "2027-01.db"]
    cold.history.budget_bytes = 1
    await cold.history.turn()
    assert cold.months() == ["2027-01.db"]


async def test_readings_of_a_clock_that_was_never_set_are_kept_where_it_said(kitchen: Open) -> None:
    cold = kitchen(5_000)
    await cold.cold_row(5_000, 4.0)
    await cold.cold_row(EIGHT, 4.5)
    await cold.fold()
    assert cold.months() == ["1970-01.db", "2027-01.db"]
    assert await cold.rows(0, HOUR) == [[5_000, 4, None], [5_000, None, "not_started"]]


async def test_a_clock_that_was_far_ahead_holds_nothing_up(kitchen: Open) -> None:
    cold = kitchen()
    await cold.cold_row(EIGHT + 10 * 365 * 24 * HOUR, 4.0)
    await cold.every(MINUTE, EIGHT, EIGHT + 71 * MINUTE)
    await cold.history.turn()
    assert cold.store.space.folded == 61
    assert cold.months() == ["2027-01.db", "2037-01.db"]


async def test_another_installation_in_the_same_folder_adds_and_overwrites_nothing(
    kitchen: Open,
) -> None:
    cold = kitchen()
    await cold.every(MINUTE, EIGHT, EIGHT + 10 * MINUTE)
    await cold.fold()
    cold.close()
    for file in cold.store.path.glob("gateway.db*"):
        file.unlink()
    cold = kitchen(EIGHT + 20 * MINUTE)
    await cold.every(MINUTE, EIGHT + 20 * MINUTE, EIGHT + 30 * MINUTE)
    await cold.fold()
    assert len(await cold.rows(EIGHT, EIGHT + HOUR)) == 20


async def test_a_month_of_a_newer_release_is_left_alone(kitchen: Open) -> None:
    cold = kitchen()
    open_to_write(cold.store.path, "2027-01").close()
    with closing(sqlite3.connect(cold.folder / "2027-01.db")) as month:
        month.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer release"):
        await cold.ask(EIGHT, EIGHT + HOUR, "1h")
    await cold.every(MINUTE, EIGHT, EIGHT + 71 * MINUTE)
    await cold.history.turn()
    assert "newer release" in (cold.history.failing or "")
    assert cold.months() == ["2027-01.db"]
