"""Rules that drive each other round: one commands an actuator another looks at, and so on back.

So do rules that put the kitchen into a mode another waits for.
"""

from collections.abc import Iterable, Iterator, Mapping

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules.base import Command, PointChanged, Rule, SetMode, looks_at


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings, one for each circle, at its first rule in the order of ids."""
    watched: dict[str, list[Rule]] = {}
    for rule in kitchen.rules:
        triggered = {it.point for it in rule.triggers if isinstance(it, PointChanged)}
        for point in {*looks_at(rule).points, *triggered}:
            watched.setdefault(point.partition("/")[0], []).append(rule)
    leads_to = {
        rule.id: [*_through_actuators(rule, watched), *_through_modes(rule, kitchen.rules)]
        for rule in kitchen.rules
    }
    told: set[str] = set()
    for rule in kitchen.rules:
        if rule.id not in told:
            circle = _circle(rule, leads_to)
            if circle:
                told.update(circle[::2])
                yield _warning(kitchen, rule, circle)


def _through_actuators(rule: Rule, watched: Mapping[str, list[Rule]]) -> Iterator[tuple[str, Rule]]:
    for command in [*rule.commands, *rule.actions]:
        if isinstance(command, Command):
            for other in watched.get(command.actuator, ()):
                yield command.actuator, other


def _through_modes(rule: Rule, rules: Iterable[Rule]) -> Iterator[tuple[str, Rule]]:
    for action in rule.actions:
        if not isinstance(action, SetMode):
            continue
        point = f"mode/{action.mode}"
        for other in rules:
            heard = [it for it in other.triggers if isinstance(it, PointChanged)]
            if any(it.point == point and it.to in {None, action.value} for it in heard):
                yield point, other


def _circle(start: Rule, leads_to: Mapping[str, list[tuple[str, Rule]]]) -> list[str]:
    """The shortest way back to a rule: rule, what it drives, rule …; empty when there is none."""
    ways: list[list[str]] = [[start.id]]
    been: set[str] = set()
    for way in ways:
        for driven, other in leads_to[way[-1]]:
            if other.id == start.id:
                return [*way, driven]
            if other.id not in been:
                been.add(other.id)
                ways.append([*way, driven, other.id])
    return []


def _warning(kitchen: Kitchen, rule: Rule, circle: list[str]) -> Finding:
    way = " → ".join([*circle, rule.id])
    return kitchen.warning(
        of_rule(rule, "then"),
        f"these rules drive each other round: {way}",
        "let one of them look at what it is about, not at the state of an actuator or a mode",
    )
