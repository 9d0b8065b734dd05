"""What goes over the wire of a live page: whole events in whole chunks, whatever comes between."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Access, Role
from gateway.web.live import Live
from gateway.web.point_shapes import Band
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.certificates import authority
from tests.fakes import ManualClock
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, small_kitchen, temperature
from tests.patience import PATIENCE_S
from tests.test_tls import trusting

ASK = "GET {path} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n"


class Wire(asyncio.Transport):
    """A connection that takes what is written once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = b""
        self.waiting = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.waiting, "it had not taken the last"
        self.waiting = bytes(data)

    def take(self) -> None:
        self.taken, self.waiting = self.taken + self.waiting, b""

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def is_closing(self) -> bool:
        return False


def shown(events: bytes) -> dict[str, object]:
    """The values a page shows that was sent these events."""
    values: dict[str, object] = {}
    for event in events.split(b"\n\n")[:-1]:
        name, _, data = event.rpartition(b"event: ")[2].partition(b"\ndata: ")
        if not data:
            continue  # the time after which to come back
        points = json.loads(data).get("points", [])
        told = {point["id"]: point["value"] for point in points}
        values = told if name == b"snapshot" else values | told
    return values


STEPS = st.lists(st.sampled_from(("take", "frame", "show everything", *"01230123")), max_size=12)


@given(st.lists(STEPS, max_size=8))
def test_however_slowly_a_page_takes_it_it_ends_up_showing_what_is_so(
    rounds: list[list[str]],
) -> None:
    asyncio.run(_follow(rounds))


async def _follow(rounds: list[list[str]]) -> None:
    kitchen = KitchenInMemory([temperature(f"p{n}", "x", 0.0, Band(high=5.0)) for n in range(4)])
    live, wire = Live(kitchen, ManualClock()), Wire()
    page = live.join("192.168.0.7")
    page.open(wire, chunked=False, may_look=lambda: True)
    live.feed(page)
    for steps in rounds:
        for step in (*steps, "take", "frame", "take"):
            if step == "take":
                wire.take()
            elif step == "frame":
                await live.send_changes()
            elif step == "show everything":
                live.show_everything()
            else:
                point = f"p{step}/temperature"
                kitchen.change(point, value=len(wire.taken) + len(wire.waiting) + int(step))
                live.point_changed(point)
        assert shown(wire.taken) == {point.id: point.value for point in kitchen.points()}


@asynccontextmanager
async def served(
    tls: ssl.SSLContext | None = None, kitchen: KitchenInMemory | None = None
) -> AsyncIterator[tuple[Server, Access, ManualClock]]:
    clock = ManualClock()
    access = Access(TokensInMemory(), clock)
    settings = Settings(host="127.0.0.1", port=0)
    server = Server(kitchen or small_kitchen(), access, clock, settings, tls)
    await server.start()
    try:
        yield server, access, clock
    finally:
        await server.stop()


@asynccontextmanager
async def asked(
    server: Server, access: Access, version: str = "1.1", trust: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A page that has asked for the stream, behind the head of its answer."""
    bearer = f"Authorization: Bearer {await access.create_token('wall', Role.VIEWER)}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trust)
    writer.write(ASK.format(path="/api/v1/live", version=version, headers=bearer).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
    assert b" 200 OK" in head
    assert (b"Transfer-Encoding: chunked" in head) == (version == "1.1")
    try:
        yield reader, writer
    finally:
        writer.close()


async def chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await asyncio.wait_for(reader.readline(), PATIENCE_S), 16)
    data = await asyncio.wait_for(reader.readexactly(size + 2), PATIENCE_S)
    assert data.endswith(b"\r\n")
    return data[:-2]


async def test_every_write_is_one_chunk_and_after_the_last_the_connection_goes_on() -> None:
    async with served() as (server, access, clock), asked(server, access) as (reader, writer):
        assert (await chunk(reader)).startswith(b"retry: 1000\n\nevent: snapshot\ndata: {")
        for _ in range(3):
            await clock.advance(1_000)
            assert (await chunk(reader)).startswith(b"event: change\ndata: {")
        (token,) = access.tokens()
        assert await access.withdraw_token(token.id)
        writer.write(ASK.format(path="/health", version="1.1", headers="").encode())
        await clock.advance(1_000)
        assert await chunk(reader) == b""
        answer = await asyncio.wait_for(reader.readline(), PATIENCE_S)
        assert answer == b"HTTP/1.1 200 OK\r\n"


async def test_an_older_proxy_gets_events_without_chunks_until_the_connection_ends() -> None:
    async with served() as (server, access, clock), asked(server, access, "1.0") as (reader, _):
        await clock.advance(1_000)
        await clock.advance(1_000)
        server.live.end_streams()
        events = await asyncio.wait_for(reader.read(), PATIENCE_S)
        names = [event.partition(b"\n")[0] for event in events.split(b"\n\n")]
        assert names[0] == b"retry: 1000"
        assert names[1] == b"event: snapshot"
        assert set(names[2:-1]) == {b"event: change"}
        assert names[-1] == b""


async def test_when_the_gateway_stops_its_pages_are_told_that_this_was_all() -> None:
    async with served() as (server, access, _), asked(server, access) as (reader, _):
        await chunk(reader)
        await server.stop()
        assert await chunk(reader) == b""
        assert server.live.metrics()[0].value == 0


def over_tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the gateway shows and what a browser trusts."""
    made = authority(folder)
    leaf = made.issue("leaf", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    return context, trusting(made.certificate)


async def test_over_https_a_page_that_reads_is_fed_and_one_that_does_not_is_dropped(
    tmp_path: Path,
) -> None:
    shows, trusts = over_tls(tmp_path)
    kitchen = KitchenInMemory(
        [temperature(f"p{n}", "x" * 8_000, 1.0, Band()) for n in range(2_000)]
    )
    async with (
        served(shows, kitchen) as (server, access, clock),
        asked(server, access, trust=trusts) as (reader, _),
        asked(server, access, trust=trusts) as (_, deaf),
    ):
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        assert b"event: snapshot" in await chunk(reader)
        while not server.live.dropped:
            await clock.advance(1_000)
            assert b"event: change" in await chunk(reader)
        metrics = {metric.name: metric.value for metric in server.live.metrics()}
        assert metrics["kitchen_live_open"] == 1
