"""Lists that grow, a page at a time: newest first, each page telling the cursor of the next.

A cursor names the last event given, by its moment and by how many of that moment were given; so
what happens meanwhile neither repeats an event nor leaves one out.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from aiohttp import web

from gateway.web.moment import Span, span
from gateway.web.route import Problem

PAGE_MAX = 1_000
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,6})")
_COUNT = re.compile(r"[0-9]{1,4}")


class Dated(Protocol):
    """One event; `at` is UTC ms."""

    @property
    def at(self) -> int: ...


Event = TypeVar("Event", bound=Dated)


class Paged(Span, frozen=True):
    """A time, at most so many of its events, and from where: `next` of the page before."""

    limit: int = PAGE_MAX
    cursor: str | None = None


class Page(NamedTuple):
    """What is asked for: UTC ms from `start` up to `end`, without the first `given` at `at`."""

    start: int
    end: int
    limit: int
    at: int
    given: int


def page(request: web.Request) -> Page:
    """Raises Problem."""
    start, end = span(request)
    limit = request.query.get("limit", str(PAGE_MAX))
    if not _COUNT.fullmatch(limit) or not 1 <= int(limit) <= PAGE_MAX:
        raise Problem(400, "bad-limit", f"`limit` is a number from 1 to {PAGE_MAX}.")
    cursor = request.query.get("cursor")
    if cursor is None:
        return Page(start, end, int(limit), -1, 0)
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Problem(400, "bad-cursor", "`cursor` is `next` of the page before.")
    at = int(found[1])
    return Page(start, max(start, min(end, at + 1)), int(limit), at, int(found[2]))


def cut(
    asked: Page, events: Sequence[Event], *, complete: bool
) -> tuple[Sequence[Event], str | None]:
    """The page itself, and the cursor of the next; None where there is no more to come."""
    first = 0
    while first < min(asked.given, len(events)) and events[first].at == asked.at:
        first += 1
    rest = events[first:]
    shown = rest[: asked.limit]
    if not shown or (len(shown) == len(rest) and complete):
        return shown, None
    last = shown[-1].at
    given = sum(event.at == last for event in shown) + (asked.given if last == asked.at else 0)
    return shown, f"{last}-{given}"
