"""A thread that owns one connection; everybody else hands it work and waits.

The daemon has two: the only writer, and a reader for what the loop must not block on.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from gateway.store.errors import StoreError

Result = TypeVar("Result")
_WAITING_MAX = 256


class StoreWorker:
    """Runs functions of the connection in order, one at a time, off the loop."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(self, task: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `task` returns; raises StoreError when the database refuses or too much waits."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def work() -> None:
            try:
                result = self._alone(task)
            except sqlite3.Error as error:
                # Errors of the Python layer itself carry no code.
                full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
                failure = StoreError(str(error), full=full)
                _on_loop(loop, future, lambda: future.set_exception(failure))
            except Exception as error:  # noqa: BLE001 - a bug in the task belongs to its caller
                bug = error
                _on_loop(loop, future, lambda: future.set_exception(bug))
            else:
                _on_loop(loop, future, lambda: future.set_result(result))

        try:
            self._work.put_nowait(work)
        except queue.Full as error:
            message = f"{_WAITING_MAX} jobs wait for the disk"
            raise StoreError(message) from error
        return await future

    def close(self, deadline_s: float = 2.0) -> bool:
        """Finish what was handed over and close the file; False if the disk hangs past that."""
        with contextlib.suppress(queue.Full):
            self._work.put(None, timeout=deadline_s)
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _alone(self, task: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `task` returns; a transaction it leaves open would swallow the jobs after it."""
        connection = self._connection
        try:
            result = task(connection)
            if connection.in_transaction:
                message = "a job for the store ended inside its transaction; it is rolled back"
                raise RuntimeError(message)
        finally:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
        return result

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        self._connection.close()


def _on_loop(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Result]", settle: Callable[[], None]
) -> None:
    def settle_unless_done() -> None:
        if not future.done():
            settle()

    with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
        loop.call_soon_threadsafe(settle_unless_done)
