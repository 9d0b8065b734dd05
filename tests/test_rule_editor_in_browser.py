"""Rules edited on the page: checked while they are written, tried, saved, and never over others."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access import Role
from gateway.web.static import FOLDER
from tests.browser import PHONE, WALL, Opened, open_page
from tests.served import Site, serving
from tests.test_places_in_browser import SERIOUS, TRIAL, full_kitchen, picture
from tests.test_rule_files import DAMPER
from tests.test_rules_d import DAMP

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRONG = DAMP.replace("humidity", "humidty")


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


@asynccontextmanager
async def editing(
    browser: Browser,
    language: str = "en",
    size: tuple[int, int] = WALL,
    role: Role = Role.MANAGER,
) -> AsyncIterator[tuple[Site, Opened]]:
    """The place of rules as somebody of that role sees it."""
    kitchen = full_kitchen(language, alarms=0)
    kitchen.trial = msgspec.Raw(TRIAL)
    async with serving(kitchen, demo=False) as site:
        code = await site.access.create_code("lee", role)
        url = f"{site.url}login?code={code}"
        opened = await open_page(browser, url, language=language, size=size)
        await expect(opened.page.locator("kg-tile[data-state]").first).to_be_visible()
        await opened.page.goto(f"{site.url}#rules")
        await expect(opened.page.locator("[data-place=rules][data-shown]")).to_be_visible()
        yield site, opened


async def there(site: Site) -> dict[str, str]:
    found = await site.kitchen.rule_files().all()
    return {part.name: part.data.decode() for part in found.parts}


async def keep(site: Site, text: str, tag: str | None = None) -> str:
    saved = await site.kitchen.rule_files().save("damp.yaml", text, tag, "installer")
    assert saved.tag is not None
    return saved.tag


async def open_damp(page: Page) -> None:
    await page.get_by_text("Edit rules").click()
    await page.get_by_role("button", name="damp.yaml").click()
    await expect(page.get_by_label("Text of the file")).to_have_value(DAMP)


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_rule_is_written_mended_tried_and_saved(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    say = words(language)
    async with editing(browser, language, size) as (site, opened):
        page = opened.page
        await page.get_by_text(say["edit.title"]).click()
        await page.get_by_role("button", name=say["edit.new"]).click()
        await page.get_by_label(say["edit.name"]).fill("damp")
        text = page.get_by_label(say["edit.text"])
        await text.fill(WRONG)
        problems = page.locator("[data-place=rules] .problems").first
        await expect(problems).to_contain_text("2:30 · rules.damp.point")
        await expect(problems).to_contain_text("cold/humidity")  # what may have been meant
        await picture(opened, f"editor-wrong-{size[0]}-{language}", tmp_path)
        assert await opened.faults() == []
        await text.fill(DAMP)
        await expect(page.get_by_text(say["edit.fine"])).to_be_visible()
        edited = page.locator("[data-place=rules] details").first
        await edited.get_by_role("button", name=say["trial.edited"]).click()
        same = say["trial.same"].format(n=1, same=4)
        await expect(page.get_by_text(same)).to_be_visible()
        assert site.kitchen.tried == (DAMP, "damp.yaml")
        await page.get_by_role("button", name=say["edit.save"]).click()
        await expect(page.get_by_text(say["edit.saved"])).to_be_visible()
        assert await there(site) == {"rules.d/damp.yaml": DAMP}
        own = page.get_by_role("button", name="damp.yaml")
        await expect(own).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name=say["edit.save"]).scroll_into_view_if_needed()
        await picture(opened, f"editor-saved-{size[0]}-{language}", tmp_path)
        assert await opened.faults() == []
        assert (opened.complaints, opened.foreign) == ([], [])


async def test_a_file_that_changed_meanwhile_is_not_overwritten(browser: Browser) -> None:
    async with editing(browser) as (site, opened):
        page = opened.page
        tag = await keep(site, DAMP)
        await open_damp(page)
        await page.get_by_label("Text of the file").fill(DAMP + "# mine\n")
        await keep(site, DAMPER, tag)
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Somebody has changed this file since")).to_be_visible()
        assert await there(site) == {"rules.d/damp.yaml": DAMPER}
        await expect(page.get_by_label("Text of the file")).to_have_value(DAMP + "# mine\n")


async def test_a_file_is_removed_after_a_second_thought(browser: Browser) -> None:
    async with editing(browser) as (site, opened):
        page = opened.page
        await keep(site, DAMP)
        await open_damp(page)
        remove = page.get_by_role("button", name="Remove")
        await remove.press("Enter")
        assert await there(site) == {"rules.d/damp.yaml": DAMP}
        await page.locator("[data-do=remove]").press("Enter")
        await expect(page.get_by_text("Saved, and in force.")).to_be_visible()
        assert await there(site) == {}
        await expect(page.get_by_label("Text of the file")).to_have_value("")


async def test_who_gave_the_password_long_ago_is_told_and_keeps_the_text(browser: Browser) -> None:
    async with editing(browser) as (site, opened):
        page = opened.page
        refused = {"type": "urn:kitchen-gateway:proof-needed", "status": 403, "detail": "-"}
        await page.get_by_text("Edit rules").click()
        await page.get_by_label("Name of the file").fill("damp.yaml")
        await page.get_by_label("Text of the file").fill(DAMP)
        await page.route(
            "**/rules/files/damp.yaml", lambda route: route.fulfill(status=403, json=refused)
        )
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Unlock settings first")).to_be_visible()
        await page.get_by_role("link", name="Unlock settings").click()
        await expect(page.locator("[data-place=account][data-shown]")).to_be_visible()
        await page.goto(f"{site.url}#rules")
        await expect(page.get_by_label("Text of the file")).to_have_value(DAMP)


async def test_the_rules_of_the_configuration_are_shown_and_not_changed(browser: Browser) -> None:
    async with editing(browser) as (_, opened):
        page = opened.page
        await page.get_by_text("Edit rules").click()
        await page.get_by_role("button", name="config.yaml").click()
        text = page.get_by_label("Text of the file")
        await expect(text).to_have_value(re.compile("raise_above: 8 °C"))
        await expect(text).not_to_be_editable()
        await expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()


async def test_the_editor_keeps_nobody_out(browser: Browser, axe: str) -> None:
    async with editing(browser) as (_, opened):
        page = opened.page
        await page.get_by_text("Edit rules").click()
        await page.get_by_label("Name of the file").fill("damp")
        await page.get_by_label("Text of the file").fill(WRONG)
        await expect(page.locator(".told .problems")).to_contain_text("rules.damp.point")
        await page.evaluate(axe)
        assert await page.evaluate(SERIOUS) == []


async def test_staff_do_not_edit_rules(browser: Browser) -> None:
    async with editing(browser, role=Role.STAFF) as (_, opened):
        await expect(opened.page.get_by_text("Edit rules")).to_be_hidden()
