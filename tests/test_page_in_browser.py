"""The page as a person meets it: drawn, tapped, cut off and turned over, in headless Chromium."""

import asyncio
import re

import msgspec
import pytest
from playwright.async_api import Browser, Page, Response, expect

from gateway.access import Role
from gateway.clock import SystemClock
from gateway.web.kitchen_errors import NoHistory
from gateway.web.point_shapes import Band, PointView
from tests.browser import LARGE_WALL, PHONE, WALL, open_page
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, contact, door_alarm, temperature
from tests.ports import reserved_port
from tests.served import DETECTOR, GAS, LEAK, Site, kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


VIEWS = [
    (WALL, "en", "light", 0),
    (WALL, "ko", "dark", 2),
    (WALL, "en", "dark", 3),
    (LARGE_WALL, "ko", "light", 0),
    (LARGE_WALL, "en", "dark", 2),
    (PHONE, "en", "light", 0),
    (PHONE, "ko", "dark", 2),
]


async def test_nothing_overflows_at_any_size_in_either_language(browser: Browser) -> None:
    for size, language, theme, alarms in VIEWS:
        kitchen = kitchen_of(language, now=SystemClock().wall(), alarms=alarms)
        async with serving(kitchen) as site:
            opened = await open_page(browser, site.url, size=size, language=language, theme=theme)
            await expect(opened.page.locator("kg-tile[data-state]")).to_have_count(12)
            assert await opened.faults() == [], (size, language, alarms)
            await opened.page.goto(f"{site.url}#point/fridge0/temperature")
            await expect(opened.page.locator("kg-chart path.line")).to_have_count(1)
            assert await opened.faults() == [], (size, language, "point", alarms)
            assert (opened.complaints, opened.foreign) == ([], [])
            await opened.page.context.close()


async def test_a_gas_leak_that_the_detector_hears_too_leaves_room_for_the_tiles(
    browser: Browser,
) -> None:
    for size in (WALL, LARGE_WALL, PHONE):
        kitchen = kitchen_of("ko", now=SystemClock().wall(), alarms=0, zones="ABCD")
        for alarm in (LEAK, DETECTOR):
            kitchen.raise_alarm(msgspec.structs.replace(alarm, since=SystemClock().wall()))
        async with serving(kitchen) as site:
            opened = await open_page(browser, site.url, size=size, language="en")
            await expect(opened.page.locator("kg-banner")).to_have_count(2)
            await expect(opened.page.locator("kg-tile[data-state]")).to_have_count(
                16 if size == PHONE else 12
            )
            assert await opened.faults() == [], size
            await opened.page.context.close()


async def test_a_value_at_the_wire_is_seen_and_an_alarm_is_acknowledged_by_one_tap(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=1)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("kg-tile").nth(4)).to_contain_text("3.2")
        site.kitchen.change("fridge1/temperature", value=4.4)
        site.server.live.point_changed("fridge1/temperature")
        await expect(page.locator("kg-tile").nth(4)).to_contain_text("4.4")
        await expect(page.locator("kg-tile").first).to_contain_text(re.compile("[6-9] min"))
        button = page.get_by_role("button", name="Acknowledge")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 72
        await button.click()
        unsure = re.compile("Sending…|Not confirmed · again")  # until the event that confirms it
        await expect(page.locator("kg-banner .acknowledge")).to_have_text(unsure)
        site.server.live.alarms_changed()
        site.server.live.point_changed("door1/open")
        await expect(page.locator("kg-banner .by")).to_contain_text("demo")
        await expect(page.locator("kg-tile[data-state=acknowledged]")).to_have_count(2)
        await expect(page.locator("#verdict")).to_have_text("1 in hand")


async def test_without_the_event_that_confirms_it_the_button_comes_back(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=1)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await page.get_by_role("button", name="Acknowledge").click()
        again = page.locator("kg-banner .acknowledge")
        await expect(again).to_have_text("Not confirmed · again")
        await expect(page.locator("kg-banner")).to_have_attribute("data-state", "unacknowledged")


async def test_names_from_devices_are_text_and_never_markup(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=1)
    hostile = "<img src=x onerror=alert(1)>"
    kitchen.change("fridge0/temperature", label=hostile)
    kitchen.raise_alarm(door_alarm(label=hostile, advice=f"<b>{hostile}</b>"))
    async with serving(kitchen) as site:
        opened = await open_page(browser, site.url, language="en")
        await expect(opened.page.locator("kg-tile .name").first).to_have_text(hostile)
        await expect(opened.page.locator("img, kg-banner b b")).to_have_count(0)
        assert opened.complaints == []


async def test_a_lost_gateway_is_told_and_its_return_brings_all_values_back(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall() - 8_000, alarms=0)
    port = reserved_port()
    async with serving(kitchen, demo=False, port=port) as site:
        code = await site.access.create_code("lee", Role.STAFF)
        page = (await open_page(browser, f"{site.url}login?code={code}", language="en")).page
        await expect(page.locator("kg-tile[data-state=ok]")).to_have_count(12)
        await site.server.stop()
        await expect(page.locator(".offline")).to_contain_text("Offline for")
        await expect(page.locator("#verdict")).to_have_text("Offline")
        tiles = page.locator("kg-tile[data-state=offline]")
        await expect(tiles).to_have_count(12)
        await expect(tiles.first).not_to_contain_text("3.2")
        await page.locator("#language").click()  # its words cannot be had now
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        back = Site(kitchen_of("en", now=site.clock.wall(), alarms=0), demo=False, port=port)
        knows_later(page, site.tokens, back.tokens)
        await back.server.start()
        try:
            await expect(page.locator("kg-tile[data-state=ok]")).to_have_count(12)
            await expect(page.locator(".offline")).to_have_count(0)
        finally:
            await back.server.stop()


def knows_later(page: Page, before: TokensInMemory, after: TokensInMemory) -> None:
    """Let `after` know the sessions of `before` only once it has refused one of them."""

    def note(response: Response) -> None:
        if response.status == 401 and response.url.endswith("/session"):
            after.learn(before.rows("session"))

    page.on("response", note)


async def test_names_units_and_forecasts_are_told_in_the_language_of_the_viewer(
    browser: Browser,
) -> None:
    kitchen = KitchenInMemory(points_with_metrics())
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        tiles = page.locator("kg-tile")
        await expect(page.locator("kg-tile .name")).to_have_text(
            ["주방 temperature", "주방 grease level", *["전망 in 60 min", "전망 until limit"] * 2]
        )
        await expect(tiles.nth(1)).to_contain_text("4.0MB")
        await expect(tiles.nth(2)).to_contain_text("likely 2.4 to 4.1 °C")
        await expect(tiles.nth(3)).to_contain_text("60+min")
        await expect(tiles.nth(3)).to_contain_text("not within the hour")
        await expect(tiles.nth(4)).to_contain_text("Not enough data yet")
        await expect(tiles.nth(5)).to_contain_text("12min")
        await expect(tiles.nth(0)).to_have_attribute("data-state", "warn")  # past its limit
        await expect(page.locator("#verdict")).to_have_text("1 to look at")
        await expect(page.locator("#strip")).to_contain_text("CPU")
        await page.locator("#language").click()
        await expect(tiles.nth(0)).to_have_accessible_name(re.compile("^주방 온도 ?9.2°C"))
        await expect(tiles.nth(3)).to_contain_text("1시간 안에는 없음")
        await expect(tiles.nth(4)).to_contain_text("아직 자료 부족")
        await expect(tiles.nth(5)).to_contain_text("12분")


def points_with_metrics() -> list[PointView]:
    """A warm kitchen, a metric nobody has a word for, two outlooks, and the gateway's own load."""
    warm = temperature("kitchen", "주방", 9.2, Band(high=8.0))
    early: dict[str, object] = {"value": None, "quality": "bad", "reason": "not_started"}
    changed: list[tuple[str, dict[str, object]]] = [
        ("kitchen/temperature", {}),
        ("kitchen/grease_level", {"unit": "MBy", "value": 4.0, "limit": None}),
        ("cold/in_60min", {"value": 3.2}),
        ("cold/in_60min_low", {"value": 2.4, "secondary": True}),
        ("cold/in_60min_high", {"value": 4.1, "secondary": True}),
        ("cold/minutes_to_breach", {"value": 60.0, "unit": "min", "high": 60.0, "precision": 0}),
        ("new/in_60min", {**early, "state": "stale"}),
        ("new/minutes_to_breach", {"value": 12.0, "unit": "min", "high": 60.0, "precision": 0}),
        ("system/cpu", {"label": "", "unit": "%", "origin": "gateway"}),
    ]
    points = []
    for point_id, fields in changed:
        device, _, metric = point_id.partition("/")
        made = msgspec.structs.replace(warm, id=point_id, metric=metric, at=SystemClock().wall())
        if device in ("cold", "new"):
            made = msgspec.structs.replace(made, origin="forecast", label="전망", limit=None)
        points.append(msgspec.structs.replace(made, **fields))
    return points


async def test_a_banner_says_what_the_machine_did_only_while_it_is_confirmed(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=1)
    buzzer = contact("buzzer", "부저", opened=True)
    kitchen.add(msgspec.structs.replace(buzzer, id="buzzer/state", at=SystemClock().wall()))
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("kg-banner .facts")).to_contain_text("부저: On (automatic)")
        await page.locator(".tab").last.click()
        tile = page.locator("kg-tile", has_text="부저")
        await expect(tile).to_contain_text("On")
        kitchen.change("buzzer/state", value=False)
        site.server.live.point_changed("buzzer/state")
        await expect(tile).to_contain_text("Off")
        await expect(page.locator("kg-banner .facts")).not_to_contain_text("부저")


async def test_language_and_theme_are_chosen_on_the_page_and_kept(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("#verdict")).to_have_text("All normal")
        await page.locator("#language").click()
        await expect(page.locator("#verdict")).to_have_text("모두 정상")
        await page.locator("nav a[href='#more']").click()
        await page.locator("button[value=dark]").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.reload()
        await expect(page.locator("#verdict")).to_have_text("모두 정상")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert await page.evaluate("document.documentElement.lang") == "ko"


async def test_the_printed_link_opens_the_page_and_a_wrong_code_is_told(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("ko", now=SystemClock().wall(), alarms=1)
    async with serving(kitchen, demo=False) as site:
        page = (await open_page(browser, site.url)).page
        await expect(page.locator("h1")).to_have_text("로그인")
        await page.get_by_role("button", name="코드 또는 토큰").click()
        await page.locator("#secret").fill("WRONG")
        await page.locator("[data-way=code] .primary").click()
        await expect(page.locator("#error")).to_be_visible()
        code = await site.access.create_code("박지훈", Role.VIEWER)
        await page.goto(f"{site.url}login?code={code}")
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        await expect(page.locator("kg-banner .acknowledge")).to_have_text("직원만")
        await expect(page.locator("kg-banner .acknowledge")).to_be_disabled()
        await page.goto(f"{site.url}#account")
        await page.get_by_role("button", name="로그아웃", exact=True).click()
        await expect(page.locator("h1")).to_have_text("로그인")


@pytest.mark.parametrize("taps", [1])
async def test_a_worse_alarm_never_slides_in_under_a_finger(browser: Browser, taps: int) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=taps)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("kg-banner")).to_have_count(1)
        await page.mouse.move(500, 90)
        await page.mouse.down()
        kitchen.raise_alarm(msgspec.structs.replace(GAS, since=site.clock.wall()))
        site.server.live.alarms_changed()
        await expect(page.locator("#badge")).to_have_text("2")
        await asyncio.sleep(0)
        await expect(page.locator("kg-banner")).to_have_count(1)
        await page.mouse.up()
        await expect(page.locator("kg-banner")).to_have_count(2)
        await expect(page.locator("kg-banner").first).to_have_attribute("data-class", "life")


async def test_a_tile_leads_to_its_curve_its_table_and_back(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await page.locator("kg-tile").first.click()
        await expect(page).to_have_url(re.compile("#point/fridge0/temperature$"))
        chart = page.locator("kg-chart")
        await expect(chart).to_have_attribute("aria-label", "from 3.2\u00a0°C to 3.2\u00a0°C")
        await chart.focus()
        await page.keyboard.press("ArrowRight")
        await expect(chart.locator(".said")).to_contain_text("3.2\u00a0°C")
        await page.keyboard.press("ArrowRight")
        await expect(chart.locator(".said")).to_contain_text("no value")
        await page.get_by_text("As a table").click()
        await expect(page.locator("[data-place=point] tr")).to_have_count(3)
        await expect(page.locator("[data-place=point] table")).to_contain_text("no value")
        async with page.expect_response(lambda answer: "step=1d" in answer.url):
            await page.get_by_role("button", name="Year").click()
        await page.get_by_role("link", name="Back").click()
        await expect(page.locator("kg-tile").first).to_be_visible()


async def test_a_history_that_cannot_be_read_is_told_and_no_curve_is_drawn(
    browser: Browser,
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.no_history = NoHistory("the disk hangs")
    async with serving(kitchen) as site:
        page = (
            await open_page(browser, f"{site.url}#point/fridge0/temperature", language="en")
        ).page
        await expect(page.get_by_text("The history cannot be read just now.")).to_be_visible()
        await expect(page.locator("kg-chart")).to_be_hidden()
        await page.goto(f"{site.url}#point/nothing/there")
        await expect(page.get_by_text("There is no such point.")).to_be_visible()


async def test_a_curve_that_is_not_all_there_is_says_so(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.history_complete = False
    async with serving(kitchen) as site:
        address = f"{site.url}#point/fridge0/temperature"
        opened = await open_page(browser, address, language="en")
        told = opened.page.get_by_text("Part of this time cannot be read just now")
        await expect(told).to_be_visible()
        await expect(opened.page.locator("kg-chart path.line")).to_have_count(1)
        assert await opened.faults() == []


async def test_devices_and_the_gateway_tell_how_they_are_and_why(browser: Browser) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.troubles = ["walk_in: no acknowledge"]
    async with serving(kitchen) as site:
        page = (await open_page(browser, f"{site.url}#devices", language="en")).page
        first = page.locator("[data-place=devices] .row").first
        await expect(first).to_contain_text("i2c 0x44")
        await expect(first).to_contain_text("Works")
        await first.click()
        await page.locator("a[href^='#point/']:visible").first.click()
        await expect(page.locator("kg-chart")).to_be_visible()
        await page.goto(f"{site.url}#system")
        gateway = page.locator("[data-place=system] .row", has_text="Gateway").first
        await expect(gateway).to_contain_text("walk_in: no acknowledge")
        await expect(gateway).to_have_attribute("data-state", "warn")
        await expect(page.locator(".row", has_text="Kept on this board")).to_contain_text("484 MB")
