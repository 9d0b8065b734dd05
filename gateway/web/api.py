"""`/api/v1/points`: every point as it is now."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.live import LIVE
from gateway.web.point_shapes import PointView
from gateway.web.route import CLOCK, JSON, KITCHEN, Route

FRESH_MS = 100


class Points(msgspec.Struct, frozen=True):
    """Points in the order of the page."""

    points: Sequence[PointView]


class Encoded:
    """The points as bytes, for all who ask before anything changes; ages may be FRESH_MS old."""

    def __init__(self) -> None:
        self._body = b""
        self._at = 0
        self._changes = -1

    def body(self, request: web.Request) -> bytes:
        now, changes = request.app[CLOCK].now(), request.app[LIVE].changes
        if changes != self._changes or now - self._at >= FRESH_MS:
            self._body = msgspec.json.encode(Points(request.app[KITCHEN].points()))
            self._at, self._changes = now, changes
        return self._body


ENCODED: web.AppKey[Encoded] = web.AppKey("encoded", Encoded)


async def points(request: web.Request) -> web.Response:
    """Every point as it is now."""
    body = request.app[ENCODED].body(request)
    return web.Response(body=body, content_type=JSON)


ROUTES = (
    Route(method="GET", path="/api/v1/points", handler=points, role=Role.VIEWER, answer=Points),
)
