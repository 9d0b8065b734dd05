"""`/api/v1/timers`: cooking timers, several at once; they outlast a reload and a power cut."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen_errors import TooManyTimers, UnknownTimer
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response
from gateway.web.rule_shapes import TimerView

COMMIT_DEADLINE_S = 5.0
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Seconds = Annotated[float, msgspec.Meta(ge=1, le=86_400)]
_Id = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class NewTimer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What for, and how long; one whose `id` is known begins anew."""

    label: _Label
    for_s: _Seconds
    id: _Id | None = None


class Timers(msgspec.Struct, frozen=True):
    """Every timer, the first to end first."""

    timers: Sequence[TimerView]


async def timers(request: web.Request) -> web.Response:
    """Every cooking timer, and those that rules have started."""
    return json_response(Timers(request.app[KITCHEN].timers()))


async def start(request: web.Request) -> web.Response:
    """Start a timer; it, once that is stored."""
    try:
        new = msgspec.json.decode(await request.read(), type=NewTimer)
    except msgspec.DecodeError as error:
        detail = f'{error}; send JSON such as {{"label": "fries", "for_s": 180}}.'
        raise Problem(400, "bad-body", detail) from None
    name, by = new.id or str(uuid.uuid4()), request[USER].name
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            timer = await request.app[KITCHEN].start_timer(
                name, new.label, round(new.for_s * 1000), by
            )
    except TooManyTimers:
        detail = (
            "As many timers are at work as there may be: stop one, or acknowledge what is done."
        )
        raise Problem(409, "too-many-timers", detail) from None
    except TimeoutError:
        raise _not_stored() from None
    return json_response(timer, 201)


async def stop(request: web.Request) -> web.Response:
    """Do away with a timer that runs or has elapsed; those that are left."""
    return await _end(request, request.app[KITCHEN].stop_timer)


async def acknowledge(request: web.Request) -> web.Response:
    """Somebody has seen that a timer has elapsed; those that are left."""
    return await _end(request, request.app[KITCHEN].see_timer)


async def _end(request: web.Request, act: Callable[[str, str], Awaitable[None]]) -> web.Response:
    name = request.match_info["id"]
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            await act(name, request[USER].name)
    except UnknownTimer:
        detail = "There is no such timer of a person, or it has not elapsed yet."
        raise Problem(404, "unknown-timer", detail) from None
    except TimeoutError:
        raise _not_stored() from None
    return await timers(request)


def _not_stored() -> Problem:
    detail = "It could not be stored in time; look whether it has happened, and repeat."
    return Problem(503, "not-stored", detail)


_PATH = "/api/v1/timers"
ROUTES = (
    Route(method="GET", path=_PATH, handler=timers, role=Role.VIEWER, answer=Timers),
    Route(
        method="POST",
        path=_PATH,
        handler=start,
        role=Role.STAFF,
        body=NewTimer,
        answer=TimerView,
        statuses=(201,),
    ),
    Route(method="DELETE", path=f"{_PATH}/{{id}}", handler=stop, role=Role.STAFF, answer=Timers),
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/acknowledge",
        handler=acknowledge,
        role=Role.STAFF,
        answer=Timers,
    ),
)
