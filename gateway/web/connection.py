"""One connection as the server has it: what it cannot read it refuses as the API does."""

import asyncio
import logging

from aiohttp import web

from gateway.web.guard import SECURITY_HEADERS
from gateway.web.route import Problem, problem_response

logger = logging.getLogger(__name__)

_UNREADABLE = "This is no request of HTTP/1.1 that the gateway can read."


class Connection(web.RequestHandler):
    """aiohttp's own, but for errors outside of any route, and for when its bytes count as sent."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # What is written counts as sent once the kernel has it, so that a deadline can hold.
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=0)

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
