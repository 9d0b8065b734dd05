"""The thread of a bus: deadlines, a call that hangs, and what it means for the next ones."""

import asyncio
import threading
import time
from functools import partial

import pytest

from drivers.base import BusError, CorruptData
from gateway.buses import worker as worker_module
from gateway.buses.worker import BusBusy, BusHangs, BusWorker
from tests.store_files import until

PLENTY_S = 20.0
SOON_S = 0.02


@pytest.fixture
def worker() -> BusWorker:
    return BusWorker("i2c")


async def test_a_call_gives_what_its_task_gives(worker: BusWorker) -> None:
    assert await worker.call(lambda: threading.current_thread().name, PLENTY_S) == "bus-i2c"
    worker.close()


async def test_the_errors_of_a_task_are_its_callers(worker: BusWorker) -> None:
    def corrupt() -> None:
        raise CorruptData("wrong checksum")

    with pytest.raises(CorruptData, match="wrong checksum"):
        await worker.call(corrupt, PLENTY_S)
    assert await worker.call(lambda: 1, PLENTY_S) == 1
    worker.close()


async def test_calls_are_made_one_after_another_in_order(worker: BusWorker) -> None:
    made: list[int] = []
    await asyncio.gather(*(worker.call(partial(made.append, i), PLENTY_S) for i in range(50)))
    assert made == list(range(50))
    worker.close()


async def test_a_call_past_its_deadline_is_given_up_and_the_next_not_even_tried(
    worker: BusWorker,
) -> None:
    wire, tried = threading.Event(), threading.Event()
    with pytest.raises(BusError, match=r"no answer on bus i2c within 0\.02 s"):
        await worker.call(wire.wait, SOON_S)
    assert worker.hanging
    with pytest.raises(BusHangs, match="bus i2c hangs"):
        await worker.call(tried.set, PLENTY_S)
    wire.set()
    await until(lambda: not worker.hanging)
    assert not tried.is_set()
    assert await worker.call(lambda: "back", PLENTY_S) == "back"
    worker.close()


async def test_a_call_that_waited_in_vain_behind_a_hanging_one_is_never_made(
    worker: BusWorker,
) -> None:
    wire, late = threading.Event(), threading.Event()
    hanging = asyncio.create_task(worker.call(wire.wait, PLENTY_S))
    await asyncio.sleep(0)
    with pytest.raises(BusBusy, match=r"busy with others for 0\.02 s"):
        await worker.call(late.set, SOON_S)
    assert not worker.hanging
    wire.set()
    await hanging
    assert await worker.call(lambda: 1, PLENTY_S) == 1
    assert not late.is_set()
    worker.close()


async def test_an_answer_in_the_very_turn_of_the_deadline_leaves_no_dead_bus(
    worker: BusWorker,
) -> None:
    answered = threading.Event()
    call = asyncio.create_task(worker.call(answered.set, SOON_S))
    await asyncio.sleep(0)
    assert answered.wait(PLENTY_S)
    time.sleep(2 * SOON_S)  # noqa: ASYNC251 - a loop that is held up, on purpose
    with pytest.raises(BusError, match="no answer"):
        await call
    assert not worker.hanging
    assert await worker.call(lambda: "alive", PLENTY_S) == "alive"
    worker.close()


async def test_a_full_queue_is_refused_with_its_number(
    worker: BusWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_WAITING_MAX", 2)
    full = BusWorker("uart")
    wire, begun = threading.Event(), threading.Event()

    def hang() -> bool:
        begun.set()
        return wire.wait()

    calls = [asyncio.create_task(full.call(hang, PLENTY_S))]
    await until(begun.is_set)
    calls += [asyncio.create_task(full.call(hang, PLENTY_S)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusError, match="2 calls wait for bus uart"):
        await full.call(hang, PLENTY_S)
    wire.set()
    await asyncio.gather(*calls)
    full.close()
    worker.close()


async def test_closing_waits_for_nobody(worker: BusWorker) -> None:
    wire = threading.Event()
    with pytest.raises(BusError):
        await worker.call(wire.wait, SOON_S)
    worker.close()
    wire.set()
    await until(lambda: not worker._thread.is_alive())
