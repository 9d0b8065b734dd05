"""`/api/v1/status`: how the gateway itself is, in words and figures for people."""

from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen import StatusView
from gateway.web.route import KITCHEN, Route, json_response


async def status(request: web.Request) -> web.Response:
    """How the gateway itself is."""
    return json_response(request.app[KITCHEN].status())


ROUTES = (
    Route(method="GET", path="/api/v1/status", handler=status, role=Role.VIEWER, answer=StatusView),
)
