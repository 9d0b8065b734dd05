"""A `for` shorter than the period of its device: a single reading decides."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules import stale


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings; silence is marked between two readings, so its `for` may be short."""
    for rule in kitchen.rules:
        point = kitchen.points.get(rule.point)
        silence = isinstance(kitchen.config.rule_options.get(rule.id), stale.Options)
        if point is None or silence or rule.condition is None:
            continue
        for_s = rule.for_ms / 1000
        if 0 < for_s < point.period_s:
            yield kitchen.warning(
                of_rule(rule, "for"),
                f"{rule.point} has a new value every {point.period_s:g}s: within for {for_s:g}s"
                " none comes, and a single reading decides",
                f"make it at least {2 * point.period_s:g}s, or read the device more often",
            )
