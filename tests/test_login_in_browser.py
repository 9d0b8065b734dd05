"""Logging in as people do it: tiles and PIN on a wall, a password, the first admin."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access import Access, Role
from gateway.access.turns import WAITING_MAX
from gateway.clock import SystemClock
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.browser import PHONE, WALL, Opened, open_page
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.served import kitchen_of
from tests.web_client import OWNER, PASSWORD, PIN

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("김민지", "이민호", "박서준", "Anna Müller", "Nguyễn Văn An", "정하나", "<b>강도윤</b>")
REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


@asynccontextmanager
async def site() -> AsyncIterator[tuple[Access, str]]:
    """A kitchen with two alarms, nobody in it yet, and where it is served."""
    clock = SystemClock()
    access = Access(TokensInMemory(), clock, people=PeopleInMemory())
    kitchen = kitchen_of("ko", now=clock.wall(), alarms=2)
    server = Server(kitchen, access, clock, Settings(host="127.0.0.1", port=0))
    await server.start()
    try:
        yield access, f"http://127.0.0.1:{server.port}/"
    finally:
        await server.stop()


async def type_pin(page: Page, pin: str) -> None:
    for digit in pin:
        await page.locator(f"[data-key='{digit}']").click()


async def sound(opened: Opened) -> None:
    """Nothing stands out of the window, and nobody else was asked for anything."""
    assert await opened.faults() == []
    assert opened.foreign == []
    assert [said for said in opened.complaints if said != REFUSED] == []


@pytest.mark.parametrize(("size", "language"), [(WALL, "en"), (WALL, "ko"), (PHONE, "ko")])
async def test_a_manager_pairs_a_tablet_and_a_cook_taps_in_and_out(
    browser: Browser, size: tuple[int, int], language: str
) -> None:
    async with site() as (access, url):
        for number, name in enumerate(NAMES):
            await access.people.add(OWNER, f"cook{number}", name, Role.STAFF, pin=PIN)
        await access.people.add(OWNER, "lee", "이매니저", Role.MANAGER, password=PASSWORD)
        opened = await open_page(browser, url + "login", size=size, language=language)
        page = opened.page
        await page.locator("#name").fill("lee")
        await page.locator("#password").fill("not the password")
        await page.locator("form[data-way=name] button").click()
        await expect(page.locator("#error")).to_be_visible()
        await sound(opened)
        await page.locator("#password").fill(PASSWORD)
        await page.locator("form[data-way=name] button").click()
        await page.wait_for_url(url)
        await page.goto(url + "#people/tablets")
        await page.locator("[name='account.tablet']").fill("주방")
        await sound(opened)
        await page.locator("[name='account.pair']").click()
        await expect(page.locator("#tiles button")).to_have_text(sorted(NAMES))
        await sound(opened)
        await page.locator("#tiles button", has_text="김민지").click()
        await type_pin(page, "000000")
        await expect(page.locator("#error")).to_be_visible()
        await sound(opened)
        await type_pin(page, PIN)
        await page.wait_for_url(url)
        await page.goto(url + "#account")
        await expect(page.locator(".who")).to_contain_text("김민지")
        await page.locator("[name='account.leave']").click()
        await expect(page.locator("#tiles button")).to_have_count(len(NAMES))
        await page.context.close()


async def test_a_tablet_nobody_is_logged_in_on_shows_the_kitchen_and_acknowledges(
    browser: Browser,
) -> None:
    async with site() as (access, url):
        opened = await open_page(browser, url + "login", size=WALL, language="en")
        secret = await access.tablets.pair("wall")
        cookie = {"name": "kg_tablet", "value": secret, "url": url, "sameSite": "Strict"}
        await opened.page.context.add_cookies([cookie])  # type: ignore[list-item]
        await opened.page.goto(url)
        async with opened.page.expect_response("**/acknowledge") as answer:
            await opened.page.locator("kg-banner button").first.click()
        assert (await answer.value).status == 200
        await sound(opened)
        await opened.page.context.close()


async def test_who_finds_no_place_to_wait_is_told_so_and_not_that_they_are_locked_out(
    browser: Browser,
) -> None:
    async with site() as (access, url), asyncio.TaskGroup() as crowd:
        await access.people.add(OWNER, "lee", "이매니저", Role.MANAGER, password=PASSWORD)
        leave = asyncio.Event()

        async def wait_in_line() -> None:
            async with access.people.passwords.turns.take(""):
                await leave.wait()

        for _ in range(WAITING_MAX):
            crowd.create_task(wait_in_line())
        opened = await open_page(browser, url + "login", size=WALL, language="en")
        page = opened.page
        await page.locator("#name").fill("lee")
        await page.locator("#password").fill(PASSWORD)
        await page.locator("form[data-way=name] button").click()
        await expect(page.locator("#error")).to_have_text(re.compile("busy.*10"))
        leave.set()
        await page.locator("form[data-way=name] button").click()
        await page.wait_for_url(url)
        await page.context.close()


@pytest.mark.parametrize(("size", "language"), [(WALL, "en"), (PHONE, "ko")])
async def test_the_first_admin_is_made_in_the_browser(
    browser: Browser, size: tuple[int, int], language: str
) -> None:
    async with site() as (access, url):
        code = await access.create_pairing_code()
        opened = await open_page(browser, url, size=size, language=language, theme="dark")
        page = opened.page
        form = page.locator("form[data-way=pair]")
        await expect(form).to_be_visible()
        await sound(opened)
        for name, text in {"code": code, "label": "사장", "id": "boss", "new": PASSWORD}.items():
            await form.locator(f"#{name}").fill(text)
        await form.locator("button").click()
        await page.wait_for_url(url)
        person = access.people.find("boss")
        assert person is not None
        assert person.role is Role.ADMIN
        await page.context.close()
