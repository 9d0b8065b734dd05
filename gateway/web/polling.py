"""Who asks the same again on one connection is answered without the request being read again.

A program that polls sends the same bytes each time, and what they were checked for hangs on them
and on the connection alone. So only what may have changed meanwhile is looked at: whether the
secret still stands, and whether its owner asks too fast.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.helpers import rfc822_formatted_time

from gateway.clock import stopwatch_s
from gateway.web.connection import Again, Connection
from gateway.web.pace import PACE
from gateway.web.route import ACCESS, CLOCK, COUNTERS, USER, Counters, Route
from gateway.web.timing import TIMING

READ_AGAIN_MS = 60_000  # of the kitchen: so often it is read all the same; that renews a session
SEND_DEADLINE_S = 10.0

_BODY: web.RequestKey[Callable[[], bytes]] = web.RequestKey("polled body")
_OF_EACH = frozenset({hdrs.CONTENT_LENGTH, hdrs.DATE})


def repeatable(request: web.Request, body: Callable[[], bytes]) -> None:
    """Whoever may ask this may ask it again: `body` is then the body of the answer."""
    request[_BODY] = body


def answered(request: web.Request, route: Route | None, response: web.StreamResponse) -> None:
    """The request has its whole answer; the connection keeps what a repeated one needs."""
    connection, body = request.protocol, request.get(_BODY)
    if not isinstance(connection, Connection):
        return
    stays = request.version == HttpVersion11 and bool(response.keep_alive)
    if body is None or route is None or not stays or response.status != HTTPStatus.OK:
        connection.answered(None)
    else:
        connection.answered(_again(request, route, _head(response), body))


def _head(response: web.StreamResponse) -> bytes:
    """All of it but what each answer has of its own."""
    fields = (field for field in response.headers.items() if field[0] not in _OF_EACH)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {HTTPStatus.OK} {HTTPStatus.OK.phrase}\r\n{lines}".encode()


class Joined:
    """The last answer in one piece, for all connections: their heads are alike."""

    def __init__(self) -> None:
        self._head = self._body = self._whole = b""

    def of(self, head: bytes, body: bytes) -> bytes:
        if body is not self._body or head != self._head:
            own = f"Content-Length: {len(body)}\r\nDate: {rfc822_formatted_time()}\r\n\r\n"
            self._head, self._body = head, body
            self._whole = b"".join((head, own.encode(), body))
        return self._whole


JOINED: web.AppKey[Joined] = web.AppKey("joined", Joined)


def _again(request: web.Request, route: Route, head: bytes, body: Callable[[], bytes]) -> Again:
    app, user = request.app, request[USER]
    access, clock, pace, joined = app[ACCESS], app[CLOCK], app[PACE], app[JOINED]
    counters, timing = app[COUNTERS], app[TIMING]
    costs = pace.costs(route, request.remote or "", user)
    until = clock.now() + READ_AGAIN_MS

    def again(connection: Connection, transport: asyncio.Transport) -> bool:
        begun = stopwatch_s()
        if transport.is_closing() or transport.get_write_buffer_size():
            return False
        if clock.now() >= until or not access.stands(user) or not pace.took(costs):
            return False
        transport.write(joined.of(head, body()))
        if transport.get_write_buffer_size():
            connection.sending = asyncio.create_task(_drop_unless_taken(connection, counters))
        counters.count(route.path, HTTPStatus.OK)
        counters.repeated += 1
        timing.took(route.method, route.path, stopwatch_s() - begun)
        return True

    return again


async def _drop_unless_taken(connection: Connection, counters: Counters) -> None:
    try:
        async with asyncio.timeout(SEND_DEADLINE_S):
            await connection.taken()
    except TimeoutError:
        counters.dropped_clients += 1
        if connection.transport is not None:
            connection.transport.abort()
    except ConnectionError:
        pass  # it left before its answer
