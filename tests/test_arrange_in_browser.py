"""The wall as its people arrange it: order, zones, hidden and large tiles, each screen its own."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from gateway.access import Role
from gateway.clock import SystemClock
from gateway.documents import Document
from gateway.web.static import FOLDER
from gateway.web.views import LAYOUTS
from tests.browser import PHONE, WALL, open_page
from tests.kitchen_fake import KitchenInMemory
from tests.served import Site, kitchen_of, serving
from tests.test_places_in_browser import picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = "_demo"


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


def kitchen(language: str = "en", alarms: int = 0) -> KitchenInMemory:
    return kitchen_of(language, now=SystemClock().wall(), alarms=alarms)


async def keep(site: Site, content: object, name: str = OWN) -> None:
    body = json.dumps(content).encode()
    await site.kitchen.kept.put(LAYOUTS, Document(name, 0, body), 100)


async def kept(site: Site, name: str = OWN) -> dict[str, list[object]]:
    found = await site.kitchen.kept.find(LAYOUTS, name)
    return {} if found is None else json.loads(found.body)


def row(page: Page, key: str) -> Locator:
    return page.locator(f'[data-tile="{key}"]')


async def tiles(page: Page) -> list[str]:
    return await page.locator("kg-tile .name").all_inner_texts()


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_tiles_are_moved_hidden_and_made_large_by_touch(
    browser: Browser, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    say = words(language)
    async with serving(kitchen(language)) as site:
        opened = await open_page(browser, f"{site.url}#more", size=size, language=language)
        page = opened.page
        await page.get_by_role("link", name=say["nav.arrange"]).click()
        await expect(page.locator("[data-place=arrange][data-shown]")).to_be_visible()
        await row(page, "door0/open").get_by_text(say["arrange.hidden"]).click()
        await row(page, "fridge0/temperature").get_by_text(say["arrange.large"]).click()
        await row(page, "rinse0/temperature").get_by_text(say["arrange.down"]).click()
        # The last of its zone goes on in the next; the button that was pressed stays in hand.
        await row(page, "rinse0/temperature").get_by_text(say["arrange.down"]).click()
        await expect(page.locator("[data-place=arrange] :focus")).to_have_text(say["arrange.down"])
        await row(page, "/C").get_by_text(say["arrange.up"]).click()
        await expect(page.get_by_text(say["arrange.kept"])).to_be_visible()
        await picture(opened, f"arranging-{size[0]}-{language}", tmp_path)
        assert await opened.faults() == []
        await page.locator("nav a[href='#kitchen']").click()
        await expect(page.locator("kg-tile[data-state=ok]")).to_have_count(11)
        await expect(page.locator("kg-tile.large")).to_have_count(1)
        await picture(opened, f"arranged-{size[0]}-{language}", tmp_path)
        assert await opened.faults() == []
        assert (opened.complaints, opened.foreign) == ([], [])
        content = await kept(site)
        assert [zone["zone"] for zone in content["zones"]] == ["A", "C", "B"]  # type: ignore[index]
        assert content["zones"][0]["tiles"] == [  # type: ignore[index]
            "fridge0/temperature",
            "freezer0/temperature",
            "door0/open",
        ]
        assert (content["hidden"], content["large"]) == (["door0/open"], ["fridge0/temperature"])
        before = await tiles(page)
        await page.reload()
        await expect(page.locator("kg-tile.large")).to_have_count(1)
        assert await tiles(page) == before


async def test_a_hidden_tile_is_back_while_it_is_in_alarm_silent_or_broken(
    browser: Browser,
) -> None:
    async with serving(kitchen()) as site:
        ids = [point.id for point in site.kitchen.points() if point.zone == "A"]
        await keep(site, {"hidden": ids})
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.locator("kg-tile")).to_have_count(8)
        bad = {"value": None, "quality": "bad"}
        site.kitchen.change(ids[0], state="stale", reason="stale", **bad)
        site.kitchen.change(ids[1], state="fault", reason="sensor_failure", **bad)
        site.kitchen.change(ids[2], state="life")
        site.server.live.point_changed(ids[0])
        site.server.live.point_changed(ids[1])
        site.server.live.point_changed(ids[2])
        await expect(page.locator("kg-tile")).to_have_count(11)
        for state in ("stale", "fault", "life"):
            await expect(page.locator(f"kg-tile[data-state={state}]")).to_be_visible()
        site.kitchen.change(ids[2], state="ok")
        site.server.live.point_changed(ids[2])
        await expect(page.locator("kg-tile")).to_have_count(10)


async def test_a_wall_that_shows_nothing_says_why(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        await keep(site, {"hidden": [point.id for point in site.kitchen.points()]})
        page = (await open_page(browser, site.url, language="en")).page
        await expect(page.get_by_text("Every tile is hidden: More, Arrange.")).to_be_visible()


async def test_the_first_picture_is_the_arranged_one(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        zones = [{"zone": "C", "tiles": ["door2/open"]}, {"zone": "A", "tiles": ["gone/x"]}]
        await keep(site, {"zones": zones, "hidden": ["door1/open"]})
        opened = await open_page(browser, "about:blank", language="en")
        page = opened.page
        await page.add_init_script(
            """new MutationObserver(() => {
              const first = document.querySelector('#zones kg-tile .name');
              if (first?.textContent) (window.firsts ??= new Set()).add(first.textContent);
            }).observe(document, { childList: true, subtree: true, characterData: true })"""
        )
        await page.goto(site.url)
        # What is new is last in its zone, what is gone leaves no gap.
        await expect(page.locator("kg-tile")).to_have_count(11)
        await expect(page.locator("kg-tile .name").first).to_have_text(re.compile("Back door"))
        firsts = await page.evaluate("[...window.firsts]")
        assert [each.split()[0] for each in firsts] == ["Back"]


@pytest.mark.parametrize(
    "content", [{}, {"zones": 5}, {"zones": [None, 5, {"tiles": {}}], "hidden": "x", "large": [{}]}]
)
async def test_a_layout_that_makes_no_sense_hides_nothing(
    browser: Browser, content: object
) -> None:
    async with serving(kitchen()) as site:
        await keep(site, content)
        opened = await open_page(browser, site.url, language="en")
        await expect(opened.page.locator("kg-tile[data-state=ok]")).to_have_count(12)
        assert opened.complaints == []


async def test_without_layouts_the_wall_is_as_it_is_configured(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        page = (await open_page(browser, "about:blank", language="en")).page
        await page.route("**/api/v1/layouts", lambda route: route.abort())
        await page.goto(site.url)
        await expect(page.locator("kg-tile[data-state=ok]")).to_have_count(12)


async def test_another_screens_layout_is_taken_over_and_given_up(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        await keep(site, {"hidden": ["door0/open"]}, "Wall <b>2</b>")
        page = (await open_page(browser, f"{site.url}#arrange", language="en")).page
        await page.get_by_role("button", name="As on Wall <b>2</b>").click()
        await expect(page.get_by_text("Kept.")).to_be_visible()
        assert (await kept(site)) == {"hidden": ["door0/open"]}
        hide = row(page, "door0/open").get_by_role("button", name="Hide")
        await expect(hide).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="As it was at first").click()
        await expect(hide).to_have_attribute("aria-pressed", "false")
        await expect(page.get_by_text("Kept.")).to_be_visible()
        assert (await kept(site)) == {}


async def test_what_cannot_be_kept_is_told_and_not_shown(browser: Browser) -> None:
    async with serving(kitchen()) as site:
        page = (await open_page(browser, f"{site.url}#arrange", language="en")).page
        large = row(page, "door0/open").get_by_role("button", name="Large")
        await expect(large).to_be_enabled()
        for number in range(100):
            await keep(site, {}, str(number))
        await large.click()
        await expect(page.get_by_text("100 are kept, and no more may be")).to_be_visible()
        await expect(large).to_have_attribute("aria-pressed", "false")


async def test_a_tablet_is_arranged_by_staff_and_keeps_it_without_them(browser: Browser) -> None:
    async with serving(kitchen(), demo=False) as site:
        code = await site.access.create_code("boss", Role.MANAGER)
        page = (await open_page(browser, f"{site.url}login?code={code}", language="en")).page
        await page.goto(f"{site.url}#arrange")
        await row(page, "door0/open").get_by_role("button", name="Hide").click()
        await expect(page.get_by_text("Kept.")).to_be_visible()
        secret = await site.access.tablets.pair("주방 (벽)")
        await page.context.clear_cookies()
        await page.context.add_cookies([{"name": "kg_tablet", "value": secret, "url": site.url}])
        await page.goto(f"{site.url}#kitchen")
        await page.reload()
        await expect(page.locator("kg-tile")).to_have_count(12)  # the wall's own, not the boss's
        await page.goto(f"{site.url}#arrange")
        await expect(page.get_by_text("Staff only")).to_be_visible()
        await expect(row(page, "door0/open").get_by_role("button", name="Hide")).to_be_disabled()
        await keep(site, {"hidden": ["door0/open"]}, "주방 _벽_")
        await page.goto(f"{site.url}#kitchen")
        await page.reload()
        await expect(page.locator("kg-tile")).to_have_count(11)


async def test_who_was_slower_than_somebody_else_is_told_and_sees_their_wall(
    browser: Browser,
) -> None:
    async with serving(kitchen()) as site:
        page = (await open_page(browser, f"{site.url}#arrange", language="en")).page
        hide = row(page, "door0/open").get_by_role("button", name="Hide")
        large = row(page, "door0/open").get_by_role("button", name="Large")
        await expect(large).to_be_enabled()
        await keep(site, {"hidden": ["door0/open"]})
        await large.click()
        await expect(page.get_by_text("Somebody else was faster")).to_be_visible()
        await expect(hide).to_have_attribute("aria-pressed", "true")
        await expect(large).to_have_attribute("aria-pressed", "false")
        assert await kept(site) == {"hidden": ["door0/open"]}
        for _ in range(2):  # each goes on from the one before
            await large.click()
            await expect(page.get_by_text("Kept.")).to_be_visible()
            await expect(page.get_by_text("Somebody else was faster")).to_be_hidden()
        assert (await kept(site))["hidden"] == ["door0/open"]
        await page.get_by_role("button", name="As it was at first").click()
        await expect(page.get_by_text("Kept.")).to_be_visible()
        assert await kept(site) == {}
