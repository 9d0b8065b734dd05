"""`/api/v1/actuators` and `/api/v1/commands`: what acts, why, and orders of people."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.sync.commands import ID
from gateway.web import record
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView
from gateway.web.kitchen_errors import TooManyOrders, WrongOrder
from gateway.web.reach import check_device
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response

OUTCOME_DEADLINE_S = 5.0
SHOWN_MAX = 100
_MEMBER = re.compile(r"(?:\$\.|field `)(\w+)")
_STATUS = {"unknown_actuator": HTTPStatus.NOT_FOUND, "role": HTTPStatus.FORBIDDEN}
_WHY = {
    "unknown_actuator": "There is no such actuator.",
    "role": "This needs the role {about}.",
    "lockout": "There may be gas ({about}): nothing is switched there until that is over.",
    "needs": "It may be on only while {about} is as it needs it.",
    "overridden": "Something more urgent holds it: {about}.",
    "not_held": "Nobody has ordered anything there.",
    "expired": "It could not be stored in time, so it was not done; order it again.",
}


class Actuators(msgspec.Struct, frozen=True):
    """Every output, in the order of the configuration."""

    actuators: Sequence[ActuatorView]


class Commands(msgspec.Struct, frozen=True):
    """Orders, the newest first."""

    commands: Sequence[OrderView]


class Slot(msgspec.Struct, frozen=True):
    """Which override is meant: 8 that of an operator, 1 manual life safety."""

    slot: int = 8


async def actuators(request: web.Request) -> web.Response:
    """Every output: what it is driven to and why, and what it really does."""
    return json_response(Actuators(request.app[KITCHEN].actuators()))


async def commands(request: web.Request) -> web.Response:
    """The newest orders and what became of them."""
    return json_response(Commands(request.app[KITCHEN].orders()[:SHOWN_MAX]))


async def order(request: web.Request) -> web.Response:
    """Order an actuator; the order as it has ended, or 202 while it still runs."""
    try:
        asked = msgspec.json.decode(await request.read(), type=Order)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "wrong-order", _what_is_wrong(error)) from None
    if asked.value is None:
        raise Problem(400, "wrong-order", "value is true or false; DELETE takes an order back.")
    return await _answer(request, asked)


async def release(request: web.Request) -> web.Response:
    """Back to what the rules want; `?slot=1` takes back manual life safety."""
    slot = request.query.get("slot", "8")
    if not slot.isdecimal() or len(slot) > 2:  # noqa: PLR2004 - sixteen slots
        raise Problem(400, "wrong-order", "slot is a number: 8 or 1.")
    asked = Order(actuator=request.match_info["actuator"], value=None, slot=int(slot))
    return await _answer(request, asked)


def _what_is_wrong(error: Exception) -> str:
    """In words for who has sent it: which member, and an order as it should be."""
    named = _MEMBER.search(str(error))
    where = f"`{named[1]}` is missing, unknown or of the wrong kind" if named else "It is no JSON"
    return f'{where}; send an order such as {{"actuator": "hood_fan", "value": true, "for": 600}}.'


async def _answer(request: web.Request, asked: Order) -> web.Response:
    if asked.id and not ID.fullmatch(asked.id):
        raise Problem(400, "wrong-order", "id is 8 to 64 letters, digits, _ or -.")
    asked = msgspec.structs.replace(asked, id=asked.id or str(uuid.uuid4()))
    check_device(request, asked.actuator)
    kitchen = request.app[KITCHEN]
    try:
        async with asyncio.timeout(OUTCOME_DEADLINE_S):
            done = await kitchen.order(asked, request[USER])
    except WrongOrder as error:
        raise Problem(400, "wrong-order", f"This can be no order: {error}.") from None
    except TooManyOrders:
        raise Problem(429, "too-many-orders", "Too many orders are on their way.") from None
    except TimeoutError:
        running = [each for each in kitchen.orders() if each.id == asked.id]
        return json_response(running[0] if running else {"id": asked.id}, HTTPStatus.ACCEPTED)
    if done.state in ("rejected", "expired"):
        raise _refused(done)
    if done.dup:
        record.no_entry()  # nothing was done again
    return json_response(done)


def _refused(done: OrderView) -> Problem:
    status = _STATUS.get(done.code, HTTPStatus.CONFLICT)
    detail = _WHY.get(done.code, "It was refused: {code}.").format(about=done.about, code=done.code)
    return Problem(status, "order-refused", detail, members={"order": msgspec.to_builtins(done)})


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/actuators",
        handler=actuators,
        role=Role.VIEWER,
        answer=Actuators,
    ),
    Route(
        method="GET", path="/api/v1/commands", handler=commands, role=Role.VIEWER, answer=Commands
    ),
    Route(
        method="POST",
        path="/api/v1/commands",
        handler=order,
        role=Role.STAFF,
        body=Order,
        answer=OrderView,
        statuses=(200, 202),
    ),
    Route(
        method="DELETE",
        path="/api/v1/commands/{actuator}",
        handler=release,
        role=Role.STAFF,
        query=Slot,
        answer=OrderView,
        statuses=(200, 202),
    ),
)
