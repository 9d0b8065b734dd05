"""One open live page: what it is sent goes straight to its connection, past tasks and queues.

Nothing is sent to a page that has not taken what it was sent before; so at most one write waits
for it in this process, and that for a deadline.
"""

import asyncio
import socket
from collections.abc import Callable

SEND_BUFFER = 65_536  # bytes the kernel keeps for one slow page
RENEW_FRAMES = 60


class Stream:
    """From `open` on it is fed; its handler waits with `in_use` until it has ended."""

    __slots__ = (
        "_chunked",
        "_fed",
        "_may_look",
        "_stirred",
        "_transport",
        "address",
        "ended",
        "number",
        "waiting_since",
    )

    def __init__(self, address: str) -> None:
        self.address = address
        self.number = -1  # of the last frame it has been sent, or that its snapshot came after
        self.waiting_since: int | None = None  # kitchen ms; it has yet to take the last write
        self.ended = False
        self._transport: asyncio.Transport | None = None
        self._chunked = False
        self._may_look: Callable[[], bool] = lambda: False
        self._fed = 0
        self._stirred = asyncio.Event()

    def open(
        self, transport: asyncio.Transport, *, chunked: bool, may_look: Callable[[], bool]
    ) -> None:
        """The head of the answer is written; `may_look` is asked before whatever follows."""
        self._transport, self._chunked, self._may_look = transport, chunked, may_look
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def takes_more(self) -> bool:
        """Whether it has taken all it was sent; ends it where nobody is there or may look."""
        if self.ended or self._transport is None:
            return False
        if self._transport.is_closing() or not self._may_look():
            self.end()
            return False
        return not self._transport.get_write_buffer_size()

    def send(self, data: bytes) -> None:
        """Write it in a chunk of HTTP/1.1, or as it is."""
        if self._transport is None:
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        self._fed += 1
        if self._fed % RENEW_FRAMES == 0:
            self._stirred.set()

    def end(self) -> None:
        """Nothing more is sent; the handler goes on."""
        self.ended = True
        self._stirred.set()

    def cut_off(self) -> None:
        """End it with its connection."""
        self.end()
        if self._transport is not None:
            self._transport.abort()

    async def in_use(self) -> bool:
        """True now and then as it goes on; false once it has ended."""
        await self._stirred.wait()
        self._stirred.clear()
        return not self.ended
