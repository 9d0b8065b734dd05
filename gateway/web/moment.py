"""The stretch of time a question is about: `?from=&to=`, the last day where they are left out."""

import msgspec
from aiohttp import web

from gateway import instant
from gateway.web.route import CLOCK, Problem

DAY_MS = 86_400_000


class Span(msgspec.Struct, frozen=True):
    """A time, as UTC ms or ISO 8601; the last day where it is left out."""

    start: str | None = msgspec.field(name="from", default=None)
    end: str | None = msgspec.field(name="to", default=None)


def span(request: web.Request) -> tuple[int, int]:
    """UTC ms from and up to; raises Problem."""
    query = request.query
    end = _moment(query.get("to"), request.app[CLOCK].wall(), "to")
    start = _moment(query.get("from"), max(0, end - DAY_MS), "from")
    if start >= end:
        raise Problem(400, "bad-time", "`from` must be before `to`.")
    return start, end


def _moment(text: str | None, otherwise: int, name: str) -> int:
    if text is None:
        return otherwise
    try:
        return instant.parse(text)
    except ValueError as error:
        raise Problem(400, "bad-time", f"`{name}`: {error}.") from None
