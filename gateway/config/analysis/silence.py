"""Urgent alarms that fall silent with their sensor: nobody would hear that it is gone."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules import stale
from rules.base import OnBad, Priority

_URGENT = (Priority.LIFE, Priority.HIGH)


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings: no rule raises an alarm when the point of an urgent one has no value."""
    heard = {rule.point for rule in kitchen.rules if rule.alarm and rule.on_bad is OnBad.ALARM}
    for rule in kitchen.rules:
        point = kitchen.points.get(rule.point)
        if point is None or point.origin != "device" or rule.point in heard:
            continue
        about_silence = isinstance(kitchen.config.rule_options.get(rule.id), stale.Options)
        if rule.alarm and rule.priority in _URGENT and not about_silence:
            yield kitchen.warning(
                of_rule(rule, "point"),
                f"when {rule.point} has no value, this {rule.priority.value} alarm cannot be"
                " raised, and no other says so",
                f"add a rule of kind stale on {rule.point}, or choose on_bad: alarm",
            )
