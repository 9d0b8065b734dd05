"""The controls as a person meets them: pressed, refused, counted down, and asked for twice."""

import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.access import Access, Role, User
from gateway.clock import SystemClock
from gateway.web.actuator_shapes import ActuatorView, Order
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.browser import PHONE, WALL, open_page
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, small_kitchen

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAN = ActuatorView(
    id="hood_fan", label="Hood fan", value=False, since=0, read_back=False, cause="safe state"
)
SIREN = msgspec.structs.replace(FAN, id="siren", label="Siren", critical=True)
DEMO = User("demo", Role.STAFF, "demo")
LAMP = msgspec.structs.replace(FAN, id="lamp", label="Lamp", locked=True)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[tuple[KitchenInMemory, str]]:
    kitchen, clock = small_kitchen(), SystemClock()
    kitchen.now = clock.wall()
    kitchen.actuator_views = {it.id: it for it in (FAN, SIREN, LAMP)}
    access = Access(TokensInMemory(), clock, demo=True)
    server = Server(kitchen, access, clock, Settings(host="127.0.0.1", port=0))
    await server.start()
    yield kitchen, f"http://127.0.0.1:{server.port}/"
    await server.stop()


async def test_a_fan_is_switched_by_a_tap_and_given_back(
    browser: Browser, site: tuple[KitchenInMemory, str]
) -> None:
    kitchen, url = site
    opened = await open_page(browser, f"{url}#controls", language="en")
    fan = opened.page.locator("[data-actuator=hood_fan]")
    await expect(fan).to_contain_text("safe state")
    await fan.locator("[data-do=on]").click()
    await expect(fan).to_contain_text("ordered by demo")
    await expect(fan).to_contain_text(re.compile(r"for \d+ min more"))
    await expect(fan.locator("[data-do=on]")).to_have_attribute("aria-pressed", "true")
    assert kitchen.actuator_views["hood_fan"].value is True
    await fan.locator("[data-do=auto]").click()
    await expect(fan).to_contain_text("safe state")
    assert [order.value for order in kitchen.order_views] == [None, True]
    assert (opened.complaints, opened.foreign) == ([], [])


async def test_staff_is_shown_what_guards_people_but_no_buttons_and_gas_locks_them(
    browser: Browser, site: tuple[KitchenInMemory, str]
) -> None:
    opened = await open_page(browser, f"{site[1]}#controls", language="en")
    siren = opened.page.locator("[data-actuator=siren]")
    await expect(siren).to_contain_text("managers only")
    await expect(siren.locator("button:visible")).to_have_count(0)
    lamp = opened.page.locator("[data-actuator=lamp]")
    await expect(lamp).to_contain_text("there may be gas")
    await expect(lamp.locator("[data-do=on]")).to_be_disabled()


async def test_what_somebody_ordered_for_life_safety_is_held_for_a_second(
    browser: Browser, site: tuple[KitchenInMemory, str]
) -> None:
    kitchen, url = site
    done = await kitchen.order(Order(actuator="hood_fan", value=True, id="order-01"), DEMO)
    fan = kitchen.actuator_views["hood_fan"]
    first = msgspec.structs.replace(fan.overrides[0], slot=1, until=None)
    kitchen.actuator_views["hood_fan"] = msgspec.structs.replace(fan, slot=1, overrides=(first,))
    assert done.state == "succeeded"
    page = (await open_page(browser, f"{url}#controls", language="en")).page
    button = page.locator("[data-actuator=hood_fan] [data-do=auto]")
    await button.click()
    await expect(button).to_have_text("Hold for 1 s")
    assert kitchen.actuator_views["hood_fan"].slot == 1
    await button.hover()
    await page.mouse.down()
    await expect(page.locator("[data-actuator=hood_fan]")).to_contain_text("safe state")
    await page.mouse.up()


async def test_a_key_cannot_hold_so_it_presses_twice(
    browser: Browser, site: tuple[KitchenInMemory, str]
) -> None:
    kitchen, url = site
    await kitchen.order(Order(actuator="hood_fan", value=True, id="order-01"), DEMO)
    fan = kitchen.actuator_views["hood_fan"]
    first = msgspec.structs.replace(fan.overrides[0], slot=1, until=None)
    kitchen.actuator_views["hood_fan"] = msgspec.structs.replace(fan, slot=1, overrides=(first,))
    page = (await open_page(browser, f"{url}#controls", language="en")).page
    button = page.locator("[data-actuator=hood_fan] [data-do=auto]")
    await expect(button).to_be_visible()
    await button.press("Enter")
    await expect(button).to_have_text("Press again")
    assert kitchen.actuator_views["hood_fan"].slot == 1
    await button.press("Enter")
    await expect(page.locator("[data-actuator=hood_fan]")).to_contain_text("safe state")


@pytest.mark.parametrize(("size", "language"), [(WALL, "ko"), (PHONE, "en"), (PHONE, "ko")])
async def test_the_controls_fit_in_both_languages(
    browser: Browser, site: tuple[KitchenInMemory, str], size: tuple[int, int], language: str
) -> None:
    opened = await open_page(browser, f"{site[1]}#controls", size=size, language=language)
    await expect(opened.page.locator("[data-actuator]")).to_have_count(3)
    assert await opened.faults() == []
