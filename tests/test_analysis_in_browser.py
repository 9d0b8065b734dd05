"""Analysis and forecasts as a person uses them, and the arithmetic behind them."""

import csv
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.clock import SystemClock
from gateway.web.point_shapes import Band
from tests.browser import open_page
from tests.kitchen_fake import KitchenInMemory, temperature
from tests.served import kitchen_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = 3_600_000
QUARTER = 900_000
# F. J. Anscombe, Graphs in Statistical Analysis, 1973: the first set, whose r is 0.816.
ANSCOMBE_X = (10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0)
ANSCOMBE_Y = (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68)


def series(values: tuple[float, ...], step: int = HOUR) -> msgspec.Raw:
    """Rows of a history that ends now."""
    last = SystemClock().wall() // step * step
    first = last - (len(values) - 1) * step
    rows = [[first + at * step, value, None] for at, value in enumerate(values)]
    return msgspec.Raw(msgspec.json.encode(rows))


def kitchen_with_past() -> KitchenInMemory:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    kitchen.past = {
        "fridge0/temperature": series(ANSCOMBE_X),
        "freezer0/temperature": series(ANSCOMBE_Y),
    }
    return kitchen


async def choose(page: Page, kind: str, *points: str) -> None:
    place = page.locator("[data-place=analysis]")
    await place.locator(f".ranges button[value={kind}]").click()
    for point in points:
        button = place.locator(f"details .choices button[value='{point}']")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")


async def test_two_points_are_drawn_on_one_axis_and_leave_as_a_file(
    browser: Browser, tmp_path: Path
) -> None:
    kitchen = kitchen_with_past()
    kitchen.change("fridge0/temperature", label="=HYPERLINK(1)")
    async with serving(kitchen) as site:
        opened = await open_page(browser, f"{site.url}#analysis", language="en")
        page = opened.page
        await choose(page, "lines", "fridge0/temperature", "freezer0/temperature")
        chart = page.locator("[data-place=analysis] kg-chart")
        await expect(chart.locator("path.other")).to_have_count(1)
        await expect(page.locator(".key")).to_have_text(["=HYPERLINK(1)", "Walk-in freezer"])
        await page.get_by_text("As a table").click()
        await expect(page.locator("[data-place=analysis] tr")).to_have_count(12)
        assert await opened.faults() == []
        async with page.expect_download() as told:
            await page.get_by_role("button", name="As a file").click()
        file = tmp_path / "points.csv"
        await (await told.value).save_as(file)
        rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
        assert rows[0] == ["time", "fridge0/temperature", "freezer0/temperature"]
        assert [row[1:] for row in rows[1:3]] == [["10", "8.04"], ["8", "6.95"]]
        assert (opened.complaints, opened.foreign) == ([], [])


async def test_what_goes_together_is_said_in_words_with_the_published_figure(
    browser: Browser,
) -> None:
    async with serving(kitchen_with_past()) as site:
        page = (await open_page(browser, f"{site.url}#analysis", language="en")).page
        await choose(page, "pair", "fridge0/temperature", "freezer0/temperature")
        said = page.locator("[data-place=analysis] .note")
        await expect(said).to_contain_text("go together closely (11 times compared)")
        await expect(said).to_contain_text("r = 0.82")


async def test_a_view_is_kept_on_this_screen_and_forgotten_again(browser: Browser) -> None:
    async with serving(kitchen_with_past()) as site:
        page = (await open_page(browser, f"{site.url}#analysis", language="en")).page
        await choose(page, "hours", "fridge0/temperature")
        await expect(page.locator(".map tr")).to_have_count(8)
        await page.get_by_role("button", name="Keep this view").click()
        await page.reload()
        view = page.get_by_role("button", name="Hours of the week · Walk-in fridge")
        await view.click()
        await expect(page.locator(".map tr")).to_have_count(8)
        await page.get_by_role("button", name="Forget").click()
        await expect(view).to_have_count(0)


async def test_a_forecast_stands_beside_how_it_has_done_or_says_that_this_is_not_known(
    browser: Browser,
) -> None:
    kitchen = KitchenInMemory([temperature("cold", "Cold room", 3.0, Band(high=8.0))])
    outlook = msgspec.structs.replace(
        temperature("cold", "Outlook", 3.4, Band()),
        id="outlook/in_60min",
        metric="in_60min",
        origin="forecast",
        of="cold/temperature",
        limit=None,
    )
    kitchen.add(outlook)
    # It rises by 1 °C an hour; the forecast is half a degree too low.
    truth = tuple(at / 4 for at in range(140))
    kitchen.past = {
        "cold/temperature": series(truth, QUARTER),
        "outlook/in_60min": series(tuple(it + 0.5 for it in truth), QUARTER),
        "outlook/in_60min_low": series(tuple(it - 2.0 for it in truth), QUARTER),
        "outlook/in_60min_high": series(tuple(it + 2.0 for it in truth), QUARTER),
    }
    for end in ("low", "high"):
        kitchen.add(msgspec.structs.replace(outlook, id=f"outlook/in_60min_{end}", secondary=True))
    async with serving(kitchen) as site:
        page = (await open_page(browser, f"{site.url}#forecasts", language="en")).page
        row = page.locator("[data-place=forecasts] .row")
        await expect(row).to_contain_text("off by 0.50\u00a0°C on average")
        await expect(row).to_contain_text("saying “as now” would be off by 1.00\u00a0°C")
        await expect(row).to_contain_text("100 % within")
        kitchen.past["outlook/in_60min"] = series((1.0, 2.0), QUARTER)
        await page.reload()
        await expect(row).to_contain_text("not enough data yet (0 of 96 times)")
