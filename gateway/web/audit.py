"""`/api/v1/audit`: who did what, page by page."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.audit_shapes import AuditView
from gateway.web.kitchen_errors import NoRecord
from gateway.web.route import KITCHEN, Problem, Route, json_response

PAGE, PAGE_MAX = 50, 200
_DIGITS_MAX = 15


class Page(msgspec.Struct, frozen=True):
    """Which entries: so many before that number, else the last ones."""

    before: int | None = None
    limit: int = PAGE


async def show(request: web.Request) -> web.Response:
    """Who did what, newest first; `next` is the `before` of the page after it."""
    before, limit = _number(request.query, "before"), _number(request.query, "limit")
    try:
        found = await request.app[KITCHEN].audit(before, min(limit or PAGE, PAGE_MAX))
    except NoRecord as error:
        raise Problem(503, "no-record", f"The entries cannot be read now: {error}.") from None
    return json_response(found)


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX and int(text)):
        raise Problem(400, "bad-number", f"{name} is a whole number from 1 on.")
    return int(text)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/audit",
        handler=show,
        role=Role.MANAGER,
        query=Page,
        answer=AuditView,
    ),
)
