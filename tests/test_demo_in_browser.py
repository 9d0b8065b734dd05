"""`kitchen-gateway demo` on the shipped kitchen, met by a person with a browser."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests import browser as browsing
from tests.browser import open_page
from tests.conftest import Left
from tests.namespaces import another_computer
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY


@asynccontextmanager
async def demo(data: Path, *arguments: str) -> AsyncIterator[tuple[str, str]]:
    """The links that the demonstration prints: for this computer and for elsewhere."""
    command = [sys.executable, "-m", "gateway.cli", "demo", "--data", str(data), "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"works once" not in said:
                line = await process.stdout.readline()
                assert line, f"the demonstration has ended: {said!r}"
                said += line
        links = re.findall(r"http://\S+", said.decode())
        yield links[0], links[1]
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE_S)


@pytest.mark.timeout(1_500)
@pytest.mark.usefixtures("mosquitto")
async def test_the_door_alarm_is_seen_acknowledged_and_seen_to_return(
    chromium_path: Path, tmp_path: Path
) -> None:
    picture = os.environ.get("KG_PICTURE")
    async with browsing.browser(chromium_path) as started:
        await door_alarm(started, tmp_path, picture)


async def door_alarm(started: Browser, data: Path, picture: str | None) -> None:
    # So slow that nobody at a loaded machine misses the minutes for which the door is open.
    async with demo(data, "--scenario", "door-left-open", "--speed", "30") as (here, _):
        opened = await open_page(started, here, language="en")
        page = opened.page
        banner = page.locator("kg-banner", has_text="냉장고 문 열림")
        await expect(banner).to_be_visible()
        await expect(banner).to_contain_text("Shut the door")
        door = page.locator("kg-tile[title='냉장고 문']")
        await expect(door).to_have_attribute("data-state", "alarm")
        assert await opened.faults() == []
        if picture:
            await page.screenshot(path=picture)
        await press(banner)
        await expect(banner).to_contain_text("demo")
        await expect(door).to_have_attribute("data-state", "acknowledged")
        await expect(banner).to_have_count(0)
        cloud = page.locator("header")
        await expect(cloud).to_contain_text("Sent")
        assert opened.foreign == []
        assert opened.complaints == []


async def press(banner: Locator) -> None:
    """Acknowledge; once more where the page says that nobody has confirmed it."""
    while True:
        await banner.get_by_role("button").click()
        await expect(banner).to_contain_text(re.compile("demo|Not confirmed"))
        if "demo" in (await banner.text_content() or ""):
            return


@pytest.mark.timeout(1_200)
@pytest.mark.usefixtures("mosquitto")
async def test_another_computer_opens_the_page_through_the_printed_link_once(
    chromium_path: Path, tmp_path: Path, left_out: Left
) -> None:
    with another_computer_or_this(left_out) as (browser, address):
        async with demo(tmp_path) as (_, link):
            url = re.sub(r"//[^:/]+", f"//{address}", link) if address else link
            wrapper = tmp_path / "chromium"
            wrapper.write_text(f'#!/bin/sh\nexec {browser} {chromium_path} "$@"\n')
            wrapper.chmod(0o700)
            async with browsing.browser(wrapper) as started:
                opened = await open_page(started, url, language="ko")
                await expect(opened.page.locator("kg-tile").first).to_be_visible()
                assert "code=" not in opened.page.url
                again = await open_page(started, url, language="ko")
                await expect(again.page.locator("kg-tile")).to_have_count(0)


@contextmanager
def another_computer_or_this(left_out: Left) -> Iterator[tuple[str, str]]:
    """The prefix of a command that runs it elsewhere, and our address there; else empty."""
    with ExitStack() as stack:
        try:
            name, ours = stack.enter_context(another_computer())
        except (OSError, subprocess.CalledProcessError):
            left_out("no network namespace may be made here: the printed link is opened from here")
            yield "", ""
        else:
            yield f"ip netns exec {name}", ours
