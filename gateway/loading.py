"""Calls that take long once, such as the import of a large library, off the loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(task: Callable[[], Result], name: str) -> Result:
    """What `task` returns or raises, from a daemon thread of its own: no exit waits for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def work() -> None:
        try:
            result = task()
        except Exception as error:  # noqa: BLE001 - goes to the awaiting task
            _on_loop(loop, future, partial(future.set_exception, error))
        else:
            _on_loop(loop, future, partial(future.set_result, result))

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def _on_loop(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Result]", settle: Callable[[], None]
) -> None:
    def unless_cancelled() -> None:
        if not future.done():
            settle()

    with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
        loop.call_soon_threadsafe(unless_cancelled)
