"""Supervision: who fails starts again, who fails too often is down, who is critical ends it all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.supervision import PATIENCE_MS, Supervision
from tests.fakes import ManualClock


def _failing(runs: list[int], clock: ManualClock) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        runs.append(clock.now())
        raise LookupError("a bug")

    return work


async def test_a_task_that_fails_starts_again_ever_later_and_is_down_after_three() -> None:
    clock = ManualClock()
    told: list[tuple[str, str]] = []
    supervision = Supervision(clock, on_down=lambda name, error: told.append((name, error)))
    runs: list[int] = []
    task = asyncio.create_task(supervision.supervise("page", _failing(runs, clock)))
    await clock.advance(60_000)
    assert task.done()
    assert [run - runs[0] for run in runs] == [0, 1_000, 6_000]
    assert supervision.restarts == {"page": 3}
    assert supervision.down == {"page": "a bug"}
    assert told == [("page", "a bug")]


async def test_a_task_that_fails_now_and_then_is_never_given_up() -> None:
    clock = ManualClock()
    supervision = Supervision(clock)
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await clock.sleep(PATIENCE_MS / 2 / 1000)
        raise LookupError("now and then")

    task = asyncio.create_task(supervision.supervise("health", work))
    await clock.advance(10 * PATIENCE_MS)
    assert runs > 15
    assert not supervision.down
    task.cancel()


async def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    task = asyncio.create_task(Supervision(clock).supervise("health", _failing([], clock)))
    await clock.settle()
    assert "task health failed" in caplog.text
    assert "LookupError: a bug" in caplog.text
    task.cancel()


async def test_a_critical_task_is_not_started_again_and_says_so_once() -> None:
    clock = ManualClock()
    supervision = Supervision(clock)
    runs: list[int] = []
    ended: list[str | None] = []
    supervision.on_failed = lambda: ended.append(supervision.failed)
    await supervision.supervise("log", _failing(runs, clock), critical=True)
    await supervision.supervise("judging", _failing(runs, clock), critical=True)
    assert len(runs) == 2
    assert ended == ["log", "log"]  # the first is what ended it
    assert not supervision.down


async def test_a_task_that_ends_has_ended() -> None:
    clock = ManualClock()
    supervision = Supervision(clock)
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    await supervision.supervise("watchdog", work)
    assert runs == 1
    assert not supervision.restarts


async def test_a_cancelled_task_is_not_started_again() -> None:
    clock = ManualClock()
    supervision = Supervision(clock)
    task = asyncio.create_task(supervision.supervise("page", lambda: clock.sleep(5)))
    await clock.settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not supervision.restarts


async def test_a_bug_in_judging_ends_everything_whoever_met_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    supervision = Supervision(ManualClock())
    ended: list[str | None] = []
    supervision.on_failed = lambda: ended.append(supervision.failed)
    judged: list[int] = []

    def judge(reading: int) -> bool:
        judged.append(reading)
        if reading > 1:
            raise LookupError("a bug")
        return True

    guarded = supervision.critical("judging", judge)
    assert [guarded(reading) for reading in (1, 2, 3)] == [True, False, False]
    assert judged == [1, 2]  # from then on only the outputs are made safe
    assert ended == ["judging"]
    assert "LookupError: a bug" in caplog.text


async def test_a_bug_in_a_callback_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    supervision = Supervision(clock)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(supervision.unexpected)
    loop.call_soon(lambda: 1 // 0)
    await clock.settle()
    assert supervision.loose == 1
    assert "ZeroDivisionError" in caplog.text
