"""A program that asks the same again is answered as the first time, without being read again."""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access import Access, Role, User
from gateway.web import cookies, polling
from gateway.web.api import ROUTES
from gateway.web.pace import ADDRESS, READS, Pace
from gateway.web.route import Problem, Settings
from gateway.web.server import Server
from gateway.web.shown import Shown
from tests.certificates import self_signed
from tests.fakes import ManualClock
from tests.kitchen_fake import (
    KitchenInMemory,
    PeopleInMemory,
    TokensInMemory,
    small_kitchen,
)
from tests.patience import PATIENCE_S
from tests.web_client import OWNER, PASSWORD

DEADLINE_S = 15.0
POINT = "walk_in/temperature"


@dataclass
class Answer:
    """One, as it came."""

    status: int
    head: dict[str, str]
    body: bytes

    def value(self) -> object:
        return msgspec.json.decode(self.body)["points"][0]["value"]


@dataclass
class Poller:
    """A program on one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> Answer:
        self.writer.write(request)
        return await self.answer()

    async def answer(self) -> Answer:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        first, *lines = head.decode().splitlines()
        fields = dict(line.lower().split(": ", 1) for line in lines if line)
        body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return Answer(int(first.split()[1]), fields, body)


@dataclass
class Site:
    """A kitchen that is served."""

    kitchen: KitchenInMemory
    clock: ManualClock
    access: Access
    server: Server

    @property
    def repeated(self) -> int:
        """How many were answered without being read."""
        return self.server.counters.repeated

    async def request(self, path: str = "/api/v1/points", *, more: str = "") -> bytes:
        token = await self.access.create_token("display", Role.VIEWER)
        return asking(path, token, more)

    @asynccontextmanager
    async def poller(self, trust: Path | None = None) -> AsyncIterator[Poller]:
        context = None if trust is None else ssl.create_default_context(cafile=str(trust))
        opened = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=context)
        poller = Poller(*opened)
        try:
            yield poller
        finally:
            poller.writer.close()


def asking(path: str, token: str, more: str = "", version: str = "1.1") -> bytes:
    head = f"GET {path} HTTP/{version}\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}{more}\r\n".encode()


@asynccontextmanager
async def served(
    *, deadline_s: float = DEADLINE_S, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    kitchen, clock = small_kitchen(), ManualClock()
    access = Access(TokensInMemory(), clock, people=PeopleInMemory())
    settings = Settings(host="127.0.0.1", port=0, header_deadline_s=deadline_s)
    server = Server(kitchen, access, clock, settings, tls)
    await server.start()
    try:
        yield Site(kitchen, clock, access, server)
    finally:
        await server.stop()


async def test_a_repeated_request_has_the_answer_that_reading_it_would_give() -> None:
    async with served() as site, site.poller() as poller, site.poller() as another:
        request = await site.request()
        read = await poller.ask(request)
        repeated = await poller.ask(request)
        assert (read.status, repeated.status, site.repeated) == (200, 200, 1)
        read_again = await another.ask(request)
        assert site.repeated == 1
        for answer in (read, repeated, read_again):
            assert answer.head.pop("date").endswith("gmt")
        assert repeated == read == read_again


async def test_a_value_is_a_tenth_of_a_second_old_at_most_and_its_age_a_second() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        assert (await poller.ask(request)).value() == 3.2
        site.kitchen.change(POINT, value=4.5)
        site.server.live.point_changed(POINT)
        assert (await poller.ask(request)).value() == 3.2
        await site.clock.advance(100)
        assert (await poller.ask(request)).value() == 4.5
        site.kitchen.change(POINT, age_s=8.0)
        await site.clock.advance(900)
        assert b'"age_s":8.0' in (await poller.ask(request)).body
        assert site.repeated == 3


def test_the_points_are_there_also_where_kitchen_time_is_before_its_beginning() -> None:
    shown = Shown(small_kitchen(), ManualClock(monotonic_ms=-5_000))
    assert POINT.encode() in shown.body()
    shown.all_changed()
    assert POINT.encode() in shown.body()


async def test_an_alarm_is_in_the_next_answer() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        assert b'"state":"life"' not in (await poller.ask(request)).body
        site.kitchen.change(POINT, state="life")
        site.server.live.alarms_changed()
        assert b'"state":"life"' in (await poller.ask(request)).body
        assert site.repeated == 1


async def test_a_point_that_goes_with_the_configuration_is_gone_at_once() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        before = msgspec.json.decode((await poller.ask(request)).body)["points"]
        site.kitchen.forget(POINT)
        site.server.live.point_changed(POINT)
        site.server.live.show_everything()
        after = msgspec.json.decode((await poller.ask(request)).body)["points"]
        assert [point for point in before if point["id"] != POINT] == after


async def test_a_token_that_is_withdrawn_or_has_run_out_is_refused_at_the_next_request() -> None:
    async with served() as site, site.poller() as first, site.poller() as second:
        withdrawn = await site.request()
        ending = asking("/api/v1/points", await site.access.create_token("x", Role.VIEWER, 60.0))
        for _ in range(2):
            assert (await first.ask(withdrawn)).status == 200
            assert (await second.ask(ending)).status == 200
        assert site.repeated == 2
        display = next(token for token in site.access.tokens() if token.user == "display")
        await site.access.withdraw_token(display.id)
        assert (await first.ask(withdrawn)).status == 401
        assert (await second.ask(ending)).status == 200
        await site.clock.advance(61_000)
        assert (await second.ask(ending)).status == 401
        assert (await second.ask(ending)).status == 401


async def test_who_asks_too_fast_is_told_so() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        for _ in range(int(READS.burst)):
            assert (await poller.ask(request)).status == 200
        assert site.repeated == READS.burst - 1
        refused = await poller.ask(request)
        assert (refused.status, refused.head["retry-after"]) == (429, "1")
        await site.clock.advance(1_000)
        assert (await poller.ask(request)).status == 200


async def test_who_is_refused_without_being_read_pays_nothing() -> None:
    clock, route = ManualClock(), ROUTES[0]
    pace, user = Pace(clock), User("display", Role.VIEWER, "token", b"1")
    costs = pace.costs(route, "192.0.2.7", user)
    for _ in range(int(READS.burst)):
        assert pace.took(costs)
    for _ in range(50):
        assert not pace.took(costs)
    assert pace.refused == 0
    for _ in range(int(ADDRESS.burst - READS.burst)):
        pace.check_address(route, "192.0.2.7")
    with pytest.raises(Problem, match="ask again"):
        pace.check_address(route, "192.0.2.7")
    await clock.advance(1_000)
    assert pace.took(costs)


async def test_a_session_that_polls_stays_also_where_the_clock_runs_fast() -> None:
    async with served() as site, site.poller() as poller:
        site.clock.speed = 60.0
        await site.access.people.add(OWNER, "kim", "Kim", Role.MANAGER, password=PASSWORD)
        secret, _ = await site.access.log_in_by_password("kim", PASSWORD, "192.0.2.7")
        cookie = f"Cookie: {cookies.SESSION}={secret}"
        request = f"GET /api/v1/points HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n\r\n".encode()
        for _ in range(200):
            assert (await poller.ask(request)).status == 200
            await site.clock.advance(6_000)
        assert site.repeated > 150


async def test_a_repeated_request_counts_in_the_figures_as_any_other() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        for _ in range(5):
            await poller.ask(request)
        assert site.repeated == 4
        assert site.server.counters.requests["/api/v1/points", 200] == 5
        text = (await poller.ask(await site.request("/metrics"))).body.decode()
        assert 'requests_total{route="/api/v1/points",status="200"} 5' in text
        assert "kitchen_http_requests_repeated_total 4" in text


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/api/v1/points", "Connection: close\r\n"),
        ("/api/v1/alarms", ""),
        ("/api/v1/nothing", ""),
        ("/api/v1/points", "Content-Length: 4\r\n"),
    ],
    ids=["the last one", "another route", "no route", "a body to come"],
)
async def test_other_requests_are_read_each_time(path: str, more: str) -> None:
    async with served() as site:
        request, seen = await site.request(path, more=more), []
        for _ in range(2):
            async with site.poller() as poller:
                seen += [(await poller.ask(request)).status]
                if "close" not in more and "Length" not in more:
                    seen += [(await poller.ask(request)).status]
        assert len(set(seen)) == 1
        assert site.repeated == 0


async def test_a_program_of_http_1_0_is_read_each_time() -> None:
    async with served() as site, site.poller() as poller:
        token = await site.access.create_token("old", Role.VIEWER)
        request = asking("/api/v1/points", token, "Connection: keep-alive\r\n", version="1.0")
        assert [(await poller.ask(request)).status for _ in range(3)] == [200] * 3
        assert site.repeated == 0


async def test_now_and_then_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "READ_AGAIN_MS", 0)
    async with served() as site, site.poller() as poller:
        request = await site.request()
        assert [(await poller.ask(request)).status for _ in range(3)] == [200] * 3
        assert site.repeated == 0


async def test_a_connection_stays_as_long_as_it_asks_and_no_longer() -> None:
    deadline_s = 0.5
    async with served(deadline_s=deadline_s) as site:
        request = await site.request()
        for _ in range(20):
            async with site.poller() as poller:
                if await _asks_often(poller, request, 3 * deadline_s, deadline_s / 2):
                    assert await asyncio.wait_for(poller.reader.read(), PATIENCE_S) == b""
                    return
        pytest.fail("this machine never came to ask as often as it meant to")


async def test_over_https_it_is_no_different(tmp_path: Path) -> None:
    own = self_signed(tmp_path, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    async with (
        served(deadline_s=0.5, tls=context) as site,
        site.poller(own.certificate) as poller,
    ):
        request = await site.request()
        assert [(await poller.ask(request)).status for _ in range(5)] == [200] * 5
        assert site.repeated == 4
        assert await asyncio.wait_for(poller.reader.read(), PATIENCE_S) == b""
        assert site.server.counters.dropped_clients == 0


async def _asks_often(poller: Poller, request: bytes, seconds: float, most_s: float) -> bool:
    """Whether no two requests were further apart than that; if so, all were answered."""
    began = last = time.monotonic()
    while last - began < seconds:
        try:
            assert (await poller.ask(request)).status == 200
        except (asyncio.IncompleteReadError, ConnectionError):
            if time.monotonic() - last < most_s:
                raise
            return False
        await asyncio.sleep(most_s / 5)
        if time.monotonic() - last > most_s:
            return False
        last = time.monotonic()
    return True


async def test_who_takes_the_answers_late_gets_all_of_them() -> None:
    async with served() as site, site.poller() as poller:
        request = await site.request()
        assert (await poller.ask(request)).status == 200
        for _ in range(300):
            poller.writer.write(request)
            await asyncio.sleep(0)
        assert [(await poller.answer()).status for _ in range(300)] == [200] * 300


@pytest.mark.parametrize("ends", [False, True], ids=["silent", "half closed"])
async def test_who_never_takes_an_answer_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    monkeypatch.setattr(polling, "SEND_DEADLINE_S", 0.3)
    async with served() as site, site.poller() as poller:
        request = await site.request()
        assert [(await poller.ask(request)).status for _ in range(2)] == [200, 200]
        site.kitchen.change(POINT, label="x" * 30_000_000)  # more than the kernel takes
        site.server.live.show_everything()
        poller.writer.write(request)
        await asyncio.sleep(0.05)
        if ends:
            poller.writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            while len(site.server.crowd):
                await asyncio.sleep(0.01)
        assert (site.repeated, site.server.counters.dropped_clients) == (2, 1)


async def test_who_takes_each_answer_in_time_is_never_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "SEND_DEADLINE_S", 1.0)
    async with served() as site, site.poller() as poller:
        site.kitchen.change(POINT, label="x" * 20_000_000)
        request = await site.request()
        for _ in range(6):
            poller.writer.write(request)
            await asyncio.sleep(0.3)
            assert (await poller.answer()).status == 200
        assert site.repeated == 5
        assert site.server.counters.dropped_clients == 0


GOOD, BAD, HEALTH, GONE = "points", "points of nobody", "health", "nowhere"
STATUS = {GOOD: 200, BAD: 401, HEALTH: 200, GONE: 404}


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.lists(st.sampled_from((GOOD, GOOD, GOOD, BAD, HEALTH, GONE)), min_size=1, max_size=9),
    cuts=st.lists(st.integers(0, 1_500), max_size=6),
    waits=st.lists(st.integers(0, 12), min_size=20, max_size=20),
    apart=st.booleans(),
)
def test_however_requests_come_each_has_its_own_answer_in_its_turn(
    wanted: Sequence[str], cuts: Sequence[int], waits: Sequence[int], *, apart: bool
) -> None:
    async def run() -> None:
        async with served() as site, site.poller() as poller:
            requests = {
                GOOD: await site.request(),
                BAD: asking("/api/v1/points", "kg_nobody"),
                HEALTH: await site.request("/health"),
                GONE: await site.request("/api/v1/nothing"),
            }
            sent = b"".join(requests[each] for each in wanted)
            ends = itertools.accumulate(len(requests[each]) for each in wanted)
            edges = {0, len(sent), *(cut for cut in cuts if cut < len(sent))}
            edges |= set(ends) if apart else set()
            for turn, (start, end) in enumerate(itertools.pairwise(sorted(edges))):
                poller.writer.write(sent[start:end])
                for _ in range(waits[turn % len(waits)]):
                    await asyncio.sleep(0)
            statuses = [(await poller.answer()).status for _ in wanted]
            assert statuses == [STATUS[each] for each in wanted]

    asyncio.run(run())


_TWO_HOSTS = b"GET /health HTTP/1.1\r\nHost: other\r\nX-Pad: "
_FOREIGN = b"GET /api/v1/points HTTP/1.1\r\nOrigin: http://evil.example\r\nX-Pad: "


@pytest.mark.parametrize("body", [_TWO_HOSTS, _FOREIGN], ids=["two hosts", "foreign"])
async def test_what_begins_with_the_body_of_a_refused_request_is_read_later(body: bytes) -> None:
    async with served() as site, site.poller() as poller:
        site.kitchen.history_waits_for = asyncio.Event()
        slow = await site.request(f"/api/v1/history?point={POINT}")
        refused = await site.request("/health", more=f"Content-Length: {len(body)}\r\n")
        piece = body + await site.request()
        for each in (slow, refused, piece):
            poller.writer.write(each)
            await asyncio.sleep(0.05)
        site.kitchen.history_waits_for.set()
        assert [(await poller.answer()).status for _ in range(3)] == [200, 400, 200]
        assert (await poller.ask(piece)).status in {400, 403}
        assert site.repeated == 0


@pytest.mark.parametrize("before", [0, 2], ids=["at first", "behind two in one piece"])
async def test_what_ends_like_a_whole_request_is_not_taken_for_it_later(before: int) -> None:
    async with served() as site, site.poller() as poller:
        health = await site.request("/health")
        poller.writer.write(health * before)
        assert [(await poller.answer()).status for _ in range(before)] == [200] * before
        poller.writer.write(b"GET /api/v1/points HTTP/1.1\r\nX-Note: ")
        await asyncio.sleep(0.05)
        assert b'"points":[' in (await poller.ask(health)).body  # the end of a longer request
        assert b'"points":[' not in (await poller.ask(health)).body
        assert site.repeated == 0


async def test_an_answer_that_others_wait_behind_is_not_given_for_theirs() -> None:
    async with served() as site, site.poller() as poller:
        site.kitchen.change(POINT, label="x" * 20_000_000)  # so that it takes a while to send
        points, slow = await site.request(), await site.request(f"/api/v1/history?point={POINT}")
        site.kitchen.history_waits_for = asyncio.Event()
        poller.writer.write(points)
        await asyncio.sleep(0.1)
        poller.writer.write(slow)
        assert b'"points":[' in (await poller.answer()).body
        await asyncio.sleep(0.1)
        poller.writer.write(slow)
        await asyncio.sleep(0.1)
        site.kitchen.history_waits_for.set()
        for _ in range(2):
            assert b'"points":[' not in (await poller.answer()).body
