"""A LAN without the world: where no other host can be reached, all places work."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Error, expect

from gateway.access import Access, Role
from gateway.clock import SystemClock
from gateway.web.route import Settings
from gateway.web.server import Server
from tests import browser as browsing
from tests.browser import PHONE, WALL, open_page
from tests.conftest import Left
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.namespaces import another_computer
from tests.test_places_in_browser import PLACES, full_kitchen, shown

ELSEWHERE = "http://192.0.2.1/"  # TEST-NET-1
_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {}"


@asynccontextmanager
async def gateway(host: str, language: str) -> AsyncIterator[tuple[Access, str]]:
    """A kitchen with something at every place, on that address of ours."""
    clock = SystemClock()
    access = Access(TokensInMemory(), clock, people=PeopleInMemory())
    kitchen = full_kitchen(language)
    kitchen.now = clock.wall()
    server = Server(kitchen, access, clock, Settings(host=host, port=0))
    await server.start()
    try:
        yield access, f"http://{host}:{server.port}/"
    finally:
        await server.stop()


def without_a_way_out(name: str) -> None:
    """The namespace then reaches our end of its wire, and no other address."""
    command = ["ip", "-n", name, "route", "delete", "default"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("size", "language"), [(WALL, "en"), (PHONE, "ko")])
async def test_every_place_works_where_no_other_host_can_be_reached(
    chromium_path: Path, tmp_path: Path, left_out: Left, size: tuple[int, int], language: str
) -> None:
    with ExitStack() as stack:
        host, program, walled = "127.0.0.1", chromium_path, True
        try:
            name, host = stack.enter_context(another_computer())
            command = f"ip netns exec {name} {chromium_path}"
            without_a_way_out(name)
            program = tmp_path / "chromium"
            program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            program.chmod(0o700)
        except (OSError, subprocess.CalledProcessError):
            left_out("no network namespace may be made here: other hosts are only not resolved")
            host, program, walled = "127.0.0.1", chromium_path, False
        async with (
            gateway(host, language) as (access, url),
            browsing.browser(program, _ALONE.format(host)) as started,
        ):
            code = await access.create_code("kim", Role.ADMIN)
            opened = await open_page(
                started, f"{url}login?code={code}", size=size, language=language
            )
            page = opened.page
            await expect(page.locator("kg-tile[data-state]").first).to_be_visible()
            failed: list[str] = []
            page.on("requestfailed", lambda request: failed.append(request.url))
            for place in [*PLACES, "point/fridge0/temperature", "devices/fridge1"]:
                await shown(page, url, place)
                assert await opened.faults() == [], place
            streams = [each for each in failed if each.endswith("/live")]
            assert [each for each in failed if each not in streams] == []
            assert (opened.complaints, opened.foreign) == ([], [])
            if walled:
                with pytest.raises(Error):  # the wall is there
                    await page.goto(ELSEWHERE)
