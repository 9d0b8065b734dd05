"""The one HTTP client of the gateway: pooled, bounded, and it goes nowhere it was not meant to.

Addresses are checked when a name has been looked up, and the connection is made to those very
addresses; a last look is taken when a socket is opened. No redirect is followed, no proxy asked,
no cookie kept, and an answer is read only as far as its status and a little of its text.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.clock import Clock
from gateway.loading import in_thread
from gateway.notify import dial
from gateway.notify.addresses import Network, why_not
from gateway.notify.breaker import Breaker
from gateway.notify.channel import Gone, Refused, Unreachable

if TYPE_CHECKING:
    import aiohttp

CONNECTIONS, CONNECTIONS_PER_HOST, WAITING_MAX = 20, 10, 100
AT_ONCE = 8  # of the 10 to one host; the others are for danger to people
CONNECT_S, ANSWER_S, DEADLINE_S, KEEP_ALIVE_S, DNS_S = 10.0, 15.0, 25.0, 30.0, 300
RETRY_S = (1.0, 2.0)  # then it is for the queue behind us, with longer pauses
ANSWER_MAX = 64 * 1024
AFTER_MAX_S = 3600.0
_GONE = {404, 410}
_LATER = {408, 425, 429}
_SAID_MAX = 120

Resolve = Callable[[str, int], Awaitable[list[dial.Found]]]


class Blocked(OSError):
    """An address nothing may be sent to."""


class _Policy(NamedTuple):
    inside: frozenset[Network]
    only_inside: bool


@dataclass(slots=True)
class Counters:
    """What the client has done since the start."""

    requests: int = 0
    retries: int = 0
    failures: int = 0
    blocked: int = 0
    overflowed: int = 0


class Outbound:
    """Sends small bodies and wants no answer but "taken"; `resolve` is the seam to DNS."""

    def __init__(self, clock: Clock, random: Random, resolve: Resolve = dial.resolve) -> None:
        self._clock = clock
        self._random = random
        self._resolve = resolve
        self._policies: dict[tuple[str, int], _Policy] = {}
        self._breakers: dict[tuple[str, int], Breaker] = {}
        self._session: aiohttp.ClientSession | None = None
        self._seats = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self.counters = Counters()

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        inside: frozenset[Network] = frozenset(),
        urgent: bool = False,
    ) -> None:
        """Return once it is taken; raises Refused or Unreachable, within DEADLINE_S.

        `urgent` waits neither for a seat nor for a host that did not answer of late.
        """
        where = self._where(url, inside)
        breaker = self._breakers.setdefault(where, Breaker(self._random, self._clock.speed))
        if not urgent and not breaker.allows(self._clock.now()):
            raise Unreachable(f"{where[0]} has not answered of late; it is asked again soon")
        try:
            async with asyncio.timeout(DEADLINE_S), self._seat(urgent=urgent):
                await self._try(url, body, headers, where[0])
        except (Unreachable, TimeoutError) as error:
            breaker.failed(self._clock.now())
            self.counters.failures += 1
            if isinstance(error, Unreachable):
                raise
            raise Unreachable(f"{where[0]} took longer than {DEADLINE_S:g} s") from None
        except Refused:
            breaker.succeeded()
            raise
        breaker.succeeded()

    def forget(self) -> None:
        """What was declared may no longer be: hosts are looked up and checked anew."""
        self._policies.clear()
        self._breakers.clear()
        if self._session is not None and self._session.connector is not None:
            self._session.connector.clear_dns_cache()  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Let go of all connections; the next `post` begins anew."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _where(self, url: str, inside: frozenset[Network]) -> tuple[str, int]:
        """Host and port of an address that may be asked; raises Refused."""
        from yarl import URL

        try:
            parts = URL(url)
            host, port = parts.host, parts.port
        except ValueError:
            host, port, parts = None, None, URL()
        if parts.scheme not in {"http", "https"} or not host or not port or parts.user:
            raise self._blocked("the address", "it is no https: address without a login")
        policy = _Policy(inside, parts.scheme == "http")
        if policy.only_inside and not inside:
            raise self._blocked(host, "http: is only for what `addresses` declares")
        with contextlib.suppress(ValueError):
            why = why_not(str(ipaddress.ip_address(host)), inside, only_inside=policy.only_inside)
            if why is not None:
                raise self._blocked(host, why)
        self._policies[host, port] = policy
        return host, port

    def _blocked(self, host: str, why: str) -> Refused:
        self.counters.blocked += 1
        return Refused(f"{host} is not asked: {why}")

    @contextlib.asynccontextmanager
    async def _seat(self, *, urgent: bool) -> AsyncIterator[None]:
        if urgent:
            yield
            return
        if self._waiting >= WAITING_MAX:
            self.counters.overflowed += 1
            raise Unreachable(f"{WAITING_MAX} requests wait already")
        self._waiting += 1
        try:
            async with self._seats:
                yield
        finally:
            self._waiting -= 1

    async def _try(self, url: str, body: bytes, headers: Mapping[str, str], host: str) -> None:
        for pause_s in (*RETRY_S, None):
            try:
                await self._once(url, body, headers, host)
            except Unreachable as error:
                if pause_s is None or error.after_s:
                    raise
                self.counters.retries += 1
                jitter = self._random.uniform(0.5, 1.0)
                await self._clock.sleep(pause_s * jitter * self._clock.speed)
            else:
                return

    async def _once(self, url: str, body: bytes, headers: Mapping[str, str], host: str) -> None:
        import aiohttp

        self.counters.requests += 1
        session = self._session or await self._open()
        try:
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                said = await _beginning(response)
                _judge(response, host, said)
        except aiohttp.InvalidURL:
            raise self._blocked(host, "it is written in no usual form") from None
        except aiohttp.ClientConnectorCertificateError:
            message = f"{host} shows a certificate nobody here trusts; correct url or clock"
            raise Unreachable(message) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Blocked):
                raise self._blocked(host, str(error.os_error)) from None
            raise Unreachable(f"{host} cannot be reached: {dial.why(error.os_error)}") from None
        except aiohttp.ClientError as error:
            raise Unreachable(f"{host}: {str(error) or type(error).__name__}") from None
        except TimeoutError:
            raise Unreachable(f"{host} does not answer") from None

    async def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        trusted = await in_thread(ssl.create_default_context, "trusted authorities")
        if self._session is not None:  # another was as fast
            return self._session
        connector = aiohttp.TCPConnector(
            ssl=trusted,
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            ttl_dns_cache=DNS_S,
            keepalive_timeout=KEEP_ALIVE_S,
            resolver=self._resolver(),
            socket_factory=self._socket,
        )
        timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "kitchen-gateway"},
        )
        return self._session

    def _resolver(self) -> Any:  # noqa: ANN401 - its base class is loaded only here
        from aiohttp.abc import AbstractResolver, ResolveResult

        look_up = self._allowed

        class Resolver(AbstractResolver):
            """Gives only addresses that may be asked."""

            async def resolve(
                self, host: str, port: int = 0, family: int = socket.AF_UNSPEC
            ) -> list[ResolveResult]:
                found = await look_up(host, port)
                return [
                    ResolveResult(
                        hostname=host,
                        host=each.address,
                        port=port,
                        family=each.family,
                        proto=socket.IPPROTO_TCP,
                        flags=socket.AI_NUMERICHOST,
                    )
                    for each in found
                    if family in (socket.AF_UNSPEC, each.family)
                ]

            async def close(self) -> None:
                """Nothing is held."""

        return Resolver()

    async def _allowed(self, host: str, port: int) -> list[dial.Found]:
        """The addresses of a name that may be asked; raises Blocked when none may."""
        policy = self._policies.get((host, port), _Policy(frozenset(), only_inside=False))
        found = await self._resolve(host, port)
        why: str | None = "it has no address"
        good = []
        for each in found:
            refusal = why_not(each.address, policy.inside, only_inside=policy.only_inside)
            if refusal is None:
                good.append(each)
            else:
                why = f"it is {each.address}: {refusal}"
        if not good:
            raise Blocked(why)
        return good

    def _socket(self, info: Any) -> socket.socket:  # noqa: ANN401 - what getaddrinfo gives
        """The last look, at the very address that is about to be connected to."""
        family, kind, protocol, _, destination = info
        inside = {network for policy in self._policies.values() for network in policy.inside}
        why = why_not(str(destination[0]), inside)
        if why is not None:
            raise Blocked(f"it is {destination[0]}: {why}")
        return socket.socket(family, kind, protocol)


async def _beginning(response: "aiohttp.ClientResponse") -> str:
    """The beginning of what was answered, for people; the rest is not looked at."""
    text = await response.content.read(_SAID_MAX)
    read = len(text)
    while read <= ANSWER_MAX and (more := await response.content.read(ANSWER_MAX)):
        read += len(more)
    if read > ANSWER_MAX:
        response.close()
    said = text.decode(errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in said).strip()


def _judge(response: "aiohttp.ClientResponse", host: str, said: str) -> None:
    """Raises what the status means."""
    status = response.status
    ending = f": {said}" if said else ""
    if 200 <= status < 300:  # noqa: PLR2004
        return
    if 300 <= status < 400:  # noqa: PLR2004
        raise Refused(f"{host} answers {status}: it has moved; correct url")
    if status in _GONE:
        raise Gone(f"{host} answers {status}{ending}")
    if status in _LATER or status >= 500:  # noqa: PLR2004
        raise Unreachable(f"{host} answers {status}{ending}", _after_s(response))
    raise Refused(f"{host} answers {status}{ending}")


def _after_s(response: "aiohttp.ClientResponse") -> float:
    """`Retry-After` in seconds, bounded; a date is not worth reading."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), AFTER_MAX_S) if text.isascii() and text.isdigit() else 0.0
