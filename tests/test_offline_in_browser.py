"""What a browser gives over HTTPS and on this machine: the page opens without the gateway."""

import pytest
from playwright.async_api import Browser, expect

from gateway.clock import SystemClock
from tests.browser import open_page
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


_READY = "navigator.serviceWorker.ready.then((it) => it.active !== null)"


async def test_the_shell_opens_without_the_gateway_and_says_so(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        opened = await open_page(browser, site.url, language="en", workers=True)
        page = opened.page
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        assert await page.evaluate(_READY)
        await page.reload()  # now the worker sees what the page asks for
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        assert opened.complaints == []
        await site.server.stop()
        await page.reload()
        await expect(page.locator("#verdict")).to_have_text("Offline")
        await expect(page.locator("kg-tile")).to_have_count(0)  # a value is never kept
        await page.context.close()


async def test_the_page_can_be_put_on_the_first_screen_of_a_phone(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        link = page.locator("link[rel=manifest]")
        await expect(link).to_have_attribute("href", "static/app.webmanifest")
        answer = await page.request.get(f"{site.url}static/app.webmanifest")
        assert answer.headers["content-type"].startswith("application/manifest+json")
        assert (await answer.json())["start_url"] == "../"
        worker = await page.request.get(f"{site.url}static/worker.js")
        assert worker.headers["service-worker-allowed"] == "../"
        await page.context.close()
