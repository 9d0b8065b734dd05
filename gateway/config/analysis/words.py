"""Words a mode never takes: a rule that waits for one would wait for ever."""

import re
from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule, texts_of
from rules.base import PointChanged, Rule

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
    for key, expression in texts_of(rule):
        for mode, word in _in_text(expression.text):
            yield key, mode, word


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    for mode, _, word in _AFTER.findall(text):
        yield mode, word
    for _, word, mode in _BEFORE.findall(text):
        yield mode, word
