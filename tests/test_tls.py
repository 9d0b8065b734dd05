"""The page over HTTPS: whom a browser believes, how it comes to, and what plain HTTP still does."""

import asyncio
import hashlib
import http.client
import re
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.schema import Web
from gateway.tls import authority
from gateway.tls.certificate import DAY_MS, LOOK_S, Certificate, NoCertificate, Wanted, fingerprint
from gateway.tls.code import address, as_picture, as_text
from tests.certificates import Authority, self_signed
from tests.certificates import authority as openssl_authority
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon
from tests.store_files import until

OWN = ("localhost", "mapo1", "mapo1.local", "127.0.0.1", "::1")


def own(*names: str) -> Wanted:
    return Wanted(mode="own", host="mapo1", names=names or OWN)


def trusting(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(file))


@asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that says hello to each line it is sent; its port."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(b"hello\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def greet(port: int, trust: Path, host: str = "127.0.0.1") -> bytes:
    """The certificate of who answers, for a client that believes it; raises ssl.SSLError."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trusting(trust), server_hostname=host
    )
    writer.write(b"\n")
    assert await reader.readline() == b"hello\n"
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert isinstance(certificate, bytes)
    return certificate


async def test_a_browser_that_trusts_our_authority_believes_each_of_our_names(
    tmp_path: Path,
) -> None:
    certificate = Certificate(tmp_path, ManualClock(wall_ms=now_ms()), own)
    await certificate.prepare()
    async with served(certificate.context) as port:
        for name in OWN:
            assert await greet(port, tmp_path / "tls" / "ca.pem", name)
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'other"):
            await greet(port, tmp_path / "tls" / "ca.pem", "other.local")
    for name in ("ca.key", "page.pem"):
        assert (tmp_path / "tls" / name).stat().st_mode & 0o077 == 0


def now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)


async def test_none_of_four_wrong_certificates_is_believed(tmp_path: Path) -> None:
    right = openssl_authority(tmp_path)
    wrong = openssl_authority(tmp_path, "stranger")
    good = right.issue("good", "IP:127.0.0.1")
    bad = {
        "has expired": right.issue("expired", "IP:127.0.0.1", days=-1),
        "IP address mismatch": right.issue("elsewhere", "IP:192.0.2.7"),
        "self-signed": self_signed(tmp_path, "IP:127.0.0.1"),
        "unable to get local issuer": wrong.issue("stranger_leaf", "IP:127.0.0.1"),
    }
    for why, made in {"": good, **bad}.items():
        wanted = Wanted(mode="files", certificate_file=made.certificate, key_file=made.key)
        certificate = Certificate(tmp_path, ManualClock(), giving(wanted))
        await certificate.prepare()
        async with served(certificate.context) as port:
            if why:
                with pytest.raises(ssl.SSLCertVerificationError, match=why):
                    await greet(port, right.certificate)
            else:
                await greet(port, right.certificate)


def giving(wanted: Wanted) -> Callable[[], Wanted]:
    return lambda: wanted


async def test_whoever_steals_the_authority_cannot_pose_as_the_rest_of_the_world(
    tmp_path: Path,
) -> None:
    authority.ensure(tmp_path, "mapo1", OWN)
    stolen = Authority(certificate=tmp_path / "ca.pem", key=tmp_path / "ca.key", folder=tmp_path)
    for name, host, believed in (
        ("DNS:bank.example", "bank.example", False),
        ("IP:8.8.8.8", "8.8.8.8", False),
        ("DNS:mapo1.local", "mapo1.local", True),
    ):
        made = stolen.issue("made", name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        async with served(context) as port:
            if believed:
                await greet(port, stolen.certificate, host)
            else:
                with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
                    await greet(port, stolen.certificate, host)


def test_a_name_the_authority_may_not_speak_for_is_left_out_and_named(tmp_path: Path) -> None:
    authority.ensure(tmp_path, "mapo1", ["kitchen.example"])
    _, left_out = authority.issue(
        tmp_path, ["mapo1", "kitchen.example", "other.example", "8.8.8.8"], datetime.now(UTC)
    )
    assert left_out == ["other.example", "8.8.8.8"]


def test_a_lan_with_public_addresses_gets_those_the_machine_has(tmp_path: Path) -> None:
    authority.ensure(tmp_path, "mapo1", ["203.0.113.7"])
    _, left_out = authority.issue(tmp_path, ["203.0.113.7", "203.0.113.8"], datetime.now(UTC))
    assert left_out == ["203.0.113.8"]


async def test_the_certificate_is_renewed_while_a_page_stays_open(tmp_path: Path) -> None:
    clock = ManualClock(wall_ms=now_ms())
    certificate = Certificate(tmp_path, clock, own)
    await certificate.prepare()
    watching = asyncio.create_task(certificate.watch())
    trust = tmp_path / "tls" / "ca.pem"
    async with served(certificate.context) as port:
        first = await greet(port, trust)
        assert await greet(port, trust) == first
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(trust))
        clock.wall_ms += 58 * DAY_MS
        await look(clock)
        assert await greet(port, trust) == first
        clock.wall_ms += 3 * DAY_MS
        before = (tmp_path / "tls" / "page.pem").read_bytes()
        await look(clock)
        await until(lambda: (tmp_path / "tls" / "page.pem").read_bytes() != before)
        await until(lambda: clock.sleeping)
        clock.wall_ms -= 61 * DAY_MS  # what is in the future is not believed by this client
        await look(clock)
        await until(lambda: clock.sleeping)
        assert await greet(port, trust) != first
        writer.write(b"\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
    watching.cancel()


async def look(clock: ManualClock) -> None:
    await until(lambda: clock.sleeping)
    await clock.advance(int(LOOK_S * 1000))


async def test_a_clock_that_was_wrong_at_the_first_start_is_made_good(tmp_path: Path) -> None:
    clock = ManualClock(wall_ms=0)
    certificate = Certificate(tmp_path, clock, own)
    await certificate.prepare()
    clock.wall_ms = now_ms()
    await certificate.prepare()
    async with served(certificate.context) as port:
        await greet(port, tmp_path / "tls" / "ca.pem")


async def test_the_sites_own_certificate_is_taken_over_when_its_file_changes(
    tmp_path: Path,
) -> None:
    made = openssl_authority(tmp_path)
    leaf = made.issue("leaf", "IP:127.0.0.1")
    wanted = Wanted(mode="files", certificate_file=leaf.certificate, key_file=leaf.key)
    clock = ManualClock()
    certificate = Certificate(tmp_path, clock, giving(wanted))
    await certificate.prepare()
    watching = asyncio.create_task(certificate.watch())
    async with served(certificate.context) as port:
        first = await greet(port, made.certificate)
        leaf.key.write_text("no key")
        await look(clock)
        await until(lambda: certificate.failing is not None)
        assert await greet(port, made.certificate) == first
        made.issue("leaf", "IP:127.0.0.1")
        await look(clock)
        await until(lambda: certificate.failing is None)
        assert await greet(port, made.certificate) != first
    watching.cancel()


async def test_a_damaged_authority_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path, ManualClock(wall_ms=now_ms()), own)
    await certificate.prepare()
    (tmp_path / "tls" / "ca.key").write_text("nonsense")
    again = Certificate(tmp_path, ManualClock(wall_ms=now_ms()), own)
    with pytest.raises(NoCertificate, match="take it from a backup, or delete the folder"):
        await again.prepare()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"tls": "files"}, "certificate_file"),
        ({"tls": "off", "plain_port": 8081}, "plain_port"),
        ({"tls": "own", "port": 8443, "plain_port": 8443}, "plain_port"),
    ],
)
def test_what_does_not_go_together_is_a_config_error(keys: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Web(**keys)  # type: ignore[arg-type]


def test_the_code_for_phones_holds_address_and_fingerprint() -> None:
    text = address("mapo1.local", 8080, "AB:CD")
    assert text == "http://mapo1.local:8080/install#sha256=ABCD"
    assert as_picture(text).startswith(b"<?xml")
    assert as_text(text).count("\n") > 10


class Answer:
    """What came over plain HTTP."""

    def __init__(self, port: int, method: str, path: str, host: str | None = None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request(method, path, headers={} if host is None else {"Host": host})
        answer = connection.getresponse()
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        connection.close()


def test_a_gateway_with_an_authority_of_its_own_serves_https_and_hands_it_out(
    tmp_path: Path,
) -> None:
    text = (REPOSITORY / "config.yaml").read_text()
    web = "web: {listen: 127.0.0.1, port: 0, tls: own, plain_port: 0}"
    text = re.sub(r"^web: .*$", web, text, flags=re.MULTILINE)
    daemon = Daemon(tmp_path, text)
    daemon.start(ready=False)
    try:
        secure = number(daemon.wait_line(r"page on https://\S+:\d+$"))
        plain = number(daemon.wait_line(r"on http port \d+$"))
        pem = (daemon.data / "tls" / "ca.pem").read_bytes()
        context = trusting(daemon.data / "tls" / "ca.pem")
        page = http.client.HTTPSConnection("localhost", secure, context=context, timeout=PATIENCE_S)
        page.request("GET", "/health")
        assert page.getresponse().status in (200, 503)
        page.close()
        hardly = http.client.HTTPSConnection("localhost", secure, timeout=PATIENCE_S)
        with pytest.raises(ssl.SSLCertVerificationError):
            hardly.request("GET", "/health")
        with socket.create_connection(("127.0.0.1", secure)) as bare:
            bare.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert not bare.recv(1000).startswith(b"HTTP")
        found = Answer(plain, "GET", "/points?x=1")
        assert found.status == 307
        assert found.headers["Location"] == f"https://127.0.0.1:{secure}/points?x=1"
        der = Answer(plain, "GET", "/ca.crt").body
        shown = fingerprint(pem)
        assert hashlib.sha256(der).hexdigest().upper() == shown.replace(":", "")
        assert Answer(plain, "GET", "/ca.pem").body == pem
        install = Answer(plain, "GET", "/install").body.decode()
        assert shown in install
        assert 'lang="ko"' in install
        assert "Compare the fingerprint" in install
        assert b"<svg" in Answer(plain, "GET", "/code.svg").body
        assert Answer(plain, "POST", "/login").status == 403
        assert Answer(plain, "GET", "/", host="evil.example").status == 421
        assert Answer(plain, "GET", "/ca.key").status == 307
    finally:
        daemon.stop()
    told = subprocess.run(
        ["openssl", "x509", "-in", daemon.data / "tls" / "page.pem", "-noout", "-checkend", "0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0


def number(line: str) -> int:
    found = re.search(r"(\d+)$", line)
    assert found is not None
    return int(found[1])
