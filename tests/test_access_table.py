"""Every route with every credential that should not count, and hostile pages on all that writes."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.access import Role
from gateway.web import cookies
from gateway.web.guard import WRITING
from tests.test_web_guard import EXPECTED, HOSTILE, ROUTES, filled
from tests.web_client import OWNER, PASSWORD, PIN, Web, web

Headers = dict[str, str]
LEAVES = ("/logout", "/api/v1/session/end-all")  # what ends the very session it is asked with
WRITES = [key for key in ROUTES if key[0] != "GET"]
# Why the door refuses before anything is looked at; whatever else is answered came from behind it.
AT_THE_DOOR = {
    "bad-host", "foreign-host", "foreign-origin", "no-origin", "no-login", "no-page",
    "no-permission",
}  # fmt: skip


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", "nothing", path.replace("{name}", "wall.css"))


async def status(site: Web, method: str, path: str, headers: Headers) -> int:
    answer = await site.client.request(
        method, address(path), headers=headers, allow_redirects=False
    )
    answer.close()
    return answer.status


@asynccontextmanager
async def spoilt() -> AsyncIterator[tuple[Web, dict[str, Headers]]]:
    """A kitchen, and credentials of an admin that have all come to nothing."""
    async with web() as site:
        access = site.access
        expired = await access.create_token("old", Role.ADMIN, life_s=60)
        by_code, _ = await access.log_in(await access.create_code("old", Role.ADMIN), "192.168.0.7")
        await site.clock.advance(900_000)
        withdrawn = await access.create_token("gone", Role.ADMIN)
        gone = next(row for row in access.tokens() if row.user == "gone")
        assert await access.withdraw_token(gone.id)
        left = await site.headers_of("left", Role.ADMIN)
        await access.people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
        await access.people.remove(OWNER, "left")
        token = await access.create_token("other", Role.ADMIN)
        origin = {"Origin": f"http://{site.host}", WRITING: "1"}
        yield (
            site,
            {
                "expired token": {"Authorization": f"Bearer {expired}", **origin},
                "withdrawn token": {"Authorization": f"Bearer {withdrawn}", **origin},
                "forged token": {"Authorization": "Bearer kg_" + "A" * 43, **origin},
                "expired session": site.page(f"{cookies.SESSION}={by_code}"),
                "forged session": site.page(f"{cookies.SESSION}={'A' * 43}"),
                "session of somebody removed": left,
                "token as a session": site.page(f"{cookies.SESSION}={token}"),
                "token as a tablet": site.page(f"{cookies.TABLET}={token}"),
                "forged tablet": site.page(f"{cookies.TABLET}={'A' * 43}"),
                "session of https": site.page(f"__Host-{cookies.SESSION}={by_code}"),
            },
        )


async def test_what_has_expired_or_is_forged_opens_no_route() -> None:
    async with spoilt() as (site, credentials):
        for (method, path), answers in EXPECTED.items():
            for name, headers in credentials.items():
                got = await status(site, method, path, headers)
                assert got == answers[0], f"{method} {path} with an {name}"


async def test_a_tablet_by_itself_looks_and_acknowledges_and_no_more() -> None:
    async with web() as site:
        headers = site.page(f"{cookies.TABLET}={await site.access.tablets.pair('wall')}")
        for (method, path), answers in EXPECTED.items():
            route = ROUTES[method, path]
            expected = answers[2] if route.tablet else answers[1]
            if path not in (*LEAVES, "/login"):
                got = await status(site, method, path, headers)
                assert got == expected, f"{method} {path}"


async def test_a_manager_with_a_pin_may_do_what_staff_may() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "lee", "Lee", Role.MANAGER, password=PASSWORD, pin=PIN)
        tablet = await site.access.tablets.pair("wall")
        secret, _ = await site.access.log_in_by_pin("lee", PIN, tablet)
        headers = site.page(f"{cookies.SESSION}={secret}")
        for (method, path), answers in EXPECTED.items():
            if path not in LEAVES:
                assert await status(site, method, path, headers) == answers[2], f"{method} {path}"
                await site.clock.advance(1_000)  # nobody presses faster


async def test_a_setting_wants_the_password_again_on_every_route_that_says_so() -> None:
    settings = [key for key, route in ROUTES.items() if route.proof]
    assert len(settings) >= 10
    async with web() as site:
        headers = await site.headers_of("boss", Role.ADMIN)
        await site.clock.advance(600_000)
        for method, path in settings:
            answer = await site.client.request(method, address(path), headers=headers)
            told = await answer.json(content_type=None)
            assert told["type"] == "urn:kitchen-gateway:proof-needed", f"{method} {path}"


@pytest.mark.parametrize("method_path", WRITES, ids=" ".join)
async def test_no_hostile_page_writes_on_any_route(method_path: tuple[str, str]) -> None:
    """Also with the cookie of an admin, which a browser would add, and from this very machine."""
    method, path = method_path
    foreign = [case for case in HOSTILE if "foreign" in _kind(case)]
    assert len(HOSTILE) >= 40
    assert len(foreign) >= 30
    async with web(demo=True) as site:
        own = await site.headers_of("boss", Role.ADMIN)
        anyone = ROUTES[method_path].role == "anyone"
        for case in foreign if anyone else HOSTILE:
            sent = filled(case, site.client.port)
            if "foreign" in _kind(case):
                sent |= {WRITING: "1", "Cookie": own["Cookie"]}
            answer = await site.client.request(
                method, address(path), headers=sent, allow_redirects=False
            )
            told = await answer.json(content_type=None)
            assert str(told["type"]).rpartition(":")[2] in AT_THE_DOOR, (case, told)


def _kind(case: Headers) -> str:
    """Whether the case is about a foreign host or origin, which no cookie makes good."""
    origin = case.get("Origin")
    hostile_host = not case["Host"].startswith(("localhost:PORT", "192.168."))
    odd = case["Host"] == "localhost:PORT:PORT"
    return "foreign" if odd or hostile_host or _hostile(case["Host"], origin) else "borrowed"


def _hostile(host: str, origin: str | None) -> bool:
    return origin is not None and origin != f"http://{host}"


@pytest.mark.parametrize("site_of", ["cross-site", "same-site"])
async def test_what_a_browser_says_another_site_asks_for_is_refused(site_of: str) -> None:
    async with web() as site:
        own = await site.headers_of("kim", Role.STAFF)
        fetched = {**own, "Sec-Fetch-Site": site_of, "Sec-Fetch-Mode": "cors"}
        for path in ("/api/v1/points", "/api/v1/live", "/metrics"):
            assert await status(site, "GET", path, fetched) == 403
        led = {**own, "Sec-Fetch-Site": site_of, "Sec-Fetch-Mode": "navigate"}
        assert await status(site, "GET", "/", led) == 200
        assert await status(site, "POST", "/logout", led) == 403
