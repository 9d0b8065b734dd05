"""`/api/v1/history`: one point over time, and every refusal with its way out."""

import json

import pytest

from gateway.access import Role
from gateway.web.kitchen_errors import NoHistory, TooManyRows, UnknownStep
from tests.web_client import Web, web

POINT = "walk_in/temperature"
DAY = 86_400_000


async def ask(page: Web, path: str) -> tuple[int, dict[str, object]]:
    answer = await page.client.get(path, headers=await page.headers(Role.VIEWER))
    found: dict[str, object] = json.loads(await answer.read())
    return answer.status, found


async def test_the_last_day_is_answered_when_no_time_is_given() -> None:
    async with web() as page:
        status, found = await ask(page, f"/api/v1/history?point={POINT}")
        now = page.clock.wall()
        assert status == 200
        assert (found["from"], found["to"], found["step"]) == (now - DAY, now, "auto")
        assert found["unit"] == "Cel"
        assert found["columns"] == ["at", "value", "reason"]
        assert found["rows"] == [[now - DAY, 3.2, None], [now - DAY + 5_000, None, "stale"]]


async def test_times_may_be_ms_or_iso_and_a_plus_may_have_become_a_space() -> None:
    async with web() as page:
        query = "from=2026-11-21T00:00+09:00&to=1795226400000&step=1h"
        _, found = await ask(page, f"/api/v1/history?point={POINT}&{query}")
        assert (found["from"], found["to"]) == (1_795_186_800_000, 1_795_226_400_000)


@pytest.mark.parametrize(
    ("query", "status", "kind", "words"),
    [
        ("", 400, "no-point", "walk_in/temperature"),
        ("point=nobody/knows", 404, "unknown-point", "nobody/knows"),
        (f"point={POINT}&from=tomorrow", 400, "bad-time", "`from`"),
        (f"point={POINT}&to=nan", 400, "bad-time", "`to`"),
        (f"point={POINT}&from=10&to=10", 400, "bad-time", "before"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    query: str, status: int, kind: str, words: str
) -> None:
    async with web() as page:
        found_status, found = await ask(page, f"/api/v1/history?{query}")
        assert (found_status, found["type"]) == (status, f"urn:kitchen-gateway:{kind}")
        assert words in str(found["detail"])


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (UnknownStep(("raw", "1min")), 400, "raw, 1min"),
        (TooManyRows(100_000, "15min"), 400, "step=15min"),
        (TooManyRows(100_000, None), 400, "more than 100,000 rows: ask for a shorter time"),
        (NoHistory("the disk is full"), 503, "the disk is full"),
    ],
)
async def test_what_cannot_be_answered_says_the_way_out(
    raised: Exception, status: int, words: str
) -> None:
    async with web() as page:
        page.kitchen.no_history = raised
        found_status, found = await ask(page, f"/api/v1/history?point={POINT}")
        assert found_status == status
        assert words in str(found["detail"])


async def test_it_needs_a_login() -> None:
    async with web() as page:
        answer = await page.client.get(f"/api/v1/history?point={POINT}")
        assert answer.status == 401
