"""Opposite commands in one slot of one actuator, by rules that can be active together."""

import math
from collections.abc import Iterator

from gateway.config.analysis.base import URGENCY, Finding, Kitchen, of_rule
from rules import contact
from rules.base import Command, Rule

_Claim = tuple[Rule, Command]


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings, one at each rule that has to give way."""
    claims: dict[tuple[str, int], list[_Claim]] = {}
    for rule in kitchen.rules:
        for command in rule.commands:
            claims.setdefault((command.actuator, command.slot), []).append((rule, command))
    for rivals in claims.values():
        ranked = sorted(rivals, key=_rank)
        for place, claim in enumerate(ranked):
            winner = next((one for one in ranked[:place] if _oppose(kitchen, one, claim)), None)
            if winner is not None:
                yield _warning(kitchen, claim, winner)


def _oppose(kitchen: Kitchen, one: _Claim, other: _Claim) -> bool:
    return one[1].value is not other[1].value and _together(kitchen, one[0], other[0])


def _rank(claim: _Claim) -> tuple[int, str]:
    return URGENCY[claim[0].priority], claim[0].id


def _warning(kitchen: Kitchen, claim: _Claim, winner: _Claim) -> Finding:
    (rule, command), (other, _) = claim, winner
    word, opposite = ("on", "off") if command.value else ("off", "on")
    return kitchen.warning(
        of_rule(rule, "then"),
        f"{command.actuator} {word} in slot {command.slot} gives way to {other.id}, which wants it"
        f" {opposite} in the same slot and can be active at the same time",
        "give the one that is to win a lower slot",
    )


def _together(kitchen: Kitchen, one: Rule, other: Rule) -> bool:
    """Whether both may be active at once.

    Of what is not known to exclude each other, yes; two that ask the same point in an expression
    (`mode/kitchen == "open"`) most likely do so to take turns.
    """
    asked = _asked(one) & _asked(other)
    if asked:
        return False
    if one.point != other.point:
        return True
    options = kitchen.config.rule_options
    ours, theirs = options.get(one.id), options.get(other.id)
    if isinstance(ours, contact.Options) and isinstance(theirs, contact.Options):
        return ours.raise_when is theirs.raise_when
    spans = _active(kitchen, one), _active(kitchen, other)
    return any(
        max(low, other_low) < min(high, other_high)
        for low, high in spans[0]
        for other_low, other_high in spans[1]
    )


def _asked(rule: Rule) -> set[str]:
    """The points of its expressions."""
    formulas = (formula for formula in (rule.formula, rule.gate) if formula is not None)
    return {point for formula in formulas for point in formula.points}


def _active(kitchen: Kitchen, rule: Rule) -> list[tuple[float, float]]:
    """The values with which a rule may be active: on the way back until it clears."""
    limits = kitchen.limits(rule)
    if limits is None:
        return [(-math.inf, math.inf)]
    spans = []
    if limits.raise_above is not None:
        clear = limits.raise_above if limits.clear_below is None else limits.clear_below
        spans.append((clear, math.inf))
    if limits.raise_below is not None:
        clear = limits.raise_below if limits.clear_above is None else limits.clear_above
        spans.append((-math.inf, clear))
    return spans
