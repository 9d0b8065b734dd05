"""`gateway.db`: what was told to be stored is stored, once, in order, whatever the disk does."""

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from gateway.clock import Trust
from gateway.reading import Quality, Reading
from gateway.store import log as log_module
from gateway.store.errors import StoreError
from gateway.store.file import LATEST
from gateway.store.log import CURSOR_MS, ROW_BYTES, ROW_READINGS, Row, unpacked
from gateway.store.opening import Store
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.store_files import good, open_store, point, until

PERIOD_MS = 1_000
DAY_MS = 86_400_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def running(data: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """A store whose log commits; closed in order."""
    store = open_store(data, clock)
    task = asyncio.create_task(store.log.run())
    await clock.settle()
    try:
        yield store
    finally:
        store.log.close()
        await asyncio.wait_for(task, PATIENCE_S)
        store.close()


@contextmanager
def file_of(data: Path) -> Iterator[sqlite3.Connection]:
    """The file as another process sees it."""
    with closing(sqlite3.connect(data / "gateway.db")) as connection:
        yield connection


def numbers(data: Path, stream: str) -> list[int]:
    with file_of(data) as connection:
        return [s for (s,) in connection.execute(f"SELECT s FROM {stream} ORDER BY s")]


def values(data: Path) -> list[float]:
    """Every stored value in order."""
    with file_of(data) as connection:
        rows = connection.execute("SELECT body FROM tm ORDER BY s").fetchall()
    return [x for (body,) in rows for x in msgspec.json.decode(unpacked(body))["x"]]


async def test_the_file_is_made_for_a_card_that_may_lose_power(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        for pragma, wanted in (
            ("page_size", 512),
            ("journal_mode", "wal"),
            ("synchronous", 2),  # FULL
            ("user_version", LATEST),
        ):
            assert await store.writer.call(partial(_pragma, pragma)) == wanted, pragma


async def test_nobody_else_may_read_the_data(tmp_path: Path, clock: ManualClock) -> None:
    data = tmp_path / "data"
    before = os.umask(0o022)
    try:
        store = Store(data, clock)  # not from the tests' copy: as a first start does it
    finally:
        os.umask(before)
    store.log.event("test", {}, clock.now())
    await store.log.commit()
    assert data.stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in data.iterdir()}
    database = {"gateway.db", "gateway.db-wal", "gateway.db-shm"}
    assert set(modes) == database | {"gateway.lock", "audit.key"}
    assert set(modes.values()) == {0o600}
    store.close()


async def test_readings_are_committed_once_a_second_as_one_row(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        for value in (4.0, 4.25, 4.5):
            store.log.append(good(cold, value, clock.now()))
        await clock.settle()
        assert numbers(tmp_path, "tm") == []
        await clock.advance(PERIOD_MS)
        await until(lambda: store.log.counters.commits == 1)
        assert numbers(tmp_path, "tm") == [1]
        assert values(tmp_path) == [4, 4.25, 4.5]


async def test_an_event_is_committed_at_once_with_the_readings_before_it(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        store.log.append(good(cold, 9.5, clock.now()))
        store.log.event("alarm", {"alarm": "warm"}, clock.now())
        await until(lambda: store.log.counters.commits == 1)  # no time has passed
        assert (values(tmp_path), numbers(tmp_path, "ev")) == ([9.5], [1])


async def test_a_full_row_does_not_wait_for_the_second(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        for value in range(ROW_READINGS + 1):
            store.log.append(good(cold, value, clock.now()))
        await until(lambda: store.log.counters.commits == 1)
        assert numbers(tmp_path, "tm") == [1, 2]
        assert values(tmp_path) == list(range(ROW_READINGS + 1))


async def test_a_row_of_long_texts_is_closed_before_it_is_too_large_for_a_message(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        label = store.register([point("printer/label", kind="text")])["printer/label"]
        seen: list[Row] = []
        store.log.on_committed = seen.extend
        for number in range(ROW_READINGS):
            text = f"{number:04}" + "\x01김" * 98
            store.log.append(Reading(label, text, Quality.GOOD, clock.now()))
        await store.log.durable()
    assert all(len(row.body) < ROW_BYTES * 1.1 for row in seen)
    assert max(len(row.body) for row in seen) > ROW_BYTES * 0.9
    texts = [text for row in seen for text in msgspec.json.decode(row.body)["x"]]
    assert [int(text[:4]) for text in texts] == list(range(ROW_READINGS))


async def test_an_input_of_judging_keeps_its_place_in_a_batch_of_several_rows(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        store.log.append(good(cold, -1, clock.now()))
        await store.log.durable()
        for value in range(ROW_READINGS + 10):
            store.log.append(good(cold, value, clock.now()))
            if value in (5, ROW_READINGS + 2):
                store.log.judged(clock.now(), f'{{"after":{value}}}')
        await store.log.durable()
    with file_of(tmp_path) as connection:
        inputs = connection.execute("SELECT s, position, body FROM inputs").fetchall()
    assert inputs == [(2, 6, '{"after":5}'), (3, 3, f'{{"after":{ROW_READINGS + 2}}}')]


async def test_a_cursor_is_written_at_most_once_in_ten_seconds(
    tmp_path: Path, clock: ManualClock
) -> None:
    def stored() -> list[tuple[str]]:
        with file_of(tmp_path) as connection:
            return connection.execute("SELECT ranges FROM cursors").fetchall()

    store = open_store(tmp_path, clock)
    for turn in range(1, 4):
        store.log.move_cursors({"tm": [(1, turn * 10)]})
        await clock.advance(CURSOR_MS - 1)
        await store.log.commit()
        assert stored() == ([(f"[[1,{turn * 10 - 9}]]",)] if turn > 1 else [])
        await clock.advance(1)
        store.log.move_cursors({"tm": [(1, turn * 10 + 1)]})
        await store.log.commit()
        assert stored() == [(f"[[1,{turn * 10 + 1}]]",)]
    store.close()


async def test_numbers_have_no_gap_over_restarts(tmp_path: Path, clock: ManualClock) -> None:
    installs = set()
    for start in range(1, 6):
        async with running(tmp_path, clock) as store:
            cold = store.register([point()])["cold/temperature"]
            assert store.identity.epoch == start
            installs.add(store.identity.install)
            store.log.append(good(cold, start, clock.now()))
            store.log.event("test", {}, clock.now())
            await store.log.durable()
    assert numbers(tmp_path, "tm") == numbers(tmp_path, "ev") == [1, 2, 3, 4, 5]
    assert len(installs) == 1


async def test_numbers_go_on_after_every_row_was_delivered_and_deleted(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        for _ in range(3):
            store.log.append(good(cold, 4.0, clock.now()))
            store.log.event("test", {}, clock.now())
            await store.log.durable()
        store.log.move_cursors({"tm": [(1, 3)]})
        store.log.move_cursors({"ev": [(1, 3)]})
        await store.log.durable()
    with file_of(tmp_path) as connection, connection:
        connection.execute("DELETE FROM tm")
        connection.execute("DELETE FROM ev")
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        assert store.found.following == {"tm": 4, "ev": 4}
        assert store.found.passed == {"tm": [(1, 3)], "ev": [(1, 3)]}
        store.log.append(good(cold, 4.0, clock.now()))
        store.log.event("test", {}, clock.now())
        await store.log.durable()
    assert numbers(tmp_path, "tm") == numbers(tmp_path, "ev") == [4]


async def test_one_transaction_holds_a_batch_and_all_it_caused(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        said: list[str] = []
        await clock.advance(CURSOR_MS)
        await store.writer.call(lambda disk: disk.set_trace_callback(said.append))
        _one_of_each(store, good(cold, 9.5, clock.now()))
        await store.log.durable()
        await store.writer.call(lambda disk: disk.set_trace_callback(None))
    verbs = [line.split("(")[0].strip() for line in said]
    assert verbs[0] == "BEGIN IMMEDIATE"
    assert verbs[-1] == "COMMIT"
    assert verbs.count("COMMIT") == 1
    for table in ("tm", "ev", "inputs", "state", "cursors"):
        assert any(f"INTO {table}" in line for line in said), table


async def test_what_a_full_disk_refuses_is_kept_and_stored_later_and_nothing_by_halves(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        seen: list[Row] = []
        store.log.on_committed = seen.extend
        await _fill_up(store)
        await clock.advance(CURSOR_MS)
        chance = random.Random(1)
        first = [chance.randrange(10_000) / 100 for _ in range(1_900)]  # fills several pages
        for value in first:
            store.log.append(good(cold, value, clock.now()))
        _one_of_each(store, good(cold, -1, clock.now()))
        await until(lambda: store.log.counters.failures == 1)
        assert "full" in (store.log.failing or "")
        for later in range(2, 12):
            store.log.append(good(cold, 500 + later, clock.now()))
            await clock.advance(5_000)
            await until(lambda: store.log.counters.failures >= later)  # noqa: B023
        with file_of(tmp_path) as connection:
            for table in ("tm", "ev", "inputs", "state", "cursors"):
                rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert rows == (0,), table
        assert seen == []

        await store.writer.call(lambda disk: disk.execute("PRAGMA max_page_count = 1000000"))
        await clock.advance(5_000)
        await until(lambda: store.log.counters.commits >= 1)
        await store.log.durable()
        assert store.log.failing is None
    assert values(tmp_path) == [*first, -1, *range(502, 512)]
    assert numbers(tmp_path, "tm") == [row.s for row in seen if row.stream == "tm"]
    assert numbers(tmp_path, "tm")[0] == 1
    said = [record.message for record in caplog.records if record.name == log_module.__name__]
    assert len(said) == 2  # one line when it begins, one when it is over
    assert "kept in memory" in said[0]
    assert said[1] == "store: works again"


async def test_what_memory_cannot_hold_is_dropped_and_counted(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "WAITING_READINGS", 10)
    monkeypatch.setattr(log_module, "WAITING_EVENTS", 3)
    store = open_store(tmp_path, clock)
    cold = store.register([point()])["cold/temperature"]
    for value in range(15):
        store.log.append(good(cold, value, clock.now()))
    for _ in range(5):
        store.log.event("test", {}, clock.now())
        store.log.judged(clock.now(), '{"k":"tick"}')
    counters = store.log.counters
    dropped = (counters.dropped_readings, counters.dropped_events, counters.dropped_inputs)
    assert dropped == (5, 2, 2)
    await store.log.commit()
    assert (counters.readings, counters.events) == (10, 3)
    store.close()
    assert values(tmp_path) == list(range(10))  # the oldest are kept


async def test_what_comes_during_the_last_commit_is_written_too(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(tmp_path, clock)
    cold = store.register([point()])["cold/temperature"]
    log = store.log
    task = asyncio.create_task(log.run())
    await clock.settle()
    log.event("first", {}, clock.now())
    await clock.settle()  # its commit is under way
    log.close()
    log.append(good(cold, 4.0, clock.now()))
    await asyncio.wait_for(task, PATIENCE_S)
    store.close()
    assert values(tmp_path) == [4]


async def test_what_has_been_told_to_be_durable_is_there_for_another_process(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        for value in range(20):
            store.log.append(good(cold, value, clock.now()))
            await store.log.durable()
            assert values(tmp_path)[-1] == value


async def test_rows_are_fetched_as_they_were_committed(tmp_path: Path, clock: ManualClock) -> None:
    async with running(tmp_path, clock) as store:
        cold = store.register([point()])["cold/temperature"]
        seen: list[Row] = []
        store.log.on_committed = seen.extend
        for size in (1, 7, 8, 100):  # plain JSON first, compressed from eight readings up
            for value in range(size):
                store.log.append(good(cold, value, clock.now()))
            await store.log.durable()
        assert await store.fetch("tm", [1, 2, 3, 4, 99]) == seen
        assert await store.fetch("tm", []) == []
        assert await store.oldest_waiting(1) == seen[0].t0
        assert await store.oldest_waiting(99) is None
        with file_of(tmp_path) as connection:
            stored = [body[:1] for (body,) in connection.execute("SELECT body FROM tm ORDER BY s")]
    assert stored == [b"{", b"{", b"\x78", b"\x78"]


async def test_a_point_keeps_its_index_for_ever(tmp_path: Path, clock: ManualClock) -> None:
    versions = []
    for names in (["a/t", "b/t"], ["b/t"], ["c/t", "b/t", "a/t"], ["c/t", "b/t", "a/t"]):
        store = open_store(tmp_path, clock)
        points = store.register(map(point, names))
        versions.append(store.dictionary.version)
        indices = {name: found.index for name, found in points.items()}
        known = {"a/t": 0, "b/t": 1, "c/t": 2}
        assert indices == {name: known[name] for name in names}
        assert len(store.dictionary.rows) == (3 if "c/t" in names else 2)  # all there ever were
        store.close()
    assert versions == [1, 1, 2, 2]


async def test_kitchen_time_goes_on_over_a_reboot(tmp_path: Path) -> None:
    before = ManualClock()
    async with running(tmp_path, before) as store:
        await before.advance(5_000)
        store.log.event("test", {}, before.now())
        await store.log.durable()
        left = before.now()
    after = ManualClock(
        boot_id="00000000-0000-4000-8000-000000000002",
        monotonic_ms=20_000,
        wall_ms=before.wall_ms + 3_600_000,
    )
    store = open_store(tmp_path, after)
    assert store.identity.left_at == before.wall_ms
    assert after.now() == left + 3_600_000
    store.close()


async def test_kitchen_time_never_steps_back_even_when_the_wall_clock_does(tmp_path: Path) -> None:
    before = ManualClock()
    async with running(tmp_path, before) as store:
        await before.advance(5_000)
        store.log.event("test", {}, before.now())
        await store.log.durable()
        left = before.now()
    for number, wall_ms in enumerate((before.wall_ms - 90_000_000, 0)):  # 25 h back; 1970
        boot_id = f"00000000-0000-4000-8000-00000000000{number + 2}"
        after = ManualClock(boot_id=boot_id, monotonic_ms=20_000, wall_ms=wall_ms)
        open_store(tmp_path, after).close()
        assert after.now() == left


async def test_a_clock_that_was_set_after_the_start_is_the_one_that_counts(tmp_path: Path) -> None:
    """A board without a clock chip: three weeks behind at boot, right ten seconds later."""
    before = ManualClock(trusted=Trust.UNSYNCED)
    right_ms = before.wall_ms + 21 * DAY_MS
    async with running(tmp_path, before) as store:
        cold = store.register([point()])["cold/temperature"]
        await before.advance(10_000)
        before.wall_ms, before.trusted = right_ms, Trust.NTP
        store.log.event("boot", {"trust": "ntp"}, before.now())
        await before.advance(5_000)
        store.log.append(good(cold, 4.0, before.now()))
        store.log.judged(before.now(), "{}")
        await store.log.durable()
    left, left_wall_ms = before.now(), before.wall_ms
    after = ManualClock(boot_id="b" * 8, monotonic_ms=5_000, wall_ms=left_wall_ms + 30_000)
    store = open_store(tmp_path, after)
    assert after.now() == left + 30_000
    assert store.identity.left_at == left_wall_ms
    assert store.identity.left_trust is Trust.NTP
    store.close()


@pytest.mark.parametrize("behind", [0, 1], ids=["then", "now"])
async def test_over_a_reboot_a_clock_that_is_not_trusted_counts_as_no_time_away(
    tmp_path: Path, behind: int
) -> None:
    trusts = [Trust.NTP, Trust.NTP]
    trusts[behind] = Trust.UNSYNCED
    before = ManualClock(trusted=trusts[0])
    async with running(tmp_path, before) as store:
        await before.advance(5_000)
        store.log.event("test", {}, before.now())
        await store.log.durable()
    later_ms = before.wall_ms + 21 * DAY_MS
    after = ManualClock(boot_id="b" * 8, wall_ms=later_ms, trusted=trusts[1])
    store = open_store(tmp_path, after)
    assert after.now() == before.now(), "late rather than early"
    assert store.identity.left_at == before.wall_ms
    store.close()


async def test_within_one_boot_the_kernel_tells_when_we_left_whatever_the_wall_clock_did(
    tmp_path: Path,
) -> None:
    clock = ManualClock(trusted=Trust.UNSYNCED)
    async with running(tmp_path, clock) as store:
        store.log.event("test", {}, clock.now())
        await store.log.durable()
    left = clock.now()
    clock.wall_ms, clock.trusted = clock.wall_ms + 21 * DAY_MS, Trust.NTP
    await clock.advance(60_000)
    store = open_store(tmp_path, clock)
    assert clock.now() == left + 60_000
    assert store.identity.left_at == clock.wall_ms - 60_000
    store.close()


async def test_a_last_row_that_cannot_be_read_does_not_turn_kitchen_time_back(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as store:
        await clock.advance(5_000)
        store.log.event("test", {}, clock.now())
        await store.log.durable()
    with file_of(tmp_path) as connection, connection:
        connection.execute("UPDATE ev SET body = x'7800ff'")
    after = ManualClock(boot_id="b" * 8, wall_ms=clock.wall_ms + 1_000)
    open_store(tmp_path, after).close()
    assert after.now() == clock.now() + 1_000


def test_a_second_daemon_is_refused_with_the_first_ones_pid(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(tmp_path, clock)
    with pytest.raises(StoreError, match=f"in use by process {os.getpid()}; stop it first"):
        open_store(tmp_path, clock)
    store.close()
    open_store(tmp_path, clock).close()


def test_a_file_of_a_newer_release_is_refused_and_left_alone(
    tmp_path: Path, clock: ManualClock
) -> None:
    open_store(tmp_path, clock).close()
    with file_of(tmp_path) as connection:
        connection.execute(f"PRAGMA user_version = {LATEST + 1}")
    before = (tmp_path / "gateway.db").read_bytes()
    with pytest.raises(StoreError, match=rf"newer release \(schema {LATEST + 1}"):
        open_store(tmp_path, clock)
    assert (tmp_path / "gateway.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused_with_what_to_do(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "gateway.db").write_text("no database at all, but long enough to look like one" * 9)
    with pytest.raises(StoreError, match=r"is damaged .*move it away to start afresh"):
        open_store(tmp_path, clock)


def test_a_damaged_file_is_refused_with_what_to_do_and_the_folder_is_free_again(
    tmp_path: Path, clock: ManualClock
) -> None:
    open_store(tmp_path, clock).close()
    database = tmp_path / "gateway.db"
    content = bytearray(database.read_bytes())
    content[1024:] = b"\xa5" * (len(content) - 1024)  # the header is whole
    database.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged .*move it away to start afresh"):
        open_store(tmp_path, clock)
    database.unlink()
    open_store(tmp_path, clock).close()


def test_a_folder_that_cannot_be_made_is_refused_with_what_to_do(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose another with --data DIR"):
        Store(tmp_path / "file" / "data", clock)


async def test_a_disk_that_is_full_at_the_start_is_an_error_in_words(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(tmp_path, clock)
    await _fill_up(store)
    with pytest.raises(StoreError, match="cannot be used: database or disk is full"):
        store.register([point(f"device_{number}/temperature") for number in range(200)])
    store.close()


def _one_of_each(store: Store, reading: Reading) -> None:
    """Put something for every table into the next transaction."""
    at = reading.at
    store.log.append(reading)
    store.log.judged(at, '{"k":"tick"}')
    store.log.remember("alarm/warm", '{"state":"unacknowledged"}')
    store.log.event("alarm", {"alarm": "warm"}, at)
    store.log.move_cursors({"tm": [(1, 1)]})


def _pragma(name: str, disk: sqlite3.Connection) -> object:
    return disk.execute(f"PRAGMA {name}").fetchone()[0]


async def _fill_up(store: Store) -> None:
    """Let the file not grow any more."""

    def fill(disk: sqlite3.Connection) -> None:
        pages = disk.execute("PRAGMA page_count").fetchone()[0]
        disk.execute(f"PRAGMA max_page_count = {pages}")

    await store.writer.call(fill)
