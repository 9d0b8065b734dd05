"""Who asks too fast waits; nobody else does, and nobody ever to acknowledge an alarm."""

import pytest

from gateway.access import Role, User
from gateway.web.health import ROUTES as HEALTH
from gateway.web.pace import ADDRESS, BUCKETS_MAX, READS, WRITES, Pace
from gateway.web.route import Problem
from tests.fakes import ManualClock
from tests.web_client import web

ACKNOWLEDGE = "/api/v1/alarms/walk_in_open/acknowledge"


async def test_a_session_that_reads_too_fast_is_told_when_to_ask_again() -> None:
    async with web() as site:
        viewer, other = await site.headers(Role.VIEWER), await site.headers(Role.VIEWER)
        for _ in range(int(READS.burst)):
            assert (await site.client.get("/api/v1/session", headers=viewer)).status == 200
        refused = await site.client.get("/api/v1/session", headers=viewer)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert refused.content_type == "application/problem+json"
        assert (await site.client.get("/api/v1/session", headers=other)).status == 200
        await site.clock.advance(1_000)
        assert (await site.client.get("/api/v1/session", headers=viewer)).status == 200


async def test_writing_has_an_allowance_of_its_own_and_acknowledging_none() -> None:
    async with web() as site:
        staff = await site.headers(Role.STAFF)
        for _ in range(int(WRITES.burst)):
            answer = await site.client.post("/api/v1/rules/closing/run", headers=staff)
            assert answer.status == 200
        refused = await site.client.post("/api/v1/rules/closing/run", headers=staff)
        assert refused.status == 429
        assert (await site.client.get("/api/v1/points", headers=staff)).status == 200
        assert (await site.client.post(ACKNOWLEDGE, headers=staff)).status == 200


def test_an_address_is_bounded_but_for_this_machine() -> None:
    pace, route = Pace(ManualClock()), HEALTH[0]
    crowd, proxy = "192.0.2.7", "127.0.0.1"
    for _ in range(int(ADDRESS.burst)):
        pace.check_address(route, crowd)
        pace.check_address(route, proxy)
    pace.check_address(route, proxy)
    with pytest.raises(Problem, match="ask again"):
        pace.check_address(route, crowd)
    assert pace.refused == 1


def test_the_table_of_buckets_is_bounded_and_forgets_who_was_silent_longest() -> None:
    pace, route = Pace(ManualClock()), HEALTH[0]
    for number in range(BUCKETS_MAX + 100):
        pace.check_user(route, User(f"user {number}", Role.VIEWER, "token"))
    assert pace.size == BUCKETS_MAX
