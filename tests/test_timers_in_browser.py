"""Cooking timers as a cook uses them: browser, prolonged, ended, heard, the same everywhere."""

import msgspec
import pytest
from playwright.async_api import Browser, Route, expect

from gateway.clock import SystemClock
from tests.browser import PHONE, WALL, open_page
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_timer_is_started_by_one_tap_prolonged_and_stopped(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        opened = await open_page(browser, f"{site.url}#timers", language="en")
        page = opened.page
        await page.get_by_role("button", name="20 min").click()
        await page.get_by_label("What for?").fill("Rice <b>rest</b>")
        await page.get_by_role("button", name="10 min", exact=True).click()
        site.server.live.timers_changed()
        rows = page.locator("[data-place=timers] .row")
        await expect(rows.nth(0)).to_contain_text("Rice <b>rest</b>")
        await expect(rows.nth(1)).to_contain_text("20 min")
        await rows.nth(0).get_by_role("button", name="1 min more").click()
        await expect(page.locator("[data-place=timers] .said")).to_have_text("")
        assert len(kitchen.timer_views) == 2
        await rows.nth(0).get_by_role("button", name="Stop").click()
        site.server.live.timers_changed()
        await expect(rows).to_have_count(1)
        assert await opened.faults() == []
        assert (opened.complaints, opened.foreign) == ([], [])


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
async def test_one_that_has_ended_stands_out_on_the_wall_until_somebody_has_seen_it(
    browser: Browser, size: tuple[int, int]
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.now = SystemClock().wall()
    names = ("Fries", "Rice", "Stock", "Eggs", "Noodles")
    for minutes, name in enumerate(names):
        await kitchen.start_timer(name, name, (minutes + 2) * 60_000, "lee")
    fries = kitchen.timer_views["Fries"]
    over = kitchen.now - 61_000
    kitchen.timer_views["Fries"] = msgspec.structs.replace(fries, state="elapsed", due=over)
    async with serving(kitchen) as site:
        opened = await open_page(browser, site.url, language="en", size=size)
        page = opened.page
        cell = page.locator("#strip [data-timer=ended]")
        await expect(cell).to_contain_text("Fries")
        await expect(cell).to_contain_text("+1:0")
        await expect(page.locator("#strip")).to_contain_text("and 2 more")
        await expect(page.locator("#mute")).to_be_visible()  # nobody has touched it: it is silent
        assert await opened.faults() == []
        await cell.click()
        await expect(page.locator("#mute")).to_be_hidden()
        row = page.locator("[data-place=timers] .row").first
        await row.get_by_role("button", name="Done").click()
        site.server.live.timers_changed()
        await expect(row).to_contain_text("Rice")
        assert "Fries" not in kitchen.timer_views


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
async def test_what_is_pressed_again_after_a_lost_answer_is_done_once(
    browser: Browser, size: tuple[int, int]
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    keys: list[str | None] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(await route.request.header_value("Idempotency-Key"))
        if len(keys) > 1:
            await route.continue_()
            return
        assert (await route.fetch()).status == 201  # it arrived and was done
        await route.abort()

    async with serving(kitchen) as site:
        page = (await open_page(browser, f"{site.url}#timers", language="en", size=size)).page
        await page.route("**/api/v1/timers", lose_the_first)
        said, name = page.locator("[data-place=timers] .said"), page.get_by_label("What for?")
        ten = page.get_by_role("button", name="10 min", exact=True)
        await name.fill("Rice")
        await ten.click()
        await expect(said).to_have_text("Not confirmed · again")
        await expect(name).to_have_value("Rice")
        await ten.click()
        await expect(said).to_have_text("")
        await expect(name).to_have_value("")
        assert [timer.label for timer in kitchen.timer_views.values()] == ["Rice"]
        await name.fill("Rice")  # what was answered is done: this is another one
        await ten.click()
        await expect(name).to_have_value("")
        assert len(kitchen.timer_views) == 2
        assert keys[0]
        assert keys[1] == keys[0]
        assert keys[2] != keys[0]
