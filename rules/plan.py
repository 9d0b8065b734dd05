"""What the rules and ladders of one kitchen say of alarms, by what judging asks for."""

from collections.abc import Mapping, Sequence

from rules.base import Priority, Rule
from rules.escalation import Ladder
from rules.terms import PLAIN, AlarmTerms


class AlarmPlan:
    """Compiled once; holds no state."""

    def __init__(self, rules: Mapping[str, Rule], ladders: Mapping[str, Ladder]) -> None:
        self.rules = rules
        self.ladders = dict(ladders)
        self._groups: dict[str, list[str]] = {}
        self._suppressed: dict[str, list[Rule]] = {}
        for rule in rules.values():
            if rule.terms.group:
                self._groups.setdefault(rule.terms.group, []).append(rule.id)
            if rule.terms.suppress is not None:
                self._suppressed.setdefault(rule.terms.suppress.point, []).append(rule)

    def terms(self, alarm_id: str) -> AlarmTerms:
        """How an alarm behaves; that of the gateway itself, or of a rule that is gone, plainly."""
        rule = self.rules.get(alarm_id)
        return PLAIN if rule is None else rule.terms

    def ladder(self, alarm_id: str) -> str:
        """Who is told until somebody acknowledges; empty where no ladder is set up."""
        name = self.terms(alarm_id).escalate
        return name if name in self.ladders else ""

    def group(self, alarm_id: str) -> Sequence[str]:
        """The alarms of the same group, itself among them; none for an alarm without one."""
        return self._groups.get(self.terms(alarm_id).group, ())

    def suppressed_by(self, point: str) -> Sequence[Rule]:
        """The rules whose alarms a point may hide."""
        return self._suppressed.get(point, ())

    def about(self, alarm_id: str) -> tuple[Priority, str]:
        """Priority and point of an alarm."""
        rule = self.rules.get(alarm_id)
        return (Priority.HIGH, "") if rule is None else (rule.priority, rule.point)
