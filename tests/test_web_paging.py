"""A list that grows, a page at a time: no event twice and none left out, whatever is added."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Role
from gateway.web.paging import Page, cut
from tests.web_client import web

FETCH = 7  # so many of the newest are fetched at once, as the kitchen fetches a thousand


@dataclass(frozen=True)
class Event:
    at: int
    name: int


def fetched(events: list[Event], asked: Page) -> tuple[list[Event], bool]:
    """Newest first, as the kitchen gives them."""
    found = [event for event in reversed(events) if asked.start <= event.at < asked.end]
    return found[:FETCH], len(found) <= FETCH


@given(
    st.lists(st.integers(0, 9), max_size=40),
    st.integers(1, 8),
    st.lists(st.integers(0, 3), max_size=40),
)
def test_pages_hold_every_event_once_in_order(
    moments: list[int], limit: int, arriving: list[int]
) -> None:
    events = [Event(at, name) for name, at in enumerate(sorted(moments))]
    if max((moments.count(at) for at in moments), default=0) >= FETCH:
        return  # more of one moment than are ever fetched at once: see the next test
    expected, got, asked = list(reversed(events)), list[Event](), Page(0, 10, limit, -1, 0)
    while True:
        found, complete = fetched(events, asked)
        shown, following = cut(asked, found, complete=complete)
        got += shown
        if following is None:
            break
        events += [Event(100 + len(events), -1) for _ in range(arriving.pop() if arriving else 0)]
        at, given = map(int, following.split("-"))
        asked = Page(0, at + 1, limit, at, given)
    assert got == expected


def test_a_moment_with_more_events_than_are_fetched_ends_and_does_not_go_round() -> None:
    events = [Event(5, name) for name in range(3 * FETCH)]
    asked = Page(0, 10, FETCH, -1, 0)
    for _ in range(5):
        found, complete = fetched(events, asked)
        shown, following = cut(asked, found, complete=complete)
        if following is None:
            return
        assert shown
        at, given = map(int, following.split("-"))
        asked = Page(0, at + 1, FETCH, at, given)
    pytest.fail("it goes round")


@pytest.mark.parametrize("path", ["alarms/history", "events"])
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=1-2-3", "limit=²"]
)
async def test_what_is_no_page_is_refused(path: str, query: str) -> None:
    async with web() as site:
        viewer = await site.headers(Role.VIEWER)
        answer = await site.client.get(f"/api/v1/{path}?{query}", headers=viewer)
        assert answer.status == 400
