"""Actuators and orders as people see them, and the way a person orders."""

from typing import TYPE_CHECKING

import msgspec

from gateway import orders
from gateway.access import User
from gateway.config import schema
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView, OverrideView
from gateway.web.kitchen_errors import TooManyOrders, WrongOrder
from rules import slots
from rules.order import Order as Kept
from rules.slots import Output

if TYPE_CHECKING:
    from gateway.app import Gateway

_ORDER = "order/"
_ORIGINS = {"token": "api", "console": "console"}  # who is logged in comes through the page


def actuators(gateway: "Gateway") -> list[ActuatorView]:
    """Every output of the configuration in force."""
    return [_actuator(gateway, actuator) for actuator in gateway.config.actuators.values()]


def listed(gateway: "Gateway") -> list[OrderView]:
    """The orders that are known, the newest first."""
    known = sorted(gateway.judging.orders().items(), key=lambda item: (-item[1].at, item[0]))
    return [view(gateway, order_id, order) for order_id, order in known]


async def order(gateway: "Gateway", asked: Order, by: User) -> OrderView:
    """Order, and wait for what becomes of it; raises WrongOrder or TooManyOrders."""
    try:
        wish = orders.Wish(
            id=asked.id,
            actuator=asked.actuator,
            value=asked.value,
            by=by.name,
            role=by.role,
            origin=_ORIGINS.get(by.kind, "page"),
            slot=asked.slot,
            for_s=asked.for_s,
        )
        taken = gateway.orders.place(wish)
    except orders.BadWish as error:
        raise WrongOrder(str(error)) from None
    except orders.TooManyOrders:
        raise TooManyOrders from None
    found = await gateway.orders.outcome(asked.id)
    assert found is not None  # noqa: S101 - it was just placed, or known
    return msgspec.structs.replace(view(gateway, asked.id, found), dup=not taken)


def view(gateway: "Gateway", order_id: str, kept: Kept) -> OrderView:
    """One order for people."""
    return OrderView(
        id=order_id,
        actuator=kept.actuator,
        value=kept.value,
        slot=kept.slot,
        state=kept.state.value,
        code=kept.code,
        about=kept.about,
        by=kept.by,
        role=kept.role,
        origin=kept.origin,
        at=_utc(gateway, kept.at),
        until=None if kept.until is None else _utc(gateway, kept.until),
        ended=None if kept.ended is None else _utc(gateway, kept.ended),
    )


def _actuator(gateway: "Gateway", actuator: schema.Actuator) -> ActuatorView:
    judging = gateway.judging
    entry = judging.state.entries.get(f"output/{actuator.id}")
    safe, started = actuator.fail_safe.safe, gateway.started_at
    output = entry if isinstance(entry, Output) else Output({}, safe, started)
    slot = slots.winner(output.slots)
    cause = "safe state" if slot is None else output.slots[slot].cause
    rule = judging.judge.rules.get(cause.partition("/")[2])
    return ActuatorView(
        id=actuator.id,
        label=actuator.label,
        zone=actuator.zone,
        value=output.value,
        since=_utc(gateway, max(output.since, 0)),
        read_back=_read_back(gateway, actuator),
        mismatch=output.mismatched,
        slot=slot,
        cause=cause,
        label_of_cause=rule.label if rule else "",
        held_by=output.held,
        overrides=_overrides(gateway, output),
        critical=gateway.orders.is_critical(actuator.id),
        locked=judging.locked(actuator.id),
    )


def _overrides(gateway: "Gateway", output: Output) -> tuple[OverrideView, ...]:
    found = []
    for slot, occupant in output.slots.items():
        order_id = occupant.cause.removeprefix(_ORDER)
        kept = gateway.orders.find(order_id)
        if kept is None or order_id == occupant.cause:
            continue
        until = None if occupant.until is None else _utc(gateway, occupant.until)
        found.append(
            OverrideView(
                slot=slot,
                value=occupant.value,
                by=kept.by,
                origin=kept.origin,
                order=order_id,
                until=until,
            )
        )
    return tuple(found)


def _read_back(gateway: "Gateway", actuator: schema.Actuator) -> bool | None:
    """What it was last read to be."""
    for metric in actuator.metrics:
        seen = gateway.hub.latest.get(f"{actuator.id}/{metric.name}")
        if seen is not None and isinstance(seen.value, bool):
            return seen.value
    return None


def _utc(gateway: "Gateway", at: int) -> int:
    clock = gateway.clock
    return clock.wall() - (clock.now() - at)
