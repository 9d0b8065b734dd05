"""Limits that are crossed: the warning comes after what it should have warned of."""

from collections.abc import Iterator
from itertools import islice

from gateway.config.analysis.base import URGENCY, Finding, Kitchen, of_rule
from rules.base import Rule


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings, one at each rule that is less urgent."""
    by_point: dict[str, list[Rule]] = {}
    for rule in kitchen.rules:
        # Two with an `if` may never hold at the same time.
        if rule.alarm and rule.gate is None and kitchen.limits(rule) is not None:
            by_point.setdefault(rule.point, []).append(rule)
    for rules in by_point.values():
        for mild in rules:
            crossed = (found for urgent in rules for found in _crossed(kitchen, mild, urgent))
            yield from islice(crossed, 1)  # with each of them it would be one too many


def _crossed(kitchen: Kitchen, mild: Rule, urgent: Rule) -> Iterator[Finding]:
    ours, theirs = kitchen.limits(mild), kitchen.limits(urgent)
    urges = URGENCY[urgent.priority] < URGENCY[mild.priority]
    # One that has to last longer may well come later at the lower limit.
    if ours is None or theirs is None or not urges or urgent.for_ms > mild.for_ms:
        return
    for key, one, other, sign in (
        ("raise_above", ours.raise_above, theirs.raise_above, 1),
        ("raise_below", ours.raise_below, theirs.raise_below, -1),
    ):
        if one is not None and other is not None and (one - other) * sign > 0:
            unit = kitchen.points[mild.point].unit
            yield kitchen.warning(
                of_rule(mild, key),
                f"{mild.priority.value} at {one:g} {unit} comes after {urgent.id}, which is"
                f" {urgent.priority.value} at {other:g} {unit} already",
                f"set {key} {'below' if sign > 0 else 'above'} {other:g} {unit}, or leave"
                f" {mild.id} out",
            )
