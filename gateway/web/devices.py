"""`/api/v1/devices`: what hangs on which wire, how it is doing, and a read when somebody asks."""

from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen import UnknownDevice
from gateway.web.route import KITCHEN, Problem, Route, json_response


async def devices(request: web.Request) -> web.Response:
    return json_response({"devices": request.app[KITCHEN].devices()})


async def read(request: web.Request) -> web.Response:
    """The points of a device, just read; a failure is among them as a reason."""
    device_id = request.match_info["id"]
    try:
        points = await request.app[KITCHEN].read(device_id)
    except UnknownDevice:
        detail = (
            f"No device {device_id} is polled here; those that speak by themselves are in points."
        )
        raise Problem(404, "unknown-device", detail) from None
    return json_response({"points": points})


ROUTES = (
    Route(method="GET", path="/api/v1/devices", handler=devices, role=Role.VIEWER),
    Route(method="POST", path="/api/v1/devices/{id}/read", handler=read, role=Role.STAFF),
)
