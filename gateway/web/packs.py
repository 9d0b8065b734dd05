"""`/api/v1/packs`: presets with versions and sources, and what each use became."""

from aiohttp import web

from gateway.access import Role
from gateway.pack_view import PacksView
from gateway.web.route import KITCHEN, Route
from gateway.web.tagged import tagged_json


async def packs(request: web.Request) -> web.Response:
    """Every preset and limit set with the sources of its figures, and what those in use became."""
    return tagged_json(request, await request.app[KITCHEN].packs())


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/packs",
        handler=packs,
        role=Role.VIEWER,
        answer=PacksView,
        statuses=(200, 304),
    ),
)
