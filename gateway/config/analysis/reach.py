"""Limits no believed reading ever gets to: beyond a point's `low` and `high` a value is BAD."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from gateway.reading import Point
from rules.base import Rule


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Errors: an alarm that can never be raised, or never be cleared."""
    for rule in kitchen.rules:
        limits, point = kitchen.limits(rule), kitchen.points.get(rule.point)
        if limits is None or point is None:
            continue
        low, high = point.low, point.high
        above, below = limits.raise_above, limits.raise_below
        if above is not None and high is not None and above >= high:
            yield _never(kitchen, rule, point, "raise_above", above)
        if below is not None and low is not None and below <= low:
            yield _never(kitchen, rule, point, "raise_below", below)
        if limits.clear_below is not None and low is not None and limits.clear_below < low:
            yield _never(kitchen, rule, point, "clear_below", limits.clear_below)
        if limits.clear_above is not None and high is not None and limits.clear_above > high:
            yield _never(kitchen, rule, point, "clear_above", limits.clear_above)


def _never(kitchen: Kitchen, rule: Rule, point: Point, key: str, value: float) -> Finding:
    verb = "raised" if key.startswith("raise") else "cleared"
    side = "above" if key.endswith("above") else "below"
    message = (
        f"{point.id} is believed from {_shown(point.low)} to {_shown(point.high)} {point.unit}:"
        f" with {key} {value:g} {point.unit} this can never be {verb}"
    )
    bound = point.high if side == "above" else point.low
    way = "lower" if side == "above" else "raise"
    span = "high" if side == "above" else "low"
    suggestion = f"{way} {key} past {_shown(bound)} {point.unit}, or correct {span} of the point"
    return kitchen.error(of_rule(rule, key), message, suggestion)


def _shown(bound: float | None) -> str:
    return "anything" if bound is None else f"{bound:g}"
