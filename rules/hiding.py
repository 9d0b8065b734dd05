"""What hides an alarm from people, by their own will or by design, and how that ends."""

import msgspec

from rules.alarm import Alarm, Removal, Shelving, State, Verb, beneath, shown
from rules.alarm_rows import AlarmRows
from rules.base import Observation
from rules.changes import Changes
from rules.plan import AlarmPlan
from rules.suppression import Suppression, begins, says


class Hiding:
    """Shelving, suppression by design and removal from service, as one step leaves them."""

    def __init__(self, plan: AlarmPlan, changes: Changes, rows: AlarmRows) -> None:
        self._plan = plan
        self._changes = changes
        self._rows = rows

    def observe(self, point: str, seen: Observation, now: int) -> None:
        """A reading may begin or end to hide alarms by design."""
        for rule in self._plan.suppressed_by(point):
            suppress, key = rule.terms.suppress, f"suppression/{rule.id}"
            there = self._changes.get(key) is not None
            if suppress is None or says(suppress, seen) is there:
                continue
            self._changes.put(key, None if there else begins(suppress, now))
            if there:
                self.unsuppress(rule.id, now, "point")

    def hide(self, alarm_id: str, verb: Verb, now: int, why: Shelving | Removal) -> None:
        """A person hides an alarm, and has thereby seen it."""
        before = self._rows.known(alarm_id, now)
        alarm = before
        if not before.hidden:
            under = beneath(before.state, latch=self._plan.terms(alarm_id).latch)
            alarm = msgspec.structs.replace(before, beneath=under)
        if isinstance(why, Shelving):
            alarm = msgspec.structs.replace(alarm, shelved=why)
        else:
            alarm = msgspec.structs.replace(alarm, removed=why)
        alarm = shown(alarm)
        self._rows.put(alarm_id, alarm)
        row = self._rows.tell(alarm_id, verb, alarm, why.by)
        row["reason"] = why.reason
        if isinstance(why, Shelving):
            row["for_s"] = (why.until - now) // 1000
        self._rows.telling.over(alarm_id)

    def unshelve(self, alarm_id: str, now: int, by: str | None) -> None:
        """A person wants it back, or with None its time is up."""
        before = self._rows.get(alarm_id)
        if before is not None and before.shelved is not None:
            left = msgspec.structs.replace(before, shelved=None)
            self.appear(alarm_id, left, Verb.UNSHELVE, now, by, None if by else "time")

    def unsuppress(self, alarm_id: str, now: int, reason: str) -> None:
        """The design no longer hides it: `reason` says why."""
        before = self._rows.get(alarm_id)
        if before is not None and before.suppressed:
            left = msgspec.structs.replace(before, suppressed=False)
            self.appear(alarm_id, left, Verb.UNSUPPRESS, now, None, reason)

    def appear(
        self,
        alarm_id: str,
        alarm: Alarm,
        verb: Verb,
        now: int,
        by: str | None,
        reason: str | None = None,
    ) -> None:
        """Something no longer hides an alarm: one that still stands announces itself again."""
        alarm = shown(alarm)
        row = self._rows.tell(alarm_id, verb, alarm, by)
        if reason:
            row["reason"] = reason
        if alarm.state is State.NORMAL:
            if alarm.returned_at is not None:  # it came and went meanwhile
                self._rows.tell(alarm_id, Verb.CLEAR, alarm, by)
            self._rows.forget(alarm_id)
        elif alarm.waits:
            self._rows.come_up(alarm_id, alarm, now)
        else:
            self._rows.put(alarm_id, alarm)

    def is_suppressed(self, alarm_id: str) -> bool:
        """Whether the design hides it just now."""
        entry = self._changes.get(f"suppression/{alarm_id}")
        return isinstance(entry, Suppression) and entry.in_force
