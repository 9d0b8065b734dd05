"""The alarms as one step keeps them: entries, rows, and who has to be told."""

import msgspec

from rules.alarm import Alarm, State, Verb
from rules.changes import Changes
from rules.plan import AlarmPlan
from rules.telling import Telling


class AlarmRows:
    """Reads and writes the entries of alarms, and the rows that tell of each change."""

    def __init__(self, plan: AlarmPlan, changes: Changes) -> None:
        self._plan = plan
        self._changes = changes
        self.telling = Telling(plan, changes)

    def get(self, alarm_id: str) -> Alarm | None:
        """An alarm as it stands now."""
        entry = self._changes.get(f"alarm/{alarm_id}")
        return entry if isinstance(entry, Alarm) else None

    def known(self, alarm_id: str, now: int) -> Alarm:
        """An alarm as it stands, or a normal one."""
        priority, point = self._plan.about(alarm_id)
        return self.get(alarm_id) or Alarm(State.NORMAL, priority, point, None, now)

    def put(self, alarm_id: str, alarm: Alarm) -> None:
        """Keep it as it is now."""
        self._changes.put(f"alarm/{alarm_id}", alarm)

    def forget(self, alarm_id: str) -> None:
        """It is normal, and nobody has to be told any more."""
        self._changes.put(f"alarm/{alarm_id}", None)
        self.telling.over(alarm_id)

    def tell(self, alarm_id: str, verb: Verb, alarm: Alarm, by: str | None) -> dict[str, object]:
        """Write a row; gives what is in it, to be added to within the step."""
        data: dict[str, object] = {
            "id": alarm_id,
            "verb": verb.value,
            "state": alarm.state.value,
            "priority": alarm.priority.value,
            "point": alarm.point or None,
            "value": alarm.value,
            "by": by,
        }
        if alarm.first_out:
            data["first_out"] = alarm.first_out
        return self._changes.record("alarm", data)

    def come_up(self, alarm_id: str, alarm: Alarm, now: int) -> None:
        """Have people see it; they are told now or with others."""
        first = self.telling.first_out(alarm_id)
        alarm = msgspec.structs.replace(alarm, first_out=first)
        self.put(alarm_id, alarm)
        row = self.tell(alarm_id, Verb.RAISE, alarm, None)
        told = self.telling.raised(alarm_id, alarm.priority, now)
        if told and self._plan.ladder(alarm_id):
            row["announced"] = False
            self.telling.begin([alarm_id], now, "raised")
        elif not told:
            row["announced"] = False
