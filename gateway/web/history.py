"""`/api/v1/history`: one point over time, reading by reading or in steps."""

import asyncio

from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen_errors import NoHistory, TooManyRows, UnknownPoint, UnknownStep
from gateway.web.moment import Span, span
from gateway.web.point_shapes import SeriesView
from gateway.web.route import KITCHEN, Problem, Route, json_response

DEADLINE_S = 20.0


class Asked(Span, frozen=True, kw_only=True):
    """Which point, over which time, by which step."""

    point: str
    step: str = "auto"


async def history(request: web.Request) -> web.Response:
    """Rows of `point` from `from` up to `to`, the last day where they are left out."""
    return json_response(await asked_for(request))


async def asked_for(request: web.Request) -> SeriesView:
    """What the query asks for; raises Problem."""
    query = request.query
    point = query.get("point", "")
    if not point:
        raise Problem(400, "no-point", "Say which point: ?point=walk_in/temperature")
    start, end = span(request)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await request.app[KITCHEN].history(point, start, end, query.get("step", "auto"))
    except UnknownPoint:
        raise Problem(404, "unknown-point", f"There is no point {point[:80]}.") from None
    except UnknownStep as error:
        raise Problem(400, "bad-step", f"`step` is one of: {', '.join(error.steps)}.") from None
    except TooManyRows as error:
        raise Problem(400, "too-many-rows", _way_out(error)) from None
    except NoHistory as error:
        raise Problem(503, "no-history", str(error), {"Retry-After": "5"}) from None
    except TimeoutError:
        detail = "The disk takes too long; ask for a shorter time."
        raise Problem(503, "no-history", detail, {"Retry-After": "5"}) from None


def _way_out(error: TooManyRows) -> str:
    finest = f"take step={error.finest} or " if error.finest else ""
    return f"These would be more than {error.most:,} rows: {finest}ask for a shorter time."


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/history",
        handler=history,
        role=Role.VIEWER,
        query=Asked,
        answer=SeriesView,
    ),
)
