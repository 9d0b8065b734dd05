"""Where the next phone opens the page, in words and as the code that says the same."""

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import segno
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.access import Access, Role
from gateway.tls.certificate import AUTHORITY, fingerprint
from gateway.web import address, build_app
from gateway.web.route import Settings
from tests.certificates import authority
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory, small_kitchen

PATH = "/api/v1/address"
LAN = "192.168.0.5"
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[tuple[Client, dict[str, str]]]:
    """A client, and the headers of a viewer at the gateway's address on the LAN."""
    clock = ManualClock()
    access = Access(TokensInMemory(), clock)
    client = TestClient(
        TestServer(build_app(small_kitchen(), access, clock, settings)),
        cookie_jar=DummyCookieJar(),
    )
    async with client:
        token = await access.create_token("phone", Role.VIEWER)
        yield client, {"Authorization": f"Bearer {token}", "Host": f"{LAN}:8443"}


def drawn(text: str) -> bytes:
    """What segno draws of it."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=4, border=4)
    return picture.getvalue()


def dark_modules(picture: bytes) -> set[tuple[int, int]]:
    """Column and row of each dark square, read off the path of the drawing."""
    found, x, y = set(), 0.0, 0.0
    path = re.search(r'd="([^"]+)"', picture.decode())
    assert path is not None
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path[1]):
        steps = [float(each) for each in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            found |= {(int(x) + at, int(y)) for at in range(int(steps[0]))}
            x += steps[0]
        else:
            x, y = (steps[0], steps[1]) if command == "M" else (x + steps[0], y + steps[1])
    return found


async def test_the_code_says_the_address_that_was_asked_for() -> None:
    async with asking(Settings()) as (client, headers):
        told = await (await client.get(PATH, headers=headers)).json()
        url = f"http://{LAN}:8443/"
        assert told == {"url": url, "code": url, "fingerprint": None}
        picture = await client.get(f"{PATH}/code.svg", headers=headers)
        assert picture.content_type == "image/svg+xml"
        matrix = segno.make(url, error="m").matrix
        expected = {
            (column + 4, row + 4)
            for row, line in enumerate(matrix)
            for column, dark in enumerate(line)
            if dark
        }
        assert dark_modules(await picture.read()) == expected


async def test_a_phone_is_led_to_where_it_can_trust_the_gateway_with_the_fingerprint(
    tmp_path: Path,
) -> None:
    made = authority(tmp_path, "made")
    (tmp_path / AUTHORITY).write_bytes(made.certificate.read_bytes())
    known = fingerprint(made.certificate.read_bytes())
    bare = known.replace(":", "")
    settings = Settings(tls="own", plain_port=8080, authority=tmp_path, proxies=("127.0.0.1",))
    secure = {"X-Forwarded-Proto": "https"}  # the test's own proxy, in place of a certificate
    async with asking(settings) as (client, headers):
        told = await (await client.get(PATH, headers=headers | secure)).json()
        code = f"http://{LAN}:8080/install#sha256={bare}"
        assert told == {"url": f"https://{LAN}:8443/", "code": code, "fingerprint": known}
        picture = await client.get(f"{PATH}/code.svg", headers=headers | secure)
        assert await picture.read() == drawn(code)
    settings = msgspec.structs.replace(settings, plain_port=None)
    async with asking(settings) as (client, headers):
        told = await (await client.get(PATH, headers=headers | secure)).json()
        assert told["code"] == f"https://{LAN}:8443/#sha256={bare}"


async def test_at_the_gateways_own_screen_it_is_the_address_others_have() -> None:
    others = address.own_addresses()
    async with asking(Settings()) as (client, headers):
        for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
            told = await (await client.get(PATH, headers=headers | {"Host": host})).json()
            assert told["url"] == (f"http://{others[0]}:8080/" if others else None)


async def test_where_only_this_machine_reaches_the_page_there_is_no_code() -> None:
    async with asking(Settings(host="127.0.0.1")) as (client, headers):
        here = headers | {"Host": "localhost:8080"}
        told = await (await client.get(PATH, headers=here)).json()
        assert told == {"url": None, "code": None, "fingerprint": None}
        picture = await client.get(f"{PATH}/code.svg", headers=here)
        assert picture.status == 404
        assert "connect it to the network" in (await picture.json())["detail"]


@pytest.mark.parametrize(
    ("base", "status"),
    [("/kitchen/", 200), ("/a/b-c/", 200), ("//evil.example/", 400), ("/a?b/", 400), ("a/", 400)],
)
async def test_a_path_a_proxy_has_put_it_under_is_part_of_the_address(
    base: str, status: int
) -> None:
    async with asking(Settings()) as (client, headers):
        answer = await client.get(PATH, params={"base": base}, headers=headers)
        assert answer.status == status
        if status == 200:
            assert (await answer.json())["url"] == f"http://{LAN}:8443{base}"


async def test_nobody_learns_it_without_being_logged_in() -> None:
    async with asking(Settings()) as (client, headers):
        for path in (PATH, f"{PATH}/code.svg"):
            assert (await client.get(path, headers={"Host": headers["Host"]})).status == 401
