"""`/api/v1/status`: how the gateway itself is, in words and figures for people."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.checks import Check, checks
from gateway.web.route import CLOCK, KITCHEN, Route, json_response
from gateway.web.status_shapes import StatusView
from gateway.web.timing import TIMING, RouteTimes


class Status(StatusView, frozen=True, kw_only=True):
    """The gateway itself, a word for each of its parts, and the times of its own routes."""

    checks: Sequence[Check]
    routes: Sequence[RouteTimes]


async def status(request: web.Request) -> web.Response:
    """How the gateway itself is: a word for each part with its reason, and times per route."""
    kitchen, times = request.app[KITCHEN], request.app[TIMING].routes()
    return json_response(
        Status(
            **msgspec.structs.asdict(kitchen.status()),
            checks=checks(kitchen, times, request.app[CLOCK].wall()),
            routes=times,
        )
    )


ROUTES = (
    Route(method="GET", path="/api/v1/status", handler=status, role=Role.VIEWER, answer=Status),
)
