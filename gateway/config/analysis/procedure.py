"""Alarms that do not say what to do."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings."""
    for rule in kitchen.rules:
        if rule.alarm and not rule.advice:
            yield kitchen.warning(
                of_rule(rule),
                f"the {rule.priority.value} alarm does not say what to do",
                "add advice: one step a line, in the words of who stands before it",
            )
