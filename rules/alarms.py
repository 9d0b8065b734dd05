"""The alarms of one step: takes each through its states and tells of it."""

from collections.abc import Mapping

import msgspec

from rules.alarm import Alarm, State, Verb, after
from rules.base import Priority, Rule
from rules.changes import Changes


class Alarms:
    """Every alarm of the kitchen, as this step leaves it."""

    def __init__(self, rules: Mapping[str, Rule], changes: Changes) -> None:
        self._rules = rules
        self._changes = changes

    def apply(
        self,
        alarm_id: str,
        verb: Verb,
        now: int,
        *,
        value: float | bool | str | None = None,
        by: str | None = None,
    ) -> None:
        """Let something happen to an alarm; what does not fit its state changes nothing."""
        key = f"alarm/{alarm_id}"
        entry = self._changes.get(key)
        before = entry if isinstance(entry, Alarm) else None
        state = after(before.state if before else State.NORMAL, verb)
        if state is None:
            return
        alarm = self._next(before, alarm_id, verb, state, now, value=value, by=by)
        self._changes.put(key, None if state is State.NORMAL else alarm)
        self._tell(alarm_id, alarm, verb, by)
        if state is State.NORMAL and verb is not Verb.CLEAR:
            self._tell(alarm_id, alarm, Verb.CLEAR, by)

    def _next(  # noqa: PLR0913 - one field of an alarm each
        self,
        before: Alarm | None,
        alarm_id: str,
        verb: Verb,
        state: State,
        now: int,
        *,
        value: float | bool | str | None,
        by: str | None,
    ) -> Alarm:
        if verb is Verb.RAISE or before is None:
            rule = self._rules.get(alarm_id)
            priority, point = (rule.priority, rule.point) if rule else (Priority.HIGH, "")
            return Alarm(state, priority, point, value, now)
        if verb is Verb.RETURN:
            return msgspec.structs.replace(before, state=state, returned_at=now)
        if verb is Verb.ACKNOWLEDGE:
            return msgspec.structs.replace(
                before, state=state, acknowledged_at=now, acknowledged_by=by
            )
        return msgspec.structs.replace(before, state=state)

    def _tell(self, alarm_id: str, alarm: Alarm, verb: Verb, by: str | None) -> None:
        data: dict[str, object] = {
            "id": alarm_id,
            "verb": verb.value,
            "state": alarm.state.value,
            "priority": alarm.priority.value,
            "point": alarm.point or None,
            "value": alarm.value,
            "by": by,
        }
        self._changes.record("alarm", data)
