"""One connection as the server has it: what it cannot read it refuses as the API does."""

import asyncio
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.web.crowd import Crowd
from gateway.web.guard import SECURITY_HEADERS
from gateway.web.route import Problem, problem_response

logger = logging.getLogger(__name__)

_UNREADABLE = "This is no request of HTTP/1.1 that the gateway can read."


class Connection(web.RequestHandler):
    """aiohttp's own, but for errors outside of any route, and for when its bytes count as sent."""

    __slots__ = ("crowd",)

    def __init__(self, server: web.Server, crowd: Crowd, keepalive_s: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=keepalive_s,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes it for "no log"
            auto_decompress=False,  # who may be heard is known only behind the parser
        )
        self.crowd = crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.crowd.joined(self, peer_of(transport))
        # What is written counts as sent once the kernel has it, so that a deadline can hold.
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.crowd.left(self)
        super().connection_lost(exc)

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
