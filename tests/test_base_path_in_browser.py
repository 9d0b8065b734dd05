"""Below a path of somebody else's name: `https://name/kitchen/` through nginx, in a browser."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, Page, Request, expect

from gateway.access import Access, Role
from gateway.clock import SystemClock
from gateway.web.route import Settings
from gateway.web.server import Server
from tests import browser as browsing
from tests.browser import PHONE, WALL, Opened, open_page
from tests.certificates import Certificate, authority
from tests.kitchen_fake import KitchenInMemory, PeopleInMemory, TokensInMemory
from tests.served import kitchen_of
from tests.test_proxy import in_front

BELOW = "/kitchen/"
_READY = "navigator.serviceWorker.ready.then((it) => it.active !== null)"


class Behind:
    """A kitchen behind nginx: its server, and where a browser finds it."""

    def __init__(self, kitchen: KitchenInMemory) -> None:
        self.kitchen = kitchen
        clock = SystemClock()
        self.access = Access(TokensInMemory(), clock, people=PeopleInMemory())
        settings = Settings(host="127.0.0.1", port=0, proxies=("127.0.0.1",))
        self.server = Server(kitchen, self.access, clock, settings)
        self.url = ""


@asynccontextmanager
async def behind(
    nginx: Path, chromium: Path, folder: Path, language: str
) -> AsyncIterator[tuple[Behind, Browser]]:
    """The kitchen, and a browser that trusts the proxy's key."""
    made = authority(folder).issue("leaf", "DNS:localhost")
    site = Behind(kitchen_of(language, now=SystemClock().wall(), alarms=0))
    await site.server.start()
    try:
        with in_front(nginx, folder, site.server.port, made, BELOW) as port:
            site.url = f"https://localhost:{port}{BELOW}"
            trust = f"--ignore-certificate-errors-spki-list={key_of(made)}"
            async with browsing.browser(chromium, trust) as started:
                yield site, started
    finally:
        await site.server.stop()


def key_of(made: Certificate) -> str:
    """The SHA-256 of its public key, as browsers pin it."""
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def asked_of(page: Page) -> list[str]:
    """Fills with the paths the page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(urlsplit(request.url).path)

    page.on("request", note)
    return asked


async def logged_in(site: Behind, started: Browser, size: tuple[int, int], lang: str) -> Opened:
    """Typed in at the login page, to which the first visit leads."""
    opened = await open_page(started, site.url.rstrip("/"), size=size, language=lang, workers=True)
    await expect(opened.page).to_have_url(f"{site.url}login")
    code = await site.access.create_code("kim", Role.STAFF)
    if await opened.page.locator("#secret").is_hidden():
        await opened.page.locator("#ways button").nth(0).click()
    await opened.page.locator("#secret").fill(code)
    await opened.page.locator("[data-way=code] button").click()
    await expect(opened.page.locator("kg-tile[data-state]").first).to_be_visible()
    return opened


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("size", "language"), [(WALL, "en"), (PHONE, "ko")])
async def test_below_a_path_one_logs_in_sees_the_wall_live_and_opens_places(
    nginx: Path, chromium_path: Path, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    async with behind(nginx, chromium_path, tmp_path, language) as (site, started):
        opened = await logged_in(site, started, size, language)
        page, asked = opened.page, asked_of(opened.page)
        await expect(page).to_have_url(re.compile(f"{site.url}#?"))
        site.kitchen.change("fridge0/temperature", value=4.4)
        site.server.live.point_changed("fridge0/temperature")
        await expect(page.locator("kg-tile").first).to_contain_text("4.4")
        for place in ("system", "devices"):
            await page.goto(f"{site.url}#{place}")
            await expect(page.locator(f"[data-place={place}][data-shown]")).to_be_visible()
            await expect(page.locator(f"[data-place={place}] .row").first).to_be_visible()
        (cookie,) = await page.context.cookies()
        assert (cookie.get("name"), cookie.get("path")) == ("__Host-kg_session", "/")
        assert asked
        assert [path for path in asked if not path.startswith(BELOW)] == []
        assert (opened.complaints, opened.foreign) == ([], [])


@pytest.mark.timeout(300)
async def test_below_a_path_the_shell_opens_while_the_proxy_has_no_gateway(
    nginx: Path, chromium_path: Path, tmp_path: Path
) -> None:
    async with behind(nginx, chromium_path, tmp_path, "en") as (site, started):
        page = (await logged_in(site, started, WALL, "en")).page
        assert await page.evaluate(_READY)
        scope = "navigator.serviceWorker.ready.then((it) => it.scope)"
        assert await page.evaluate(scope) == site.url
        await page.reload()
        await expect(page.locator("kg-tile[data-state]").first).to_be_visible()
        await site.server.stop()
        await page.reload()
        await expect(page.locator("#verdict")).to_have_text("Offline")


@pytest.mark.timeout(300)
async def test_below_a_path_one_is_led_out_again(
    nginx: Path, chromium_path: Path, tmp_path: Path
) -> None:
    async with behind(nginx, chromium_path, tmp_path, "en") as (site, started):
        page = (await logged_in(site, started, WALL, "en")).page
        await page.goto(f"{site.url}api/v1/reference")
        await expect(page.get_by_role("heading", name="The HTTP API")).to_be_visible()
        await page.goto(f"{site.url}#account")
        await page.locator("[name='account.leave']").click()
        await expect(page).to_have_url(f"{site.url}login")
        await page.goto(f"{site.url}api/v1/reference")
        await expect(page).to_have_url(f"{site.url}login")
