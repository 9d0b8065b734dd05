"""`/api/v1/audit`: who did what, page by page."""

from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen import NoRecord
from gateway.web.route import KITCHEN, Problem, Route, json_response

PAGE, PAGE_MAX = 50, 200
_DIGITS_MAX = 15


async def show(request: web.Request) -> web.Response:
    """`?before=` a number and `?limit=`; newest first."""
    before, limit = _number(request, "before"), _number(request, "limit")
    try:
        found = await request.app[KITCHEN].audit(before, min(limit or PAGE, PAGE_MAX))
    except NoRecord as error:
        raise Problem(503, "no-record", f"The entries cannot be read now: {error}.") from None
    return json_response(found)


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX and int(text)):
        raise Problem(400, "bad-number", f"{name} is a whole number from 1 on.")
    return int(text)


ROUTES = (Route(method="GET", path="/api/v1/audit", handler=show, role=Role.MANAGER),)
