"""The stream: a snapshot, then changes encoded once; pages that fall behind, stall or crowd in."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse

from gateway.access import Access, Role
from gateway.web import live as live_module
from gateway.web.guard import COOKIE
from gateway.web.live import FRAMES_KEPT, STREAMS_PER_ADDRESS, Live, TooManyStreams
from gateway.web.point_shapes import Band
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.fakes import ManualClock
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, small_kitchen, temperature
from tests.patience import PATIENCE_S
from tests.web_client import Web, web

STREAM = "/api/v1/live"


@asynccontextmanager
async def streaming(site: Web, **headers: str) -> AsyncIterator[ClientResponse]:
    async with site.client.get(STREAM, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield answer


async def event(answer: ClientResponse) -> tuple[str, dict[str, object]]:
    """The next event and its data."""
    name = ""
    while True:
        line = (await asyncio.wait_for(answer.content.readline(), PATIENCE_S)).decode()
        if line.startswith("event: "):
            name = line[7:-1]
        if line.startswith("data: "):
            return name, json.loads(line[6:])


async def test_a_page_gets_everything_first_and_then_only_what_changed() -> None:
    async with web(demo=True) as site, streaming(site) as answer:
        name, data = await event(answer)
        assert name == "snapshot"
        assert {"now", "site", "points", "alarms", "flood", "cloud", "config"} < data.keys()
        site.kitchen.change("walk_in/temperature", value=4.5)
        site.live.point_changed("walk_in/temperature")
        site.live.point_changed("gone/temperature")
        name, data = await event(answer)
        assert name == "change"
        assert data.keys() == {"now", "points"}
        (point,) = msg_list(data["points"])
        assert (point["id"], point["value"]) == ("walk_in/temperature", 4.5)


async def test_who_comes_after_a_while_in_which_nobody_looked_gets_what_is_there_now() -> None:
    kitchen = small_kitchen()
    live = Live(kitchen, ManualClock())
    page = live.join("192.168.0.7")
    assert b'"value":3.2' in live.snapshot()
    live.leave(page)
    kitchen.change("walk_in/temperature", value=7.5)
    live.point_changed("walk_in/temperature")
    live.join("192.168.0.7")
    assert b'"value":7.5' in live.snapshot()


def msg_list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


async def test_changes_of_a_tenth_of_a_second_are_one_frame() -> None:
    async with web(demo=True) as site, streaming(site) as answer:
        await event(answer)
        site.live.cloud_changed()
        await event(answer)
        for value in range(100):
            site.kitchen.change("walk_in/temperature", value=float(value))
            site.live.point_changed("walk_in/temperature")
            site.live.alarms_changed()
        frames = site.live.frames
        await site.clock.advance(99)
        assert site.live.frames == frames
        await site.clock.advance(1)
        _, data = await event(answer)
        assert site.live.frames == frames + 1
        assert msg_list(data["points"])[0]["value"] == 99.0
        assert "alarms" in data
        assert "cloud" not in data


async def test_a_quiet_kitchen_still_says_each_second_that_it_is_there() -> None:
    async with web(demo=True) as site, streaming(site) as answer:
        await event(answer)
        await site.clock.advance(1000)
        name, data = await event(answer)
        assert (name, list(data)) == ("change", ["now"])


async def test_a_faster_kitchen_does_not_send_more_frames() -> None:
    async with web(demo=True) as site:
        fast = {"label": "x", "zone": "UTC", "speed": 60.0}
        site.kitchen.site_view = type(site.kitchen.site_view)(**fast)  # type: ignore[arg-type]
        async with streaming(site) as answer:
            await event(answer)
            site.live.cloud_changed()
            await event(answer)
            site.live.cloud_changed()
            frames = site.live.frames
            await site.clock.advance(5_999)
            assert site.live.frames == frames
            await site.clock.advance(1)
            assert site.live.frames == frames + 1


async def test_pages_beyond_the_bound_are_refused_and_counted() -> None:
    live = Live(small_kitchen(), ManualClock())
    for _ in range(STREAMS_PER_ADDRESS):
        live.join("192.168.0.7")
    with pytest.raises(TooManyStreams):
        live.join("192.168.0.7")
    for number in range(live_module.STREAMS_MAX - STREAMS_PER_ADDRESS):
        live.join(f"192.168.1.{number}")
    with pytest.raises(TooManyStreams):
        live.join("192.168.2.1")
    metrics = {metric.name: metric.value for metric in live.metrics()}
    assert metrics["kitchen_live_open"] == live_module.STREAMS_MAX
    assert metrics["kitchen_live_refused_total"] == 2


async def test_one_page_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "STREAMS_PER_ADDRESS", 1)
    async with web(demo=True) as site:
        async with streaming(site):
            refused = await site.client.get(STREAM)
            assert refused.status == 503
            assert "Retry-After" in refused.headers
            refused.close()
        while site.live.metrics()[0].value:
            await site.clock.advance(1000)  # the pulse finds that the page has gone
        async with streaming(site):
            pass


async def test_a_stream_ends_when_its_login_has_ended() -> None:
    async with web() as site:
        session, _ = await site.access.log_in(
            await site.access.create_code("lee", Role.MANAGER), "192.168.0.7"
        )
        async with streaming(site, Cookie=f"{COOKIE}={session}") as answer:
            await event(answer)
            await site.clock.advance(900_000)
            await site.clock.advance(1000)
            await asyncio.wait_for(answer.content.read(), PATIENCE_S)


async def test_a_stream_ends_with_its_token_before_it_says_anything_more() -> None:
    async with web() as site, streaming(site, **await site.headers(Role.VIEWER)) as answer:
        await event(answer)
        (token,) = site.access.tokens()
        assert await site.access.withdraw_token(token.id)
        site.kitchen.change("walk_in/temperature", value=7.0)
        site.live.point_changed("walk_in/temperature")
        await site.clock.advance(1000)
        rest = await asyncio.wait_for(answer.content.read(), PATIENCE_S)
        assert rest == b"\n", "the end of the snapshot"


def large_kitchen() -> KitchenInMemory:
    points = [temperature(f"p{n}", "x" * 500, 1.0, Band(high=5.0)) for n in range(300)]
    return KitchenInMemory(points)


@asynccontextmanager
async def stalled() -> AsyncIterator[tuple[Server, ManualClock, socket.socket]]:
    """A server with large frames, and a page that asked for the stream and reads nothing."""
    clock = ManualClock()
    access = Access(TokensInMemory(), clock, demo=True)
    server = Server(large_kitchen(), access, clock, Settings(host="127.0.0.1", port=0))
    await server.start()
    page = socket.socket()
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    page.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(page, ("127.0.0.1", server.port))
    await loop.sock_sendall(page, b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not _figure(server, "open"):
                await clock.settle()
        yield server, clock, page
    finally:
        page.close()
        await server.stop()


async def _send_everything(server: Server, clock: ManualClock) -> None:
    for number in range(300):
        server.live.point_changed(f"p{number}/temperature")
    await clock.advance(250)


def _figure(server: Server, name: str) -> float:
    return next(m.value for m in server.live.metrics() if m.name == f"kitchen_live_{name}")


async def _read(page: socket.socket, clock: ManualClock, until: bytes) -> bytes:
    """What the page reads up to there or to the end, while no time passes in the kitchen."""
    seen = b""
    async with asyncio.timeout(PATIENCE_S):
        while not seen.endswith(until):
            try:
                data = page.recv(1_000_000)
            except BlockingIOError:
                await clock.settle()
            else:
                if not data:
                    break
                seen += data
    return seen


END = b"}\n\n\r\n"  # of an event and its chunk


async def test_a_page_that_falls_behind_gets_one_snapshot_instead_of_a_backlog() -> None:
    async with stalled() as (server, clock, page):
        for _ in range(12):  # more than are kept
            await _send_everything(server, clock)
        seen = await _read(page, clock, END)
        assert (seen.count(b"event: snapshot"), seen.count(b"event: change")) == (1, 0)
        await clock.advance(1_000)
        seen = await _read(page, clock, END)
        assert (seen.count(b"event: snapshot"), seen.count(b"event: change")) == (1, 0)
        assert _figure(server, "resynced_total") == 1
        await clock.advance(1_000)
        seen = await _read(page, clock, END)
        assert (seen.count(b"event: snapshot"), seen.count(b"event: change")) == (0, 1)


async def test_a_page_that_is_a_few_frames_behind_gets_them_and_no_snapshot() -> None:
    async with stalled() as (server, clock, page):
        for number in range(FRAMES_KEPT - 1):
            server.live.point_changed(f"p{number}/temperature")
            await clock.advance(100)
        assert (await _read(page, clock, END)).count(b"event: snapshot") == 1
        server.live.point_changed("p299/temperature")
        await clock.advance(100)
        seen = await _read(page, clock, END)
        assert (seen.count(b"event: snapshot"), _figure(server, "resynced_total")) == (0, 0)
        told = [seen.index(b'"p%d/temperature"' % number) for number in (0, 1, 2, 299)]
        assert told == sorted(told)


async def test_a_page_that_takes_nothing_is_dropped_once_its_deadline_is_over() -> None:
    async with stalled() as (server, clock, page):
        await _send_everything(server, clock)
        await clock.advance(4_700)
        assert (_figure(server, "dropped_total"), _figure(server, "open")) == (0, 1)
        await clock.advance(2_000)
        assert (_figure(server, "dropped_total"), _figure(server, "open")) == (1, 0)
        assert not (await _read(page, clock, END)).endswith(END), "it was cut off"


async def test_many_pages_are_fed_a_few_in_a_turn_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fed: list[str] = []
    monkeypatch.setattr(live_module.Live, "feed", lambda live, stream: fed.append("page"))

    async def turn() -> None:
        while True:
            fed.append("turn")
            await asyncio.sleep(0)

    async with web() as site:
        for number in range(64):
            site.live.join(f"192.0.2.{number}")
        turning = asyncio.create_task(turn())
        site.live.point_changed("walk_in/temperature")
        await site.clock.advance(2_000)
        async with asyncio.timeout(PATIENCE_S):
            while fed.count("page") < 64:
                await asyncio.sleep(0)
        turning.cancel()
    at_once = max(map(len, "".join(word[0] for word in fed).split("t")))
    assert at_once == live_module.TURN_PAGES
