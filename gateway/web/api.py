"""`/api/v1`: points and alarms as JSON, and the one thing a person may do here: acknowledge."""

import asyncio

from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen import NotWaiting, UnknownAlarm
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response

COMMIT_DEADLINE_S = 5.0


async def points(request: web.Request) -> web.Response:
    return json_response({"points": request.app[KITCHEN].points()})


async def alarms(request: web.Request) -> web.Response:
    return json_response({"alarms": request.app[KITCHEN].alarms()})


async def acknowledge(request: web.Request) -> web.Response:
    """The alarm as it stands once the acknowledgement is stored."""
    alarm_id = request.match_info["id"]
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            alarm = await request.app[KITCHEN].acknowledge(alarm_id, request[USER].name)
    except UnknownAlarm:
        raise Problem(404, "unknown-alarm", f"There is no alarm {alarm_id}.") from None
    except NotWaiting:
        detail = f"The alarm {alarm_id} does not wait for anybody."
        raise Problem(409, "not-waiting", detail) from None
    except TimeoutError:
        detail = "It could not be stored in time; look whether the alarm has changed, and repeat."
        raise Problem(503, "not-stored", detail) from None
    return json_response(alarm)


ROUTES = (
    Route(method="GET", path="/api/v1/points", handler=points, role=Role.VIEWER),
    Route(method="GET", path="/api/v1/alarms", handler=alarms, role=Role.VIEWER),
    Route(
        method="POST",
        path="/api/v1/alarms/{id}/acknowledge",
        handler=acknowledge,
        role=Role.STAFF,
    ),
)
