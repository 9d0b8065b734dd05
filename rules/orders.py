"""The orders of one step: taken down first, begun once that is a row, then confirmed or not.

What has failed no longer acts: it gives its slot back, but for manual life safety, which stays
until a person takes it back.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from rules.changes import Changes
from rules.events import Begun, Ordered, ReadBack, Relinquished
from rules.order import KEEP_MAX, KEEP_MS, Order, OrderState
from rules.outputs import Outputs
from rules.slots import LIFE_SLOTS, Contract, Held, Occupant

_KEY = "order/"
_WAITS = (Held.MIN_ON, Held.MIN_OFF, Held.PACE)  # for these an order waits; they end by themselves


class Orders:
    """Every order that is known, as this step leaves it."""

    def __init__(
        self, contracts: Mapping[str, Contract], outputs: Outputs, changes: Changes
    ) -> None:
        self._contracts = contracts
        self._outputs = outputs
        self._changes = changes

    def take(self, event: Ordered | Relinquished | Begun | ReadBack, now: int) -> None:
        """Whatever happens to an order."""
        match event:
            case Ordered() | Relinquished():
                self._take_down(event, now)
            case Begun(order_id):
                self._begin(order_id, now)
            case ReadBack(actuator, value, assumed):
                if actuator in self._contracts:
                    self._outputs.read_back(actuator, value, now)
                    self._read_back(actuator, value, now, assumed=assumed)

    def _take_down(self, event: Ordered | Relinquished, now: int) -> None:
        """Take an order down, or refuse it; one whose id is known changes nothing."""
        if self._order(event.id) is not None:
            return
        self._forget(now)
        order = Order(
            actuator=event.actuator,
            slot=event.slot,
            state=OrderState.ACCEPTED,
            at=now,
            by=event.by,
            role=event.role,
            origin=event.origin,
            due=event.expires,
        )
        if isinstance(event, Ordered):
            order = msgspec.structs.replace(order, value=event.value, until=event.until)
        late = event.expires <= now and not event.refused
        refusal = event.refused or self._refusal(order)
        if late:
            self._end(event.id, order, OrderState.EXPIRED, "expired", now)
        elif refusal:
            self._end(event.id, order, OrderState.REJECTED, refusal, now)
        else:
            self._become(event.id, order)

    def _begin(self, order_id: str, now: int) -> None:
        """Act on an order that is a row by now; nothing, if it is no longer waiting for that."""
        order = self._order(order_id)
        if order is None or order.state is not OrderState.ACCEPTED:
            return
        refusal = self._refusal(order)
        if refusal:
            self._end(order_id, order, OrderState.REJECTED, refusal, now)
            return
        if order.value is None:
            self._take_back(order)
            self._end(order_id, order, OrderState.SUCCEEDED, "", now)
            return
        deadline = now + self._contracts[order.actuator].deadline_ms
        self._supersede(order, order_id, now)
        self._become(
            order_id, msgspec.structs.replace(order, state=OrderState.RUNNING, due=deadline)
        )
        occupant = Occupant(order.value, f"{_KEY}{order_id}", order.until)
        self._outputs.occupy(order.actuator, order.slot, occupant)
        self._outputs.assure(order.actuator)

    def _read_back(self, actuator: str, value: bool | None, now: int, *, assumed: bool) -> None:
        """What the output of an order really does; what a device cannot tell waits for the end."""
        output = self._outputs.output(actuator)
        for slot, occupant in output.slots.items():
            order_id = occupant.cause.removeprefix(_KEY)
            order = self._order(order_id)
            if order is None or order.state is not OrderState.RUNNING or slot != order.slot:
                continue
            if value is not order.value or output.value is not order.value:
                continue
            if assumed:
                self._changes.put(
                    f"{_KEY}{order_id}", msgspec.structs.replace(order, code="assumed")
                )
            else:
                self._end(order_id, order, OrderState.SUCCEEDED, "", now)

    def fire(self, order_id: str, at: int) -> None:
        """The time to begin or to be confirmed is over."""
        order = self._order(order_id)
        if order is None or not order.in_flight:
            return
        if order.state is OrderState.ACCEPTED:
            self._end(order_id, order, OrderState.EXPIRED, "expired", at)
            return
        output = self._outputs.output(order.actuator)
        holder = output.slots.get(order.slot)
        mine = holder is not None and holder.cause == f"{_KEY}{order_id}"
        if mine and output.held in _WAITS and output.due is not None and output.due > at:
            deadline_ms = self._contracts[order.actuator].deadline_ms
            self._changes.put(
                f"{_KEY}{order_id}", msgspec.structs.replace(order, due=output.due + deadline_ms)
            )
            return
        if order.code == "assumed" and mine and output.value is order.value:
            self._end(order_id, order, OrderState.SUCCEEDED, "assumed", at)
            return
        if not mine:
            why = "lapsed"
        elif output.value is order.value:
            why = "unconfirmed"
        else:
            why = output.held or "overridden"
        self._fail(order_id, order, why, at)

    def start(self, now: int, known: Collection[str]) -> None:
        """Of what was on its way nobody knows what became of it: it is not done again."""
        self._forget(now)
        for order_id, order in self._orders():
            if order.in_flight and order.actuator not in known:
                self._fail(order_id, order, "unknown", now)

    def _refusal(self, order: Order) -> str:
        """Why an order may not act just now, as code and what it is about; empty if it may."""
        contract = self._contracts.get(order.actuator)
        if contract is None:
            return "unknown_actuator"
        bar = self._outputs.bar(order.actuator)
        if bar.startswith(Held.LOCKOUT):
            return bar
        output = self._outputs.output(order.actuator)
        held = output.slots.get(order.slot)
        if order.value is None:
            return "" if held is not None and held.cause.startswith(_KEY) else "not_held"
        if order.slot in LIFE_SLOTS:
            return ""
        if bar and order.value:
            return bar
        above = min((slot for slot in output.slots if slot < order.slot), default=None)
        if above is not None and output.slots[above].value is not order.value:
            return f"overridden/{output.slots[above].cause}"
        return ""

    def _take_back(self, order: Order) -> None:
        held = self._outputs.output(order.actuator).slots.get(order.slot)
        if held is not None:
            self._outputs.relinquish(order.actuator, order.slot, held.cause)

    def _supersede(self, order: Order, order_id: str, now: int) -> None:
        """Who holds the slot gives way; if it was still on its way, it will not succeed."""
        held = self._outputs.output(order.actuator).slots.get(order.slot)
        if held is None:
            return
        other_id = held.cause.removeprefix(_KEY)
        other = self._order(other_id)
        if other is not None and other.in_flight:
            self._end(other_id, other, OrderState.FAILED, f"superseded/{order_id}", now)

    def _fail(self, order_id: str, order: Order, why: str, now: int) -> None:
        self._end(order_id, order, OrderState.FAILED, why, now)
        if order.slot not in LIFE_SLOTS and order.actuator in self._contracts:
            self._outputs.relinquish(order.actuator, order.slot, f"{_KEY}{order_id}")

    def _end(self, order_id: str, order: Order, state: OrderState, why: str, now: int) -> None:
        code, _, about = why.partition("/")
        ended = msgspec.structs.replace(
            order, state=state, code=code, about=about, due=None, ended=now
        )
        self._become(order_id, ended)

    def _become(self, order_id: str, order: Order) -> None:
        self._changes.put(f"{_KEY}{order_id}", order)
        told: dict[str, object] = {
            "id": order_id,
            "state": order.state.value,
            "actuator": order.actuator,
            "value": order.value,
            "slot": order.slot,
            "code": order.code,
            "about": order.about,
            "by": order.by,
            "role": order.role,
            "origin": order.origin,
        }
        self._changes.record("order", told)

    def _order(self, order_id: str) -> Order | None:
        entry = self._changes.get(f"{_KEY}{order_id}")
        return entry if isinstance(entry, Order) else None

    def _orders(self) -> Iterable[tuple[str, Order]]:
        keys = {*self._changes.state.entries, *self._changes.entries}
        found = (
            (key.removeprefix(_KEY), self._changes.get(key)) for key in keys if key.startswith(_KEY)
        )
        return sorted(
            ((order_id, entry) for order_id, entry in found if isinstance(entry, Order)),
            key=lambda item: (item[1].at, item[0]),
        )

    def _forget(self, now: int) -> None:
        """Keep what became of orders for seven days, and of so many; who holds a slot stays."""
        holding = {
            occupant.cause.removeprefix(_KEY)
            for actuator in self._contracts
            for occupant in self._outputs.output(actuator).slots.values()
            if occupant.cause.startswith(_KEY)
        }
        known = list(self._orders())
        surplus = len(known) - KEEP_MAX + 1
        for order_id, order in known:
            if order.in_flight or order_id in holding:
                continue
            if surplus > 0 or order.at < now - KEEP_MS:
                self._changes.put(f"{_KEY}{order_id}", None)
                surplus -= 1
