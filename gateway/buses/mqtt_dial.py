"""Opening the TCP and TLS connection to an MQTT broker without blocking the loop.

Everything here that may block runs in one daemon thread per attempt, never in an executor: an
executor would be waited for at exit, and a resolver can hang for half a minute.
"""

import asyncio
import collections
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from gateway.buses.mqtt_wire import Wire
from gateway.clock import Clock, Trust

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_ADDRESS_S = 4.0  # for one of several addresses of a host; the caller's deadline rules them all
_HANDSHAKE_S = 30.0  # backstop only: the caller's deadline shuts the socket before
_STUCK_MAX = 4  # threads that outlived their deadline, for one host and port

# X509_V_ERR_* of <openssl/x509_vfy.h>
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_AUTHORITY = {18, 19, 20, 21}
_WRONG_HOST = {62, 64}


class LinkError(Exception):
    """The broker cannot be reached or used; the message says who must do what."""


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where a broker is and how to log in; with `tls` its certificate is always checked."""

    host: str
    port: int
    tls: bool = False
    ca_file: str | None = None  # PEM; None trusts what the system trusts
    certificate_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("certificates need a mqtts:// url")
        if self.key_file and not self.certificate_file:
            raise ValueError("a key file needs its certificate file")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a user name")

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        ca_file: str | None = None,
        certificate_file: str | None = None,
        key_file: str | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> Self:
        """`mqtt://host[:1883]` or `mqtts://host[:8883]`; ValueError says what is allowed."""
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("user name and password do not belong in the url; give them apart")
        try:
            port = parts.port
        except ValueError:
            port = 0
        extra = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in _PORTS or not parts.hostname or port == 0 or extra:
            raise ValueError(f"{url!r} is not mqtt://host:1883 or mqtts://host:8883")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            ca_file=ca_file,
            certificate_file=certificate_file,
            key_file=key_file,
            username=username,
            password=password,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def dial(broker: Broker, clock: Clock, make: Callable[[socket.socket], Wire] = Wire) -> Wire:
    """Connect, and shake hands where `tls`; cancel it to give up. Raises LinkError."""
    attempt = _Attempt(broker, clock, make)
    try:
        return await attempt.outcome
    except asyncio.CancelledError:
        attempt.abandon()
        raise


_stuck: collections.Counter[str] = collections.Counter()
_stuck_guard = threading.Lock()


class _Attempt:
    """One thread that ends with a Wire, with a LinkError, or unheard after `abandon`."""

    def __init__(self, broker: Broker, clock: Clock, make: Callable[[socket.socket], Wire]) -> None:
        if _stuck[str(broker)] >= _STUCK_MAX:
            raise LinkError(
                f"{broker}: {_STUCK_MAX} earlier attempts still hang in the name resolver; "
                "check this network's DNS"
            )
        self._broker = broker
        self._clock = clock
        self._make = make
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Wire] = self._loop.create_future()
        self._guard = threading.Lock()
        self._socket: socket.socket | None = None
        self._abandoned = False
        self._ended = False
        name = f"mqtt-dial {broker}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def abandon(self) -> None:
        with self._guard:
            self._abandoned = True
            if self._ended:
                self._close()
                return
            with _stuck_guard:
                _stuck[str(self._broker)] += 1
            if self._socket is not None:
                with contextlib.suppress(OSError):  # wakes the thread, which then closes it
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _run(self) -> None:
        wire: Wire | None = None
        failure: LinkError | None = None
        try:
            wire = self._make(self._open())
        except LinkError as error:
            failure = error
        except (OSError, ValueError) as error:  # ValueError: a host name no resolver would take
            failure = LinkError(explain(error, self._broker, self._clock))
        with self._guard:
            self._ended = True
            if failure is not None or self._abandoned:
                self._close()
            if self._abandoned:
                with _stuck_guard:
                    _stuck[str(self._broker)] -= 1
                return
        try:
            self._loop.call_soon_threadsafe(self._deliver, wire, failure)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._close()

    def _deliver(self, wire: Wire | None, failure: LinkError | None) -> None:
        if self.outcome.done():
            self._close()
        elif wire is not None:
            self.outcome.set_result(wire)
        elif failure is not None:
            self.outcome.set_exception(failure)

    def _open(self) -> socket.socket:
        context = _context(self._broker) if self._broker.tls else None
        self._connect()
        assert self._socket is not None  # noqa: S101 - _connect raises otherwise
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            with self._guard:
                if self._abandoned:  # before the connection stood, when nothing would wake us
                    raise ConnectionAbortedError("given up")
                self._socket = context.wrap_socket(
                    self._socket,
                    server_hostname=self._broker.host,
                    do_handshake_on_connect=False,
                )
            self._socket.settimeout(_HANDSHAKE_S)
            self._socket.do_handshake()
        return self._socket

    def _connect(self) -> None:
        broker = self._broker
        failure: OSError = OSError("no address")
        for family, kind, number, _, address in socket.getaddrinfo(
            broker.host, broker.port, type=socket.SOCK_STREAM
        ):
            with self._guard:
                if self._abandoned:
                    raise ConnectionAbortedError("given up")
                self._socket = socket.socket(family, kind, number)
            try:
                self._socket.settimeout(_ADDRESS_S)
                self._socket.connect(address)
            except OSError as error:
                failure = error
                self._close()
            else:
                return
        raise failure

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _context(broker: Broker) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate_file:
            context.load_cert_chain(broker.certificate_file, broker.key_file)
    except OSError as error:
        files = (broker.ca_file, broker.certificate_file, broker.key_file)
        names = ", ".join(name for name in files if name)
        raise LinkError(f"certificates for {broker} ({names}) cannot be used: {error}") from error
    return context


def explain(error: Exception, broker: Broker, clock: Clock) -> str:
    """What happened to the connection, and who must do what."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{broker}: {_certificate(error, broker, clock)}"
    if isinstance(error, ssl.SSLError):
        return _handshake(error, broker)
    if isinstance(error, socket.gaierror):
        return f"{broker}: no such host ({error.strerror}); check its name and this network's DNS"
    if isinstance(error, ConnectionRefusedError):
        return f"{broker} refuses connections: is the broker running, and is the port right?"
    if isinstance(error, TimeoutError):
        return f"{broker} does not answer: check its address, the network and any firewall"
    cut = broker.tls and isinstance(error, ConnectionResetError)
    return f"{broker}: {error}{'; is this the TLS port of the broker?' if cut else ''}"


def _handshake(error: ssl.SSLError, broker: Broker) -> str:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        return f"{broker} wants a client certificate it trusts ({reason}): check ours"
    return f"{broker}: TLS failed ({reason}); is this the TLS port of the broker?"


def _certificate(error: ssl.SSLCertVerificationError, broker: Broker, clock: Clock) -> str:
    if error.verify_code in _WRONG_HOST:
        return (
            f"the broker's certificate is not for {broker.host}: use the name it is made for, "
            "or give the broker a certificate for this one"
        )
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return (
            "the broker's certificate is signed by nobody we trust: set ca_file to the "
            "certificate of its authority"
        )
    if error.verify_code not in {_NOT_YET_VALID, _EXPIRED}:
        return f"the broker's certificate was not accepted: {error.verify_message}"
    day = datetime.fromtimestamp(clock.wall() / 1000, UTC).date()
    if clock.trust() is Trust.UNSYNCED:
        return f"{error.verify_message}, but this machine's clock ({day}) is not set: set it first"
    word = "expired" if error.verify_code == _EXPIRED else "is not yet valid"
    return f"the broker's certificate {word} (today is {day}): whoever runs the broker renews it"
