"""`/api/v1/actuators` and `/api/v1/commands`: what they show, and what they say no to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.access import Role, User
from gateway.web import actuators
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView
from gateway.web.kitchen_errors import TooManyOrders, WrongOrder
from tests.kitchen_fake import KitchenInMemory, small_kitchen
from tests.web_client import Web, web

FAN = ActuatorView(id="fan", label="Fan", value=False, since=0, read_back=False, cause="safe state")


class Stubborn(KitchenInMemory):
    """Answers an order with whatever a test wants."""

    outcome: OrderView | Exception | None = None

    async def order(self, order: Order, by: User) -> OrderView:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            await asyncio.Event().wait()
        assert self.outcome is not None
        return msgspec.structs.replace(self.outcome, id=order.id, by=by.name)


@pytest.fixture
async def room() -> AsyncIterator[Web]:
    kitchen = small_kitchen()
    kitchen.actuator_views = {
        "fan": FAN,
        "lamp": msgspec.structs.replace(FAN, id="lamp", locked=True),
    }
    async with web(kitchen=kitchen) as found:
        yield found


async def ask(
    room: Web, method: str, path: str, body: object = None, role: Role = Role.STAFF
) -> tuple[int, Any]:
    headers = await room.headers(role)
    data = body if isinstance(body, (bytes, type(None))) else msgspec.json.encode(body)
    async with room.client.request(method, path, data=data, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_actuators_and_orders_are_shown_to_whoever_may_look(room: Web) -> None:
    status, body = await ask(room, "GET", "/api/v1/actuators", role=Role.VIEWER)
    assert (status, [it["id"] for it in body["actuators"]]) == (200, ["fan", "lamp"])
    assert await ask(room, "GET", "/api/v1/commands", role=Role.VIEWER) == (200, {"commands": []})


async def test_an_order_gets_an_id_and_is_answered_with_what_became_of_it(room: Web) -> None:
    status, body = await ask(room, "POST", "/api/v1/commands", {"actuator": "fan", "value": True})
    assert (status, body["state"], body["by"], body["role"]) == (200, "succeeded", "staff", "staff")
    assert len(body["id"]) == 36
    status, body = await ask(room, "DELETE", "/api/v1/commands/fan")
    assert (status, body["value"]) == (200, None)
    _, body = await ask(room, "GET", "/api/v1/commands")
    assert [order["value"] for order in body["commands"]] == [None, True]


@pytest.mark.parametrize(
    ("actuator", "status", "code"), [("fun", 404, "unknown_actuator"), ("lamp", 409, "lockout")]
)
async def test_a_refused_order_says_why(room: Web, actuator: str, status: int, code: str) -> None:
    order = {"actuator": actuator, "value": True}
    found, body = await ask(room, "POST", "/api/v1/commands", order)
    assert (found, body["type"], body["order"]["code"]) == (
        status,
        "urn:kitchen-gateway:order-refused",
        code,
    )
    assert body["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[" * 1_000,
        {"actuator": "fan"},
        {"actuator": "fan", "value": None},
        {"actuator": "fan", "value": "on"},
        {"actuator": "fan", "value": True, "for": "long"},
        {"actuator": "fan", "value": True, "speed": 3},
        {"actuator": "fan", "value": True, "id": "short"},
        {"actuator": "fan", "value": True, "id": "not an id of ours"},
    ],
)
async def test_what_is_no_order_is_refused(room: Web, body: object) -> None:
    status, problem = await ask(room, "POST", "/api/v1/commands", body)
    assert (status, problem["type"]) == (400, "urn:kitchen-gateway:wrong-order")
    assert room.kitchen.order_views == []


@pytest.mark.parametrize("slot", ["x", "", "-1", "888"])
async def test_a_slot_is_a_number(room: Web, slot: str) -> None:
    status, _ = await ask(room, "DELETE", f"/api/v1/commands/fan?slot={slot}")
    assert status == 400


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (WrongOrder("slot 3 is not for orders"), 400),
        (TooManyOrders(), 429),
    ],
)
async def test_what_the_kitchen_does_not_take_is_told(outcome: Exception, status: int) -> None:
    kitchen = Stubborn()
    kitchen.outcome = outcome
    async with web(kitchen=kitchen) as room:
        found, body = await ask(
            room, "POST", "/api/v1/commands", {"actuator": "fan", "value": True}
        )
        assert found == status
        assert body["detail"]


async def test_an_order_that_has_not_ended_is_answered_with_how_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actuators, "OUTCOME_DEADLINE_S", 0.01)
    kitchen = Stubborn()
    running = OrderView(
        id="order-01", actuator="fan", value=True, slot=8, state="running", by="staff",
        role="staff", origin="page", at=0,
    )  # fmt: skip
    kitchen.order_views = [running]
    async with web(kitchen=kitchen) as room:
        order = {"actuator": "fan", "value": True, "id": "order-01"}
        status, body = await ask(room, "POST", "/api/v1/commands", order)
    assert (status, body["state"]) == (202, "running")
