"""Messages to somebody who is not there: a rule would tell nobody, and nobody would know."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules.base import Notify


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings: `notify` without anybody, or to a role or person that `notifications` has not."""
    told = kitchen.config.notifications
    people = {} if told is None else told.people
    known = {*people, *(person.role for person in people.values())}
    for rule in kitchen.rules:
        notices = [action for action in rule.actions if isinstance(action, Notify)]
        if notices and told is None:
            way = "say under notifications who is told, and how"
            yield kitchen.warning(of_rule(rule, "then"), "notify tells nobody", way)
            continue
        for to in sorted({notice.to for notice in notices if notice.to} - known):
            way = f"use one of {', '.join(sorted(known)) or 'notifications.people'}"
            yield kitchen.warning(of_rule(rule, "then"), f'notify tells nobody: no "{to}"', way)
