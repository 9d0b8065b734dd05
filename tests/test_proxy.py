"""Behind a proxy: one that is trusted is believed about who asks, and nobody else is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from gateway.access import Access, Role
from gateway.web import build_app
from gateway.web.route import Settings
from tests.certificates import Certificate, authority
from tests.fakes import ManualClock
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, small_kitchen
from tests.ports import reserved_port
from tests.processes import wait_for
from tests.test_tls import trusting

CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location {below} {{
            proxy_pass http://127.0.0.1:{behind}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


class Site:
    """The app behind whatever is put before it."""

    def __init__(self, *proxies: str) -> None:
        self.kitchen: KitchenInMemory = small_kitchen()
        clock = ManualClock()
        self.access = Access(TokensInMemory(), clock)
        settings = Settings(names=("kitchen.example",), proxies=proxies)
        self.server = TestServer(build_app(self.kitchen, self.access, clock, settings))


@contextmanager
def in_front(
    nginx: Path, folder: Path, behind: int, made: Certificate, below: str = "/"
) -> Iterator[int]:
    """nginx with HTTPS before that port, which it has `below` a path; its own port."""
    port = reserved_port()
    file = folder / "nginx.conf"
    file.write_text(
        CONFIG.format(
            folder=folder,
            port=port,
            behind=behind,
            below=below,
            certificate=made.certificate,
            key=made.key,
        )
    )
    process = subprocess.Popen([nginx, "-c", file, "-p", folder, "-e", folder / "error.log"])
    try:
        wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
        yield port
    finally:
        process.terminate()
        process.wait()


async def test_through_nginx_a_login_is_bound_to_https_and_tells_the_browsers_address(
    nginx: Path, tmp_path: Path
) -> None:
    made = authority(tmp_path)
    leaf = made.issue("leaf", "DNS:localhost")
    site = Site("127.0.0.1")
    async with site.server, ClientSession(cookie_jar=DummyCookieJar()) as browser:
        with in_front(nginx, tmp_path, site.server.port or 0, leaf) as port:
            origin = f"https://localhost:{port}"
            code = await site.access.create_code("kim", Role.MANAGER)
            answer = await browser.post(
                f"{origin}/login",
                data={"secret": code},
                headers={"Origin": origin},
                ssl=trusting(made.certificate),
                allow_redirects=False,
            )
            assert answer.status == 303
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith("__Host-kg_session=")
            assert "Secure" in cookie
            live = await browser.get(
                f"{origin}/api/v1/live",
                headers={"Cookie": cookie.partition(";")[0]},
                ssl=trusting(made.certificate),
            )
            assert await live.content.readuntil(b"event: snapshot")
            live.close()
            plain = await browser.post(
                f"{origin}/login",
                data={"secret": "wrong"},
                headers={"Origin": origin.replace("https", "http")},
                ssl=trusting(made.certificate),
                allow_redirects=False,
            )
            assert plain.status == 403  # the page of another origin


@pytest.mark.parametrize(
    ("proxies", "said", "peer"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (("192.0.2.0/24",), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.1",), "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.1", "203.0.113.0/24"), "10.0.0.1, 203.0.113.9", "10.0.0.1"),
        (("127.0.0.1",), "nonsense", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.9, nonsense", "127.0.0.1"),
        (("127.0.0.1",), "", "127.0.0.1"),
        (("127.0.0.1",), "2001:db8::7", "2001:db8::7"),
    ],
)
async def test_who_asks_is_taken_from_trusted_proxies_alone(
    proxies: tuple[str, ...], said: str, peer: str
) -> None:
    site = Site(*proxies)
    async with site.server, ClientSession(cookie_jar=DummyCookieJar()) as browser:
        url = site.server.make_url("/login")
        headers = {"X-Forwarded-For": said, "Origin": f"http://{url.host}:{url.port}"}
        await browser.post(url, data={"secret": "x"}, headers=headers, allow_redirects=False)
    assert [entry.peer for entry in site.kitchen.entries] == [peer]


async def test_https_is_believed_of_trusted_proxies_alone() -> None:
    for proxies, named in (((), "kg_session="), (("127.0.0.1",), "__Host-kg_session=")):
        site = Site(*proxies)
        async with site.server, ClientSession(cookie_jar=DummyCookieJar()) as browser:
            code = await site.access.create_code("kim", Role.STAFF)
            url = site.server.make_url("/login")
            scheme = "https" if proxies else "http"
            headers = {
                "X-Forwarded-Proto": "https",
                "Origin": f"{scheme}://{url.host}:{url.port}",
            }
            answer = await browser.post(
                url, data={"secret": code}, headers=headers, allow_redirects=False
            )
            assert answer.headers["Set-Cookie"].startswith(named)
