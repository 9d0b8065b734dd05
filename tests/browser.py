"""A real browser on a page of ours: headless Chromium driven by playwright.

Everything the page asks for outside its own host, and every complaint on its console, is kept, so
that a test can say there was none. Wait with locators and `expect`, which are patient here:
`wait_for_function` evaluates text in the page, which our content security policy forbids.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Request, async_playwright, expect

from tests.patience import PATIENCE_MS

WALL = (1024, 600)
LARGE_WALL = (1280, 800)
PHONE = (390, 844)

_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

# Elements that stand out of the window, are cut off, or are too small to tap or to read.
_FAULTS = """() => {
  const faults = [];
  const seen = (node) => node.checkVisibility() && node.getBoundingClientRect().width > 0;
  const name = (node) => node.tagName.toLowerCase() + '.' + node.className + ': ' +
    node.textContent.trim().slice(0, 40);
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) faults.push('the page scrolls sideways');
  for (const node of document.querySelectorAll('kg-banner, .cell, .row, header, h1, nav > *')) {
    if (seen(node) && node.scrollWidth > node.clientWidth + 1)
      faults.push('too wide: ' + name(node));
  }
  const parts = 'kg-tile .value, kg-tile .name, kg-tile .short, kg-tile .word, ' +
    'kg-banner h2, kg-banner .main, kg-banner li, kg-banner button, .cell b, .cell strong, ' +
    'header > *, .meta > *';
  for (const node of document.querySelectorAll(parts)) {
    if (!seen(node)) continue;
    const box = node.getBoundingClientRect();
    const home = node.closest('kg-tile, kg-banner, .cell, .meta, header').getBoundingClientRect();
    if (box.right > home.right + 1 || box.bottom > home.bottom + 2 || box.top < home.top - 2)
      faults.push('cut off: ' + name(node));
    if (!node.matches('.name') && node.scrollWidth > node.clientWidth + 1)
      faults.push('cut short: ' + name(node));
  }
  for (const node of document.querySelectorAll('kg-tile'))
    if (seen(node) && !seen(node.querySelector('.value'))) faults.push('no value: ' + name(node));
  for (const node of document.querySelectorAll('button, nav a')) {
    const box = node.getBoundingClientRect();
    if (seen(node) && (box.width < 48 || box.height < 60)) faults.push('small: ' + name(node));
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !seen(node)) continue;
    const size = parseFloat(getComputedStyle(node).fontSize);
    if (size > 0 && size < 14) faults.push('small text: ' + name(node));
  }
  const main = document.querySelector('main');
  if (main && innerWidth >= 900 && main.scrollHeight > main.clientHeight + 1)
    faults.push('the wall scrolls');
  return faults;
}"""


@dataclass
class Opened:
    """A page with what it said and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: int = 0

    async def faults(self) -> list[str]:
        """What a person would see to be wrong with the layout just now."""
        found: list[str] = await self.page.evaluate(_FAULTS)
        return found


@asynccontextmanager
async def browser(chromium: Path, *more: str) -> AsyncIterator[Browser]:
    """Chromium without a window, with `more` arguments; ends with the block."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=str(chromium), args=[*_ARGUMENTS, *more], timeout=PATIENCE_MS
        )
        try:
            yield started
        finally:
            await started.close()


async def open_page(
    started: Browser,
    url: str,
    *,
    size: tuple[int, int] = WALL,
    language: str = "ko",
    theme: str = "light",
    workers: bool = False,
) -> Opened:
    """`url` in a window of that size, with a browser of that language and theme.

    `workers` lets the page have its service worker, which answers before a test's routes do.
    """
    context = await started.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale={"ko": "ko-KR", "en": "en-GB"}[language],
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        service_workers="allow" if workers else "block",
    )
    context.set_default_timeout(PATIENCE_MS)
    opened = Opened(await context.new_page())
    own = urlsplit(url).netloc

    def note(request: Request) -> None:
        opened.requests += 1
        if urlsplit(request.url).netloc != own:
            opened.foreign.append(request.url)

    opened.page.on("request", note)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on(
        "console",
        lambda said: opened.complaints.append(said.text) if said.type == "error" else None,
    )
    await opened.page.goto(url, wait_until="domcontentloaded")
    if "login?code=" in url:  # the page sends it by itself, and leads on or says why not
        done = opened.page.locator("#notices, #error:visible").first
        await done.wait_for(state="attached")
    return opened
