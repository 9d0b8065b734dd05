"""The place of alarms as a person with wet hands meets it: hide, reset, look back."""

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access import Role
from gateway.alarm_kpi import AlarmRow
from gateway.clock import SystemClock
from gateway.web.alarm_shapes import FloodView
from gateway.web.kitchen_errors import NotPossible
from gateway.web.point_shapes import Band
from rules.people import OutOfService, Reset, Shelved
from tests.browser import PHONE, WALL, open_page
from tests.kitchen_fake import KitchenInMemory, door_alarm, temperature
from tests.served import Site, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


def kitchen(*names: str) -> KitchenInMemory:
    """A fridge too warm, a gas alarm that is over and latched, and two alarms of one burst.

    With `names`, only these of them.
    """
    now = SystemClock().wall()
    fridge = temperature("walk_in", "워크인 냉장", 9.2, Band(high=8.0))
    found = KitchenInMemory([msgspec.structs.replace(fridge, at=now, last_at=now, state="alarm")])
    common = {"since": now - 600_000, "commands": ()}
    found.raise_alarm(
        door_alarm(id="warm", label="냉장고 온도 높음", point="walk_in/temperature", value=8.6,
                   unit="Cel", shelve_max_s=86_400.0, procedure="1 Measure\n2 Move", **common)
    )  # fmt: skip
    found.raise_alarm(
        door_alarm(id="gas", label="가스 누출", state="latched", priority="life", value=None,
                   stands=False, latch=True, shelve_max_s=600.0, **common)
    )  # fmt: skip
    for name in ("mains", "hood"):
        found.raise_alarm(
            door_alarm(id=name, label=name, first_out="mains", group="power", value=None, **common)
        )
    for alarm in found.alarms():
        if names and alarm.id not in names:
            found.raise_alarm(msgspec.structs.replace(alarm, state="normal"))
    found.alarm_rows = [
        AlarmRow(now - 600_000, "warm", "raise", "unacknowledged", "high"),
        AlarmRow(now - 540_000, "warm", "acknowledge", "acknowledged", "high"),
    ]
    return found


async def as_manager(site: Site, browser: Browser, size: tuple[int, int] = WALL) -> Page:
    code = await site.access.create_code("lee", Role.MANAGER)
    address = f"{site.url}login?code={code}"
    page = (await open_page(browser, address, language="en", size=size)).page
    await page.goto(f"{site.url}#alarms")
    return page


async def test_three_taps_shelve_an_alarm_and_it_stays_to_be_seen(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        opened = await open_page(browser, f"{site.url}#alarms", language="en")
        page = opened.page
        row = page.locator(".alarm", has_text="냉장고 온도 높음")
        await row.get_by_role("button", name="Shelve").click()
        await expect(row.get_by_role("button", name="15 min")).to_be_disabled()
        assert await opened.faults() == []
        await row.get_by_role("button", name="Cleaning").click()
        await row.get_by_role("button", name="1 h").click()
        await expect(row.locator(".panel")).to_be_hidden()
        assert site.kitchen.acts == [Shelved("warm", "demo", "Cleaning", 3_600_000)]
        site.server.live.alarms_changed()
        hidden = page.locator(".subtitle + .alarms .alarm")
        await expect(hidden).to_contain_text("by demo: Cleaning")
        await expect(page.locator("#hidden")).to_have_text("1 hidden")
        await page.goto(f"{site.url}#kitchen")
        await expect(page.locator("#hidden")).to_be_visible()
        await expect(page.locator("#notices", has_text="냉장고 온도 높음")).to_have_count(0)
        assert await opened.faults() == []
        assert (opened.complaints, opened.foreign) == ([], [])


async def test_what_latched_is_reset_by_a_manager_and_staff_are_told_so(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        page = (await open_page(browser, f"{site.url}#alarms", language="en")).page
        row = page.locator(".alarm", has_text="가스 누출")
        await expect(row.get_by_role("button", name="Reset: manager only")).to_be_disabled()
        manager = await as_manager(site, browser)
        row = manager.locator(".alarm", has_text="가스 누출")
        await expect(row).to_contain_text("It is over. Make sure, then reset it.")
        await row.get_by_role("button", name="Reset").click()
        site.server.live.alarms_changed()
        await expect(row).to_have_count(0)
        assert site.kitchen.acts == [Reset("gas", "lee")]


async def test_a_manager_takes_an_alarm_out_of_service_with_two_taps(browser: Browser) -> None:
    async with serving(kitchen(), demo=False) as site:
        page = await as_manager(site, browser, PHONE)
        row = page.locator(".alarm", has_text="냉장고 온도 높음")
        await row.get_by_role("button", name="Out of service").first.click()
        await row.get_by_role("button", name="Sensor broken").click()
        site.server.live.alarms_changed()
        await expect(row).to_contain_text("by lee: Sensor broken")
        assert site.kitchen.acts == [OutOfService("warm", "lee", "Sensor broken")]
        await expect(row.get_by_role("button", name="Back in service")).to_be_visible()


async def test_what_the_gateway_refuses_is_said_in_its_row(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        page = await as_manager(site, browser)
        site.kitchen.impossible = NotPossible("not-seen", "It is to be acknowledged first.")
        row = page.locator(".alarm", has_text="가스 누출")
        await row.get_by_role("button", name="Reset").click()
        await expect(row.locator(".said").last).to_have_text("It is to be acknowledged first.")


async def test_a_row_tells_the_value_now_the_peak_and_what_to_do(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        page = (await open_page(browser, f"{site.url}#alarms", language="en")).page
        row = page.locator(".alarm", has_text="냉장고 온도 높음")
        await expect(row.locator(".facts")).to_contain_text("9.2")
        await expect(row.locator(".whys")).to_contain_text("peak 9.2")
        await row.get_by_text("What to do, step by step").click()
        await expect(row.locator("details li")).to_have_text(["1 Measure", "2 Move"])
        past = page.locator(".past")
        await expect(past).to_contain_text("Acknowledged after")
        await expect(past.locator(".row", has_text="Acknowledged after")).to_contain_text("1 min")
        await past.get_by_text("Every event").click()
        await expect(past.locator("tr")).to_have_count(3)


async def test_a_burst_is_one_line_and_one_tap_and_a_flood_is_said(browser: Browser) -> None:
    async with serving(kitchen("mains", "hood")) as site:
        site.kitchen.flood_view = FloodView(site.clock.wall(), 14, 3)
        page = (await open_page(browser, site.url, language="en")).page
        banner = page.locator("#notices kg-banner", has_text="mains")
        await expect(banner).to_have_count(1)
        await expect(banner).to_contain_text("and 1 more: hood")
        await banner.get_by_role("button", name="Acknowledge").click()
        site.server.live.alarms_changed()
        await expect(banner.locator(".by")).to_contain_text("demo")
        await page.goto(f"{site.url}#alarms")
        await expect(page.get_by_text("14 alarms in ten minutes")).to_be_visible()
