"""Urgent alarms that fall silent with their sensor: nobody would hear that it is gone."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules.base import OnBad, Priority, looks_at

_URGENT = (Priority.LIFE, Priority.HIGH)


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings: no rule raises an alarm when the point of an urgent one has no value."""
    heard = {
        point
        for rule in kitchen.rules
        if rule.alarm and not rule.triggers and rule.on_bad is OnBad.ALARM
        for point in looks_at(rule).points
    }
    for rule in kitchen.rules:
        if not rule.alarm or rule.triggers or rule.priority not in _URGENT:
            continue
        for name in looks_at(rule).points:
            point = kitchen.points.get(name)
            if point is not None and point.origin == "device" and name not in heard:
                yield kitchen.warning(
                    of_rule(rule, "point"),
                    f"when {name} has no value, this {rule.priority.value} alarm cannot be"
                    " raised, and no other says so",
                    f"add a rule of kind stale on {name}, or choose on_bad: alarm",
                )
                break
