"""The JSON of points and alarms, health, metrics, logging in, and the server around them."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import brotli
import msgspec
import pytest
from aiohttp import ClientResponse

from gateway.access import Access, Role
from gateway.clock import Clock
from gateway.web import packing, static
from gateway.web.alarm_shapes import AlarmView
from gateway.web.guard import COOKIE
from gateway.web.metrics import render
from gateway.web.route import Settings
from gateway.web.server import CannotListen, Server
from gateway.web.static import Asset
from gateway.web.status_shapes import Metric
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory, small_kitchen
from tests.patience import PATIENCE_S
from tests.store_files import until
from tests.web_client import Web, web

ACKNOWLEDGE = "/api/v1/alarms/walk_in_open/acknowledge"


async def test_points_carry_value_unit_quality_reason_and_age() -> None:
    async with web() as site:
        silent = {"value": None, "quality": "bad", "reason": "stale", "state": "stale"}
        site.kitchen.change("walk_in/temperature", **silent)
        answer = await site.client.get("/api/v1/points", headers=await site.headers(Role.VIEWER))
        body = await answer.json()
        point = body["points"][0]
        assert (point["id"], point["label"]) == ("walk_in/temperature", "워크인 냉장")
        assert (point["value"], point["quality"], point["reason"]) == (None, "bad", "stale")
        assert (point["unit"], point["last"], point["limit"]["high"]) == ("Cel", 3.2, 8.0)
        assert {"at", "age_s", "state", "simulated"} <= point.keys()


async def test_a_value_that_is_no_number_is_never_written_as_one() -> None:
    async with web() as site:
        site.kitchen.change("walk_in/temperature", value=float("nan"))
        answer = await site.client.get("/api/v1/points", headers=await site.headers(Role.VIEWER))
        assert (await answer.json())["points"][0]["value"] is None


async def test_acknowledging_answers_with_the_alarm_as_stored_and_who_did_it() -> None:
    async with web() as site:
        staff = await site.headers(Role.STAFF)
        answer = await site.client.post(ACKNOWLEDGE, headers=staff)
        alarm = msgspec.json.decode(await answer.read(), type=AlarmView)
        assert answer.status == 200
        assert (alarm.state, alarm.acknowledged_by) == ("acknowledged", "staff")
        listed = await (await site.client.get("/api/v1/alarms", headers=staff)).json()
        assert listed["alarms"][0]["state"] == "acknowledged"


@pytest.mark.parametrize(
    ("alarm", "status", "kind"), [("nothing", 404, "unknown-alarm"), ("walk_in_open", 409, None)]
)
async def test_acknowledging_what_does_not_wait_says_so(
    alarm: str, status: int, kind: str | None
) -> None:
    async with web() as site:
        staff = await site.headers(Role.STAFF)
        await site.client.post(ACKNOWLEDGE, headers=staff)
        answer = await site.client.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=staff)
        body = await answer.json(content_type="application/problem+json")
        assert answer.status == status
        assert body["type"] == f"urn:kitchen-gateway:{kind or 'not-waiting'}"


async def test_a_wrong_token_is_401_and_names_the_scheme() -> None:
    async with web(demo=True) as site:
        wrong = {"Authorization": "Bearer kg_wrong"}
        answer = await site.client.get("/api/v1/points", headers=wrong)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_health_is_503_while_nothing_can_be_collected() -> None:
    async with web() as site:
        answer = await site.client.get("/health")
        assert (answer.status, (await answer.json())["status"]) == (200, "running")
        site.kitchen.alive = False
        answer = await site.client.get("/health")
        assert (answer.status, (await answer.json())["status"]) == (503, "starting")


async def test_metrics_are_prometheus_text_with_the_webs_own_counters() -> None:
    async with web() as site:
        await site.client.get("/nothing")
        await site.client.get("/api/v1/points")
        answer = await site.client.get("/metrics", headers=await site.headers(Role.VIEWER))
        text = await answer.text()
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'kitchen_readings_total{device="wa\\"lk\\\\in\\n"} 7' in text
        assert 'kitchen_http_requests_total{route="unknown",status="404"} 1' in text
        assert 'kitchen_http_requests_total{route="/api/v1/points",status="401"} 1' in text
        assert "# TYPE kitchen_live_open gauge\nkitchen_live_open 0" in text


def test_samples_of_one_name_stand_together_under_one_head() -> None:
    one = Metric(name="a", help="x", kind="gauge", value=1.5, labels={"p": "1"})
    other = Metric(name="b", help="y", kind="counter", value=float("nan"))
    text = render([one, other, msgspec.structs.replace(one, labels={"p": "2"})])
    assert text == (
        "# HELP a x\n# TYPE a gauge\n"
        'a{p="1"} 1.5\na{p="2"} 1.5\n'
        "# HELP b y\n# TYPE b counter\nb NaN\n"
    )


async def test_the_page_sends_who_is_not_logged_in_to_the_login() -> None:
    async with web() as site:
        answer = await site.client.get("/", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "login")


async def test_the_printed_code_logs_in_once_and_leads_to_the_page() -> None:
    async with web() as site:
        code = await site.access.create_code("kim", Role.STAFF)
        answer = await _send(site, code)
        assert (answer.status, answer.headers["Location"]) == (303, "./")
        flags = answer.headers["Set-Cookie"]
        assert "HttpOnly" in flags
        assert "SameSite=Strict" in flags
        cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE].value}"}
        assert (await site.client.get("/", headers=cookie)).status == 200
        session = await (await site.client.get("/api/v1/session", headers=cookie)).json()
        assert (session["user"], session["role"], session["kind"]) == ("kim", "staff", "session")
        again = await _send(site, code)
        assert again.headers["Location"] == "login?error=refused"


async def test_another_site_that_shows_the_link_costs_nobody_a_try() -> None:
    async with web() as site:
        code = await site.access.create_code("kim", Role.STAFF)
        for _ in range(30):
            shown = await site.client.get("/login?code=wrong", allow_redirects=False)
            assert (shown.status, "Set-Cookie" in shown.headers) == (200, False)
        assert (await _send(site, code)).headers["Location"] == "./"


async def test_the_form_takes_a_token_and_logging_out_ends_the_session() -> None:
    async with web() as site:
        secret = await site.access.create_token("lee", Role.MANAGER)
        answer = await _submit(site, secret)
        cookie = {"Cookie": f"{COOKIE}={answer}"}
        assert (await site.client.get("/api/v1/points", headers=cookie)).status == 200
        left = await site.client.post(
            "/logout", headers=site.page(cookie["Cookie"]), allow_redirects=False
        )
        assert left.status == 303
        assert (await site.client.get("/api/v1/points", headers=cookie)).status == 401


async def _submit(site: Web, secret: str) -> str:
    return (await _send(site, secret)).cookies[COOKIE].value


async def _send(site: Web, secret: str) -> ClientResponse:
    own = {"Origin": f"http://{site.host}"}
    return await site.client.post(
        "/login", data={"secret": secret}, headers=own, allow_redirects=False
    )


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data; boundary=x", 415),
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 303),
    ],
)
async def test_a_login_that_is_no_plain_form_is_refused(content_type: str, status: int) -> None:
    async with web() as site:
        headers = {"Origin": f"http://{site.host}", "Content-Type": content_type}
        for body in (b"\xff%zz&&=secret=", b"secret=" + b"&" * 9000):
            answer = await site.client.post(
                "/login", data=body, headers=headers, allow_redirects=False
            )
            assert answer.status == status


async def test_static_files_are_zipped_and_not_sent_twice() -> None:
    async with web() as site:
        first = await site.client.get("/static/wall.css", headers={"Accept-Encoding": "gzip"})
        assert first.headers["Content-Encoding"] == "gzip"
        packed = await site.client.get("/static/wall.css", headers={"Accept-Encoding": "gzip, br"})
        assert packed.headers["Content-Encoding"] == "br"
        assert await packed.read() == await first.read()
        etag = {"If-None-Match": first.headers["ETag"]}
        assert (await site.client.get("/static/wall.css", headers=etag)).status == 304


def test_what_was_packed_at_installation_is_sent_and_nothing_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "PACKED", tmp_path / "packed")
    monkeypatch.setattr(packing, "PACKED", tmp_path / "packed")
    small, words = (
        Asset("text/css", text, b"", f'"{text[:1].hex()}"') for text in (b"a", b"b" * 99)
    )
    monkeypatch.setattr(packing, "assets", lambda: {"words.css": words})
    packing.main()
    (file,) = (tmp_path / "packed").iterdir()
    assert words.packed == file.read_bytes()
    assert brotli.decompress(words.packed) == words.plain
    monkeypatch.setattr(packing, "assets", lambda: {"small.css": small})
    packing.main()
    assert [it.name for it in (tmp_path / "packed").iterdir()] == [static.packed_file(small).name]
    changed = Asset("text/css", b"other", b"", '"77"')
    assert brotli.decompress(changed.packed) == b"other"  # nothing is there for it


@asynccontextmanager
async def served(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Server]:
    clock = clock or ManualClock()
    access = Access(TokensInMemory(), clock, demo=True)
    server = Server(small_kitchen(), access, clock, settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def test_a_taken_port_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} is in use"):
            async with served(Settings(host="127.0.0.1", port=port)):
                pass


async def test_an_address_of_another_machine_is_told_in_words() -> None:
    with pytest.raises(CannotListen, match=r"correct web\.listen"):
        async with served(Settings(host="203.0.113.1", port=0)):
            pass


async def test_a_head_that_does_not_end_is_cut_off() -> None:
    clock = ManualClock()
    async with served(Settings(host="127.0.0.1", port=0), clock) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        await until(lambda: len(server.crowd) == 1)
        await clock.advance(14_000)
        assert len(server.crowd) == 1
        await clock.advance(5_000)
        with contextlib.suppress(ConnectionResetError):  # cut before our words were looked at
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()


async def test_a_connection_too_many_is_refused_and_counted() -> None:
    settings = Settings(host="127.0.0.1", port=0, connections_max=1)
    async with served(settings) as server:
        first = await asyncio.open_connection("127.0.0.1", server.port)
        first[1].write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await first[0].readline()
        second = await asyncio.open_connection("127.0.0.1", server.port)
        assert b"503" in await asyncio.wait_for(second[0].readline(), PATIENCE_S)
        request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        first[1].write(request)
        said = await asyncio.wait_for(first[0].read(), PATIENCE_S)
        assert b"kitchen_http_connections_refused_total 1" in said
        for _, writer in (first, second):
            writer.close()


async def test_the_server_runs_until_cancelled_and_ends_its_streams() -> None:
    clock = ManualClock()
    access = Access(TokensInMemory(), clock, demo=True)
    server = Server(small_kitchen(), access, clock, Settings(host="127.0.0.1", port=0))
    running = asyncio.create_task(server.run())
    await asyncio.wait_for(server.started.wait(), PATIENCE_S)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"event: snapshot"), PATIENCE_S)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, PATIENCE_S)
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()


async def test_a_kitchen_that_fails_in_a_request_is_a_problem_and_not_a_page_of_python() -> None:
    async with web() as site:
        site.kitchen.site_view = None  # type: ignore[assignment]
        staff = await site.headers(Role.STAFF)
        answer = await site.client.post("/api/v1/alarms/%00/acknowledge", headers=staff)
        assert answer.status == 404
        assert json.loads(await answer.read())["instance"].endswith("acknowledge")


async def test_one_address_cannot_take_every_connection() -> None:
    settings = Settings(host="127.0.0.1", port=0, connections_per_address=3)
    health = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with served(settings) as server:
        port = server.port
        crowd = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.7", 0))
            for _ in range(4)
        ]
        assert b"503" in await asyncio.wait_for(crowd[3][0].readline(), PATIENCE_S)
        other = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.8", 0))
        other[1].write(health)
        assert b"200" in await asyncio.wait_for(other[0].readline(), PATIENCE_S)
        crowd[0][1].close()
        await crowd[0][1].wait_closed()
        own = [
            await asyncio.open_connection("127.0.0.1", port) for _ in range(5)
        ]  # a proxy on this machine speaks for many
        own[4][1].write(health)
        assert b"200" in await asyncio.wait_for(own[4][0].readline(), PATIENCE_S)
        for _, writer in (*crowd, other, *own):
            writer.close()
