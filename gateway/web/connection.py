"""One connection as the server has it: what it cannot read it refuses as the API does."""

import asyncio
import logging
import re
from collections.abc import Callable

from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.typedefs import Handler

from gateway.web.crowd import Crowd
from gateway.web.headers import SECURITY_HEADERS
from gateway.web.route import Problem, problem_response

logger = logging.getLogger(__name__)

Again = Callable[["Connection", asyncio.Transport], bool]  # whether it was answered

# Nothing may follow its head, and nothing be asked for in between.
_WHOLE_GET = re.compile(
    rb"GET [^\r\n]+\r\n"
    rb"((?!(?i:content-length|transfer-encoding|upgrade|expect))[^\r\n]+\r\n)+\r\n"
)
_UNREADABLE = "This is no request of HTTP/1.1 that the gateway can read."


class Connection(web.RequestHandler):
    """aiohttp's own, but for errors outside of any route, and for when its bytes count as sent.

    A request that is the last one again, byte for byte, may be answered before it is read.
    """

    __slots__ = ("_again", "_last", "_only_gets", "_waiting", "crowd", "sending")

    def __init__(self, server: web.Server, crowd: Crowd, keepalive_s: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=keepalive_s,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes it for "no log"
            auto_decompress=False,  # who may be heard is known only behind the parser
        )
        self.crowd = crowd
        self._last = b""
        self._only_gets = True  # each came whole, in one piece, and nothing else came
        self._waiting = 0  # requests without an answer, as long as that holds
        self._again: Again | None = None
        self.sending: asyncio.Task[None] | None = None  # waits for what `again` has written

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.crowd.joined(self, peer_of(transport))
        # What is written counts as sent once the kernel has it, so that a deadline can hold. With
        # 0 for both asyncio's TLS would hold up who has nothing left to send.
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        if self._again is not None and data == self._last and self._is_answered(self._again):
            return
        self._only_gets = self._only_gets and _WHOLE_GET.fullmatch(data) is not None
        self._again, self._last = None, data if self._only_gets else b""
        self._waiting += 1
        super().data_received(data)

    def answered(self, again: Again | None) -> None:
        """A request has its whole answer; `again` gives one for the same bytes."""
        self._waiting -= 1
        if self._only_gets and not self._waiting:
            self._again = again

    async def taken(self) -> None:
        """Return once the kernel has all that was written; raises ConnectionError."""
        await StreamWriter(self, self._loop).drain()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.crowd.left(self)
        self._again = None
        super().connection_lost(exc)

    def _is_answered(self, again: Again) -> bool:
        if not isinstance(self.transport, asyncio.Transport) or not again(self, self.transport):
            return False
        # aiohttp would close what it has not read from for so long.
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return True

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A problem, after which the connection is closed; anybody can cause it, so no log."""
        del message
        logger.debug("unreadable request from %s: %s", request.remote, exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        response = problem_response(Problem(status, "unreadable", _UNREADABLE), "")
        response.headers.update(SECURITY_HEADERS)
        response.headers["Cache-Control"] = "no-store"
        response.force_close()
        return response


def peer_of(transport: asyncio.BaseTransport | None) -> str:
    """The address at the other end."""
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if name else ""


@web.middleware
async def note_asked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever has come so far is no half-open connection."""
    if isinstance(request.protocol, Connection):
        request.protocol.crowd.asked(request.protocol)
    return await handler(request)
