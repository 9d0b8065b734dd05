"""A write that is asked for twice with one key is done once, also after the process was killed."""

import asyncio
import base64
import json

import pytest

from gateway.access import Role
from gateway.store.errors import StoreError
from gateway.web.repeats import HEADER, KEPT_MS, KIND, REPLAYED
from gateway.web.rule_shapes import RuleView
from tests.kitchen_fake import DocumentsInMemory, KitchenInMemory, small_kitchen
from tests.web_client import OWNER, PIN, Web, web

RUN, TIMERS = "/api/v1/rules/closing/run", "/api/v1/timers"
ACKNOWLEDGE = "/api/v1/alarms/walk_in_open/acknowledge"


async def keyed(site: Web, key: str = "one") -> dict[str, str]:
    return {**await site.headers(Role.STAFF), HEADER: key}


async def test_the_same_key_gives_the_same_answer_and_does_nothing_again() -> None:
    async with web() as site:
        headers = await keyed(site)
        body = json.dumps({"label": "Fries", "for_s": 60})
        first = await site.client.post(TIMERS, data=body, headers=headers)
        again = await site.client.post(TIMERS, data=body, headers=headers)
        assert (first.status, again.status) == (201, 201)
        assert await first.read() == await again.read()
        assert REPLAYED not in first.headers
        assert again.headers[REPLAYED] == "true"
        assert again.content_type == "application/json"
        assert len(site.kitchen.timer_views) == 1


async def test_a_secret_that_is_shown_once_is_kept_nowhere() -> None:
    async with web() as site:
        headers = {**await site.headers(Role.ADMIN), HEADER: "one"}
        body = json.dumps({"name": "till"})
        first = await site.client.post("/api/v1/tokens", data=body, headers=headers)
        again = await site.client.post("/api/v1/tokens", data=body, headers=headers)
        secret = (await first.json())["token"]
        assert again.status == 409
        assert "done-already" in (await again.json(content_type=None))["type"]
        kept = await site.kitchen.documents().all(KIND)
        assert [secret in str(_unpacked(each.body)) for each in kept] == [False]


async def test_a_pin_cannot_be_guessed_from_what_is_kept_of_a_request() -> None:
    async with web() as site:
        await site.access.people.add(OWNER, "kim", "Kim", Role.STAFF)
        admin = await site.headers(Role.ADMIN)
        for key in ("one", "two"):
            headers = {**admin, HEADER: key}
            answer = await site.client.put(
                "/api/v1/people/kim", data=json.dumps({"pin": PIN}), headers=headers
            )
            assert answer.status == 200
        kept = [json.loads(each.body) for each in await site.kitchen.documents().all(KIND)]
        assert len({each["request"] for each in kept}) == 2  # the key is in it, and kept nowhere
        assert not any(key in str(kept) for key in ("'one'", "'two'", PIN))


def _unpacked(body: bytes) -> bytes:
    """The answer in a kept document."""
    return base64.b64decode(json.loads(body)["body"])


async def test_a_key_is_for_one_request_of_one_person_and_for_a_day() -> None:
    async with web() as site:
        headers = await keyed(site)
        assert (await site.client.post(RUN, headers=headers)).status == 200
        other = await site.client.post(ACKNOWLEDGE, headers=headers)
        assert other.status == 422
        assert "key-reused" in (await other.json(content_type=None))["type"]
        manager = {**await site.headers(Role.MANAGER), HEADER: "one"}
        assert (await site.client.post(RUN, headers=manager)).status == 200
        assert len(site.kitchen.asked) == 2
        await site.clock.leap(KEPT_MS + 1)
        assert REPLAYED not in (await site.client.post(RUN, headers=await keyed(site))).headers
        assert len(site.kitchen.asked) == 3


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "마포"])
async def test_what_is_no_key_is_refused(key: str) -> None:
    async with web() as site:
        answer = await site.client.post(RUN, headers=await keyed(site, key))
        assert answer.status == 400
        assert site.kitchen.asked == []


async def test_what_was_refused_may_be_asked_for_again_with_its_key() -> None:
    async with web() as site:
        headers = await keyed(site)
        site.kitchen.timers_most = 0
        body = json.dumps({"label": "Fries", "for_s": 60})
        assert (await site.client.post(TIMERS, data=body, headers=headers)).status == 409
        site.kitchen.timers_most = 1
        assert (await site.client.post(TIMERS, data=body, headers=headers)).status == 201


class Slow(KitchenInMemory):
    """Runs a rule only when it is let."""

    def __init__(self) -> None:
        small = small_kitchen()
        super().__init__(small.points(), small.alarms())
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.fails = False

    async def run_rule(self, rule_id: str, by: str) -> RuleView:
        self.begun.set()
        await self.go_on.wait()
        if self.fails:
            raise RuntimeError("a bug")
        return await super().run_rule(rule_id, by)


async def test_the_same_at_the_same_time_is_told_to_ask_again() -> None:
    kitchen = Slow()
    async with web(kitchen=kitchen) as site:
        headers = await keyed(site)
        first = asyncio.create_task(site.client.post(RUN, headers=headers))
        await kitchen.begun.wait()
        second = await site.client.post(RUN, headers=headers)
        assert (second.status, second.headers["Retry-After"]) == (409, "1")
        kitchen.go_on.set()
        assert (await first).status == 200
        assert len(kitchen.asked) == 1


async def test_of_what_broke_off_nobody_claims_to_know_the_outcome() -> None:
    kitchen = Slow()
    kitchen.fails = True
    kitchen.go_on.set()
    async with web(kitchen=kitchen) as site:
        headers = await keyed(site)
        assert (await site.client.post(RUN, headers=headers)).status == 500
        kitchen.fails = False
        again = await site.client.post(RUN, headers=headers)
        assert again.status == 409
        assert "unknown-outcome" in (await again.json(content_type=None))["type"]


async def test_a_full_disk_refuses_a_keyed_write_but_never_an_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*_: object) -> None:
        raise StoreError("database or disk is full", full=True)

    monkeypatch.setattr(DocumentsInMemory, "claim", refuse)
    async with web() as site:
        assert (await site.client.post(RUN, headers=await keyed(site))).status == 503
        assert site.kitchen.asked == []
        assert (await site.client.post(ACKNOWLEDGE, headers=await keyed(site))).status == 200
