"""The one door: foreign pages, foreign names, borrowed identities, and every route's role."""

import pytest
from aiohttp import web as aiohttp_web

from gateway.access import Access, Role, TokenRow
from gateway.store.errors import StoreError
from gateway.web import PARTS, RouteWithoutRole, build_app, check_roles, declared
from gateway.web.guard import BODY_MAX, COOKIE
from gateway.web.route import Route, Settings
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory, small_kitchen
from tests.web_client import Web, web

ACKNOWLEDGE = "/api/v1/alarms/walk_in_open/acknowledge"
LAN = "192.168.0.5"  # a name this kitchen answers to, but not as the demo user

# What a hostile page, proxy or program may send; PORT is the port of the app.
HOSTILE: list[dict[str, str]] = [
    *(
        {"Host": host}
        for host in (
            "evil.example",
            "evil.example:PORT",
            "127.0.0.1.evil.example",
            "localhost.evil.example:PORT",
            "localhost@evil.example",
            "evil.example#localhost",
            "localhost/evil",
            "localhost:abc",
            "localhost:PORT:PORT",
            "localhost:999999",
            "localhost.",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "[::1",
            "[::1].evil.example",
            "[localhost]",
            "kitchen.example.evil.example",
        )
    ),
    *(
        {"Host": "localhost:PORT", "Origin": origin}
        for origin in (
            "http://evil.example",
            "https://localhost:PORT",
            "http://localhost",
            "http://localhost:1",
            "http://localhost:PORT.evil.example",
            "http://127.0.0.1:PORT",
            "http://localhost:PORT/",
            "http://evil.example http://localhost:PORT",
            "http://user@localhost:PORT",
            "null",
            "file://",
            "",
        )
    ),
    *(
        {"Host": "localhost:PORT", "Origin": "http://localhost:PORT", header: value}
        for header, value in (
            ("Forwarded", "for=127.0.0.1"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Forwarded-Host", "localhost"),
            ("X-Forwarded-Proto", "http"),
            ("X-Real-IP", "127.0.0.1"),
            ("Via", "1.1 proxy"),
        )
    ),
    *(
        {"Host": "localhost:PORT", "Origin": "http://localhost:PORT", "Authorization": value}
        for value in (
            "Bearer",
            "Bearer null",
            "Bearer kg_" + "A" * 43,
            "Bearer " + "A" * 5000,
            "Basic",
            "Basic Og==",
            "Basic ZGVtbzpkZW1v",
            "Token demo",
        )
    ),
    *(
        {"Host": f"{LAN}:PORT", "Origin": f"http://{LAN}:PORT", "Cookie": value}
        for value in (
            "",
            "kg_session=",
            "kg_session=demo",
            "kg_session=null; kg_session=true",
            "kg_session=" + "A" * 43,
            "kg_session=" + "A" * 5000,
            'kg_session="\\";"',
            "KG_SESSION=demo",
        )
    ),
]


def filled(headers: dict[str, str], port: int | None) -> dict[str, str]:
    return {name: value.replace("PORT", str(port)) for name, value in headers.items()}


async def test_no_hostile_request_reads_or_acknowledges() -> None:
    assert len(HOSTILE) >= 40
    async with web(demo=True) as site:
        for case in HOSTILE:
            headers = filled(case, site.client.port)
            read = await site.client.get("/api/v1/points", headers=headers)
            assert read.status in {400, 401, 403, 421}, case
            written = await site.client.post(ACKNOWLEDGE, headers=headers)
            assert written.status in {400, 401, 403, 421}, case
            streamed = await site.client.get("/api/v1/live", headers=headers)
            assert streamed.status in {400, 401, 403, 421}, case
        assert site.kitchen.alarms()[0].state == "unacknowledged"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", LAN, "kitchen.example"])
async def test_the_kitchens_own_names_are_answered(host: str) -> None:
    async with web() as site:
        answer = await site.client.get("/health", headers={"Host": f"{host}:{site.client.port}"})
        assert answer.status == 200


async def test_a_foreign_name_is_misdirected_and_told_what_to_change() -> None:
    async with web() as site:
        answer = await site.client.get("/health", headers={"Host": "evil.example"})
        body = await answer.json(content_type="application/problem+json")
        assert (answer.status, body["status"]) == (421, 421)
        assert body["type"] == "urn:kitchen-gateway:foreign-host"
        assert "to web.origins in the config" in body["detail"]


async def test_under_demo_this_machine_reads_and_acknowledges() -> None:
    async with web(demo=True) as site:
        assert (await site.client.get("/api/v1/points")).status == 200
        own = {"Origin": f"http://{site.host}"}
        assert (await site.client.post(ACKNOWLEDGE, headers=own)).status == 200


async def test_what_changes_something_needs_an_origin_or_a_token() -> None:
    async with web(demo=True) as site:
        assert (await site.client.post(ACKNOWLEDGE)).status == 403
        staff = await site.headers(Role.STAFF)
        assert (await site.client.post(ACKNOWLEDGE, headers=staff)).status == 200


# Per route: what nobody, and then each role, is answered; the page sends people to its login.
EXPECTED: dict[tuple[str, str], tuple[int, int, int, int, int]] = {
    ("GET", "/health"): (200, 200, 200, 200, 200),
    ("GET", "/login"): (200, 303, 303, 303, 303),
    ("POST", "/login"): (415, 415, 415, 415, 415),
    ("GET", "/api/v1/session/ways"): (200, 200, 200, 200, 200),
    ("POST", "/api/v1/session"): (400, 400, 400, 400, 400),
    ("POST", "/api/v1/pairing"): (400, 400, 400, 400, 400),
    ("POST", "/api/v1/session/proof"): (401, 400, 400, 400, 400),
    ("POST", "/api/v1/session/password"): (401, 400, 400, 400, 400),
    ("POST", "/api/v1/session/end-all"): (401, 403, 403, 403, 403),
    ("GET", "/api/v1/people"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/people"): (401, 403, 403, 400, 400),
    ("PUT", "/api/v1/people/{id}"): (401, 403, 403, 400, 400),
    ("DELETE", "/api/v1/people/{id}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/people/{id}/unlock"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/people/{id}/log-out"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/tablets"): (401, 403, 403, 200, 200),
    ("POST", "/api/v1/tablets"): (401, 403, 403, 400, 400),
    ("DELETE", "/api/v1/tablets/{id}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/tablets/{id}/unlock"): (401, 403, 403, 404, 404),
    ("GET", "/api/v1/tokens"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/tokens"): (401, 403, 403, 403, 400),
    ("DELETE", "/api/v1/tokens/{id}"): (401, 403, 403, 403, 404),
    ("POST", "/logout"): (401, 303, 303, 303, 303),
    ("GET", "/api/v1/status"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/session"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/points"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/history"): (401, 400, 400, 400, 400),
    ("GET", "/api/v1/audit"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/config"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/config/reload"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/address"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/address/code.svg"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/actuators"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/commands"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/commands"): (401, 403, 400, 400, 400),
    ("DELETE", "/api/v1/commands/{actuator}"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/devices"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/devices/{id}"): (401, 404, 404, 404, 404),
    ("POST", "/api/v1/devices/{id}/read"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/alarms"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/alarms/{id}/acknowledge"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/rules/test"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/rules/test"): (401, 403, 403, 400, 400),
    ("GET", "/api/v1/rules/files"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/rules/files/{name}"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/rules/files/{name}/check"): (401, 403, 403, 400, 400),
    ("PUT", "/api/v1/rules/files/{name}"): (401, 403, 403, 400, 400),
    ("DELETE", "/api/v1/rules/files/{name}"): (401, 403, 403, 400, 400),
    ("DELETE", "/api/v1/push/subscriptions"): (401, 403, 400, 400, 400),
    ("DELETE", "/api/v1/push/subscriptions/{id}"): (401, 403, 409, 409, 409),
    ("GET", "/api/v1/alarms/history"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/alarms/kpi"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/duty"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/modes"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/notifications"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/push/subscriptions"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/rules"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/alarms/{id}/in-service"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/alarms/{id}/out-of-service"): (401, 403, 403, 400, 400),
    ("POST", "/api/v1/alarms/{id}/reset"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/alarms/{id}/shelve"): (401, 403, 400, 400, 400),
    ("POST", "/api/v1/alarms/{id}/unshelve"): (401, 403, 403, 404, 404),
    ("POST", "/api/v1/duty/{role}"): (401, 403, 400, 400, 400),
    ("POST", "/api/v1/modes/{id}"): (401, 403, 400, 400, 400),
    ("POST", "/api/v1/notifications/test"): (401, 403, 403, 400, 400),
    ("POST", "/api/v1/push/subscriptions"): (401, 403, 400, 400, 400),
    ("POST", "/api/v1/rules/{id}/run"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/timers"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/timers"): (401, 403, 400, 400, 400),
    ("DELETE", "/api/v1/timers/{id}"): (401, 403, 404, 404, 404),
    ("POST", "/api/v1/timers/{id}/acknowledge"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/events"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/hooks/{name}"): (401, 401, 401, 401, 401),
    ("GET", "/api/v1/packs"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/history/bands"): (401, 400, 400, 400, 400),
    ("GET", "/api/v1/views"): (401, 200, 200, 200, 200),
    ("PUT", "/api/v1/views/{name}"): (401, 403, 400, 400, 400),
    ("DELETE", "/api/v1/views/{name}"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/layouts"): (401, 200, 200, 200, 200),
    ("PUT", "/api/v1/layouts/{name}"): (401, 403, 400, 400, 400),
    ("DELETE", "/api/v1/layouts/{name}"): (401, 403, 404, 404, 404),
    ("GET", "/api/v1/timers/presets"): (401, 200, 200, 200, 200),
    ("PUT", "/api/v1/timers/presets"): (401, 403, 403, 400, 400),
    ("GET", "/api/v1/openapi.json"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/reference"): (303, 200, 200, 200, 200),
    ("GET", "/api/v1/live"): (401, 200, 200, 200, 200),
    ("GET", "/metrics"): (401, 200, 200, 200, 200),
    ("GET", "/"): (303, 200, 200, 200, 200),
    ("GET", "/static/{name}"): (200, 200, 200, 200, 200),
}
ROUTES = declared(route for part in PARTS for route in part.ROUTES)


def test_every_route_is_in_the_table_of_roles() -> None:
    assert set(ROUTES) == set(EXPECTED)


@pytest.mark.parametrize("method_path", EXPECTED, ids=" ".join)
async def test_a_route_answers_each_role_as_the_table_says(method_path: tuple[str, str]) -> None:
    async with web() as site:
        got = [await _status(site, *method_path, role=None)]
        got += [await _status(site, *method_path, role=role) for role in Role]
        assert tuple(got) == EXPECTED[method_path]


async def _status(site: Web, method: str, path: str, role: Role | None) -> int:
    headers = {"Origin": f"http://{site.host}"}
    if role is not None:
        headers |= await site.headers(role)
    for name, value in (("id", "nothing"), ("role", "nothing"), ("actuator", "nothing")):
        path = path.replace(f"{{{name}}}", value)
    path = path.replace("{name}", "wall.css")
    answer = await site.client.request(method, path, headers=headers, allow_redirects=False)
    answer.close()
    return answer.status


def test_a_route_without_a_role_fails_the_build() -> None:
    async def handler(request: aiohttp_web.Request) -> aiohttp_web.Response:
        return aiohttp_web.Response(text=request.path)

    nobody = Route(method="GET", path="/x", handler=handler, role="")  # type: ignore[arg-type]
    with pytest.raises(RouteWithoutRole):
        declared([nobody])
    clock = ManualClock()
    app = build_app(small_kitchen(), Access(TokensInMemory(), clock), clock, Settings())
    app.router.add_get("/sneaked-in", handler)
    with pytest.raises(RouteWithoutRole, match="sneaked-in"):
        check_roles(app, ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/api/v1/points", 405), ("HEAD", "/health", 405)],
)
async def test_what_does_not_exist_is_a_problem_of_rfc_9457(
    method: str, path: str, status: int
) -> None:
    async with web() as site:
        headers = await site.headers(Role.ADMIN)
        answer = await site.client.request(method, path, headers=headers)
        assert answer.status == status
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/static/..%2f..%2f__init__.py", "/static/..%5cx", "/static/x"])
async def test_no_path_of_a_request_reaches_the_disk(path: str) -> None:
    async with web() as site:
        assert (await site.client.get(path)).status == 404


async def test_an_oversized_body_is_refused_announced_or_not() -> None:
    async with web() as site:
        headers = await site.headers(Role.STAFF)
        large = b"x" * (BODY_MAX + 1)
        answer = await site.client.post(ACKNOWLEDGE, data=large, headers=headers)
        assert answer.status == 413
        assert answer.content_type == "application/problem+json"

        async def trickle() -> object:
            for _ in range(9):
                yield b"x" * 8192

        answer = await site.client.post(ACKNOWLEDGE, data=trickle(), headers=headers)
        assert answer.status == 413
        assert site.kitchen.alarms()[0].state == "unacknowledged"


async def test_a_read_with_a_body_or_an_upgrade_is_refused() -> None:
    async with web() as site:
        assert (await site.client.get("/health", data=b"x")).status == 400
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        assert (await site.client.get("/health", headers=upgrade)).status == 400


async def test_every_answer_carries_the_security_headers() -> None:
    async with web() as site:
        for path in ("/health", "/login", "/nothing", "/static/wall.css", "/api/v1/points"):
            answer = await site.client.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Server"] == "kitchen-gateway"


async def test_a_full_disk_does_not_take_the_page_off_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(_: TokensInMemory, row: TokenRow) -> None:
        raise StoreError(f"database or disk is full: {row.user}", full=True)

    async with web() as site:
        code = await site.access.create_code("wall", Role.STAFF)
        session, _ = await site.access.log_in(code, LAN)
        headers = {"Cookie": f"{COOKIE}={session}"}
        monkeypatch.setattr(TokensInMemory, "replace", refuse)
        for _ in range(3):
            await site.clock.leap(7 * 3_600_000)
            response = await site.client.get("/api/v1/points", headers=headers)
            assert response.status == 200
