"""The page in a browser: from the wire to the picture of an alarm, and a year as a curve.

A LAN device speaks over a real broker; the picture is there two frames after the banner has come
into the page, when the browser has drawn it. Both clocks are the machine's.
"""

import asyncio
import time
from contextlib import closing
from pathlib import Path

from playwright.async_api import Page

from bench import history
from bench.daemon import environment, resident_mb
from bench.kitchen import PlayedClock
from bench.report import Section, percentile
from bench.setting import Setting
from gateway.buses.mqtt import Broker as Address
from gateway.buses.mqtt import Link
from gateway.clock import SystemClock
from gateway.store.opening import Store
from gateway.store.rollup import HOUR_MS
from tests import parts
from tests.broker import Broker, Settings
from tests.browser import browser, open_page
from tests.processes import Daemon

PICTURE_BAR_MS, YEAR_BAR_MS = 500.0, 1_000.0
_TOPIC, _POINT, _ALARM = "cold/s0", "s0/temperature", "warm"
_WARM, _COLD = b"12.5", b"3.5"
_OPENED = 5  # times; the median counts
_KITCHEN = """
site: {{label: bench, zone: Asia/Seoul}}
buses: {{lan: {{kind: mqtt, url: "{url}"}}}}
devices:
  s0: {{driver: mqtt, bus: lan, topic: {topic}, metrics: {{temperature: {{unit: Cel}}}}}}
rules:
  warm: {{kind: limit, point: {point}, raise_above: 8 °C, clear_below: 5 °C, for: 0s, on_bad: hold,
         priority: life, then: [{{alarm: life}}]}}
web: {{listen: 127.0.0.1}}
"""
# Resolves to the time (UTC ms) at which the banners have become as many, and are drawn.
_DRAWN = """(wanted) => new Promise((resolve) => {
  const notices = document.getElementById("notices");
  const look = () => {
    if (notices.querySelectorAll("kg-banner").length !== wanted) return;
    watcher.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() =>
      resolve(performance.timeOrigin + performance.now())));
  };
  const watcher = new MutationObserver(look);
  watcher.observe(notices, { childList: true, subtree: true });
  look();
})"""
_YEAR = """() => new Promise((resolve) => {
  const chart = document.querySelector("[data-place=point] kg-chart");
  const show = chart.show.bind(chart);
  const began = performance.now();
  chart.show = (curve) => {
    show(curve);
    if (curve.to - curve.from < 360 * 86400000) return;
    delete chart.show;
    requestAnimationFrame(() => requestAnimationFrame(() =>
      resolve([performance.now() - began, curve.rows.length])));
  };
  document.querySelector("button[data-range=year]").click();
})"""


def run(setting: Setting) -> Section:
    """Needs mosquitto and Chromium."""
    section = Section()
    programs = [parts.find(part) for part in (parts.MOSQUITTO, parts.CHROMIUM)]
    mosquitto, chromium = (None if found is None else found.path for found in programs)
    if mosquitto is None or chromium is None:
        section.add("alarm, wire to picture, p99", None, "ms", bar=PICTURE_BAR_MS,
                    note="no mosquitto or no Chromium here")  # fmt: skip
        return section
    settings = Settings(persistence=False, extra=("set_tcp_nodelay true",))
    with Broker(mosquitto, setting.folder / "broker", settings) as broker:
        text = _KITCHEN.format(url=broker.url, topic=_TOPIC, point=_POINT)
        daemon = Daemon(setting.folder / "page", text, environment=environment())
        _remember(section, daemon.data, setting.of(history.DAYS, history.DAYS_QUICK))
        token = daemon.create_token("staff")
        with daemon:
            daemon.wait_well()
            asyncio.run(_look(section, setting, daemon, broker.url, chromium, token))
            section.add("resident", resident_mb(daemon.pid), "MB")
    return section


def _remember(section: Section, data: Path, days: int) -> None:
    """A past of so many days, the device's among it."""
    clock = PlayedClock()
    data.mkdir(mode=0o700)
    with closing(Store(data, clock)) as store:
        sealed = (SystemClock().wall() // HOUR_MS) - 2
        readings = history._write_days(store, sealed, days)  # noqa: SLF001 - of this package
    section.lines.append(f"{readings:,} readings of {history.POINTS} points in {days} days")


async def _look(
    section: Section, setting: Setting, daemon: Daemon, url: str, chromium: Path, token: str
) -> None:
    link = Link(Address.from_url(url), "bench", SystemClock())
    await link.connect()
    site = f"http://127.0.0.1:{daemon.port}"
    async with browser(chromium) as started:
        page = (await open_page(started, f"{site}/login", language="en")).page
        await page.context.request.post(
            f"{site}/login", form={"secret": token}, headers={"Origin": site}
        )
        await page.goto(site)
        link.publish(_TOPIC, _COLD)
        await page.locator("kg-tile[data-state=ok]").first.wait_for()
        spent = [await _raise(page, link, site) for _ in range(setting.of(200, 100))]
        for share in (0.5, 0.99):
            bar = PICTURE_BAR_MS if share > 0.5 else None
            section.add(f"alarm, wire to picture, p{share * 100:.0f}", percentile(spent, share),
                        "ms", bar=bar, note=f"{len(spent)} alarms")  # fmt: skip
        await _year(section, page, site)
    await link.close()


async def _raise(page: Page, link: Link, site: str) -> float:
    """One alarm, from the message to the picture; then seen, and over."""
    drawn = asyncio.create_task(page.evaluate(_DRAWN, 1))
    began = time.time() * 1000
    link.publish(_TOPIC, _WARM)
    took = float(await drawn) - began
    gone = asyncio.create_task(page.evaluate(_DRAWN, 0))
    path = f"{site}/api/v1/alarms/{_ALARM}/acknowledge"
    await page.context.request.post(path, headers={"Origin": site, "X-Kitchen-Page": "1"})
    link.publish(_TOPIC, _COLD)
    await gone
    await asyncio.sleep(0.2)  # acknowledging is paced
    return took


async def _year(section: Section, page: Page, site: str) -> None:
    await page.goto(f"{site}#point/{_POINT}")
    await page.locator("[data-place=point] kg-chart:visible").wait_for()
    spent, rows = [], 0
    for _ in range(_OPENED):
        await page.locator("button[data-range=day]").click()
        await page.wait_for_load_state("networkidle")
        took, rows = await page.evaluate(_YEAR)
        spent.append(took)
    section.add("a year, from the touch to the curve", sorted(spent)[_OPENED // 2], "ms",
                bar=YEAR_BAR_MS, note=f"{rows:.0f} rows")  # fmt: skip
