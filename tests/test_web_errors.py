"""Errors that no route of ours answers: unreadable requests, deep bodies, clients that stall."""

import asyncio
import json

import pytest

from gateway.access import Access, Role
from gateway.web import guard
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory, small_kitchen
from tests.patience import PATIENCE_S
from tests.web_client import web

UNREADABLE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
)


@pytest.mark.parametrize("said", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_what_cannot_be_read_is_a_problem_too_and_ends_the_connection(said: bytes) -> None:
    clock = ManualClock()
    access = Access(TokensInMemory(), clock)
    server = Server(small_kitchen(), access, clock, Settings(host="127.0.0.1", port=0))
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(said)
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head.split(b"\r\n")[0]
        assert b"application/problem+json" in head
        assert b"Content-Security-Policy" in head
        assert json.loads(body)["type"] == "urn:kitchen-gateway:unreadable"
        writer.close()
    finally:
        await server.stop()


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
@pytest.mark.parametrize(
    "path",
    [
        "commands",
        "alarms/walk_in_open/shelve",
        "modes/kitchen",
        "notifications/test",
        "rules/test",
        "duty/chef",
    ],
)
async def test_json_that_is_nested_deeply_is_refused(path: str, bracket: str) -> None:
    async with web() as site:
        manager = await site.headers(Role.MANAGER)
        deep = (bracket * 8_000).encode()
        answer = await site.client.post(f"/api/v1/{path}", data=deep, headers=manager)
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"


async def test_who_does_not_take_an_answer_is_cut_off_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "SEND_DEADLINE_S", 0.05)
    clock = ManualClock()
    access = Access(TokensInMemory(), clock, demo=True)
    kitchen = small_kitchen()
    kitchen.troubles = ["x" * 100] * 100_000  # more than any socket takes
    server = Server(kitchen, access, clock, Settings(host="127.0.0.1", port=0))
    await server.start()
    counters = server.counters
    request = b"GET /api/v1/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    try:
        greedy = (await asyncio.open_connection("127.0.0.1", server.port, limit=1))[1]
        greedy.write(request % b"status")
        async with asyncio.timeout(PATIENCE_S):
            while not counters.dropped_clients:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(request % b"points")
                assert b"200" in await reader.readline()
                writer.close()
        greedy.close()
    finally:
        await server.stop()
    assert counters.dropped_clients == 1
