"""People, tablets and programs let in on the page, as a manager and a cook do it."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from gateway.access import Access, Reach, Role
from gateway.access.secret import digest_of
from gateway.clock import SystemClock
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.browser import PHONE, WALL, Opened, open_page
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.served import NAMES, kitchen_of
from tests.test_places_in_browser import FAN, SERIOUS, UNMARKED, speak_pseudo
from tests.web_client import OWNER, PASSWORD, PIN

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("KG_PICTURES")
BOTH = pytest.mark.parametrize(
    ("size", "language", "theme"),
    [(WALL, "en", "light"), (PHONE, "ko", "dark")],
    ids=["wall", "phone"],
)
WORDS = {
    "en": {
        "new": "New person",
        "save": "Save",
        "remove": "Remove",
        "done": "Done.",
        "proof": "password",
        "beyond": "Not your zone",
    },
    "ko": {
        "new": "새 사람",
        "save": "저장",
        "remove": "삭제",
        "done": "완료했습니다.",
        "proof": "비밀번호",
        "beyond": "담당 아님",
    },
}


@asynccontextmanager
async def site(alarms: int = 0) -> AsyncIterator[tuple[Access, TokensInMemory, str]]:
    """A kitchen of three zones, a fan in B, the manager `lee` and the admin `boss`."""
    clock = SystemClock()
    tokens = TokensInMemory()
    access = Access(tokens, clock, people=PeopleInMemory())
    kitchen = kitchen_of("en", now=clock.wall(), alarms=alarms)
    kitchen.actuator_views = {"hood_fan": msgspec.structs.replace(FAN, zone="B")}
    server = Server(kitchen, access, clock, Settings(host="127.0.0.1", port=0))
    await access.people.add(OWNER, "lee", "이매니저", Role.MANAGER, password=PASSWORD)
    await access.people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
    await server.start()
    try:
        yield access, tokens, f"http://127.0.0.1:{server.port}/"
    finally:
        await server.stop()


async def enter(page: Page, url: str, name: str, place: str = "") -> None:
    """Log in with the password and go there."""
    await page.goto(f"{url}login")
    await page.locator("#name").fill(name)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("form[data-way=name] button").click()
    await page.wait_for_url(url)
    await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
    if place:
        await page.goto(f"{url}#{place}")
        await expect(page.locator("[data-place=people][data-shown]")).to_be_visible()


async def unprove(tokens: TokensInMemory) -> None:
    """Ten minutes have gone by since every password was given."""
    for row in tokens.rows("session"):
        await tokens.replace(msgspec.structs.replace(row, proven_until=None))


async def picture(opened: Opened, name: str, folder: Path) -> None:
    """Kept for people to look at: in KG_PICTURES, else with the test; nothing stands out of it."""
    kept = Path(PICTURES) if PICTURES else folder
    await opened.page.screenshot(path=kept / f"people-{name}.png", full_page=True)
    assert await opened.faults() == []
    assert opened.foreign == []


async def hold(page: Page, name: str) -> None:
    """A key cannot hold: it presses twice."""
    button = page.locator("[data-place=people] [data-held]:visible").filter(has_text=name).first
    await button.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")


def said(page: Page) -> Locator:
    return page.locator("[data-place=people] > .said")


@pytest.mark.timeout(300)
@BOTH
async def test_a_manager_makes_a_cook_who_taps_in_on_a_tablet_and_is_out_when_removed(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    words = WORDS[language]
    async with site() as (access, _, url):
        manager = await open_page(browser, url, size=size, language=language, theme=theme)
        page = manager.page
        await enter(page, url, "lee", "people")
        await page.get_by_role("button", name=words["new"]).click()
        await page.locator("[name='pair.id']").fill("kim")
        await page.locator("[name='pair.label']").fill("김민지")
        await page.locator("[name='people.pin']").fill("111111")
        await page.locator("[data-place=people] .choices button[value=A]").click()
        await picture(manager, f"new-{size[0]}-{language}-{theme}", tmp_path)
        await page.get_by_role("button", name=words["save"]).click()
        await expect(said(page)).to_contain_text("PIN")
        assert access.people.find("kim") is None
        await page.locator("[name='people.pin']").fill(PIN)
        await page.get_by_role("button", name=words["save"]).click()
        await expect(said(page)).to_have_text(words["done"])
        row = page.locator("[data-place=people] a.row", has_text="김민지")
        await expect(row).to_contain_text("PIN")
        await picture(manager, f"list-{size[0]}-{language}-{theme}", tmp_path)
        kim = access.people.find("kim")
        assert kim is not None
        assert (kim.role, kim.reach.zones, kim.reach.devices) == (Role.STAFF, ("A",), ())

        tablet = await open_page(browser, url, size=size, language=language, theme=theme)
        await enter(tablet.page, url, "lee", "people/tablets")
        await tablet.page.locator("[name='account.tablet']").fill("주방")
        await picture(tablet, f"pair-{size[0]}-{language}-{theme}", tmp_path)
        await tablet.page.locator("[name='account.pair']").click()
        await tablet.page.locator("#tiles button", has_text="김민지").click()
        for digit in PIN:
            await tablet.page.locator(f"[data-key='{digit}']").click()
        await tablet.page.wait_for_url(url)
        await tablet.page.goto(f"{url}#more")
        await expect(tablet.page.locator("[data-place=more] a[href='#account']")).to_be_visible()
        await expect(tablet.page.locator("[data-place=more] a[href='#people']")).to_be_hidden()

        await row.click()
        await hold(page, words["remove"])
        await expect(row).to_be_hidden()
        assert access.people.find("kim") is None
        await tablet.page.goto(f"{url}#account")
        await tablet.page.reload()
        await expect(tablet.page.locator(".who")).to_contain_text("주방")
        await expect(tablet.page.locator(".who")).not_to_contain_text("김민지")
        await page.goto(f"{url}#people/tablets")
        kept = page.locator("[data-place=people] .row", has_text="주방")
        await expect(kept).to_be_visible()
        await hold(page, words["remove"])
        await expect(kept).to_have_count(0)
        assert access.tablets.all() == []


@BOTH
async def test_a_token_is_shown_once_and_lets_in_until_it_is_withdrawn(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    async with site() as (access, _, url):
        opened = await open_page(browser, url, size=size, language=language, theme=theme)
        page = opened.page
        await enter(page, url, "boss", "people/tokens")
        await page.locator("[name='people.token']").fill("<b>pos</b>")
        await page.locator("[name='people.days']").fill("30")
        await page.locator("[data-place=people] button[value=staff]").click()
        await picture(opened, f"token-{size[0]}-{language}-{theme}", tmp_path)
        await page.locator("form:visible [type=submit]").click()
        secret = page.locator("[data-place=people] output")
        await expect(secret).to_have_text(re.compile("^kg_"))
        (row,) = access.tokens()
        assert (row.user, row.role) == ("<b>pos</b>", Role.STAFF)
        assert digest_of(await secret.inner_text()) == row.digest
        await picture(opened, f"secret-{size[0]}-{language}-{theme}", tmp_path)
        copy, kept = (page.locator(".asked:visible button").nth(at) for at in (0, 1))
        await copy.click()
        await expect(page.locator(".asked:visible .said")).not_to_have_text("")
        await kept.click()
        await expect(secret).to_be_hidden()
        await expect(secret).to_have_text("")
        listed = page.locator("[data-place=people] .row", has_text="<b>pos</b>")
        await expect(listed).to_be_visible()
        await page.locator("[data-held]:visible").focus()
        for _ in range(2):
            await page.keyboard.press("Enter")
        await expect(listed).to_have_count(0)
        assert access.tokens() == []


@BOTH
async def test_the_password_is_asked_for_in_place_and_then_it_is_done(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    words = WORDS[language]
    async with site() as (access, tokens, url):
        opened = await open_page(browser, url, size=size, language=language, theme=theme)
        page = opened.page
        await access.people.add(OWNER, "kim", "김민지", Role.STAFF, pin=PIN)
        await enter(page, url, "lee", "people/id/kim")
        await unprove(tokens)
        for number, given in enumerate(("", "not the password", PASSWORD)):
            if number < 2:
                await page.locator("[name='pair.label']").fill("김민서")
                await page.get_by_role("button", name=words["save"]).click()
            password = page.locator("[name='account.password']")
            await expect(password).to_be_focused()
            if number == 0:
                await picture(opened, f"proof-{size[0]}-{language}-{theme}", tmp_path)
                await page.locator(".asked:visible button[type=button]").click()
                await expect(said(page)).to_contain_text(words["proof"])
                continue
            await password.fill(given)
            await page.keyboard.press("Enter")
            if number == 1:
                await expect(page.locator(".asked:visible .said")).not_to_have_text("")
                person = access.people.find("kim")
                assert person is not None
                assert person.label == "김민지"
        await expect(said(page)).to_have_text(words["done"])
        await expect(page.locator("[data-place=people] a.row", has_text="김민서")).to_be_visible()


async def test_a_manager_with_a_pin_unlocks_the_place_with_the_password(browser: Browser) -> None:
    async with site() as (access, _, url):
        await access.people.set_pin(OWNER, "lee", PIN)
        page = (await open_page(browser, url, language="en")).page
        secret = await access.tablets.pair("wall")
        await page.context.add_cookies([{"name": "kg_tablet", "value": secret, "url": url}])
        await page.goto(f"{url}login")
        await page.locator("#tiles button", has_text="이매니저").click()
        for digit in PIN:
            await page.locator(f"[data-key='{digit}']").click()
        await page.wait_for_url(url)
        await page.goto(f"{url}#more")
        await page.locator("[data-place=more] a[href='#people']").click()
        await expect(page.get_by_text("Only managers may read this.")).to_be_visible()
        await page.get_by_role("button", name="Unlock settings").click()
        await page.locator("[name='account.password']").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-place=people] a.row", has_text="Boss")).to_be_visible()
        await page.locator("a.row", has_text="Boss").click()
        await page.locator("[name='people.pin']").fill("280519")
        await page.get_by_role("button", name="Save").click()
        await expect(said(page)).to_have_text("Only an admin may do this to a manager or admin.")


@BOTH
async def test_who_is_limited_to_a_zone_is_offered_nothing_beyond_it(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    async with site(alarms=1) as (access, _, url):
        for person, zone in (("kim", "A"), ("park", "B")):
            await access.people.add(
                OWNER, person, person.title(), Role.STAFF, pin=PIN, reach=Reach(zones=(zone,))
            )
        secret = await access.tablets.pair("wall")
        for person, theirs in (("Kim", False), ("Park", True)):
            opened = await open_page(browser, url, size=size, language=language, theme=theme)
            page = opened.page
            await page.context.add_cookies([{"name": "kg_tablet", "value": secret, "url": url}])
            await page.goto(f"{url}login")
            await page.locator("#tiles button", has_text=person).click()
            for digit in PIN:
                await page.locator(f"[data-key='{digit}']").click()
            await page.wait_for_url(url)
            await expect(page.locator("#clock")).not_to_have_text("")
            await page.goto(f"{url}#controls")
            await expect(page.locator("[data-actuator]")).to_contain_text("hood")
            buttons = page.locator("[data-actuator] button:visible")
            await expect(buttons).to_have_count(3 if theirs else 0)
            await page.goto(f"{url}#kitchen")
            acknowledge = page.locator("kg-banner .acknowledge")
            await expect(acknowledge).to_be_enabled(enabled=theirs)
            if not theirs:
                await expect(acknowledge).to_have_text(WORDS[language]["beyond"])
            await page.goto(f"{url}#alarms")
            shelve = page.locator("[data-place=alarms] [data-act=shelve]")
            await expect(shelve).to_have_count(1 if theirs else 0)
            await picture(opened, f"{person}-{size[0]}-{language}-{theme}", tmp_path)


async def test_a_person_whose_answer_was_lost_is_made_once_when_pressed_again(
    browser: Browser,
) -> None:
    lost: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if route.request.method != "POST" or lost:
            await route.continue_()
            return
        lost.append(str((await route.fetch()).status))
        await route.abort()

    async with site() as (access, _, url):
        page = (await open_page(browser, url, language="en")).page
        await enter(page, url, "lee", "people/new")
        await page.route("**/api/v1/people", lose_the_first)
        await page.locator("[name='pair.label']").fill("Kim")
        await page.locator("[name='pair.id']").fill("kim")
        await page.get_by_role("button", name="Save").click()
        await expect(said(page)).to_have_text("The gateway does not answer. Try again.")
        await page.get_by_role("button", name="Save").click()
        await expect(said(page)).to_have_text("Done.")
        assert lost == ["201"]
        assert [person.id for person in access.people.all()] == ["boss", "kim", "lee"]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_part_of_the_place_keeps_anybody_out(
    browser: Browser, axe: str, theme: str
) -> None:
    async with site() as (access, _, url):
        await access.tablets.pair("wall")
        await access.create_token("pos", Role.VIEWER)
        page = (await open_page(browser, url, language="en", theme=theme)).page
        await enter(page, url, "boss", "people")
        for part in ("", "/new", "/id/lee", "/tablets", "/tokens", "/phone"):
            await page.goto(f"{url}#people{part}")
            await expect(page.locator("[data-place=people] .note")).to_be_hidden()
            await page.evaluate(axe)
            assert await page.evaluate(SERIOUS) == [], part


@BOTH
async def test_the_code_for_the_next_phone_is_drawn_by_the_gateway(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    async def from_the_lan(route: Route) -> None:
        headers = route.request.headers | {"host": "192.168.0.5:8080"}
        await route.fulfill(response=await route.fetch(headers=headers))

    async with site() as (_, _, url):
        opened = await open_page(browser, url, size=size, language=language, theme=theme)
        page = opened.page
        await enter(page, url, "lee", "people/phone")
        invite = page.locator("[data-place=people] .invite")
        await expect(invite.locator("img")).to_be_hidden()  # it listens on this machine alone
        await page.route("**/api/v1/address*", from_the_lan)
        await page.route("**/api/v1/address/code.svg*", from_the_lan)
        await page.reload()
        await expect(invite).to_contain_text("http://192.168.0.5:8080/")
        code = invite.locator("img")
        await expect(code).to_have_js_property("complete", value=True)
        await expect(code).not_to_have_js_property("naturalWidth", 0)
        await picture(opened, f"phone-{size[0]}-{language}-{theme}", tmp_path)
        await page.goto(f"{url}#system")
        await page.locator("[data-place=system] [value=address]").click()
        shown = page.locator("[data-place=system] .invite")
        await expect(shown).to_contain_text("http://192.168.0.5:8080/")
        await picture(opened, f"system-{size[0]}-{language}-{theme}", tmp_path)


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
async def test_every_part_speaks_a_third_language(browser: Browser, size: tuple[int, int]) -> None:
    async with site() as (access, _, url):
        await access.tablets.pair("wall")
        await access.create_token("pos", Role.VIEWER, 1e6)
        opened = await open_page(browser, url, size=size, language="en")
        page = opened.page
        await enter(page, url, "boss")
        await speak_pseudo(page)
        await page.goto(url)
        names = {"English", "Boss", "wall", "pos", "system", *NAMES["en"]}
        for part in ("", "/new", "/id/lee", "/tablets", "/tokens", "/phone"):
            await page.goto(f"{url}#people{part}")
            await expect(page.locator("[data-place=people][data-shown]")).to_be_visible()
            await expect(page.locator("[data-place=people] .note")).to_be_hidden()
            unmarked = {text.partition(" (")[0] for text in await page.evaluate(UNMARKED)}
            assert unmarked - names == set(), part
            assert await opened.faults() == [], part
