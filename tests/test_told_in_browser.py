"""Who is told of alarms, at the place of the gateway: channels, messages, and a manager's test."""

import os
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, expect

from gateway.access import Role
from gateway.clock import SystemClock
from gateway.web.notice_shapes import ChannelView
from tests.browser import PHONE, WALL, open_page
from tests.kitchen_fake import KitchenInMemory
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("KG_PICTURES")
TAB = "[data-place=system] button[value=told]"
MAIL = ChannelView(
    id="manager_mail", kind="mail", label="", state="ok", error="", handed_over_at=None,
    waiting=1, attempts=5, handed_over=4, unreachable=0, failed=0, given_up=0, passed_on=0,
    dropped=0,
)  # fmt: skip
SMS = msgspec.structs.replace(MAIL, id="duty_sms", kind="sms", state="down", error="no modem")
PUSH = msgspec.structs.replace(MAIL, id="phones", kind="webpush", label="폰 <b>", state="unused")


def kitchen(language: str) -> KitchenInMemory:
    found = kitchen_of(language, now=SystemClock().wall(), alarms=0)
    found.channels = [MAIL, SMS, PUSH]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("size", "language", "test", "became"),
    [(WALL, "en", "Send a test", "handed over"), (PHONE, "ko", "시험 알림 보내기", "전달됨")],
)
async def test_a_manager_sees_each_channel_and_sends_a_test(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, test: str, became: str
) -> None:
    async with serving(kitchen(language), demo=False) as site:
        code = await site.access.create_code("lee", Role.MANAGER)
        url = f"{site.url}login?code={code}"
        opened = await open_page(browser, url, size=size, language=language)
        page = opened.page
        await page.goto(f"{site.url}#system")
        await page.locator(TAB).click()
        rows = page.locator("#channels .row")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(1)).to_contain_text("no modem")
        await expect(rows.nth(1)).to_have_attribute("data-state", "fault")
        await expect(rows.nth(2)).to_contain_text("폰 <b>")
        await rows.nth(0).get_by_role("button", name=test).click()
        await expect(page.locator("#channels .said")).to_contain_text(became)
        line = page.locator("#channels tr").nth(1)
        await expect(line).to_contain_text("Test by lee")
        await expect(line).to_contain_text("manager_mail")
        assert await opened.faults() == []
        kept = Path(PICTURES) if PICTURES else tmp_path
        await page.screenshot(path=kept / f"told-{size[0]}-{language}.png")
        assert (opened.complaints, opened.foreign) == ([], [])
        await page.context.close()


@pytest.mark.parametrize(
    ("role", "rows", "words"),
    [(Role.STAFF, 3, "no modem"), (Role.VIEWER, 0, "Only staff may see who is told.")],
)
async def test_others_send_nothing_and_viewers_are_told_who_may(
    browser: Browser, role: Role, rows: int, words: str
) -> None:
    async with serving(kitchen("en"), demo=False) as site:
        code = await site.access.create_code("kim", role)
        opened = await open_page(browser, f"{site.url}login?code={code}", language="en")
        page = opened.page
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        await page.goto(f"{site.url}#system")
        await page.locator(TAB).click()
        place = page.locator("#channels")
        await expect(place).to_contain_text(words)
        await expect(place.locator(".row")).to_have_count(rows)
        await expect(page.get_by_role("button", name="Send a test")).to_have_count(0)
        assert opened.complaints == []
        await page.context.close()
