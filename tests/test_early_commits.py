"""When the log commits before the second is over, and who is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.store.log import BREATH_S, EARLY_MESSAGES, HASTE, Log
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.store_files import good, open_store, point, until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def running(data: Path, clock: ManualClock) -> AsyncIterator[Log]:
    store = open_store(data, clock)
    task = asyncio.create_task(store.log.run())
    await clock.settle()
    try:
        yield store.log
    finally:
        store.log.close()
        await asyncio.wait_for(task, PATIENCE_S)
        store.close()


async def test_eight_messages_that_wait_for_their_puback_do_not_wait_for_the_second(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as log:
        told: list[int] = []
        log.on_durable.append(told.append)
        awaited = []
        for number in range(EARLY_MESSAGES):
            assert told == []
            log.append(good(point("a/t"), float(number), clock.now()))
            awaited.append(log.await_commit())
        await until(lambda: told)
        assert set(awaited) == set(told)
        assert log.counters.readings == EARLY_MESSAGES
        assert log.await_commit() == told[-1] + 1


async def test_a_message_that_left_nothing_to_store_is_told_at_the_end_of_the_second(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as log:
        told: list[int] = []
        log.on_durable.append(told.append)
        number = log.await_commit()
        await clock.advance(1_000)
        await until(lambda: told == [number])
        assert log.counters.commits == 0


async def test_a_storm_of_events_takes_a_breath_between_commits_and_a_waiter_does_not(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(tmp_path, clock) as log:
        for _ in range(HASTE + 1):
            before = log.counters.commits
            log.event("test", {}, clock.now())
            await until(lambda before=before: log.counters.commits > before)  # type: ignore[misc]
        before = log.counters.commits
        for _ in range(3):
            log.event("test", {}, clock.now())
            await clock.settle()
        assert log.counters.commits == before
        await clock.advance(round(BREATH_S * 1000))
        await until(lambda: log.counters.commits == before + 1)
        log.event("test", {}, clock.now())
        await log.durable()  # somebody waits: at once
        log.event("test", {}, clock.now())
        await clock.settle()
        assert log.counters.commits == before + 2
        log.press()
        await until(lambda: log.counters.commits == before + 3)
        await clock.advance(1_000)  # the next second begins with commits at once
        log.event("test", {}, clock.now())
        await until(lambda: log.counters.commits >= before + 4)
        assert log.counters.events == HASTE + 1 + 3 + 3
