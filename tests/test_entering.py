"""Logging in over HTTP: passwords, PINs on paired tablets, the first admin, proofs, tokens."""

import msgspec
import pytest

from gateway.access import Access, Reach, Role
from gateway.access.pace import LOGINS_MAX
from gateway.web import cookies
from gateway.web.guard import WRITING
from gateway.web.live import _renew
from tests.fakes import ManualClock
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.web_client import OWNER, PASSWORD, PIN, Web, web

ACKNOWLEDGE = "/api/v1/alarms/walk_in_open/acknowledge"


async def post(
    site: Web, path: str, body: object, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object], dict[str, str]]:
    """Status, body and cookies of what the page asks for."""
    own = {"Origin": f"http://{site.host}", WRITING: "1", **(headers or {})}
    answer = await site.client.post(path, data=msgspec.json.encode(body), headers=own)
    told = await answer.json(content_type=None)
    return answer.status, told, {name: morsel.value for name, morsel in answer.cookies.items()}


async def paired(site: Web, manager: dict[str, str], label: str = "tablet") -> str:
    """The cookie of a tablet that this manager has paired."""
    status, _, given = await post(site, "/api/v1/tablets", {"label": label}, manager)
    assert status == 201
    assert given[cookies.SESSION] == ""
    return f"{cookies.TABLET}={given[cookies.TABLET]}"


async def test_a_person_logs_in_and_the_page_knows_who() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "lee", "이민호", Role.MANAGER, password=PASSWORD)
        body = {"name": "이민호", "password": PASSWORD}
        status, told, given = await post(site, "/api/v1/session", body)
        assert status == 200
        assert (told["user"], told["label"], told["role"]) == ("lee", "이민호", "manager")
        headers = site.page(f"{cookies.SESSION}={given[cookies.SESSION]}")
        assert (await site.client.get("/api/v1/people", headers=headers)).status == 200
        status, told, given = await post(site, "/api/v1/session", {**body, "password": "wrong"})
        assert (status, told["type"], given) == (401, "urn:kitchen-gateway:refused", {})


async def test_whoever_is_locked_is_told_for_how_long() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
        tablet = await paired(site, await site.headers_of("lee", Role.MANAGER))
        wrong = {"person": "kim", "pin": "000000"}
        for _ in range(3):
            assert (await post(site, "/api/v1/session", wrong, {"Cookie": tablet}))[0] == 401
        status, told, _ = await post(site, "/api/v1/session", wrong, {"Cookie": tablet})
        assert (status, told["wait_s"]) == (429, 60)
        ways = await site.client.get("/api/v1/session/ways", headers={"Cookie": tablet})
        people = {tile["id"]: tile["wait_s"] for tile in (await ways.json())["people"]}
        assert people == {"kim": 60, "lee": 0}


async def test_names_are_shown_to_paired_tablets_alone() -> None:
    async with web() as site:
        manager = await site.headers_of("lee", Role.MANAGER)
        for headers in ({}, manager, {"Cookie": f"{cookies.TABLET}=forged"}):
            ways = await (await site.client.get("/api/v1/session/ways", headers=headers)).json()
            assert (ways["people"], ways["tablet"]) == ([], None)


async def test_a_pin_without_a_paired_tablet_is_not_even_tried() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
        status, told, _ = await post(site, "/api/v1/session", {"person": "kim", "pin": PIN})
        assert (status, told["type"]) == (403, "urn:kitchen-gateway:not-allowed")


async def test_a_locked_tablet_acknowledges_by_itself_and_does_nothing_else() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
        cookie = await paired(site, await site.headers_of("lee", Role.MANAGER), "주방 태블릿")
        for guess in range(5):
            pin = {"person": "kim", "pin": f"00000{guess}"}
            await post(site, "/api/v1/session", pin, {"Cookie": cookie})
        headers = site.page(cookie)
        assert (await site.client.get("/api/v1/points", headers=headers)).status == 200
        assert (await site.client.get("/", headers=headers)).status == 200
        assert (await site.client.post(ACKNOWLEDGE)).status == 403
        done = await site.client.post(ACKNOWLEDGE, headers=headers)
        assert (done.status, (await done.json())["acknowledged_by"]) == (200, "주방 태블릿")
        for path in ("alarms/walk_in_open/shelve", "commands", "modes/kitchen", "people"):
            answer = await site.client.post(f"/api/v1/{path}", headers=headers)
            assert answer.status == 403, path


async def test_settings_want_the_password_again_after_ten_minutes() -> None:
    async with web() as site:
        headers = await site.headers_of("lee", Role.MANAGER)
        new = {"id": "kim", "label": "Kim", "role": "staff", "pin": PIN}
        await site.clock.advance(600_000)
        status, told, _ = await post(site, "/api/v1/people", new, headers)
        assert (status, told["type"]) == (403, "urn:kitchen-gateway:proof-needed")
        assert (await post(site, "/api/v1/session/proof", {"password": "no"}, headers))[0] == 401
        status, told, _ = await post(site, "/api/v1/session/proof", {"password": PASSWORD}, headers)
        assert (status, told["proven"]) == (200, True)
        assert (await post(site, "/api/v1/people", new, headers))[0] == 201
        assert (await post(site, "/api/v1/people", new, headers))[0] == 422
        above = {**new, "id": "boss", "role": "admin"}
        assert (await post(site, "/api/v1/people", above, headers))[0] == 403


async def test_a_change_by_cookie_without_the_header_of_the_page_is_refused() -> None:
    async with web() as site:
        headers = await site.headers_of("kim", Role.STAFF)
        for value in (None, "", "0", "true"):
            sent = {name: text for name, text in headers.items() if name != WRITING}
            sent |= {} if value is None else {WRITING: value}
            assert (await site.client.post(ACKNOWLEDGE, headers=sent)).status == 403
        assert (await site.client.post(ACKNOWLEDGE, headers=headers)).status == 200


async def test_a_new_password_logs_out_elsewhere_and_here_not() -> None:
    async with web() as site:
        first = await site.headers_of("lee", Role.STAFF)
        body = {"name": "lee", "password": PASSWORD}
        _, _, given = await post(site, "/api/v1/session", body)
        here = site.page(f"{cookies.SESSION}={given[cookies.SESSION]}")
        change = {"old": PASSWORD, "new": "another good one"}
        status, told, _ = await post(site, "/api/v1/session/password", change, here)
        assert (status, told) == (200, {"ended": 1})
        assert (await site.client.get("/api/v1/points", headers=first)).status == 401
        assert (await site.client.get("/api/v1/points", headers=here)).status == 200
        assert (await post(site, "/api/v1/session", body))[0] == 401


async def test_another_role_ends_the_sessions_of_the_one_before() -> None:
    async with web() as site:
        admin = await site.headers_of("boss", Role.ADMIN)
        staff = await site.headers_of("kim", Role.STAFF)
        body = msgspec.json.encode({"role": "manager"})
        answer = await site.client.put("/api/v1/people/kim", data=body, headers=admin)
        assert (answer.status, (await answer.json())["role"]) == (200, "manager")
        assert (await site.client.get("/api/v1/points", headers=staff)).status == 401
        assert (await site.client.get("/api/v1/points", headers=admin)).status == 200


async def test_an_open_page_does_not_keep_somebody_logged_in_on_a_shared_tablet() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
        tablet = await site.access.tablets.pair("wall")
        _, user = await site.access.log_in_by_pin("kim", PIN, tablet)
        for _ in range(16):
            assert site.access.stands(user)
            await _renew(site.access, user)
            await site.clock.advance(60_000 * 14 // 15)
        await site.clock.advance(60_000)
        assert not site.access.stands(user)


async def test_whoever_is_in_with_a_pin_is_out_once_that_is_another_or_none() -> None:
    async with web() as site:
        boss = await site.headers_of("boss", Role.ADMIN)
        kim = await site.headers_of("kim", Role.STAFF)
        tablet = await site.access.tablets.pair("wall")
        for pin in ("739102", ""):
            known = PIN if pin else "739102"
            _, user = await site.access.log_in_by_pin("kim", known, tablet)
            body = msgspec.json.encode({"pin": pin})
            answer = await site.client.put("/api/v1/people/kim", data=body, headers=boss)
            assert answer.status == 200
            assert not site.access.stands(user)
        for headers in (boss, kim):  # a password is not given anew for it
            assert (await site.client.get("/api/v1/points", headers=headers)).status == 200


async def test_whoever_logged_in_on_a_tablet_is_out_once_that_is_taken_back() -> None:
    async with web() as site:
        boss = await site.headers_of("boss", Role.ADMIN)
        await site.headers_of("lee", Role.MANAGER)
        gone, kept = [await site.access.tablets.pair(name) for name in ("gone", "kept")]
        token = await site.access.create_token("pos", Role.STAFF)
        ways = ({"name": "lee", "password": PASSWORD}, {"secret": token})
        ends = []
        for secret in (gone, kept):
            cookie = f"{cookies.TABLET}={secret}"
            for way in ways:
                status, told, given = await post(site, "/api/v1/session", way, {"Cookie": cookie})
                assert (status, told["role"]) == (200, "manager" if "name" in way else "staff")
                ends.append(site.page(f"{cookies.SESSION}={given[cookies.SESSION]}"))
        row = next(row for row in site.access.tablets.all() if row.user == "gone")
        path = f"/api/v1/tablets/{row.id}"
        assert (await site.client.delete(path, headers=boss)).status == 200
        asked = [await site.client.get("/api/v1/points", headers=each) for each in ends]
        assert [answer.status for answer in asked] == [401, 401, 200, 200]


async def test_who_logs_in_without_end_must_wait_and_leaves_no_more_entries() -> None:
    async with web() as site:
        token = await site.access.create_token("wall", Role.VIEWER)
        for _ in range(LOGINS_MAX):
            await site.access.log_in(token, "192.168.0.7")
        before = len(site.kitchen.entries)
        for _ in range(3):
            status, told, given = await post(site, "/api/v1/session", {"secret": token})
            assert (status, told["type"], given) == (429, "urn:kitchen-gateway:too-fast", {})
            origin = {"Origin": f"http://{site.host}"}
            form = await site.client.post("/login", data={"secret": token}, headers=origin)
            assert (form.status, form.headers["Retry-After"]) == (429, "60")
        assert len(site.kitchen.entries) == before


async def test_the_first_admin_is_made_with_the_code_and_logged_in() -> None:
    async with web() as site:
        code = await site.access.create_pairing_code()
        ways = await (await site.client.get("/api/v1/session/ways")).json()
        assert ways == {"pairing": True, "unclaimed": True, "tablet": None, "people": []}
        new = {"code": code.lower(), "id": "boss", "label": "사장", "password": PASSWORD}
        assert (await post(site, "/api/v1/pairing", {**new, "password": "short"}))[0] == 422
        status, told, given = await post(site, "/api/v1/pairing", new)
        assert (status, told["role"]) == (200, "admin")
        headers = site.page(f"{cookies.SESSION}={given[cookies.SESSION]}")
        assert (await site.client.get("/api/v1/tokens", headers=headers)).status == 200
        assert (await post(site, "/api/v1/pairing", new))[0] == 403


async def test_who_has_no_code_left_is_told_that_there_is_no_admin_yet() -> None:
    async with web() as site:
        await site.access.create_pairing_code()
        await site.clock.advance(900_000)
        ways = await (await site.client.get("/api/v1/session/ways")).json()
        assert (ways["pairing"], ways["unclaimed"]) == (False, True)
        await site.headers_of("boss", Role.ADMIN)
        ways = await (await site.client.get("/api/v1/session/ways")).json()
        assert (ways["pairing"], ways["unclaimed"]) == (False, False)


async def test_a_token_has_a_role_a_reach_and_an_end_and_can_be_withdrawn() -> None:
    async with web() as site:
        admin = await site.headers_of("boss", Role.ADMIN)
        asked = {"name": "pos", "role": "staff", "reach": {"zones": ["bar"]}, "days": 2}
        status, told, _ = await post(site, "/api/v1/tokens", asked, admin)
        assert status == 201
        bearer = {"Authorization": f"Bearer {told['token']}"}
        assert (await site.client.get("/api/v1/points", headers=bearer)).status == 200
        beyond = await site.client.post(ACKNOWLEDGE, headers=bearer)
        assert (beyond.status, (await beyond.json(content_type=None))["type"]) == (
            403,
            "urn:kitchen-gateway:beyond-reach",
        )
        listed = await (await site.client.get("/api/v1/tokens", headers=admin)).json()
        (row,) = listed["tokens"]
        assert (row["name"], row["left_s"]) == ("pos", 172_800)
        assert str(told["token"]) not in str(listed)
        path = f"/api/v1/tokens/{row['id']}"
        assert (await site.client.delete(path, headers=admin)).status == 200
        assert (await site.client.get("/api/v1/points", headers=bearer)).status == 401
        assert (await site.client.delete(path, headers=admin)).status == 404


@pytest.mark.parametrize(
    ("reach", "status"),
    [
        (Reach(), 200),
        (Reach((), ("walk_in_door",)), 200),
        (Reach(("bar",), ("walk_in_door", "fryer")), 200),
        (Reach(("bar",)), 403),
        (Reach((), ("fryer",)), 403),
    ],
)
async def test_a_person_acknowledges_within_their_reach(reach: Reach, status: int) -> None:
    async with web() as site:
        headers = await site.headers_of("kim", Role.STAFF)
        await site.access.people.change(OWNER, "kim", reach=reach)
        answer = await site.client.post(ACKNOWLEDGE, headers=headers)
        assert answer.status == status
        for path in ("rules/closing/run", "modes/kitchen"):
            sent = await site.client.post(
                f"/api/v1/{path}", headers=headers, data=b'{"value": "closed"}'
            )
            assert sent.status == (200 if reach.everywhere else 403), path


def test_over_https_the_cookies_belong_to_this_host_alone() -> None:
    from aiohttp import web as aiohttp_web
    from aiohttp.test_utils import make_mocked_request

    plain = make_mocked_request("GET", "/", headers={"Cookie": "kg_session=plain"})
    secure = plain.clone(scheme="https")
    assert cookies.read(plain, cookies.SESSION) == "plain"
    assert cookies.read(secure, cookies.SESSION) is None
    response = aiohttp_web.Response()
    cookies.give(secure, response, cookies.SESSION, "secret")
    said = response.cookies["__Host-kg_session"].OutputString()
    for flag in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert flag in said
    assert "Domain" not in said


async def test_people_who_were_on_a_tablet_are_not_once_it_is_taken_back() -> None:
    clock = ManualClock()
    access = Access(TokensInMemory(), clock, people=PeopleInMemory())
    await access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
    secret = await access.tablets.pair("one")
    _, user = await access.log_in_by_pin("kim", PIN, secret)
    assert access.stands(user)
    (row,) = access.tablets.all()
    assert await access.tablets.take_back(row.id)
    assert not access.stands(user)
    assert not await access.tablets.take_back(row.id)
