"""A crowd at the page, as a process of its own.

`python -m bench.web_load PORT SECONDS LIVE DEAF HALF_OPEN PEOPLE TOKEN …`:
live pages that read, pages that never read, half-open connections that come back when they are
cut off, and people who ask now and then and take the time. Prints what the people saw as JSON.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

ADDRESS = ("127.0.0.1", 0)
ASK_EVERY_S = 0.5  # each of the people: 20 requests a second in all
_PATHS = ("/api/v1/points", "/api/v1/alarms", "/health")
_ADDRESSES = 60  # of the half-open; the live pages have others


class Size(NamedTuple):
    """How many of each there are."""

    live: int
    deaf: int
    half_open: int
    people: int


class Seen(msgspec.Struct):
    """Milliseconds of each answer, those that failed, and what the live pages got.

    All of them were there from `began` to `ended`, in seconds of the machine's clock.
    """

    milliseconds: list[float] = []
    failed: int = 0
    frames: int = 0
    live: int = 0
    began: float = 0.0
    ended: float = 0.0


def request(path: str, token: str) -> bytes:
    """A GET with a token."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    return head.encode()


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer with a Content-Length; its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return int(head.split(b" ", 2)[1])


async def live(port: int, token: str, address: str, seen: Seen) -> None:
    """A page that reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(request("/api/v1/live", token))
    welcome = b" 200 " in await reader.readline()
    seen.live += welcome
    while line := await reader.readline():
        seen.frames += line.startswith(b"event: ")


async def deaf(port: int, token: str, address: str) -> None:
    """A page that never reads."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), limit=1)
    writer.write(request("/api/v1/live", token))
    await asyncio.Event().wait()


async def half_open(port: int, address: str) -> None:
    """Half a request, again and again."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0)
            )
            writer.write(b"GET /health HTTP/1.1\r\nHost: loc")
            await reader.read(1)
            writer.close()
        await asyncio.sleep(5.0)


async def person(port: int, token: str, seen: Seen) -> None:
    """Somebody who looks now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in itertools.cycle(_PATHS):
        began = time.perf_counter()
        try:
            writer.write(request(path, token))
            good = await answer(reader) in (200, 503 if path == "/health" else 200)
        except (OSError, EOFError):
            good = False
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        seen.milliseconds.append((time.perf_counter() - began) * 1000)
        seen.failed += not good
        await asyncio.sleep(ASK_EVERY_S)


async def crowd(port: int, seconds: float, size: Size, tokens: Sequence[str]) -> Seen:
    """All of them for so long; the people begin once the others are there."""
    seen, turn = Seen(), itertools.cycle(tokens)
    tasks = [
        asyncio.create_task(live(port, next(turn), f"127.0.1.{1 + n % 20}", seen))
        for n in range(size.live)
    ]
    tasks += [
        asyncio.create_task(deaf(port, next(turn), f"127.0.2.{1 + n % 20}"))
        for n in range(size.deaf)
    ]
    await asyncio.sleep(2.0)
    for n in range(size.half_open):
        address = f"127.0.3.{1 + n % _ADDRESSES}"
        tasks.append(asyncio.create_task(half_open(port, address)))
        if n % 100 == 0:
            await asyncio.sleep(0.05)
    tasks += [asyncio.create_task(person(port, next(turn), seen)) for _ in range(size.people)]
    seen.frames, seen.began = 0, time.perf_counter()
    await asyncio.sleep(seconds)
    seen.ended = time.perf_counter()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


def main() -> None:
    """See above."""
    port, seconds, *rest = sys.argv[1:]
    size = Size(*map(int, rest[:4]))
    seen = asyncio.run(crowd(int(port), float(seconds), size, rest[4:]))
    print(msgspec.json.encode(seen).decode())


if __name__ == "__main__":
    main()
