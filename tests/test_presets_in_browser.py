"""The named times of a kitchen as a manager keeps them: added, ordered, changed and removed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.access import Role
from gateway.clock import SystemClock
from gateway.documents import Document
from gateway.web.static import FOLDER
from gateway.web.views import PRESETS
from tests.browser import PHONE, WALL, Opened, open_page
from tests.served import Site, kitchen_of, serving
from tests.test_places_in_browser import SERIOUS, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

FRIES, RICE = {"label": "Fries", "for_s": 180}, {"label": "Rice <b>rest</b>", "for_s": 600}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


async def kept(site: Site) -> list[dict[str, object]]:
    found = await site.kitchen.kept.find(PRESETS, "timers")
    presets: list[dict[str, object]] = json.loads(found.body)["presets"] if found else []
    return presets


@asynccontextmanager
async def timers(
    browser: Browser,
    language: str = "en",
    size: tuple[int, int] = WALL,
    role: Role = Role.MANAGER,
) -> AsyncIterator[tuple[Site, Opened]]:
    """The place of timers as somebody of that role sees it, with two named times."""
    kitchen = kitchen_of(language, now=SystemClock().wall(), alarms=0)
    body = json.dumps({"presets": [FRIES, RICE]}).encode()
    await kitchen.kept.put(PRESETS, Document("timers", 0, body), 1)
    async with serving(kitchen, demo=False) as site:
        code = await site.access.create_code("lee", role)
        url = f"{site.url}login?code={code}"
        opened = await open_page(browser, url, language=language, size=size)
        await expect(opened.page.locator("kg-tile[data-state]").first).to_be_visible()
        await opened.page.goto(f"{site.url}#timers")
        await expect(opened.page.get_by_role("button", name="Fries")).to_be_visible()
        yield site, opened


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_manager_keeps_the_named_times(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    say = words(language)
    async with timers(browser, language, size) as (site, opened):
        page = opened.page
        await page.get_by_role("button", name=say["presets.edit"]).click()
        rows = page.locator("[data-place=timers] form .row")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(1).get_by_label(say["presets.minutes"])).to_have_value("10")
        await rows.nth(0).get_by_role("button", name=say["arrange.down"]).click()
        await expect(page.locator("form :focus")).to_have_text(say["arrange.up"])
        await page.get_by_role("button", name=say["presets.add"]).click()
        await expect(rows.nth(2).get_by_label(say["presets.label"])).to_be_focused()
        await page.keyboard.type("Eggs")
        await rows.nth(2).get_by_label(say["presets.minutes"]).fill("7.5")
        await rows.nth(1).get_by_role("button", name=say["edit.remove"]).click()
        await page.get_by_role("button", name=say["edit.save"]).scroll_into_view_if_needed()
        await picture(opened, f"presets-{size[0]}-{language}", tmp_path)
        assert await opened.faults() == []
        await page.get_by_role("button", name=say["edit.save"]).click()
        await expect(page.get_by_text(say["arrange.kept"])).to_be_visible()
        assert await kept(site) == [RICE, {"label": "Eggs", "for_s": 450}]
        own = page.locator("[data-place=timers] > .presets").first.get_by_role("button")
        await expect(own).to_have_count(2)
        await expect(own.nth(1)).to_contain_text("Eggs")
        await own.nth(1).click()
        site.server.live.timers_changed()
        await expect(page.locator("[data-place=timers] > .rows .row")).to_contain_text("Eggs")
        assert (opened.complaints, opened.foreign) == ([], [])


async def test_a_time_without_a_name_or_minutes_is_not_kept(browser: Browser) -> None:
    async with timers(browser) as (site, opened):
        page = opened.page
        await page.get_by_role("button", name="Change the named times").click()
        await page.get_by_role("button", name="Add").click()
        for name, minutes in (
            ("", "5"),
            ("  ", "5"),
            ("Eggs", ""),
            ("Eggs", "0"),
            ("Eggs", "2000"),
        ):
            last = page.locator("[data-place=timers] form .row").nth(2)
            await last.get_by_label("Name").fill(name)
            await last.get_by_label("Minutes").fill(minutes)
            await page.get_by_role("button", name="Save").click()
            await expect(page.locator("form :invalid")).to_have_count(1)
        assert await kept(site) == [FRIES, RICE]


async def test_the_editor_keeps_nobody_out(browser: Browser, axe: str) -> None:
    async with timers(browser) as (_, opened):
        await opened.page.get_by_role("button", name="Change the named times").click()
        await expect(opened.page.locator("[data-place=timers] form .row")).to_have_count(2)
        await opened.page.evaluate(axe)
        assert await opened.page.evaluate(SERIOUS) == []


async def test_staff_start_them_and_do_not_change_them(browser: Browser) -> None:
    async with timers(browser, role=Role.STAFF) as (_, opened):
        await expect(opened.page.get_by_role("button", name="Change the named")).to_be_hidden()


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_who_was_slower_than_another_manager_is_told_and_sees_what_is_kept(
    browser: Browser, language: str
) -> None:
    say = words(language)
    async with timers(browser, language) as (site, opened):
        page = opened.page
        await page.get_by_role("button", name=say["presets.edit"]).click()
        rows = page.locator("[data-place=timers] form .row")
        await rows.nth(0).get_by_label(say["presets.minutes"]).fill("4")
        other = [FRIES, {"label": "Eggs", "for_s": 450}, RICE]
        body = json.dumps({"presets": other}).encode()
        await site.kitchen.kept.put(PRESETS, Document("timers", 0, body), 1)
        await page.get_by_role("button", name=say["edit.save"]).click()
        await expect(page.get_by_text(say["refused.changed_meanwhile"])).to_be_visible()
        await expect(rows).to_have_count(3)
        assert await kept(site) == other
        own = page.locator("[data-place=timers] > .presets").first.get_by_role("button")
        await expect(own).to_have_count(3)
        await rows.nth(1).get_by_label(say["presets.minutes"]).fill("8")
        await page.get_by_role("button", name=say["edit.save"]).click()
        await expect(page.get_by_text(say["arrange.kept"])).to_be_visible()
        assert (await kept(site))[1] == {"label": "Eggs", "for_s": 480}
