"""`/api/v1/alarms`: what stands and what is hidden, what people do about it, and looking back."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.alarm_shapes import AlarmHistoryView, AlarmView, DutyView, FloodView, KpiView
from gateway.web.kitchen_errors import NoRecord, NotPossible, NotWaiting, UnknownAlarm
from gateway.web.moment import Span, span
from gateway.web.paging import Paged, cut, page
from gateway.web.reach import check_alarm, check_everywhere
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response
from rules.base import Priority
from rules.people import (
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)

COMMIT_DEADLINE_S = 5.0
READ_DEADLINE_S = 20.0
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Seconds = Annotated[float, msgspec.Meta(ge=1, le=86_400)]
Body = TypeVar("Body")


class Shelve(msgspec.Struct, forbid_unknown_fields=True):
    """Why, and for how long."""

    reason: _Text
    for_s: _Seconds


class Remove(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: _Text


class TakeOver(msgspec.Struct, forbid_unknown_fields=True):
    """Who takes a role over, and for how long."""

    person: _Text
    for_s: _Seconds


class Alarms(msgspec.Struct, frozen=True):
    """Every alarm that is not normal, the most urgent first; `flood` while too many come."""

    alarms: Sequence[AlarmView]
    flood: FloodView | None


class Duties(msgspec.Struct, frozen=True):
    """Every role of the shift calendar and who fills it now; `people` are all in the calendar."""

    roles: Sequence[DutyView]
    people: Sequence[str] = ()


async def alarms(request: web.Request) -> web.Response:
    """What stands and what is hidden, the most urgent first."""
    kitchen = request.app[KITCHEN]
    return json_response(Alarms(kitchen.alarms(), kitchen.flood()))


async def history(request: web.Request) -> web.Response:
    """What happened to alarms from `from` up to `to`, the last day where they are left out."""
    asked = page(request)
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            found = await request.app[KITCHEN].alarm_history(asked.start, asked.end)
    except (NoRecord, TimeoutError) as error:
        raise _not_now(error) from None
    shown, following = cut(asked, found.events, complete=found.complete)
    complete = found.complete and following is None
    view = msgspec.structs.replace(found, events=shown, next=following, complete=complete)
    return json_response(view)


async def kpi(request: web.Request) -> web.Response:
    """The figures of EEMUA 191 and ISA-18.2 for that time."""
    start, end = span(request)
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            return json_response(await request.app[KITCHEN].alarm_kpi(start, end))
    except (NoRecord, TimeoutError) as error:
        raise _not_now(error) from None


async def acknowledge(request: web.Request) -> web.Response:
    """The alarm as it stands once the acknowledgement is stored."""
    alarm_id = request.match_info["id"]
    check_alarm(request, alarm_id)
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            alarm = await request.app[KITCHEN].acknowledge(alarm_id, request[USER].name)
    except UnknownAlarm:
        raise _unknown(alarm_id) from None
    except NotWaiting:
        detail = f"The alarm {alarm_id} does not wait for anybody."
        raise Problem(409, "not-waiting", detail) from None
    except TimeoutError:
        raise _not_stored() from None
    return json_response(alarm)


async def shelve(request: web.Request) -> web.Response:
    """Hide it for a time; danger to people only by a manager."""
    alarm_id, user = request.match_info["id"], request[USER]
    body = _body(await request.read(), Shelve)
    if _alarm(request).priority == Priority.LIFE and not user.role.covers(Role.MANAGER):
        detail = f"{alarm_id} warns of danger to people: only a manager may shelve it."
        raise Problem(403, "no-permission", detail)
    for_ms = round(body.for_s * 1000)
    return await _act(request, Shelved(alarm_id, user.name, body.reason, for_ms))


async def unshelve(request: web.Request) -> web.Response:
    """Bring a shelved alarm back."""
    return await _act(request, Unshelved(request.match_info["id"], request[USER].name))


async def reset(request: web.Request) -> web.Response:
    """End a latched alarm."""
    return await _act(request, Reset(request.match_info["id"], request[USER].name))


async def out_of_service(request: web.Request) -> web.Response:
    """Hide an alarm without an end."""
    body = _body(await request.read(), Remove)
    event = OutOfService(request.match_info["id"], request[USER].name, body.reason)
    return await _act(request, event)


async def in_service(request: web.Request) -> web.Response:
    """Bring an alarm back that was taken out of service."""
    return await _act(request, BackInService(request.match_info["id"], request[USER].name))


async def duties(request: web.Request) -> web.Response:
    """Who is on duty now."""
    kitchen = request.app[KITCHEN]
    return json_response(Duties(kitchen.duties(), kitchen.shift_people()))


async def hand_over(request: web.Request) -> web.Response:
    """Somebody takes a role over for a time, whatever the shift calendar says."""
    check_everywhere(request, f"the duty {request.match_info['role']}")
    body = _body(await request.read(), TakeOver)
    role, by = request.match_info["role"], request[USER].name
    await _do(request, HandedOver(role, body.person, by, round(body.for_s * 1000)))
    return await duties(request)


async def _act(request: web.Request, event: ByPeople) -> web.Response:
    """The alarm as it stands once what a person did is stored."""
    check_alarm(request, request.match_info["id"])
    await _do(request, event)
    return json_response(_alarm(request))


async def _do(request: web.Request, event: ByPeople) -> None:
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            await request.app[KITCHEN].act(event)
    except UnknownAlarm:
        raise _unknown(request.match_info["id"]) from None
    except NotPossible as error:
        raise Problem(HTTPStatus.CONFLICT, error.kind, str(error)) from None
    except TimeoutError:
        raise _not_stored() from None


def _alarm(request: web.Request) -> AlarmView:
    try:
        return request.app[KITCHEN].alarm(request.match_info["id"])
    except UnknownAlarm:
        raise _unknown(request.match_info["id"]) from None


def _body(body: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-body", f"{error}.") from None


def _unknown(alarm_id: str) -> Problem:
    return Problem(404, "unknown-alarm", f"There is no alarm {alarm_id}.")


def _not_stored() -> Problem:
    detail = "It could not be stored in time; look whether the alarm has changed, and repeat."
    return Problem(503, "not-stored", detail)


def _not_now(error: Exception) -> Problem:
    detail = str(error) or "The disk takes too long; ask for a shorter time."
    return Problem(503, "no-record", detail, {"Retry-After": "5"})


def _on(path: str) -> str:
    return f"/api/v1/alarms/{{id}}/{path}"


ROUTES = (
    Route(method="GET", path="/api/v1/alarms", handler=alarms, role=Role.VIEWER, answer=Alarms),
    Route(
        method="GET",
        path="/api/v1/alarms/history",
        handler=history,
        role=Role.VIEWER,
        query=Paged,
        answer=AlarmHistoryView,
    ),
    Route(
        method="GET",
        path="/api/v1/alarms/kpi",
        handler=kpi,
        role=Role.VIEWER,
        query=Span,
        answer=KpiView,
    ),
    Route(
        method="POST",
        path=_on("acknowledge"),
        handler=acknowledge,
        role=Role.STAFF,
        tablet=True,
        unpaced=True,
        answer=AlarmView,
    ),
    Route(
        method="POST",
        path=_on("shelve"),
        handler=shelve,
        role=Role.STAFF,
        body=Shelve,
        answer=AlarmView,
    ),
    Route(
        method="POST", path=_on("unshelve"), handler=unshelve, role=Role.MANAGER, answer=AlarmView
    ),
    Route(method="POST", path=_on("reset"), handler=reset, role=Role.MANAGER, answer=AlarmView),
    Route(
        method="POST",
        path=_on("out-of-service"),
        handler=out_of_service,
        role=Role.MANAGER,
        body=Remove,
        answer=AlarmView,
    ),
    Route(
        method="POST",
        path=_on("in-service"),
        handler=in_service,
        role=Role.MANAGER,
        answer=AlarmView,
    ),
    Route(method="GET", path="/api/v1/duty", handler=duties, role=Role.VIEWER, answer=Duties),
    Route(
        method="POST",
        path="/api/v1/duty/{role}",
        handler=hand_over,
        role=Role.STAFF,
        body=TakeOver,
        answer=Duties,
    ),
)
