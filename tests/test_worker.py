"""The thread of a bus: deadlines, a call that hangs, and what it means for the next ones."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from drivers.base import BusError, CorruptData
from gateway.buses import worker as worker_module
from gateway.buses.worker import BusBusy, BusHangs, BusWorker, NoAnswer
from tests.fakes import run_out
from tests.store_files import until

DEADLINE_S = 900.0  # passes when a test says so, see `run_out`


class Wire:
    """What a call may hang on; `free` lets it go on."""

    def __init__(self) -> None:
        self.begun, self._free = threading.Event(), threading.Event()

    def hang(self) -> bool:
        self.begun.set()
        return self._free.wait()

    def free(self) -> None:
        self._free.set()


@pytest.fixture
def worker() -> BusWorker:
    return BusWorker("i2c")


@pytest.fixture
def wire() -> Iterator[Wire]:
    it = Wire()
    yield it
    it.free()


async def hang(worker: BusWorker, wire: Wire) -> None:
    """Let a call begin, hang, and be given up."""
    call = asyncio.create_task(worker.call(wire.hang, DEADLINE_S))
    await until(wire.begun.is_set)
    run_out(DEADLINE_S)
    with pytest.raises(NoAnswer, match="no answer on bus i2c within 900 s"):
        await call


async def test_a_call_gives_what_its_task_gives(worker: BusWorker) -> None:
    assert await worker.call(lambda: threading.current_thread().name, DEADLINE_S) == "bus-i2c"
    worker.close()


async def test_the_errors_of_a_task_are_its_callers(worker: BusWorker) -> None:
    def corrupt() -> None:
        raise CorruptData("wrong checksum")

    with pytest.raises(CorruptData, match="wrong checksum"):
        await worker.call(corrupt, DEADLINE_S)
    assert await worker.call(lambda: 1, DEADLINE_S) == 1
    worker.close()


async def test_calls_are_made_one_after_another_in_order(worker: BusWorker) -> None:
    made: list[int] = []
    await asyncio.gather(*(worker.call(partial(made.append, i), DEADLINE_S) for i in range(50)))
    assert made == list(range(50))
    worker.close()


async def test_a_call_past_its_deadline_is_given_up_and_the_next_not_even_tried(
    worker: BusWorker, wire: Wire
) -> None:
    tried = threading.Event()
    await hang(worker, wire)
    assert worker.hanging
    with pytest.raises(BusHangs, match="bus i2c hangs"):
        await worker.call(tried.set, DEADLINE_S)
    wire.free()
    await until(lambda: not worker.hanging)
    assert not tried.is_set()
    assert await worker.call(lambda: "back", DEADLINE_S) == "back"
    worker.close()


async def test_a_call_that_waited_in_vain_behind_a_hanging_one_is_never_made(
    worker: BusWorker, wire: Wire
) -> None:
    late = threading.Event()
    working = asyncio.create_task(worker.call(wire.hang, 10 * DEADLINE_S))
    await until(wire.begun.is_set)
    waiting = asyncio.create_task(worker.call(late.set, DEADLINE_S))
    await asyncio.sleep(0)
    run_out(DEADLINE_S)
    with pytest.raises(BusBusy, match="busy with others for 900 s"):
        await waiting
    assert not worker.hanging
    wire.free()
    await working
    assert await worker.call(lambda: 1, DEADLINE_S) == 1
    assert not late.is_set()
    worker.close()


async def test_an_answer_in_the_very_turn_of_the_deadline_leaves_no_dead_bus(
    worker: BusWorker,
) -> None:
    answered = threading.Event()
    call = asyncio.create_task(worker.call(lambda: "late", DEADLINE_S))
    next_one = asyncio.create_task(worker.call(answered.set, 10 * DEADLINE_S))
    await asyncio.sleep(0)
    assert answered.wait(DEADLINE_S)  # holds the loop up, on purpose
    run_out(DEADLINE_S)
    with pytest.raises(NoAnswer):
        await call
    await next_one
    assert not worker.hanging
    assert await worker.call(lambda: "alive", DEADLINE_S) == "alive"
    worker.close()


async def test_a_full_queue_is_refused_with_its_number(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_WAITING_MAX", 2)
    full = BusWorker("uart")
    calls = [asyncio.create_task(full.call(wire.hang, DEADLINE_S))]
    await until(wire.begun.is_set)
    calls += [asyncio.create_task(full.call(wire.hang, DEADLINE_S)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusError, match="2 calls wait for bus uart"):
        await full.call(wire.hang, DEADLINE_S)
    wire.free()
    await asyncio.gather(*calls)
    full.close()


async def test_closing_waits_for_nobody(worker: BusWorker, wire: Wire) -> None:
    await hang(worker, wire)
    worker.close()
    wire.free()
    await until(lambda: not worker._thread.is_alive())
