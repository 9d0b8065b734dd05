"""`/api/v1/points`: every point as it is now."""

from aiohttp import web

from gateway.access import Role
from gateway.web.route import KITCHEN, Route, json_response


async def points(request: web.Request) -> web.Response:
    return json_response({"points": request.app[KITCHEN].points()})


ROUTES = (Route(method="GET", path="/api/v1/points", handler=points, role=Role.VIEWER),)
