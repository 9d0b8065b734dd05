"""Whether what somebody wants to control or acknowledge is within their zones and devices."""

import re

from aiohttp import web

from gateway.web.kitchen_errors import UnknownAlarm
from gateway.web.route import KITCHEN, USER, Problem

_ODD = re.compile(r"[^\w -]")  # what the name of a layout has not


def check_device(request: web.Request, device: str) -> None:
    """Raise Problem where this device or actuator is beyond; one that is unknown is told later."""
    reach = request[USER].reach
    if reach.everywhere:
        return
    kitchen = request.app[KITCHEN]
    zones = {it.id: it.zone for it in kitchen.devices()}
    zones |= {it.id: it.zone for it in kitchen.actuators()}
    zone = zones.get(device, "")
    if not reach.covers(device, zone):
        raise _beyond(request, device)


def check_alarm(request: web.Request, alarm_id: str) -> None:
    """Raise Problem where the alarm's point is beyond; that of no point is of the whole kitchen."""
    reach = request[USER].reach
    if reach.everywhere:
        return
    try:
        point = request.app[KITCHEN].alarm(alarm_id).point or ""
    except UnknownAlarm:
        return
    found = request.app[KITCHEN].point(point)
    device, zone = point.partition("/")[0], found.zone if found else ""
    if not reach.covers(device, zone):
        raise _beyond(request, alarm_id)


def check_everywhere(request: web.Request, what: str) -> None:
    """Raise Problem for somebody with limits: this acts on the whole kitchen."""
    if not request[USER].reach.everywhere:
        raise _beyond(request, what)


def check_layout(request: web.Request, name: str) -> None:
    """Raise Problem where somebody with limits would arrange another screen than their own."""
    user = request[USER]
    own = (user.tablet, f"_{user.name}")  # as the page names them (layout.js)
    if not user.reach.everywhere and name not in {_ODD.sub("_", each) for each in own if each}:
        raise _beyond(request, f"the layout {name}")


def _beyond(request: web.Request, what: str) -> Problem:
    user = request[USER]
    where = ", ".join((*user.reach.zones, *user.reach.devices))
    return Problem(403, "beyond-reach", f"{what} is not {user.name}'s, who has {where}.")
