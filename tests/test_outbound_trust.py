"""Whom the outbound client trusts: the authorities of the system, read when it is first needed."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from gateway.notify import outbound
from gateway.notify.addresses import networks
from gateway.notify.channel import Unreachable
from gateway.notify.outbound import Outbound
from tests.certificates import Authority, authority
from tests.fakes import ManualClock
from tests.processes import REPOSITORY

HERE = networks(["127.0.0.1"])
LOADED = """
import ssl, sys, threading
from gateway.loading import load_aiohttp
usual, elsewhere = ssl.create_default_context, []
class Meanwhile:  # while aiohttp is loaded, another thread dials the cloud
    def find_spec(self, name, path=None, target=None):
        if name == "aiohttp.connector":
            dial = threading.Thread(target=lambda: elsewhere.append(ssl.create_default_context()))
            dial.start()
            dial.join()
sys.meta_path.insert(0, Meanwhile())
load_aiohttp()
from aiohttp import connector
trusted = [len(it.get_ca_certs()) for it in (connector._SSL_CONTEXT_VERIFIED, *elsewhere)]
strict = connector._SSL_CONTEXT_VERIFIED.verify_mode == ssl.CERT_REQUIRED
print(*trusted, strict, ssl.create_default_context is usual)
"""


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trust"))


@asynccontextmanager
async def hook(signer: Authority) -> AsyncIterator[str]:
    """A server on loopback that takes all, with a certificate of that authority."""
    issued = signer.issue("hook", "IP:127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_an_authority_of_the_system_is_trusted(
    signer: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(signer.certificate))
    client = Outbound(ManualClock(), Random(1))
    async with hook(signer) as url:
        posts = [client.post(url, b"{}", {}, inside=HERE) for _ in range(3)]
        await asyncio.gather(*posts)
    await client.close()


async def test_an_authority_nobody_here_knows_is_not_trusted(
    signer: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "RETRY_S", ())
    client = Outbound(ManualClock(), Random(1))
    async with hook(signer) as url:
        with pytest.raises(Unreachable, match="a certificate nobody here trusts"):
            await client.post(url, b"{}", {}, inside=HERE, urgent=True)
    await client.close()


def test_loading_aiohttp_reads_no_authorities_and_others_meanwhile_get_theirs(
    signer: Authority,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={"SSL_CERT_FILE": str(signer.certificate), "PYTHONPATH": str(REPOSITORY)},
    )
    assert (done.stderr, done.stdout.split()) == ("", ["0", "1", "True", "True"])
