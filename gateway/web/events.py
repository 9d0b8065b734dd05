"""`/api/v1/events`: what happened, with the chain of what led to it."""

import asyncio
from collections.abc import Collection

from aiohttp import web
from msgspec.structs import replace

from gateway.access import Role
from gateway.web.event_shapes import RecordView
from gateway.web.kitchen_errors import NoRecord
from gateway.web.paging import Paged, cut, page
from gateway.web.route import KITCHEN, Problem, Route, json_response

READ_DEADLINE_S = 20.0
KINDS = frozenset({"alarm", "command", "mode", "notice", "record", "rule", "schedule", "timer"})


class OfKind(Paged, frozen=True):
    """A time, and one kind of event; all of them where it is left out."""

    kind: str | None = None


async def events(request: web.Request) -> web.Response:
    """What happened in a time: alarms, outputs, rules, modes, timers, notices."""
    asked = page(request)
    kinds = _kinds(request.query.get("kind"))
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            found = await request.app[KITCHEN].events(asked.start, asked.end, kinds)
    except NoRecord as error:
        raise _not_now(str(error)) from None
    except TimeoutError:
        raise _not_now("The disk takes too long; ask for a shorter time.") from None
    shown, following = cut(asked, found.events, complete=found.complete)
    complete = found.complete and following is None
    view = replace(found, events=shown, next=following, complete=complete)
    return json_response(view)


def _kinds(kind: str | None) -> Collection[str]:
    if kind is None:
        return KINDS
    if kind not in KINDS:
        raise Problem(400, "bad-kind", f"`kind` is one of: {', '.join(sorted(KINDS))}.")
    return {kind}


def _not_now(detail: str) -> Problem:
    return Problem(503, "no-record", detail, {"Retry-After": "5"})


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/events",
        handler=events,
        role=Role.VIEWER,
        query=OfKind,
        answer=RecordView,
    ),
)
