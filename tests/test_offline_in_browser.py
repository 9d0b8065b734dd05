"""What a browser gives over HTTPS and on this machine: the page opens without the gateway.

And it opens whole: a part that is slow is waited for, one that is lost is asked for anew.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Route, expect

from gateway.clock import SystemClock
from tests.browser import open_page
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


SLOW_S = 5.0  # longer than the worker waits for what it has kept
LATE_MS = 15_000  # then a page that is not whole begins anew
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


@contextlib.asynccontextmanager
async def slow(port: int, path: str) -> AsyncIterator[tuple[str, list[str]]]:
    """The same server by another port, over a network that has its time with that path."""
    waited = list[str]()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while chunk := await reader.read(65_536):
                writer.write(chunk)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if path.encode() in head:
            waited.append(path)
            await asyncio.sleep(SLOW_S)
        there, out = await asyncio.open_connection("127.0.0.1", port)
        # One request a connection, so that each is seen here.
        out.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
        await asyncio.gather(pass_on(reader, out), pass_on(there, writer), return_exceptions=True)

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", waited


async def test_behind_the_worker_a_part_that_was_never_kept_is_waited_for(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with (
        serving(kitchen) as site,
        slow(site.server.port, "/static/help.js") as (url, waited),
    ):
        page = (await open_page(browser, url, language="en", workers=True)).page
        assert await page.evaluate(_READY)
        await page.reload()  # now the worker sees what the page asks for
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        assert waited == []
        await page.goto(f"{url}#help")
        await expect(page.locator("[data-place=help][data-shown]")).to_be_visible()
        assert waited


async def test_a_page_that_has_lost_a_part_begins_anew_by_itself(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    lost = list[str]()

    async def lose_once(route: Route) -> None:
        if lost:
            await route.continue_()
        else:
            lost.append(route.request.url)
            await route.abort("connectionreset")

    async with serving(kitchen) as site:
        context = await browser.new_context(service_workers="block")
        page = await context.new_page()
        await page.clock.install()
        await page.route("**/static/strip.js", lose_once)
        await page.goto(site.url, wait_until="load")
        assert lost
        await expect(page.locator("#notices[role]")).to_have_count(0)
        await page.clock.fast_forward(LATE_MS)
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
