"""The wall clock in one step: how far it is ahead, and the schedules that go by it."""

from rules.base import Due, Rule
from rules.changes import Changes
from rules.kept import Hands
from rules.schedule import Missed, Schedule, State, advance
from rules.triggers import Hearers


class Hours:
    """Schedules, as this step leaves them; the clock is kept as `clock`."""

    def __init__(self, hearers: Hearers, changes: Changes) -> None:
        self._hearers = hearers
        self._changes = changes

    def start(self) -> None:
        """Go by what was last known of the wall clock, until it is told anew."""
        hands = self._changes.get("clock")
        if isinstance(hands, Hands):
            self._changes.state.seen.ahead_ms = hands.ahead_ms

    def set(self, ahead_ms: int | None) -> None:
        """The wall clock is so far ahead of kitchen time; None while it is not believed."""
        self._changes.state.seen.ahead_ms = ahead_ms
        self._changes.put("clock", Hands(ahead_ms))

    def due(self, rule: Rule, now: int) -> bool:
        """Bring a rule's schedule up to now; whether the rule is to run."""
        key = f"schedule/{rule.id}"
        before = self._changes.get(key)
        ahead_ms = self._changes.state.seen.ahead_ms
        state = before if isinstance(before, State) else None
        wall = now + (ahead_ms or 0)
        then = advance(_schedule(rule), state, now, wall, trusted=ahead_ms is not None)
        if then.state != before:
            self._changes.put(key, then.state)
        for missed in then.missed:
            self._tell(rule, missed)
        return bool(then.runs)

    def _tell(self, rule: Rule, missed: Missed) -> None:
        data = {"rule": rule.id, "verb": "missed", "count": missed.number, "more": missed.more,
                "first": missed.first, "last": missed.last, "why": missed.why.value}  # fmt: skip
        self._changes.record("schedule", data)


def _schedule(rule: Rule) -> Schedule:
    return next(trigger.schedule for trigger in rule.triggers if isinstance(trigger, Due))
