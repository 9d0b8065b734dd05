"""`/api/v1/events`: what happened, of which kind, with the chain that led to it."""

import json

from gateway.access import Role
from gateway.web.event_shapes import Happened
from gateway.web.kitchen_errors import NoRecord
from tests.web_client import Web, web


async def ask(page: Web, query: str = "") -> tuple[int, dict[str, object]]:
    path = f"/api/v1/events{query}"
    answer = await page.client.get(path, headers=await page.headers(Role.VIEWER))
    found: dict[str, object] = json.loads(await answer.read())
    return answer.status, found


def fill(page: Web) -> None:
    at = page.clock.wall() - 1_000
    chain = ["point walk_in/temperature", "rule walk_in_warm"]
    page.kitchen.happened = [
        Happened(at, "command", "Buzzer", {"actuator": "buzzer", "value": True, "chain": chain}),
        Happened(at, "alarm", "Too warm", {"id": "walk_in_warm", "verb": "raise"}),
    ]


async def test_what_happened_is_told_with_what_led_to_it() -> None:
    async with web() as page:
        fill(page)
        status, found = await ask(page)
        assert status == 200
        assert found["complete"] is True
        events = found["events"]
        assert isinstance(events, list)
        assert [event["kind"] for event in events] == ["command", "alarm"]
        assert events[0]["data"]["chain"] == ["point walk_in/temperature", "rule walk_in_warm"]
        assert found["labels"] == {point.id: point.label for point in page.kitchen.points()}


async def test_one_kind_may_be_asked_for_and_an_unknown_one_names_those_there_are() -> None:
    async with web() as page:
        fill(page)
        _, found = await ask(page, "?kind=alarm")
        events = found["events"]
        assert isinstance(events, list)
        assert [event["kind"] for event in events] == ["alarm"]
        status, found = await ask(page, "?kind=boot")
        assert status == 400
        assert "alarm, command, mode" in str(found["detail"])


async def test_a_record_that_cannot_be_read_is_no_empty_one() -> None:
    async with web() as page:
        page.kitchen.no_record = NoRecord("the disk hangs")
        status, found = await ask(page)
        assert (status, found["detail"]) == (503, "the disk hangs")
