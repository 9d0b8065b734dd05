"""`/api/v1/config`: what is wrong with the configuration, and having it loaded again."""

import asyncio

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.configuration_shapes import ConfigurationView, ReloadView
from gateway.web.kitchen_errors import Busy
from gateway.web.reach import check_everywhere
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response

RELOAD_DEADLINE_S = 30.0  # a bus that hangs may hold up outputs that have to become safe first


async def show(request: web.Request) -> web.Response:
    """Which configuration is in force, and what is wrong with the file."""
    return json_response(request.app[KITCHEN].configuration())


async def reload(request: web.Request) -> web.Response:
    """Have the file taken over; one that cannot be used is 422, with all its problems."""
    check_everywhere(request, "The configuration")
    try:
        async with asyncio.timeout(RELOAD_DEADLINE_S):
            result = await request.app[KITCHEN].reload(request[USER].name)
    except Busy as error:
        raise Problem(409, "reload-busy", f"Not now: {error}. Try again.") from None
    except TimeoutError:
        detail = "It takes long and goes on; look at /api/v1/config for what becomes of it."
        raise Problem(503, "reload-slow", detail) from None
    if result.result == "refused":
        detail = f"The file cannot be used; {result.instead}. Mend it, and load it again."
        members = {"problems": msgspec.to_builtins(result.problems)}
        raise Problem(422, "config-refused", detail, members=members)
    return json_response(result)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/config",
        handler=show,
        role=Role.VIEWER,
        answer=ConfigurationView,
    ),
    Route(
        method="POST",
        path="/api/v1/config/reload",
        handler=reload,
        role=Role.MANAGER,
        answer=ReloadView,
    ),
)
