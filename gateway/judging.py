"""Feeds the reducer of `rules/judge.py`, and has its state committed with what caused it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from gateway.hub import Hub
from gateway.reading import Reading
from gateway.store.log import Log
from gateway.store.state import JudgedInput, JudgedReading
from rules.alarm import Alarm, State
from rules.changes import Changes
from rules.events import (
    OWN,
    Acknowledged,
    Begun,
    Drive,
    Elapsed,
    Entry,
    Event,
    Observed,
    Ordered,
    ReadBack,
    Record,
    Relinquished,
    Started,
    Troubled,
)
from rules.judge import Judge
from rules.memory import Memory
from rules.order import Order, OrderState
from rules.outputs import MISMATCH
from rules.slots import Held, Output
from rules.state import Memories

Kept = Memory | Alarm | Output | Order
_encode = msgspec.json.encode


class UnknownAlarm(Exception):
    """No alarm of this name stands."""


class NotWaiting(Exception):
    """The alarm has been acknowledged already."""


class Judging:
    """The judge, its state, and the hands that carry out what it wants."""

    def __init__(self, judge: Judge, found: Mapping[str, str], log: Log, hub: Hub) -> None:
        self.judge = judge
        self.state = Memories(judge, decode(found))
        self._log = log
        self._hub = hub
        self.steps = 0
        self.drive: Callable[[Drive], None] = lambda drive: None
        self.orders_changed: Callable[[Mapping[str, object]], None] = lambda told: None
        self.alarms_changed: Callable[[Collection[str]], None] = lambda points: None

    def adopt(self, judge: Judge, now: int, known: Collection[str] = ()) -> None:
        """Judge by these rules from now on; those that are as they were go on as they stood."""
        self.judge = judge
        self.state = Memories(judge, self.state.entries)
        self.start(now, known)

    def start(self, now: int, known: Collection[str] = ()) -> None:
        """Begin: outputs take the value their slots say, at once; `known` as for Started."""
        body: dict[str, object] = {"k": "start"}
        if known:
            body["known"] = sorted(known)
        self._take(Started(known), self._hub.pass_time(now), _encode(body).decode())

    def observe(self, reading: Reading) -> bool:
        """Judge a reading; true when it changed anything, so that it must be stored."""
        point_id = reading.point.id
        if not self.judge.stirs(self.state, point_id, reading, reading.at):
            self.steps += 1
            return False
        return self._take(Observed(point_id, reading), reading.at, None)

    def tick(self, now: int) -> None:
        """Let timers fire; stored only when one did."""
        if self.state.next_due <= now:
            self._take(Elapsed(), self._hub.pass_time(now), '{"k":"tick"}')

    def acknowledge(self, alarm_id: str, by: str, now: int) -> None:
        """A person has seen an alarm; raises UnknownAlarm or NotWaiting."""
        alarm = self.state.entries.get(f"alarm/{alarm_id}")
        if not isinstance(alarm, Alarm):
            raise UnknownAlarm(alarm_id)
        if alarm.state is State.ACKNOWLEDGED:
            raise NotWaiting(alarm_id)
        body = _encode({"k": "acknowledge", "alarm": alarm_id, "by": by}).decode()
        self._take(Acknowledged(alarm_id, by), self._hub.pass_time(now), body)

    def order(self, event: Ordered | Relinquished, now: int) -> None:
        """Take an order down; it acts with `begin`, once this is committed."""
        kind = "order" if isinstance(event, Ordered) else "relinquish"
        body = _encode({"k": kind, **event._asdict()}).decode()
        self._take(event, self._hub.pass_time(now), body)

    def begin(self, order_id: str, now: int) -> None:
        """Act on an order that has been committed."""
        body = _encode({"k": "begin", "id": order_id}).decode()
        self._take(Begun(order_id), self._hub.pass_time(now), body)

    def read_back(self, event: ReadBack, now: int) -> None:
        """What an actuator really does; stored only when something hangs on it."""
        contract = self.judge.contracts.get(event.actuator)
        if contract is None:
            return
        output = self.state.entries.get(f"output/{event.actuator}")
        if not isinstance(output, Output):
            output = Output({}, contract.safe, now)
        doubted = output.amiss is not None or output.mismatched
        if (event.value is output.value) is doubted or self._awaited(output):
            body = _encode({"k": "read_back", **event._asdict()}).decode()
            self._take(event, self._hub.pass_time(now), body)

    def _awaited(self, output: Output) -> bool:
        """Whether an order waits to be confirmed by what the output does."""
        entries = self.state.entries
        orders = (entries.get(occupant.cause) for occupant in output.slots.values())
        return any(isinstance(it, Order) and it.state is OrderState.RUNNING for it in orders)

    def locked(self, actuator: str) -> bool:
        """Whether nothing may switch an actuator just now, because of gas where it stands."""
        if actuator not in self.judge.contracts:
            return False
        bar = self.judge.interlocks.bar(actuator, Changes(self.state))
        return bar.startswith(Held.LOCKOUT)

    def orders(self) -> dict[str, Order]:
        """The orders of the last days, by id."""
        return {
            key.removeprefix("order/"): entry
            for key, entry in self.state.entries.items()
            if isinstance(entry, Order)
        }

    def trouble(self, name: str, what: str, now: int, *, standing: bool = True) -> None:
        """Raise an alarm about the gateway itself, such as `left_out.walk_in`, or end it."""
        alarm = f"{OWN}{name}"
        body = {"k": "trouble", "alarm": alarm, "standing": standing, "what": what}
        event = Troubled(alarm, standing, what)
        self._take(event, self._hub.pass_time(now), _encode(body).decode())

    def troubles(self) -> dict[str, str]:
        """The alarms about the gateway itself that stand, by name, with what they say."""
        return {
            name.removeprefix(OWN): str(alarm.value or "")
            for name, alarm in self.alarms().items()
            if name.startswith(OWN)
            and alarm.state is not State.RETURNED
            and not name.startswith(MISMATCH)  # comes and goes with the read-back
        }

    def alarms(self) -> dict[str, Alarm]:
        """The alarms that stand, by id."""
        return {
            key.removeprefix("alarm/"): entry
            for key, entry in self.state.entries.items()
            if isinstance(entry, Alarm)
        }

    def outputs(self) -> dict[str, Output]:
        """What every actuator is driven to, and by which slots."""
        return {
            key.removeprefix("output/"): entry
            for key, entry in self.state.entries.items()
            if isinstance(entry, Output)
        }

    def _take(self, event: Event, now: int, body: str | None) -> bool:
        self.steps += 1
        changes, effects = self.judge.step(self.state, event, now)
        if not changes and not effects and not isinstance(event, Started):
            return False
        self.state.apply(changes)
        for effect in effects:
            if isinstance(effect, Drive):
                self.drive(effect)
        if body is not None:
            self._log.judged(now, body)
        for key, entry in changes.items():
            self._log.remember(key, None if entry is None else _encode(entry).decode())
        for effect in effects:
            if isinstance(effect, Record):
                self._log.event(effect.kind, effect.data, now)
        self._tell([effect for effect in effects if isinstance(effect, Record)])
        return True

    def _tell(self, told: Iterable[Record]) -> None:
        """Have those told who show orders and alarms."""
        points: set[str] = set()
        alarms = False
        for record in told:
            if record.kind == "order":
                self.orders_changed(record.data)
            elif record.kind == "alarm":
                alarms = True
                points |= {str(record.data["point"])} if record.data["point"] else set()
        if alarms:
            self.alarms_changed(points)


def decode(found: Mapping[str, str]) -> dict[str, Entry]:
    """Entries of the state from their stored JSON."""
    return {key: msgspec.json.decode(body, type=Kept) for key, body in found.items()}


def replay(judge: Judge, inputs: Iterable[JudgedReading | JudgedInput]) -> dict[str, Entry]:
    """The state an uninterrupted run over this committed input ends in."""
    state = Memories(judge)
    for entry in inputs:
        if isinstance(entry, JudgedReading):
            step = judge.step(state, Observed(entry.point, entry), entry.at)
        else:
            step = judge.step(state, _event(entry.body), entry.at)
        state.apply(step.changes)
    return state.entries


def _event(body: str) -> Event:
    data = msgspec.json.decode(body)
    match data["k"]:
        case "tick":
            return Elapsed()
        case "start":
            return Started(tuple(data.get("known", ())))
        case "order":
            return Ordered(**_without_kind(data))
        case "relinquish":
            return Relinquished(**_without_kind(data))
        case "begin":
            return Begun(data["id"])
        case "read_back":
            return ReadBack(**_without_kind(data))
        case "trouble":
            return Troubled(data["alarm"], data["standing"], data["what"])
        case _:
            return Acknowledged(data["alarm"], data["by"])


def _without_kind(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "k"}
