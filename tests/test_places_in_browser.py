"""Every place of the page, opened in a browser: it fits, is readable, and speaks any language."""

import json
import os
import re
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.access import Role
from gateway.audit.entry import Entry
from gateway.clock import SystemClock
from gateway.web.actuator_shapes import ActuatorView
from gateway.web.alarm_shapes import DutyView
from gateway.web.event_shapes import Happened
from gateway.web.static import FOLDER
from tests.browser import PHONE, WALL, Opened, open_page
from tests.kitchen_fake import CLOSING, KitchenInMemory
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TABLE = (FOLDER / "places.js").read_text("utf-8")
PLACES = [name for name in re.findall(r'\{ name: "(\w+)"', _TABLE) if name != "point"]
PICTURES = os.environ.get("KG_PICTURES")
FAN = ActuatorView(
    id="hood_fan", label="후드 팬 · hood", value=False, since=0, read_back=False, cause="safe state"
)
TRIAL = b"""{"from": 0, "to": 604800000, "until": 604800000, "same": 4, "more": 0,
"before": {"alarms": 1, "commands": 0, "unseen": []},
"after": {"alarms": 2, "commands": 0, "unseen": []}, "episodes": [],
"differences": [{"kind": "gained", "before": null, "after": {"what": "alarm", "name": "warm",
"value": "high", "start": 600000, "end": null, "by": "rule/warm",
"began": {"point": "fridge/temperature", "value": 8.6, "at": 300000, "reason": null}}}]}"""
# What axe calls a broken rule, as one line each; only those that keep somebody out.
SERIOUS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
      `${id}: ${html.slice(0, 200)} ${failureSummary}`));
}"""


def full_kitchen(language: str, alarms: int = 2) -> KitchenInMemory:
    """Something to see at every place."""
    kitchen = kitchen_of(language, now=SystemClock().wall(), alarms=alarms)
    kitchen.actuator_views = {"hood_fan": FAN}
    kitchen.duty = [
        DutyView(role="manager", people=["김민준"]),
        DutyView(role="cook", people=[], handed_over_by="lee", until=SystemClock().wall()),
    ]
    replace = msgspec.structs.replace
    kitchen.rule_views = [
        CLOSING,
        replace(CLOSING, id="lights", label="조명 · lights", waits_for_clock=True, callable=False),
        replace(CLOSING, id="fan", label="환풍기 · fan", state="suspended", why="no value"),
    ]
    return kitchen


async def shown(page: Page, url: str, place: str) -> None:
    """Go there and wait until its module has drawn it."""
    await page.goto(f"{url}#{place}")
    section = page.locator(f"[data-place={place.partition('/')[0]}]")
    await expect(section).to_be_visible()
    if place != "kitchen":
        await expect(section).to_have_attribute("data-shown", "")
    await expect(page.locator("nav [aria-current]")).to_have_count(1)


async def picture(opened: Opened, name: str, folder: Path) -> None:
    """Kept for people to look at: in KG_PICTURES, else with the test."""
    kept = Path(PICTURES) if PICTURES else folder
    await opened.page.screenshot(path=kept / f"{name}.png")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ko", "dark")])
async def test_every_place_fits_and_asks_nobody_else(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    async with serving(full_kitchen(language)) as site:
        opened = await open_page(browser, site.url, size=size, language=language, theme=theme)
        for place in PLACES:
            await shown(opened.page, site.url, place)
            await picture(opened, f"{place}-{size[0]}-{language}-{theme}", tmp_path)
            assert await opened.faults() == [], place
        assert (opened.complaints, opened.foreign) == ([], [])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_place_keeps_anybody_out(browser: Browser, axe: str, theme: str) -> None:
    async with serving(full_kitchen("en")) as site:
        opened = await open_page(browser, site.url, language="en", theme=theme)
        for place in [*PLACES, "point/fridge1/temperature"]:
            await shown(opened.page, site.url, place)
            await opened.page.evaluate(axe)
            assert await opened.page.evaluate(SERIOUS) == [], place


def pseudo() -> dict[str, str]:
    """Every word longer, and marked at both ends so that none comes from elsewhere."""
    english: dict[str, str] = json.loads((FOLDER / "en.json").read_text("utf-8"))
    kept = {"locale": "en-GB", "language.name": "⟦Pseudo⟧"}
    return {key: kept.get(key, f"⟦{text}⟧" if text else "") for key, text in english.items()}


async def speak_pseudo(page: Page) -> None:
    """Have it speak a language of one file from its next visit on."""
    catalogue = pseudo()

    async def languages(route: Route) -> None:
        known = [{"code": "en", "name": "English"}, {"code": "qps", "name": "⟦Pseudo⟧"}]
        await route.fulfill(json=known)

    async def words(route: Route) -> None:
        await route.fulfill(json=catalogue)

    await page.route("**/static/languages.json", languages)
    await page.route("**/static/qps.json", words)
    await page.evaluate("localStorage.setItem('language', 'qps')")


# Text of ours without the marks; names, ids, numbers and times are not ours.
UNMARKED = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.data;
    const parent = walker.currentNode.parentElement;
    if (!parent.checkVisibility() || parent.id === "date" || !/[A-Za-z]{3}/.test(text)) continue;
    if (!text.includes("⟦")) found.push(text.trim());
  }
  return [...new Set(found)];
}"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
async def test_a_third_language_is_one_file_and_reaches_every_place(
    browser: Browser, size: tuple[int, int]
) -> None:
    kitchen = full_kitchen("ko")
    async with serving(kitchen) as site:
        opened = await open_page(browser, f"{site.url}login", size=size, language="en")
        await speak_pseudo(opened.page)
        await opened.page.goto(site.url)
        await expect(opened.page.locator("html")).to_have_attribute("lang", "qps")
        for place in PLACES:
            await shown(opened.page, site.url, place)
            unmarked = await opened.page.evaluate(UNMARKED)
            assert [text for text in unmarked if text not in theirs(kitchen)] == [], place


def theirs(kitchen: KitchenInMemory) -> set[str]:
    """What the kitchen itself says: names and ids of its own."""
    said: set[str] = {"English", "demo"}
    for each in (*kitchen.points(), *kitchen.devices(), *kitchen.alarms(), *kitchen.actuators()):
        said |= {value for value in msgspec.structs.astuple(each) if isinstance(value, str)}
    said |= {line for alarm in kitchen.alarms() for line in alarm.advice.split("\n")}
    said |= {word for rule in kitchen.rules() for word in (rule.id, rule.label)}
    said |= {duty.role for duty in kitchen.duties()} | {device.wire for device in kitchen.devices()}
    said |= {f"{device.id} · {device.driver} · {device.wire}" for device in kitchen.devices()}
    return said


async def test_every_place_is_reached_with_the_keyboard_alone(browser: Browser) -> None:
    async with serving(full_kitchen("en", alarms=0)) as site:
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        await page.locator("nav a[href='#more']").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-place=more][data-shown]")).to_be_visible()
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        first = page.locator("[data-place=more] a").first
        await expect(first).to_be_focused()
        place = str(await first.get_attribute("href")).removeprefix("#")
        await page.keyboard.press("Enter")
        await expect(page.locator(f"[data-place={place}][data-shown]")).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.locator(f"[data-place={place}] .back").first).to_be_focused()


async def test_fahrenheit_and_pounds_are_the_choice_of_each_screen(browser: Browser) -> None:
    async with serving(kitchen_of("en", now=SystemClock().wall(), alarms=0)) as site:
        page = (await open_page(browser, f"{site.url}#more", language="en")).page
        await page.locator("button[value=us]").click()
        await page.locator("nav a[href='#kitchen']").click()
        tile = page.locator("kg-tile").first
        await expect(tile).to_contain_text("37.8°F")
        await expect(tile).to_contain_text("max 41\u00a0°F")
        await page.reload()
        await expect(tile).to_contain_text("37.8°F")
        await tile.click()
        await expect(page.locator("kg-chart")).to_have_attribute("aria-label", re.compile("°F"))


async def test_a_module_that_cannot_be_had_is_told_and_comes_with_the_gateway(
    browser: Browser,
) -> None:
    async with serving(full_kitchen("en", alarms=0)) as site:
        opened = await open_page(browser, site.url, language="en")
        await expect(opened.page.locator("kg-tile[data-state]")).to_have_count(12)
        await opened.page.route("**/static/help.js", lambda route: route.abort())
        await opened.page.goto(f"{site.url}#help")
        await expect(
            opened.page.get_by_text("This place cannot be loaded just now")
        ).to_be_visible()


async def test_a_role_is_taken_over_for_some_hours(browser: Browser) -> None:
    kitchen = full_kitchen("en")
    async with serving(kitchen) as site:
        page = (await open_page(browser, f"{site.url}#handover", language="en")).page
        cook = page.locator("[data-role=cook]")
        await expect(cook).to_contain_text("Nobody")
        await cook.get_by_role("button", name="I take over").click()
        await cook.get_by_role("button", name="김민준").click()
        await cook.get_by_role("button", name="For 8 h").click()
        row = page.locator("[data-role=cook]")
        await expect(row).to_contain_text("김민준")
        await expect(row).to_contain_text("taken over, entered by demo")


async def test_a_rule_tells_what_it_did_and_which_reading_led_to_it(browser: Browser) -> None:
    kitchen = full_kitchen("en", alarms=0)
    chain = ["point fridge0/temperature", "rule fan"]
    data = {"actuator": "hood_fan", "value": True, "cause": "rule/fan", "chain": chain}
    kitchen.happened = [Happened(SystemClock().wall() - 60_000, "command", "Hood fan", data)]
    async with serving(kitchen) as site:
        page = (await open_page(browser, f"{site.url}#rules", language="en")).page
        await expect(
            page.get_by_text("Waiting schedules: 1. The clock is not trusted")
        ).to_be_visible()
        rows = page.locator("[data-place=rules] a.row")
        await expect(rows.first).to_contain_text("stopped by a fault in it: no value")
        await rows.first.click()
        line = page.locator("[data-place=rules] tr").nth(1)
        await expect(line).to_contain_text("Hood fan · On")
        await expect(line).to_contain_text("reading of Walk-in fridge → rule fan")
        await page.goto(f"{site.url}#rules/closing")
        await expect(page.get_by_text("Nothing in seven days.")).to_be_visible()
        await page.get_by_role("button", name="Run it now").click()
        await expect(page.get_by_text("It has been asked for.")).to_be_visible()
        assert kitchen.asked == [("closing", "demo")]


async def test_a_manager_tries_other_rules_on_the_last_week(browser: Browser) -> None:
    kitchen = full_kitchen("en", alarms=0)
    kitchen.trial = msgspec.Raw(TRIAL)
    async with serving(kitchen, demo=False) as site:
        code = await site.access.create_code("lee", Role.MANAGER)
        page = (await open_page(browser, f"{site.url}login?code={code}", language="en")).page
        await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
        await page.goto(f"{site.url}#rules")
        await page.get_by_text("Edit rules").click()
        await page.get_by_label("Name of the file").fill("warm")
        await page.get_by_label("Text of the file").fill("rules: {}")
        await page.get_by_role("button", name="Check and try these").click()
        await expect(page.locator(".trial .problems").last).to_contain_text("2:3 · rules.warm")
        await page.get_by_label("Text of the file").fill("rules: {warm: {kind: limit}}")
        await page.get_by_role("button", name="Check and try these").click()
        await expect(page.get_by_text("differences: 1, the same: 4")).to_be_visible()
        await expect(page.locator(".trial td").nth(1)).to_have_text("Gained: alarm · warm · high")
        await expect(page.locator(".trial td").nth(3)).to_contain_text("fridge/temperature = 8.6")


async def test_managers_read_who_did_what_and_others_are_told_who_may(browser: Browser) -> None:
    kitchen = full_kitchen("en", alarms=0)
    at = SystemClock().wall()
    kitchen.entries = [
        Entry(at=at, by="<b>lee</b>", action="acknowledge", role="staff", about="walk_in_warm"),
        Entry(at=at, by="kim", action="override", about="siren", refused="lockout"),
    ]
    async with serving(kitchen, demo=False) as site:
        for role, seen in ((Role.STAFF, False), (Role.MANAGER, True)):
            code = await site.access.create_code("park", role)
            page = (await open_page(browser, f"{site.url}login?code={code}", language="en")).page
            await expect(page.locator("kg-tile[data-state]")).to_have_count(12)
            await page.goto(f"{site.url}#audit")
            if not seen:
                await expect(page.get_by_text("Only managers may read this.")).to_be_visible()
                continue
            rows = page.locator("[data-place=audit] tr")
            await expect(rows.filter(has_text="siren")).to_contain_text("refused (lockout)")
            await expect(rows.filter(has_text="walk_in_warm")).to_contain_text("<b>lee</b>, staff")
