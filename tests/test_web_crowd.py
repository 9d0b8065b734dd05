"""Half-open, slow and silent clients: they go first, and nobody who is served notices them."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.access import Access
from gateway.web.crowd import Crowd
from gateway.web.door import HEAD_MAX
from gateway.web.plain import CONNECTIONS_MAX, Plain
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory, small_kitchen
from tests.patience import PATIENCE_S

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIVE = b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = b"GET /health HTTP/1.1\r\nHost: local"
SLOW = (
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
    b"Content-Length: 9\r\n\r\nab"
)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Server]:
    clock = ManualClock()
    server = Server(small_kitchen(), Access(TokensInMemory(), clock, demo=True), clock, settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Guest:
    """One client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def of(cls, server: Server, address: str = "127.0.0.1") -> AsyncIterator["Guest"]:
        async with cls.to(server.port, address) as guest:
            yield guest

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int, address: str = "127.0.0.1") -> AsyncIterator["Guest"]:
        guest = cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))
        try:
            yield guest
        finally:
            guest.writer.close()

    async def ask(self, request: bytes) -> bytes:
        """The first line of the answer."""
        self.writer.write(request)
        return await asyncio.wait_for(self.reader.readline(), PATIENCE_S)

    async def is_open(self) -> bool:
        self.writer.write(HEALTH)
        try:
            return b"200" in await asyncio.wait_for(self.reader.readline(), PATIENCE_S)
        except ConnectionError:
            return False


async def test_half_open_connections_keep_nobody_out_and_nobody_loses_his_place() -> None:
    settings = Settings(host="127.0.0.1", port=0, connections_max=8)
    async with served(settings) as server, AsyncExitStack() as stack:
        enter = stack.enter_async_context
        page = await enter(Guest.of(server))
        assert b"200" in await page.ask(LIVE)
        idle = await enter(Guest.of(server))
        assert b"200" in await idle.ask(HEALTH)
        for number in range(40):
            half = await enter(Guest.of(server, f"127.0.1.{1 + number % 20}"))
            half.writer.write(HALF if number % 2 else SLOW)
        newcomer = await enter(Guest.of(server))
        assert b"200" in await newcomer.ask(HEALTH)
        await asyncio.wait_for(page.reader.readuntil(b"event: snapshot"), PATIENCE_S)
        crowd = server.crowd
        assert (len(crowd), crowd.refused) == (8, 0)
        assert crowd.evicted >= 34


async def test_a_head_that_comes_byte_by_byte_is_a_request() -> None:
    async with served(Settings(host="127.0.0.1", port=0)) as server, Guest.of(server) as guest:
        for byte in HEALTH:
            guest.writer.write(bytes([byte]))
            await guest.writer.drain()
            await asyncio.sleep(0)
        assert b"200" in await asyncio.wait_for(guest.reader.readline(), PATIENCE_S)


async def test_what_comes_behind_the_head_is_not_lost() -> None:
    async with served(Settings(host="127.0.0.1", port=0)) as server, Guest.of(server) as guest:
        guest.writer.write(HEALTH + HEALTH[:30])
        assert b"200" in await asyncio.wait_for(guest.reader.readline(), PATIENCE_S)
        await asyncio.wait_for(guest.reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        guest.writer.write(HEALTH[30:])
        await asyncio.wait_for(guest.reader.readuntil(b" 200 "), PATIENCE_S)


@pytest.mark.parametrize(
    "words",
    [b"\x16\x03\x01\x02", b"hello there", b"get / HTTP/1.1", b"GET " + b"/" * HEAD_MAX],
    ids=["TLS", "no method", "small letters", "endless"],
)
async def test_what_can_be_no_request_is_refused_before_it_ends(words: bytes) -> None:
    async with served(Settings(host="127.0.0.1", port=0)) as server, Guest.of(server) as guest:
        assert b" 400 " in await guest.ask(words)


async def test_where_all_are_served_one_more_is_refused_and_counted() -> None:
    settings = Settings(host="127.0.0.1", port=0, connections_max=2)
    async with served(settings) as server, AsyncExitStack() as stack:
        first = await stack.enter_async_context(Guest.of(server))
        second = await stack.enter_async_context(Guest.of(server))
        assert b"200" in await first.ask(HEALTH)
        assert b"200" in await second.ask(HEALTH)
        third = await stack.enter_async_context(Guest.of(server))
        assert b"503" in await asyncio.wait_for(third.reader.readline(), PATIENCE_S)
        assert server.crowd.refused == 1


class Member:
    """A connection nobody is at."""

    transport: asyncio.Transport | None = None


def test_the_longest_silent_goes_first_and_who_left_takes_no_room() -> None:
    crowd = Crowd(most=3, per_address=2)
    first, second, third = Member(), Member(), Member()
    for number, member in enumerate((first, second, third)):
        assert crowd.has_room(f"192.0.2.{number}")
        crowd.joined(member, f"192.0.2.{number}")
    crowd.asked(first)
    assert crowd.has_room("192.0.2.9")
    assert (crowd.evicted, len(crowd)) == (1, 2)
    crowd.joined(Member(), "192.0.2.9")
    crowd.left(third)
    crowd.left(third)
    assert len(crowd) == 2
    crowd.joined(Member(), "192.0.2.9")
    assert not crowd.has_room("192.0.2.9")
    assert crowd.refused == 1


async def test_nobody_has_a_body_inflated_before_it_is_known_who_asks() -> None:
    squeezed = zlib.compress(b'{"name": "kim", "password": "a wrong one"}')  # else 401
    head = (
        b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        b"X-Kitchen-Page: 1\r\nContent-Type: application/json\r\nContent-Encoding: deflate\r\n"
        b"Content-Length: %d\r\n\r\n" % len(squeezed)
    )
    async with served(Settings(host="127.0.0.1", port=0)) as server, Guest.of(server) as guest:
        assert b" 400 " in await guest.ask(head + squeezed)


async def test_silent_connections_to_the_plain_port_keep_nobody_out() -> None:
    clock = ManualClock()
    settings = Settings(host="127.0.0.1", port=0, plain_port=0, names=("kitchen.lan",))
    plain = Plain(settings, None, 8443, clock)
    await plain.start()
    try:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            halves = [
                await enter(Guest.to(plain.port, f"127.0.4.{1 + number % 20}"))
                for number in range(2 * CONNECTIONS_MAX)
            ]
            for half in halves:
                half.writer.write(HALF)
            newcomer = await enter(Guest.to(plain.port))
            assert b" 307 " in await newcomer.ask(HEALTH)
            await clock.advance(20_000)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(halves[-1].reader.read(), PATIENCE_S) == b""
    finally:
        await plain.stop()
