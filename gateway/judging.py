"""Feeds the reducer of `rules/judge.py`, and has its state committed with what caused it."""

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from gateway.hub import Hub
from gateway.reading import Reading
from gateway.store.log import Log
from gateway.store.state import JudgedInput, JudgedReading
from rules.alarm import Alarm
from rules.events import (
    OWN,
    Announce,
    Drive,
    Effect,
    Elapsed,
    Entry,
    Event,
    Observed,
    Record,
    Started,
    Troubled,
)
from rules.judge import Judge
from rules.people import BY_NAME, NAMES, Acknowledged, ByPeople
from rules.slots import Output
from rules.state import Memories

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
        self.alarms_changed: Callable[[Collection[str]], None] = lambda points: None
        self.on_duty: Callable[[str, int], Collection[str]] = lambda to, now: ()
        self.announce: Callable[[Announce, int], None] = lambda announce, now: None

    def adopt(self, judge: Judge, now: int, known: Collection[str] = ()) -> None:
        """Judge by these rules from now on; those that are as they were go on as they stood."""
        self.judge = judge
        self.state = Memories(judge, self.state.entries)
        self.start(now, known)

    def start(self, now: int, known: Collection[str] = ()) -> None:
        """Begin: outputs take the value their slots say, at once; `known` as for Started."""
        self._take(Started(known), self._hub.pass_time(now), '{"k":"start"}')

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
        if not alarm.waits:
            raise NotWaiting(alarm_id)
        self.act(Acknowledged(alarm_id, by), now)

    def act(self, event: ByPeople, now: int) -> None:
        """A person does something about an alarm; what a person may do is in `alarming.py`."""
        body = _encode({"k": NAMES[type(event)], **event._asdict()}).decode()
        self._take(event, self._hub.pass_time(now), body)

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
            if name.startswith(OWN) and alarm.stands
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
        self._tell(effects, now)
        return True

    def _tell(self, effects: Iterable[Effect], now: int) -> None:
        """Write the rows, and tell people and pages."""
        points: set[str] = set()
        changed = False
        for effect in effects:
            if isinstance(effect, Announce):
                people = sorted(self.on_duty(effect.to, now))
                effect = effect._replace(data={**effect.data, "people": people})  # noqa: PLW2901
                self._log.event("alarm", effect.data, now)
                self.announce(effect, now)
            elif isinstance(effect, Record):
                self._log.event(effect.kind, effect.data, now)
                if effect.kind == "alarm":
                    changed = True
                    points |= {str(point) for point in (effect.data["point"],) if point}
        if changed:
            self.alarms_changed(points)


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
            step = judge.step(state, _event(entry.body), entry.at)
        state.apply(step.changes)
    return state.entries


def _event(body: str) -> Event:
    data = msgspec.json.decode(body)
    match data["k"]:
        case "tick":
            return Elapsed()
        case "start":
            return Started()
        case "trouble":
            return Troubled(data["alarm"], data["standing"], data["what"])
        case name:
            return BY_NAME[name](**{key: data[key] for key in data if key != "k"})
