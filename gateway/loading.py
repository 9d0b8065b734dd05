"""Calls that take long once, such as the import of a large library, off the loop."""

import asyncio
import contextlib
import os
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

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


def load_aiohttp() -> None:
    """Import it without what its client does at once for the whole internet: we serve a LAN.

    For 144 authorities it takes a tenth of our start and 1.6 MB, so its own context trusts nobody;
    who asks somebody outside brings another. Its lists of handlers need no C++, whose library alone
    is 1 MB.
    """
    os.environ.setdefault("FROZENLIST_NO_EXTENSIONS", "1")
    here, usual = threading.get_ident(), ssl.create_default_context

    def bare(*args: Any, **options: Any) -> ssl.SSLContext:  # noqa: ANN401 - as ssl has it
        if threading.get_ident() != here:
            return usual(*args, **options)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    ssl.create_default_context = bare
    try:
        import aiohttp  # noqa: F401 - what it does when it is loaded is what matters
    finally:
        ssl.create_default_context = usual
