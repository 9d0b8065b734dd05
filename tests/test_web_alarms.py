"""Alarms over the API: who may do what to them, and what is said to those who may not."""

import pytest

from gateway.access import Role
from gateway.alarm_kpi import AlarmRow
from gateway.web.alarm_shapes import DutyView, FloodView
from gateway.web.kitchen_errors import NoRecord, NotPossible
from rules.people import BackInService, HandedOver, OutOfService, Reset, Shelved, Unshelved
from tests.kitchen_fake import NOON, door_alarm, small_kitchen
from tests.web_client import Web, web

ALARM = "walk_in_open"
SHELVE = {"reason": "delivery", "for_s": 900}


async def post(
    site: Web, path: str, role: Role, body: object = None
) -> tuple[int, dict[str, object]]:
    url = f"/api/v1/{path}"
    async with site.client.post(url, json=body, headers=await site.headers(role)) as answer:
        return answer.status, await answer.json()


async def get(site: Web, path: str) -> tuple[int, dict[str, object]]:
    headers = await site.headers(Role.VIEWER)
    async with site.client.get(f"/api/v1/{path}", headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("path", "body", "least"),
    [
        ("acknowledge", None, Role.STAFF),
        ("shelve", SHELVE, Role.STAFF),
        ("unshelve", None, Role.MANAGER),
        ("reset", None, Role.MANAGER),
        ("out-of-service", {"reason": "repair"}, Role.MANAGER),
        ("in-service", None, Role.MANAGER),
    ],
)
async def test_each_verb_wants_its_role(path: str, body: object, least: Role) -> None:
    for role in Role:
        async with web() as site:
            status, _ = await post(site, f"alarms/{ALARM}/{path}", role, body)
            assert status == (200 if role.covers(least) else 403), role


async def test_what_a_person_did_is_told_with_the_name_of_the_login() -> None:
    async with web() as site:
        base = f"alarms/{ALARM}"
        await post(site, f"{base}/shelve", Role.STAFF, SHELVE)
        await post(site, f"{base}/unshelve", Role.MANAGER)
        await post(site, f"{base}/out-of-service", Role.MANAGER, {"reason": "repair"})
        await post(site, f"{base}/in-service", Role.MANAGER)
        await post(site, f"{base}/reset", Role.MANAGER)
        assert site.kitchen.acts == [
            Shelved(ALARM, "staff", "delivery", 900_000),
            Unshelved(ALARM, "manager"),
            OutOfService(ALARM, "manager", "repair"),
            BackInService(ALARM, "manager"),
            Reset(ALARM, "manager"),
        ]


async def test_a_shelved_alarm_comes_back_with_who_why_and_until_when() -> None:
    async with web() as site:
        status, alarm = await post(site, f"alarms/{ALARM}/shelve", Role.STAFF, SHELVE)
        assert (status, alarm["state"]) == (200, "shelved")
        assert alarm["shelved"] == {"by": "staff", "reason": "delivery", "until": NOON + 900_000}


async def test_danger_to_people_is_shelved_by_a_manager_only() -> None:
    kitchen = small_kitchen()
    kitchen.raise_alarm(door_alarm(id="gas", priority="life"))
    async with web(kitchen=kitchen) as site:
        status, problem = await post(site, "alarms/gas/shelve", Role.STAFF, SHELVE)
        assert (status, problem["type"]) == (403, "urn:kitchen-gateway:no-permission")
        status, _ = await post(site, "alarms/gas/shelve", Role.MANAGER, SHELVE)
        assert status == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"reason": "", "for_s": 900}, "reason"),
        ({"reason": "x" * 201, "for_s": 900}, "reason"),
        ({"reason": "delivery"}, "for_s"),
        ({"reason": "delivery", "for_s": 0}, "for_s"),
        ({"reason": "delivery", "for_s": 86_401}, "for_s"),
        ({"reason": "delivery", "for_s": "long"}, "for_s"),
        ({**SHELVE, "by": "somebody else"}, "by"),
        ([1], "object"),
        (None, "truncated"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_and_says_where(body: object, says: str) -> None:
    async with web() as site:
        status, problem = await post(site, f"alarms/{ALARM}/shelve", Role.STAFF, body)
        assert (status, problem["type"]) == (400, "urn:kitchen-gateway:bad-body")
        assert says in str(problem["detail"])
        assert site.kitchen.acts == []


async def test_what_cannot_be_done_says_why_and_what_there_is_not_is_not_found() -> None:
    async with web() as site:
        status, problem = await post(site, "alarms/unknown/shelve", Role.STAFF, SHELVE)
        assert (status, problem["type"]) == (404, "urn:kitchen-gateway:unknown-alarm")
        site.kitchen.impossible = NotPossible("not-seen", "It is to be acknowledged first.")
        status, problem = await post(site, f"alarms/{ALARM}/reset", Role.MANAGER)
        assert (status, problem["type"]) == (409, "urn:kitchen-gateway:not-seen")
        assert problem["detail"] == "It is to be acknowledged first."


async def test_alarms_come_with_the_flood_they_are_part_of() -> None:
    async with web() as site:
        _, found = await get(site, "alarms")
        assert found["flood"] is None
        site.kitchen.flood_view = FloodView(NOON, 14, 3)
        _, found = await get(site, "alarms")
        assert found["flood"] == {"since": NOON, "alarms": 14, "held": 3}


async def test_looking_back_wants_a_time_that_makes_sense() -> None:
    async with web() as site:
        row = AlarmRow(NOON - 60_000, ALARM, "raise", "unacknowledged", "high")
        site.kitchen.alarm_rows = [row]
        where = f"?from={NOON - 3_600_000}&to={NOON}"
        _, found = await get(site, f"alarms/history{where}")
        assert (found["from"], found["to"], found["complete"]) == (NOON - 3_600_000, NOON, True)
        assert found["events"][0]["data"]["verb"] == "raise"  # type: ignore[index]
        _, found = await get(site, f"alarms/kpi{where}")
        figures = found["figures"]
        assert isinstance(figures, dict)
        assert (figures["raised"], figures["per_hour"]) == (1, 1.0)
        assert found["labels"] == {ALARM: "워크인 냉장 문 열림"}
        for path in ("alarms/history", "alarms/kpi"):
            status, problem = await get(site, f"{path}?from=5&to=5")
            assert (status, problem["type"]) == (400, "urn:kitchen-gateway:bad-time")
        site.kitchen.no_record = NoRecord("the disk hangs")
        status, problem = await get(site, "alarms/history")
        assert (status, problem["detail"]) == (503, "the disk hangs")


async def test_a_role_is_handed_over_by_name() -> None:
    async with web() as site:
        site.kitchen.duty = [DutyView(role="cook", people=["mina"])]
        _, found = await get(site, "duty")
        assert found["roles"][0]["people"] == ["mina"]  # type: ignore[index]
        body = {"person": "jun", "for_s": 3600}
        status, found = await post(site, "duty/cook", Role.STAFF, body)
        assert status == 200
        assert found["roles"][0]["handed_over_by"] == "staff"  # type: ignore[index]
        assert site.kitchen.acts == [HandedOver("cook", "jun", "staff", 3_600_000)]
        status, _ = await post(site, "duty/cook", Role.VIEWER, body)
        assert status == 403
