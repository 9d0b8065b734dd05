"""Which rules run when something happens."""

from collections.abc import Iterable, KeysView, Mapping, Sequence

from rules.base import AlarmHeard, Called, Due, PointChanged, Rule, TimerElapsed, Value


class Hearers:
    """The rules with triggers, by what they wait for; each list most urgent first."""

    def __init__(self, ranked: Iterable[Rule]) -> None:
        self._of: dict[tuple[str, ...], list[Rule]] = {}
        self._scheduled: dict[str, Rule] = {}
        self._points: dict[str, list[tuple[PointChanged, Rule]]] = {}
        for rule in ranked:
            for trigger in rule.triggers:
                if isinstance(trigger, PointChanged):
                    self._points.setdefault(trigger.point, []).append((trigger, rule))
                elif isinstance(trigger, Due):
                    self._scheduled[rule.id] = rule
                else:
                    self._of.setdefault(_key(trigger, rule), []).append(rule)

    @property
    def points(self) -> KeysView[str]:
        """The points whose changes are waited for."""
        return self._points.keys()

    @property
    def scheduled(self) -> Mapping[str, Rule]:
        """The rules with a schedule, by id."""
        return self._scheduled

    def of_point(self, point: str, value: Value) -> list[Rule]:
        """Those that wait for a point to take this value."""
        found = [
            rule
            for trigger, rule in self._points.get(point, ())
            if trigger.to is None or _same(trigger.to, value)
        ]
        return list(dict.fromkeys(found))

    def of_alarm(self, alarm: str, verb: str) -> Sequence[Rule]:
        """Those that wait for this to happen to an alarm."""
        return self._of.get(("alarm", alarm, verb), ())

    def of_timer(self, timer: str) -> Sequence[Rule]:
        """Those that wait for a timer."""
        return self._of.get(("timer", timer), ())

    def callable(self, rule_id: str) -> bool:
        """Whether people may ask for a rule."""
        return bool(self.of_call(rule_id))

    def of_call(self, rule_id: str) -> Sequence[Rule]:
        """The rule a person asks for; none where edited rules judge what was asked of others."""
        return self._of.get(("called", rule_id), ())


def _key(trigger: AlarmHeard | TimerElapsed | Called, rule: Rule) -> tuple[str, ...]:
    match trigger:
        case AlarmHeard(alarm=alarm, verb=verb):
            return ("alarm", alarm, verb)
        case TimerElapsed(timer=timer):
            return ("timer", timer)
        case Called():
            return ("called", rule.id)


def _same(wanted: Value, value: Value) -> bool:
    """Whether a value is the one that is waited for; a number may come back from the log whole."""
    return wanted == value and isinstance(wanted, bool) is isinstance(value, bool)
