"""Alarms as people see them: on the page, over the API, and looking back."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from gateway import alarm_kpi, reading
from gateway.alarm_kpi import AlarmRow
from gateway.alarming import shelve_limit, standing
from gateway.store import events
from gateway.store.errors import StoreError
from gateway.store.events import Events
from gateway.web.alarm_shapes import (
    AlarmHistoryView,
    AlarmState,
    AlarmView,
    CommandView,
    DutyView,
    EscalationView,
    EventView,
    FloodView,
    KpiView,
    RemovedView,
    ShelvedView,
    SuppressedView,
)
from gateway.web.kitchen_errors import NoRecord
from gateway.web.status_shapes import Metric
from rules.alarm import Alarm, State
from rules.announcing import Announcing
from rules.base import Priority, Rule
from rules.escalation import Escalation
from rules.events import OWN
from rules.suppression import Suppression
from rules.telling import BOOK

if TYPE_CHECKING:
    from gateway.app import Gateway

EVENTS_MAX = 1_000  # in one answer, newest first
_URGENCY = {priority: rank for rank, priority in enumerate(Priority)}
_OWN_WORDS = {
    "mismatch": (
        "출력이 지시대로 움직이지 않음 · Output does not obey",
        "직접 확인하고 배선과 릴레이를 점검하세요. Look at it; check its wiring and its relay.",
    ),
    "pace": (
        "너무 자주 켜짐 · Switched on too often",
        "켜고 끄는 규칙과 센서를 점검하세요. Look at the rules that switch it, and their sensors.",
    ),
    "left_out": (
        "감시 안 됨 · Not guarded",
        "설정을 고치고 다시 불러오세요. Mend config.yaml and have it loaded again.",
    ),
    "config": (
        "설정 오류 · Configuration not used",
        "설정을 고치고 다시 불러오세요. Mend config.yaml and have it loaded again.",
    ),
    "task_down": ("기능 중단 · Task down", "다시 시작하세요. Restart the gateway."),
}
_STATE: Mapping[State, AlarmState] = {
    State.NORMAL: "normal",
    State.UNACKNOWLEDGED: "unacknowledged",
    State.ACKNOWLEDGED: "acknowledged",
    State.RETURNED: "returned",
    State.LATCHED: "latched",
    State.SHELVED: "shelved",
    State.SUPPRESSED: "suppressed",
    State.OUT_OF_SERVICE: "out_of_service",
}


class AlarmViews:
    """Reads the state of judging; always on the loop."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def all(self) -> list[AlarmView]:
        """Every alarm that is not normal, the most urgent and newest first."""
        alarms = self._gateway.judging.alarms()
        ranked = sorted(
            alarms.items(), key=lambda item: (_URGENCY[item[1].priority], -item[1].since)
        )
        return [self.of(alarm_id, alarm) for alarm_id, alarm in ranked]

    def one(self, alarm_id: str) -> AlarmView:
        """One alarm, also while it is normal; raises UnknownAlarm."""
        return self.of(alarm_id, standing(self._gateway, alarm_id))

    def of(self, alarm_id: str, alarm: Alarm) -> AlarmView:
        """An alarm as it stands, or as it stood before it became normal."""
        judge = self._gateway.judging.judge
        rule, terms = judge.rules.get(alarm_id), judge.alarm_plan.terms(alarm_id)
        point = self._gateway.points.get(alarm.point)
        returned, acknowledged = alarm.returned_at, alarm.acknowledged_at
        own = alarm_id.startswith(OWN)
        label, advice = _own_words(alarm_id, alarm.value) if own else ("", "")
        return AlarmView(
            id=alarm_id,
            label=(rule.label if rule else label) or alarm_id,
            advice=rule.advice if rule else advice,
            priority=alarm.priority.value,
            state=_STATE[alarm.state],
            point=alarm.point or None,
            value=None if own else alarm.value,
            unit=point.unit if point else "",
            since=self._utc(alarm.since),
            returned=None if returned is None else self._utc(returned),
            acknowledged_by=alarm.acknowledged_by,
            acknowledged_at=None if acknowledged is None else self._utc(acknowledged),
            commands=self._commands(rule),
            procedure=terms.procedure,
            group=terms.group,
            first_out=alarm.first_out,
            stands=alarm.stands,
            latch=terms.latch,
            shelve_max_s=shelve_limit(self._gateway, alarm_id, alarm) / 1000,
            shelved=self._shelved(alarm),
            suppressed=self._suppressed(alarm_id, alarm),
            removed=self._removed(alarm),
            unseen=alarm.unseen,
            escalation=self._escalation(alarm_id),
            chattering=alarm_id in self._book().chattering,
        )

    def flood(self) -> FloodView | None:
        """While more alarms come than people can follow."""
        book = self._book()
        if book.flood_since is None:
            return None
        return FloodView(self._utc(book.flood_since), len(book.raises), len(book.held))

    def duties(self) -> list[DutyView]:
        """Every role of the shift calendar, and who fills it now."""
        roster = self._gateway.roster
        stand_ins = roster.stand_ins()
        views = []
        for role in roster.roles():
            stand_in = stand_ins.get(role)
            by = None if stand_in is None else stand_in.by
            until = None if stand_in is None else self._utc(stand_in.until)
            people = roster.on_duty(role)
            views.append(DutyView(role=role, people=people, handed_over_by=by, until=until))
        return views

    async def history(self, start: int, end: int) -> AlarmHistoryView:
        """What happened to alarms, newest first; raises NoRecord."""
        found = await self._events(start, end)
        rows = found.rows[-EVENTS_MAX:]
        return AlarmHistoryView(
            start=start,
            end=end,
            complete=found.complete and len(rows) == len(found.rows),
            events=[
                EventView(row.at, self._label(str(row.data.get("id", ""))), row.data)
                for row in reversed(rows)
            ],
        )

    async def kpi(self, start: int, end: int) -> KpiView:
        """The figures of a time; raises NoRecord."""
        found = await self._events(start, end)
        rows = [msgspec.convert({"at": row.at, **row.data}, AlarmRow) for row in found.rows]
        standing_now = {
            name: self._utc(alarm.since)
            for name, alarm in self._gateway.judging.alarms().items()
            if alarm.stands
        }
        figures = alarm_kpi.figures(rows, start, end, standing_now)
        named = {*(it.id for it in figures.top), *(it.id for it in figures.chattering)}
        labels = {name: self._label(name) for name in sorted({*named, *figures.stale})}
        return KpiView(
            start=start, end=end, complete=found.complete, figures=figures, labels=labels
        )

    async def _events(self, start: int, end: int) -> Events:
        try:
            return await events.between(self._gateway.store.reader, start, end, {"alarm"})
        except StoreError as error:
            raise NoRecord(str(error)) from None

    def _label(self, alarm_id: str) -> str:
        rule = self._gateway.judging.judge.rules.get(alarm_id)
        if rule is not None:
            return rule.label
        return _own_words(alarm_id, None)[0] if alarm_id.startswith(OWN) else alarm_id

    def _shelved(self, alarm: Alarm) -> ShelvedView | None:
        shelved = alarm.shelved
        if shelved is None:
            return None
        return ShelvedView(shelved.by, shelved.reason, self._utc(shelved.until))

    def _removed(self, alarm: Alarm) -> RemovedView | None:
        removed = alarm.removed
        if removed is None:
            return None
        return RemovedView(removed.by, removed.reason, self._utc(removed.since))

    def _suppressed(self, alarm_id: str, alarm: Alarm) -> SuppressedView | None:
        suppress = self._gateway.judging.judge.alarm_plan.terms(alarm_id).suppress
        if suppress is None or not alarm.suppressed:
            return None
        entry = self._gateway.judging.state.entries.get(f"suppression/{alarm_id}")
        until = entry.until if isinstance(entry, Suppression) else None
        return SuppressedView(suppress.point, None if until is None else self._utc(until))

    def _escalation(self, alarm_id: str) -> EscalationView | None:
        entry = self._gateway.judging.state.entries.get(f"escalation/{alarm_id}")
        if not isinstance(entry, Escalation):
            return None
        ladder = self._gateway.judging.judge.alarm_plan.ladders.get(entry.ladder)
        rungs = () if ladder is None else ladder.rungs
        told = min(entry.step, len(rungs))
        to = rungs[told - 1].to if told else ""
        return EscalationView(entry.step, to, None if entry.due is None else self._utc(entry.due))

    def _commands(self, rule: Rule | None) -> tuple[CommandView, ...]:
        actuators = self._gateway.config.actuators
        return tuple(
            CommandView(
                command.actuator,
                command.value,
                actuators[command.actuator].label if command.actuator in actuators else "",
            )
            for command in (rule.commands if rule else ())
        )

    def _book(self) -> Announcing:
        entry = self._gateway.judging.state.entries.get(BOOK)
        return entry if isinstance(entry, Announcing) else Announcing()

    def _utc(self, at: int) -> int:
        clock = self._gateway.clock
        return clock.wall() - (clock.now() - at)


def _own_words(alarm_id: str, what: reading.Value) -> tuple[str, str]:
    """Label and advice of an alarm about the gateway itself; the kitchen may read either."""
    kind, _, name = alarm_id.removeprefix(OWN).partition(".")
    label, advice = _OWN_WORDS.get(kind, (kind, ""))
    return f"{label}: {name}" if name else label, f"{advice}\n{what}"


def metrics(gateway: "Gateway") -> Iterator[Metric]:
    """How many alarms there are by state, and what is held back just now."""
    states = Counter(alarm.state for alarm in gateway.judging.alarms().values())
    for state in State:
        if state is not State.NORMAL:
            yield Metric(
                name="kitchen_alarms",
                help="Alarms by state; hidden ones are shelved, suppressed or out_of_service.",
                kind="gauge",
                value=states[state],
                labels={"state": state.value},
            )
    entry = gateway.judging.state.entries.get(BOOK)
    book = entry if isinstance(entry, Announcing) else Announcing()
    yield Metric(
        name="kitchen_alarms_held",
        help="Alarms of which people are told later, together.",
        kind="gauge",
        value=len(book.held),
    )
    yield Metric(
        name="kitchen_alarm_flood",
        help="1 while more alarms come than people can follow.",
        kind="gauge",
        value=float(book.flood_since is not None),
    )
