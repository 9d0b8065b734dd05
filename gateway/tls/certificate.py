"""The certificate the page is served with: had, watched and renewed while it is served."""

import asyncio
import hashlib
import logging
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from gateway.clock import Clock
from gateway.tls.asking import Answer, Asked

logger = logging.getLogger(__name__)

FOLDER = "tls"
AUTHORITY, PAGE = "ca.pem", "page.pem"
LOOK_S = 60.0
DAY_MS = 86_400_000
RENEW_MS = 30 * DAY_MS  # before its end
LIFE_MS = 90 * DAY_MS
_DEADLINE_S = 120.0  # the first one takes a small board a while


class NoCertificate(Exception):
    """The page cannot be served over HTTPS; says who must do what."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whose certificate: our own, for these names, or that of files."""

    mode: Literal["own", "files"]
    host: str = ""
    names: tuple[str, ...] = ()
    certificate_file: Path | None = None
    key_file: Path | None = None


class Certificate:
    """Keeps one context of the server supplied; connections that are open are not touched."""

    def __init__(self, data: Path, clock: Clock, wanted: Callable[[], Wanted]) -> None:
        self.folder = data / FOLDER
        self._clock = clock
        self._wanted = wanted
        self._stamp: tuple[float, ...] = ()
        self._issued: Answer | None = None  # None: not known when what is there ends
        self._names: tuple[str, ...] = ()
        self.context = server_context()
        self.failing: str | None = None

    async def prepare(self) -> None:
        """Have a certificate to serve with; raises NoCertificate."""
        wanted = self._wanted()
        if wanted.mode == "own" and self._is_due(wanted):
            await self._issue(wanted)
        self._load(wanted)

    async def watch(self) -> None:
        """Renew, and take over files that were exchanged, for ever; what fails is said once."""
        while True:
            await self._clock.sleep(LOOK_S * self._clock.speed)
            try:
                await self.prepare()
            except NoCertificate as error:
                if self.failing is None:
                    logger.error("page: the certificate cannot be renewed: %s", error)
                self.failing = str(error)
            else:
                self.failing = None

    def _is_due(self, wanted: Wanted) -> bool:
        """Also when the clock was wrong: then it begins in the future, or ended long ago."""
        if self._issued is None or self._names != wanted.names:
            return True
        left_ms = self._issued.expires - self._clock.wall()
        return not RENEW_MS < left_ms <= LIFE_MS

    async def _issue(self, wanted: Wanted) -> None:
        asked = Asked(
            folder=str(self.folder.absolute()),
            host=wanted.host,
            names=list(wanted.names),
            now=max(0, self._clock.wall()),
        )
        try:
            async with asyncio.timeout(_DEADLINE_S):
                answer = await _ask(asked)
        except (TimeoutError, OSError, msgspec.DecodeError) as error:
            raise NoCertificate(f"no certificate could be made: {error}") from error
        if answer.failed is not None:
            raise NoCertificate(answer.failed)
        if answer.left_out:
            names = ", ".join(answer.left_out)
            logger.warning("page: our own authority may not speak for %s: see docs/tls.md", names)
        self._issued, self._names = answer, wanted.names

    def _load(self, wanted: Wanted) -> None:
        certificate = wanted.certificate_file or self.folder / PAGE
        key = wanted.key_file or certificate
        try:
            stamp = tuple(file.stat().st_mtime for file in (certificate, key))
            if stamp == self._stamp:
                return
            self.context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "strerror", None) or error
            raise NoCertificate(f"{certificate} with {key}: {why}") from error
        if self._stamp:
            logger.info("page: a new certificate is in use")
        self._stamp = stamp


def server_context() -> ssl.SSLContext:
    """TLS 1.2 and later, as the standard library thinks safe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate as phones show it: AB:CD:…; raises ValueError."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


async def _ask(asked: Asked) -> Answer:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.tls"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told, _ = await child.communicate(msgspec.json.encode(asked))
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.shield(child.wait())
    return msgspec.json.decode(told, type=Answer)
