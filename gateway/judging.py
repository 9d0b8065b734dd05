"""Feeds the reducer of `rules/judge.py`, and has its state committed with what caused it."""

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from gateway import alarm_log
from gateway.hub import Hub
from gateway.reading import Reading
from gateway.store.log import Log
from gateway.store.state import START, JudgedInput, JudgedReading
from rules import cooks
from rules.alarm import Alarm
from rules.changes import Changes
from rules.events import (
    OWN,
    Announce,
    Asked,
    Begun,
    Clocked,
    Drive,
    Effect,
    Elapsed,
    Entry,
    Event,
    Observed,
    Ordered,
    ReadBack,
    Record,
    Relinquished,
    Started,
    Switched,
    Tell,
    Troubled,
    Turned,
)
from rules.judge import Judge
from rules.kept import Hands
from rules.order import Order, OrderState
from rules.outputs import MISMATCH
from rules.people import BY_NAME, NAMES, Acknowledged, ByPeople
from rules.slots import Held, Output
from rules.state import Memories

CLOCK_STEP_MS = 1_000  # a wall clock that moved by less is as it was
_TICK = '{"k":"tick"}'
_encode = msgspec.json.encode


class UnknownAlarm(Exception):
    """No alarm of this name stands."""


class UnknownRule(Exception):
    """No rule of this name can be asked for."""


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
        self.turned: Callable[[Turned], None] = lambda turned: None
        self.tell: Callable[[Tell, int], None] = lambda tell, at: None
        # Told of each event of an alarm, before the commit it is in.
        self.announce: Callable[[Mapping[str, object], int], None] = lambda data, at: None
        self.orders_changed: Callable[[Mapping[str, object]], None] = lambda told: None
        # Told of what a person or the cloud does, in the commit of it.
        self.done: Callable[[ByPeople | Asked | Switched | Ordered | Relinquished], None] = (
            lambda event: None
        )
        self.timers_changed: Callable[[], None] = lambda: None
        self.alarms_changed: Callable[[Collection[str]], None] = lambda points: None
        self.on_duty: Callable[[str, int], Collection[str]] = lambda to, now: ()

    def adopt(
        self,
        judge: Judge,
        now: int,
        known: Collection[str] = (),
        *,
        fresh: bool = False,
        past: Iterable[JudgedReading | JudgedInput] = (),
    ) -> None:
        """Judge by these rules from now on; those that are as they were go on as they stood.

        `fresh`: the process has just begun; `past` are kept readings for windows that are new.
        """
        self.judge = judge
        self.state = Memories(judge, self.state.entries, self.state.seen)
        self.state.seen.refill(
            (one.point, one) if isinstance(one, JudgedReading) else None for one in past
        )
        kept = {"known": sorted(known)} if known else {}
        body = START if fresh else _encode({"k": "adopt", **kept}).decode()
        self._take(Started(known, fresh), self._hub.pass_time(now), body)

    def start(self, now: int) -> None:
        """Begin with the rules there are: outputs take the value their slots say, at once."""
        self._take(Started(), self._hub.pass_time(now), START)

    def observe(self, reading: Reading, *, keep: bool) -> bool:
        """Judge a reading; true when it changed anything, so that it must be stored.

        A timer that is due fires in a step of its own, as it may be all that changes: a reading
        stored for that would be seen by formulas in a replay, and was not seen here.
        """
        point_id, at = reading.point.id, reading.at
        if self.state.next_due <= at:
            self._take(Elapsed(), at, _TICK)
        if self.judge.takes_in(self.state, point_id, reading, at, kept=keep):
            self.steps += 1
            return False
        return self._take(Observed(point_id, reading, keep), at, None)

    def tick(self, now: int, ahead_ms: int | None = None) -> None:
        """Let timers fire, and look at the wall clock; stored only when something came of it.

        `ahead_ms` is how far the wall clock is ahead of `now`, None while it is not believed.
        """
        if self.judge.wants_wall_time and self._clock_moved(ahead_ms):
            body = _encode({"k": "clock", "ahead_ms": ahead_ms}).decode()
            self._take(Clocked(ahead_ms), self._hub.pass_time(now), body)
        if self.state.next_due <= now:
            self._take(Elapsed(), self._hub.pass_time(now), _TICK)

    def _clock_moved(self, ahead_ms: int | None) -> bool:
        hands = self.state.entries.get("clock")
        if not isinstance(hands, Hands) or hands.ahead_ms is None or ahead_ms is None:
            return not isinstance(hands, Hands) or hands.ahead_ms is not ahead_ms
        return abs(hands.ahead_ms - ahead_ms) > CLOCK_STEP_MS

    def ask(self, rule_id: str, by: str, now: int) -> None:
        """A person wants a rule to run now; raises UnknownRule."""
        if not self.judge.hearers.callable(rule_id):
            raise UnknownRule(rule_id)
        body = _encode({"k": "ask", "rule": rule_id, "by": by}).decode()
        event = Asked(rule_id, by)
        self._take(event, self._hub.pass_time(now), body)
        self.done(event)

    def switch(self, mode: str, value: str, by: str, now: int) -> None:
        """A person puts the kitchen into another mode."""
        body = _encode({"k": "switch", "mode": mode, "value": value, "by": by}).decode()
        event = Switched(mode, value, by)
        self._take(event, self._hub.pass_time(now), body)
        self.done(event)

    def acknowledge(self, alarm_id: str, by: str, now: int) -> None:
        """A person has seen an alarm; raises UnknownAlarm or NotWaiting."""
        alarm = self.state.entries.get(f"alarm/{alarm_id}")
        if not isinstance(alarm, Alarm):
            raise UnknownAlarm(alarm_id)
        if not alarm.waits:
            raise NotWaiting(alarm_id)
        self.act(Acknowledged(alarm_id, by), now)

    def act(self, event: ByPeople, now: int) -> None:
        """A person does something about an alarm; what a person may do is in `alarming.py`."""
        body = _encode({"k": NAMES[type(event)], **event._asdict()}).decode()
        self._take(event, self._hub.pass_time(now), body)
        self.done(event)

    def cook(self, event: cooks.ByCooks, now: int) -> None:
        """A person does something with a cooking timer."""
        body = _encode({"k": cooks.NAMES[type(event)], **event._asdict()}).decode()
        self._take(event, self._hub.pass_time(now), body)

    def order(self, event: Ordered | Relinquished, now: int) -> None:
        """Take an order down; it acts with `begin`, once this is committed."""
        kind = "order" if isinstance(event, Ordered) else "relinquish"
        body = _encode({"k": kind, **event._asdict()}).decode()
        self._take(event, self._hub.pass_time(now), body)
        self.done(event)

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
            and alarm.stands
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
        self._carry_out(effects, now)
        if body is not None:
            self._log.judged(now, body)
        for key, entry in changes.items():
            self._log.remember(key, None if entry is None else _encode(entry).decode())
        self._write(effects, now)
        return True

    def _write(self, effects: Iterable[Effect], now: int) -> None:
        """Write the rows, and have people told and shown what became of alarms."""
        rows: list[Mapping[str, object]] = []
        crowd = False  # a flood or chattering begins or ends
        for effect in effects:
            if isinstance(effect, Announce):
                people = sorted(self.on_duty(effect.to, now))
                rows.append({**effect.data, "people": people})
                self._log.event("alarm", rows[-1], now)
            elif isinstance(effect, Record):
                self._log.event(effect.kind, effect.data, now)
                crowd = crowd or str(effect.data.get("code", "")).startswith("alarm_")
                if effect.kind == "alarm":
                    alarm_log.say(effect.data)
                    rows.append(effect.data)
                elif effect.kind == "order":
                    self.orders_changed(effect.data)
                elif effect.kind == "timer":
                    self.timers_changed()
        for data in rows:
            self.announce(data, now)
        if rows or crowd:
            self.alarms_changed({str(data["point"]) for data in rows if data["point"]})

    def _carry_out(self, effects: Iterable[Effect], now: int) -> None:
        """Outputs are driven before anything is written."""
        for effect in effects:
            match effect:
                case Drive():
                    self.drive(effect)
                case Turned():
                    self.turned(effect)
                case Tell():
                    self.tell(effect, now)


def decode(found: Mapping[str, str]) -> dict[str, Entry]:
    """Entries of the state from their stored JSON."""
    return {key: msgspec.json.decode(body, type=Entry) for key, body in found.items()}


def replay(judge: Judge, inputs: Iterable[JudgedReading | JudgedInput]) -> dict[str, Entry]:
    """The state an uninterrupted run over this committed input ends in."""
    state = Memories(judge)
    for entry in inputs:
        if isinstance(entry, JudgedReading):
            step = judge.step(state, Observed(entry.point, entry), entry.at)
        else:
            step = judge.step(state, event_of(entry.body), entry.at)
        state.apply(step.changes)
    return state.entries


# What is stored of an event are its fields.
_SHAPES: Mapping[str, Callable[..., Event]] = {
    **BY_NAME,
    **cooks.BY_NAME,
    "ask": Asked,
    "begin": Begun,
    "clock": Clocked,
    "order": Ordered,
    "read_back": ReadBack,
    "relinquish": Relinquished,
    "switch": Switched,
    "trouble": Troubled,
}


def event_of(body: str) -> Event:
    """What was judged, from its stored JSON."""
    data = msgspec.json.decode(body)
    kind = data.pop("k")
    match kind:
        case "tick":
            return Elapsed()
        case "start":
            return Started()
        case "adopt":
            return Started(tuple(data.get("known", ())), fresh=False)
        case _:
            return _SHAPES[kind](**data)
