"""One device on the page: its settings, what was counted, its points, and a reading now."""

import os
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, expect

from gateway.access import Role
from gateway.clock import SystemClock
from tests.browser import PHONE, WALL, open_page
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("KG_PICTURES")
READ = {"en": "Read now", "ko": "지금 읽기"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_device_opens_with_its_settings_and_is_read_now(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    kitchen = kitchen_of(language, now=SystemClock().wall(), alarms=0)
    kitchen.change("fridge0/temperature", raw=24_601)
    async with serving(kitchen) as site:
        opened = await open_page(
            browser, f"{site.url}#devices", size=size, language=language, theme="light"
        )
        page = opened.page
        await page.locator("[data-place=devices] a.row[href='#devices/fridge0']").click()
        place = page.locator("[data-place=devices]")
        await expect(place.locator("tr", has_text="address")).to_contain_text("0x44")
        await expect(place.locator("tr", has_text="every")).to_contain_text("5\u00a0")
        await expect(place.locator("tr", has_text="offset")).to_contain_text("\u22120.3\u00a0K")
        await expect(place.locator("tr", has_text="no answer from 0x44")).to_be_visible()
        row = place.locator("a.row[href='#point/fridge0/temperature']")
        await expect(row).to_contain_text("3.2")
        await expect(row).to_contain_text("24,601")
        await place.get_by_role("button", name=READ[language]).click()
        await expect(place.locator(".said")).to_contain_text("3.2")
        assert await opened.faults() == []
        kept = Path(PICTURES) if PICTURES else tmp_path
        await page.screenshot(path=kept / f"device-{size[0]}-{language}.png", full_page=True)
        await row.click()
        await expect(page.locator("[data-place=point][data-shown]")).to_be_visible()
        await page.locator("[data-place=point] a[href='#devices/fridge0']").click()
        await expect(place.locator("tr", has_text="offset")).to_be_visible()
        assert (opened.complaints, opened.foreign) == ([], [])
        await page.context.close()


async def test_a_reading_that_fails_says_why_and_who_may_not_read_has_no_button(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.change("fridge0/temperature", value=None, quality="bad", reason="no_communication")
    async with serving(kitchen, demo=False) as site:
        for role, buttons in ((Role.VIEWER, 0), (Role.STAFF, 1)):
            code = await site.access.create_code("kim", role)
            page = (await open_page(browser, f"{site.url}login?code={code}", language="en")).page
            await page.goto(f"{site.url}#devices/fridge0")
            button = page.get_by_role("button", name=READ["en"])
            await expect(page.locator("tr", has_text="address")).to_be_visible()
            await expect(button).to_have_count(buttons)
            if buttons:
                await button.click()
                said = page.locator("[data-place=devices] .said")
                await expect(said).to_contain_text("no answer")
                await expect(said).not_to_contain_text("3.2")
            await page.context.close()


async def test_one_that_is_left_out_says_why_and_asks_for_nothing(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    (first, *others) = kitchen.devices()
    lost = msgspec.structs.replace(
        first, state="left_out", role="", trouble="config.yaml:3: unknown key", points=()
    )
    kitchen.devices = lambda: [lost, *others]  # type: ignore[method-assign]
    async with serving(kitchen) as site:
        opened = await open_page(browser, f"{site.url}#devices/{first.id}", language="en")
        place = opened.page.locator("[data-place=devices]")
        await expect(place).to_contain_text("config.yaml:3: unknown key")
        await expect(place.get_by_role("button")).to_have_count(0)
        await expect(place.locator("table")).to_have_count(0)
        assert opened.complaints == []
        await opened.page.context.close()
