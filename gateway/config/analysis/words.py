"""Words a mode never takes: a rule that waits for one would wait for ever."""

import re
from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules.base import Formula, PointChanged, Rule
from rules.expression import Expression

_PREFIX = "mode/"
# `mode/kitchen == "open"`, and the other way round
_AFTER = re.compile(r"""mode/(\w+)\s*[!=]=\s*(["'])(.*?)\2""")
_BEFORE = re.compile(r"""(["'])([^"']*)\1\s*[!=]=\s*mode/(\w+)""")


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Errors: a trigger or a comparison with a word that is not among those of the mode."""
    for rule in kitchen.rules:
        for key, mode, word in _compared(rule):
            words = kitchen.config.modes.get(mode)
            if words is not None and word not in words:
                yield kitchen.error(
                    of_rule(rule, key),
                    f'mode/{mode} is never "{word}"',
                    f"use one of {', '.join(words)}, or add the word to modes.{mode}",
                )


def _compared(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Key, mode and word."""
    for trigger in rule.triggers:
        if isinstance(trigger, PointChanged) and isinstance(trigger.to, str):
            yield "when", trigger.point.removeprefix(_PREFIX), trigger.to
    for key, formula in (("when", rule.formula), ("if", rule.gate)):
        for mode, word in _in_text(formula):
            yield key, mode, word


def _in_text(formula: Formula | None) -> Iterator[tuple[str, str]]:
    if isinstance(formula, Expression):
        for mode, _, word in _AFTER.findall(formula.text):
            yield mode, word
        for _, word, mode in _BEFORE.findall(formula.text):
            yield mode, word
