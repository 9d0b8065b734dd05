"""One daemon thread and one queue for each bus, so that a hung device stops only its own bus.

Never an executor: its threads are joined at exit, and a read that hangs would hang the exit.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from drivers.base import BusError

Result = TypeVar("Result")
_WAITING_MAX = 1_000


class NoAnswer(BusError):
    """The call was made and has not come back within its deadline."""


class BusHangs(BusError):
    """An earlier call has not come back; this one was not even tried."""


class BusBusy(BusError):
    """Others had the bus until the deadline; this call was not even tried, nor does it hang."""


class BusWorker:
    """Runs blocking calls one after another; a call past its deadline is given up, not killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hanging = False  # the call at work is past its deadline
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name=f"bus-{name}", daemon=True)
        self._thread.start()

    async def call(self, task: Callable[[], Result], deadline_s: float) -> Result:
        """What `task` returns or raises; NoAnswer or BusBusy at the deadline.

        Raises BusHangs while an earlier call hangs.
        """
        if self.hanging:
            message = f"bus {self.name} hangs"
            raise BusHangs(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        begun = threading.Event()

        def work() -> None:
            if future.cancelled():
                return
            begun.set()
            try:
                result = task()
            except Exception as error:  # noqa: BLE001 - goes to the caller, who knows which
                failure = error
                self._done(loop, lambda: _fail(future, failure))
            else:
                self._done(loop, lambda: _settle(future, result))

        try:
            self._work.put_nowait(work)
        except queue.Full as error:
            message = f"{_WAITING_MAX} calls wait for bus {self.name}"
            raise BusError(message) from error
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        except TimeoutError as error:
            raise self._late(deadline_s, begun=begun.is_set(), cut=future.cancelled()) from error

    def close(self) -> None:
        """Let the thread end after the call at work; does not wait for it."""
        with contextlib.suppress(queue.Full):
            self._work.put_nowait(None)

    def _late(self, deadline_s: float, *, begun: bool, cut: bool) -> BusError:
        """What it means that a call did not come back in time."""
        if begun:
            # Without a cut its answer came in the very turn of the loop in which time was up.
            self.hanging = self.hanging or cut
            return NoAnswer(f"no answer on bus {self.name} within {deadline_s:.3g} s")
        if self.hanging:
            return BusHangs(f"bus {self.name} hangs")
        return BusBusy(f"bus {self.name} was busy with others for {deadline_s:.3g} s")

    def _done(self, loop: asyncio.AbstractEventLoop, settle: Callable[[], None]) -> None:
        def on_loop() -> None:
            self.hanging = False
            settle()

        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(on_loop)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _settle(future: "asyncio.Future[Result]", result: Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Result]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
