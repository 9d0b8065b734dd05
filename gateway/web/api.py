"""`/api/v1/points`: every point as it is now."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen import PointView
from gateway.web.route import KITCHEN, Route, json_response


class Points(msgspec.Struct, frozen=True):
    """Points in the order of the page."""

    points: Sequence[PointView]


async def points(request: web.Request) -> web.Response:
    """Every point as it is now."""
    return json_response(Points(request.app[KITCHEN].points()))


ROUTES = (
    Route(method="GET", path="/api/v1/points", handler=points, role=Role.VIEWER, answer=Points),
)
