"""`/api/v1/points`: every point as it is now."""

from aiohttp import web

from gateway.access import Role
from gateway.web import polling
from gateway.web.live import LIVE
from gateway.web.route import JSON, Route
from gateway.web.shown import Points


async def points(request: web.Request) -> web.Response:
    """Every point as it is now; a value may be a tenth of a second old, its age a second."""
    shown = request.app[LIVE].shown
    polling.repeatable(request, shown.body)
    return web.Response(body=shown.body(), content_type=JSON)


ROUTES = (
    Route(method="GET", path="/api/v1/points", handler=points, role=Role.VIEWER, answer=Points),
)
