"""`/health`: for whoever watches the gateway; needs no login and tells no readings."""

from aiohttp import web

from gateway.web.route import KITCHEN, Route, json_response


async def health(request: web.Request) -> web.Response:
    kitchen = request.app[KITCHEN]
    return json_response(kitchen.health(), 200 if kitchen.collecting() else 503)


ROUTES = (Route(method="GET", path="/health", handler=health, role="anyone"),)
