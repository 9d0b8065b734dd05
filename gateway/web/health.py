"""`/health`: for whoever watches the gateway; needs no login and tells no readings."""

import msgspec
from aiohttp import web

from gateway.web.route import KITCHEN, Route, json_response


class Rows(msgspec.Struct, frozen=True):
    """How many rows were committed here, and how many the cloud has acknowledged."""

    committed: int
    acknowledged: int


class Health(msgspec.Struct, frozen=True):
    """How the gateway is; more may stand beside these."""

    status: str
    epoch: int
    rows: Rows


async def health(request: web.Request) -> web.Response:
    """Whether readings are taken and stored; 503 while not."""
    kitchen = request.app[KITCHEN]
    return json_response(kitchen.health(), 200 if kitchen.collecting() else 503)


ROUTES = (
    Route(
        method="GET",
        path="/health",
        handler=health,
        role="anyone",
        answer=Health,
        statuses=(200, 503),
    ),
)
