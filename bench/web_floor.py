"""The least Python that serves the same crowd: `python -m bench.web_floor FRAME_BYTES`.

Ten frames a second to every live page that has taken the last one, some answer to whoever asks,
and silence for half-open connections, which are cut off as the gateway does. While the gateway
serves nobody beside it, this is what the crowd does to judging by keeping the machine busy.
"""

import asyncio
import sys

from bench.web_load import ADDRESS

FRAME_S = 0.1
TURN_PAGES = 4
HALF_OPEN_S = 5.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b" " * 4000
WELCOME = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


class Guest(asyncio.Protocol):
    """One connection."""

    def __init__(self, pages: set[asyncio.Transport]) -> None:
        self._pages = pages
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            asyncio.get_running_loop().call_later(HALF_OPEN_S, self._cut_off)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._transport is None or not self._head.endswith(b"\r\n\r\n"):
            return
        if self._head.startswith(b"GET /api/v1/live "):
            self._transport.write(WELCOME)
            self._pages.add(self._transport)
        else:
            self._transport.write(ANSWER)
        self._head = b""

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._transport is not None:
            self._pages.discard(self._transport)

    def _cut_off(self) -> None:
        if self._transport is not None and self._head:
            self._transport.close()


async def serve(frame: bytes) -> None:
    """For ever."""
    pages: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Guest(pages), *ADDRESS, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        for place, page in enumerate(list(pages), 1):
            if not page.get_write_buffer_size():
                page.write(frame)
            if place % TURN_PAGES == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(FRAME_S)


if __name__ == "__main__":
    asyncio.run(serve(b"event: change\ndata: " + b" " * int(sys.argv[1]) + b"\n\n"))
