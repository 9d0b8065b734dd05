"""The alarms of one step: takes each through its states, writes that down, and has people told."""

import msgspec

from rules.alarm import (
    Alarm,
    Removal,
    Shelving,
    State,
    Verb,
    after,
    shelve_limit_ms,
    shown,
)
from rules.alarm_rows import AlarmRows
from rules.base import Observation
from rules.changes import Changes
from rules.escalation import Escalation, StandIn
from rules.events import OWN, Entry
from rules.hiding import Hiding
from rules.memory import Phase
from rules.people import (
    Acknowledged,
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)
from rules.plan import AlarmPlan
from rules.suppression import Suppression, about

KINDS = ("alarm", "suppression", "escalation", "announcing", "stand_in")  # of entries kept here
CONFIGURATION = "configuration"
Value = float | bool | str | None


class Alarms:
    """Every alarm of the kitchen, as this step leaves it."""

    def __init__(self, plan: AlarmPlan, changes: Changes) -> None:
        self._plan = plan
        self._changes = changes
        self._rows = AlarmRows(plan, changes)
        self._hiding = Hiding(plan, changes, self._rows)

    def observe(self, point: str, seen: Observation, now: int) -> None:
        """A reading may begin or end to hide alarms by design."""
        self._hiding.observe(point, seen, now)

    def apply(
        self, alarm_id: str, verb: Verb, now: int, *, value: Value = None, by: str | None = None
    ) -> None:
        """Let something happen to an alarm; what does not fit its state changes nothing."""
        before = self._rows.get(alarm_id)
        if verb is Verb.RAISE:
            self._raise(alarm_id, before, now, value)
        elif before is None:
            return
        elif verb is Verb.RETURN and self._plan.terms(alarm_id).clear_for_ms and before.stands:
            if before.clears_at is None:
                ends = now + self._plan.terms(alarm_id).clear_for_ms
                self._rows.put(alarm_id, msgspec.structs.replace(before, clears_at=ends))
        else:
            self._move(alarm_id, before, verb, now, by)

    def take(self, event: ByPeople, now: int) -> None:
        """Let something a person does have its effect."""
        match event:
            case Acknowledged(alarm, by):
                self.apply(alarm, Verb.ACKNOWLEDGE, now, by=by)
            case Reset(alarm, by):
                self.apply(alarm, Verb.RESET, now, by=by)
            case Shelved(alarm, by, reason, for_ms):
                priority = self._rows.known(alarm, now).priority
                until = now + min(for_ms, shelve_limit_ms(priority, self._plan.terms(alarm)))
                self._hiding.hide(alarm, Verb.SHELVE, now, Shelving(by, reason, until))
            case Unshelved(alarm, by):
                self._hiding.unshelve(alarm, now, by)
            case OutOfService(alarm, by, reason):
                self._hiding.hide(alarm, Verb.REMOVE, now, Removal(by, reason, now))
            case BackInService(alarm, by):
                before = self._rows.get(alarm)
                if before is not None and before.removed is not None:
                    left = msgspec.structs.replace(before, removed=None)
                    self._hiding.appear(alarm, left, Verb.RESTORE, now, by)
            case HandedOver(role, person, by, for_ms):
                self._changes.put(f"stand_in/{role}", StandIn(person, by, now, now + for_ms))
                data: dict[str, object] = {"code": "handed_over", "role": role, "person": person}
                self._changes.record("system", data | {"by": by, "for_s": for_ms // 1000})

    def fire(self, key: str, at: int) -> None:
        """One timer has come to its end."""
        kind, _, name = key.partition("/")
        entry = self._changes.get(key)
        if isinstance(entry, Alarm):
            if entry.clears_at is not None and entry.clears_at <= at:
                self._move(name, entry, Verb.RETURN, at, None)
            else:
                self._hiding.unshelve(name, at, None)
        elif isinstance(entry, Suppression):
            self._changes.put(key, msgspec.structs.replace(entry, until=None))
            self._hiding.unsuppress(name, at, "cap")
        elif isinstance(entry, StandIn):
            self._changes.put(key, None)
        elif kind == "escalation":
            self._rows.telling.climb(name, at)
        elif kind == "announcing":
            self._rows.telling.release(at)

    def refit(self, key: str, entry: Entry, now: int) -> None:
        """Fit what was left behind to the rules of today."""
        name = key.partition("/")[2]
        if isinstance(entry, Suppression):
            suppress = self._plan.terms(name).suppress
            if suppress is None or about(suppress) != entry.of:
                self._changes.put(key, None)
                self._hiding.unsuppress(name, now, CONFIGURATION)
        elif isinstance(entry, Escalation):
            alarm = self._rows.get(name)
            if entry.ladder != self._plan.ladder(name):
                self._changes.put(key, None)
                if alarm is not None and alarm.waits:
                    self._rows.telling.begin([name], now, "raised")
        elif isinstance(entry, Alarm) and not name.startswith(OWN):
            self._refit(name, entry, now)

    def _refit(self, alarm_id: str, alarm: Alarm, now: int) -> None:
        """An alarm that today's rule would not raise is over; what a person has hidden stays so."""
        rule = self._plan.rules.get(alarm_id)
        same = rule is not None and (alarm.priority, alarm.point) == (rule.priority, rule.point)
        suspended = self._changes.memory(alarm_id).phase is Phase.SUSPENDED
        if same and rule is not None and (rule.alarm or suspended):
            return
        if rule is None or not rule.alarm:  # nothing is left to be hidden
            bare = msgspec.structs.replace(alarm, shelved=None, removed=None, suppressed=False)
            self._rows.tell(alarm_id, Verb.CLEAR, _normal(bare), CONFIGURATION)
            self._rows.forget(alarm_id)
            return
        if not alarm.hidden:
            self._move(alarm_id, alarm, Verb.CLEAR, now, CONFIGURATION)
            return
        shelved = alarm.shelved
        if shelved is not None:
            most = now + shelve_limit_ms(rule.priority, rule.terms)
            shelved = msgspec.structs.replace(shelved, until=min(shelved.until, most))
        fitted = Alarm(
            state=alarm.state,
            priority=rule.priority,
            point=rule.point,
            value=None,
            since=now,
            shelved=shelved,
            removed=alarm.removed,
        )
        self._rows.tell(alarm_id, Verb.CLEAR, fitted, CONFIGURATION)
        if fitted.hidden:
            self._rows.put(alarm_id, shown(fitted))
        else:
            self._rows.forget(alarm_id)

    def _raise(self, alarm_id: str, before: Alarm | None, now: int, value: Value) -> None:
        """Its condition holds."""
        if before is not None and before.clears_at is not None:  # it was not over after all
            self._rows.put(alarm_id, msgspec.structs.replace(before, clears_at=None))
            return
        priority, point = self._plan.about(alarm_id)
        fresh = Alarm(State.UNACKNOWLEDGED, priority, point, value, now)
        if before is not None and before.hidden:
            state = after(before.beneath, Verb.RAISE, hidden=True)
            if state is None:
                return
            kept = msgspec.structs.replace(
                fresh,
                shelved=before.shelved,
                suppressed=before.suppressed,
                removed=before.removed,
                unseen=before.unseen + 1,
            )
        elif before is None and self._hiding.is_suppressed(alarm_id):
            state = State.ACKNOWLEDGED
            kept = msgspec.structs.replace(fresh, suppressed=True, unseen=1)
        else:
            if after(before.state if before else State.NORMAL, Verb.RAISE) is not None:
                self._rows.come_up(alarm_id, fresh, now)
            return
        hidden = shown(msgspec.structs.replace(kept, beneath=state))
        self._rows.put(alarm_id, hidden)
        self._rows.tell(alarm_id, Verb.RAISE, hidden, None)["announced"] = False

    def _move(self, alarm_id: str, before: Alarm, verb: Verb, now: int, by: str | None) -> None:
        """Take one step of the machine, if there is one."""
        latch = self._plan.terms(alarm_id).latch
        hidden = before.hidden
        state = after(before.beneath if hidden else before.state, verb, latch=latch, hidden=hidden)
        if state is None:
            return
        alarm = _stamped(before, verb, now, by)
        if hidden:
            alarm = msgspec.structs.replace(alarm, beneath=state)
            if alarm.suppressed and state is State.NORMAL:
                alarm = msgspec.structs.replace(alarm, suppressed=False)
            alarm = shown(alarm) if alarm.hidden else _normal(alarm)
        else:
            alarm = msgspec.structs.replace(alarm, state=state)
        self._rows.tell(alarm_id, verb, alarm, by)
        if alarm.state is State.NORMAL:
            if verb is not Verb.CLEAR:
                self._rows.tell(alarm_id, Verb.CLEAR, alarm, by)
            self._rows.forget(alarm_id)
            return
        self._rows.put(alarm_id, alarm)
        if not alarm.waits:
            self._rows.telling.over(alarm_id)


def _stamped(alarm: Alarm, verb: Verb, now: int, by: str | None) -> Alarm:
    """With when, and by whom."""
    if verb is Verb.RETURN:
        return msgspec.structs.replace(alarm, returned_at=now, clears_at=None)
    if verb is Verb.ACKNOWLEDGE:
        return msgspec.structs.replace(alarm, acknowledged_at=now, acknowledged_by=by)
    return msgspec.structs.replace(alarm, clears_at=None)


def _normal(alarm: Alarm) -> Alarm:
    return msgspec.structs.replace(alarm, state=State.NORMAL, beneath=State.NORMAL)
