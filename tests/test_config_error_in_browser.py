"""A wall tablet before a gateway whose configuration is broken, and while somebody mends it."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests import browser as browsing
from tests.browser import PHONE, WALL, open_page
from tests.processes import Daemon
from tests.test_reload import config

BY_CODE = {"en": "Code or token", "ko": "코드 또는 토큰"}
BROKEN = config().replace("kind: limit", "kind: limits").replace("100ms", "1OOms")


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    ("language", "size", "said", "word"),
    [
        ("en", WALL, "nothing is measured", "Configuration error"),
        ("ko", PHONE, "측정도 경보도", "설정 오류"),
    ],
)
async def test_the_page_says_what_to_mend_and_follows_when_it_is(
    chromium_path: Path, tmp_path: Path, language: str, size: tuple[int, int], said: str, word: str
) -> None:
    daemon = Daemon(tmp_path, BROKEN).start()
    try:
        token = daemon.create_token()
        async with browsing.browser(chromium_path) as started:
            here = f"http://127.0.0.1:{daemon.port}/"
            opened = await open_page(started, here, size=size, language=language)
            page = opened.page
            daemon.wait_until(lambda: daemon.get("/api/v1/config", token)[0] == 200)
            await page.get_by_role("button", name=BY_CODE[language]).click()
            await page.locator("#secret").fill(token)
            await page.locator("[data-way=code] .primary").click()
            problems = page.locator(".problems")
            await expect(problems).to_contain_text(said)
            await expect(page.locator("#verdict")).to_contain_text(word)
            await expect(problems).to_contain_text("rules.warm.kind")
            await expect(problems.locator("li").first).to_contain_text("config.yaml:")
            assert await opened.faults() == []
            daemon.config.write_text(config())
            await expect(page.locator("kg-tile").first).to_be_visible()
            await expect(problems).not_to_be_visible()
            assert opened.foreign == []
            daemon.config.write_text(config(more="  bad: {driver: sht3y, bus: i2c}"))
            daemon.hang_up()
            await page.locator("nav a[href='#more']").click()
            await page.locator("[data-place=more] a[href='#system']").click()
            await expect(problems).to_contain_text("sht3x")
            assert opened.complaints == []
    finally:
        daemon.kill()
