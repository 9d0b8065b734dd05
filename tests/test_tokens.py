"""Tokens between the command line and the daemon: known soon, withdrawn soon, never by accident."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.access import Access, Caller, Role, TokenRow
from gateway.store.errors import StoreError
from gateway.store.file import open_beside
from gateway.store.opening import Store
from gateway.store.tokens import REFRESH_S, StoredTokens
from gateway.store.worker import StoreWorker
from tests.fakes import ManualClock
from tests.processes import Daemon
from tests.store_files import open_store, until

REFRESH_MS = int(REFRESH_S * 1000)


def row(digest: bytes = b"one") -> TokenRow:
    return TokenRow(digest=digest, kind="token", role=Role.VIEWER, user="api", created=0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path, ManualClock())
    yield opened
    opened.close()


async def test_what_another_process_adds_and_removes_counts_within_seconds(
    store: Store,
) -> None:
    clock = ManualClock()
    tokens = StoredTokens(store.writer, store.reader)
    following = asyncio.create_task(tokens.refresh(clock))
    other = StoreWorker(open_beside(store.path, ManualClock()), "other")
    beside = StoredTokens(other, other)
    await beside.add(row())
    await clock.settle()
    await until(lambda: clock.sleeping)
    await clock.advance(REFRESH_MS)
    await until(lambda: tokens.find(b"one") == row())
    assert tokens.rows("token") == [row()]
    assert await beside.remove(b"one")
    assert not await beside.remove(b"one")
    await until(lambda: clock.sleeping)
    await clock.advance(REFRESH_MS)
    await until(lambda: tokens.find(b"one") is None)
    following.cancel()
    other.close()


async def test_what_is_added_while_the_file_is_read_is_not_forgotten(store: Store) -> None:
    clock = ManualClock()
    tokens = StoredTokens(store.writer, store.reader)
    await tokens.add(row(b"old"))
    reading, go_on = threading.Event(), threading.Event()

    def wait_at_the_first_row(_: sqlite3.Cursor, found: tuple[object, ...]) -> tuple[object, ...]:
        reading.set()
        go_on.wait()
        return found

    def hold(disk: sqlite3.Connection) -> None:
        disk.row_factory = wait_at_the_first_row

    await store.reader.call(hold)
    following = asyncio.create_task(tokens.refresh(clock))
    await until(reading.is_set)
    await tokens.add(row(b"new"))
    go_on.set()
    await until(lambda: clock.sleeping)
    assert tokens.find(b"new") == row(b"new")
    following.cancel()


async def test_a_file_that_cannot_be_read_locks_nobody_out(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    tokens = StoredTokens(store.writer, store.reader)
    await tokens.add(row())

    def broken(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_READ else sqlite3.SQLITE_OK

    await store.reader.call(lambda disk: disk.set_authorizer(broken))
    following = asyncio.create_task(tokens.refresh(clock))
    for _ in range(5):
        await until(lambda: clock.sleeping)
        await clock.advance(REFRESH_MS)
    assert tokens.find(b"one") == row()
    assert len(caplog.records) == 1
    assert "those known stay" in caplog.text
    assert not following.done()

    await store.reader.call(lambda disk: disk.set_authorizer(None))
    assert await tokens.remove(b"one")
    for _ in range(2):
        await until(lambda: clock.sleeping)
        await clock.advance(REFRESH_MS)
    assert tokens.find(b"one") is None
    following.cancel()


async def test_a_token_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    clock = ManualClock()
    for use in ("make", "ask"):
        store = open_store(tmp_path, clock)
        tokens = StoredTokens(store.writer, store.reader)
        if use == "make":
            secret = await Access(tokens, clock).create_token("api", Role.MANAGER)
            assert secret.encode() not in (tmp_path / "gateway.db").read_bytes()
        else:
            following = asyncio.create_task(tokens.refresh(clock))
            await until(partial(tokens.rows, "token"))
            assert tokens.rows("token")[0].role is Role.MANAGER
            following.cancel()
        store.close()


async def test_a_token_withdrawn_beside_a_gateway_that_is_off_lets_its_sessions_in_no_more(
    tmp_path: Path,
) -> None:
    clock, cookies = ManualClock(), []
    for start in ("log in", "withdrawn", "look"):
        store = open_store(tmp_path, clock)
        tokens = StoredTokens(store.writer, store.reader)
        await tokens.load()
        access = Access(tokens, clock)
        if start == "log in":
            for name in ("pos", "bar"):
                secret = await access.create_token(name, Role.VIEWER)
                cookies.append((await access.log_in(secret, "192.168.0.7"))[0])
        elif start == "withdrawn":  # by a release that knew nothing of its sessions
            found = next(row for row in access.tokens() if row.user == "pos")
            assert await tokens.remove(found.digest)
        else:
            callers = [Caller(peer="192.168.0.7", host="gw", session=it) for it in cookies]
            assert [access.identify(it) is not None for it in callers] == [False, True]
        store.close()


def test_a_token_of_the_command_line_opens_a_running_daemon_and_a_wrong_one_does_not(
    tmp_path: Path,
) -> None:
    with Daemon(tmp_path, "site: {label: Test, zone: UTC}\nweb: {listen: 127.0.0.1}\n") as daemon:
        assert daemon.get("/api/v1/points")[0] == 401
        assert daemon.get("/api/v1/points", "kg_wrong")[0] == 401
        token = daemon.create_token("viewer")
        daemon.wait_until(lambda: daemon.get("/api/v1/points", token)[0] == 200)
        status, body = daemon.get("/api/v1/points", token)
        assert status == 200
        assert "system/cpu" in {point["id"] for point in body["points"]}
        assert daemon.get("/api/v1/points", token[:-1])[0] == 401
        assert daemon.post("/api/v1/alarms/nothing/acknowledge", token)[0] == 403
        assert token not in daemon.log


async def test_what_was_withdrawn_meanwhile_is_not_brought_back_by_being_renewed(
    store: Store,
) -> None:
    tokens = StoredTokens(store.writer, store.reader)
    await tokens.add(row())
    withdrawing = asyncio.create_task(tokens.remove(b"one"))
    await asyncio.sleep(0)
    await tokens.replace(row())
    assert await withdrawing
    await tokens.load()
    assert tokens.find(b"one") is None


async def test_a_token_that_was_added_outlives_a_job_that_forgot_its_transaction(
    store: Store,
) -> None:
    def forgetful(disk: sqlite3.Connection) -> None:
        disk.execute("BEGIN IMMEDIATE")

    def failing(disk: sqlite3.Connection) -> None:
        disk.execute("BEGIN IMMEDIATE")
        disk.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(RuntimeError, match="ended inside its transaction"):
        await store.writer.call(forgetful)
    with pytest.raises(StoreError, match="no such table"):
        await store.writer.call(failing)
    tokens = StoredTokens(store.writer, store.reader)
    await tokens.add(row())
    await store.writer.call(lambda disk: disk.rollback())
    await tokens.load()
    assert tokens.find(b"one") == row()
