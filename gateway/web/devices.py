"""`/api/v1/devices`: what hangs on which wire, how it is doing, and a read when somebody asks."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.device_shapes import DeviceDetailView, DeviceView
from gateway.web.kitchen_errors import UnknownDevice
from gateway.web.reach import check_device
from gateway.web.route import KITCHEN, Problem, Route, json_response
from gateway.web.shown import Points


class Devices(msgspec.Struct, frozen=True):
    """Every device and actuator, also those that an error has left out."""

    devices: Sequence[DeviceView]


async def devices(request: web.Request) -> web.Response:
    """What hangs on which wire, and how it is doing."""
    return json_response(Devices(request.app[KITCHEN].devices()))


async def device(request: web.Request) -> web.Response:
    """One device at length: its settings without any secret, what was counted, its last trouble."""
    device_id = request.match_info["id"]
    check_device(request, device_id)
    try:
        return json_response(request.app[KITCHEN].device(device_id))
    except UnknownDevice:
        detail = f"There is no device {device_id}, or an error has left it out; see /api/v1/config."
        raise Problem(404, "unknown-device", detail) from None


async def read(request: web.Request) -> web.Response:
    """Read a polled device now; its points, a failure is among them as a reason."""
    device_id = request.match_info["id"]
    check_device(request, device_id)
    try:
        points = await request.app[KITCHEN].read(device_id)
    except UnknownDevice:
        detail = (
            f"No device {device_id} is polled here; those that speak by themselves are in points."
        )
        raise Problem(404, "unknown-device", detail) from None
    request.app[KITCHEN].record("read_device", device_id)
    return json_response(Points(points))


ROUTES = (
    Route(method="GET", path="/api/v1/devices", handler=devices, role=Role.VIEWER, answer=Devices),
    Route(
        method="GET",
        path="/api/v1/devices/{id}",
        handler=device,
        role=Role.VIEWER,
        answer=DeviceDetailView,
    ),
    Route(
        method="POST",
        path="/api/v1/devices/{id}/read",
        handler=read,
        role=Role.STAFF,
        answer=Points,
    ),
)
