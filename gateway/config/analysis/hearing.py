"""Messages to somebody who is not there: nobody would be told, and nobody would know."""

from collections.abc import Iterator

from gateway.config.analysis.base import Finding, Kitchen, of_rule
from rules.base import Notify
from rules.shift import ON_DUTY


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Warnings: whom a rule, a ladder or a shift names and `notifications` does not know."""
    yield from _by_rules(kitchen)
    told = kitchen.config.notifications
    if told is None:
        return  # alarms are told on the page alone
    roles = {person.role for person in told.people.values()}
    known = ", ".join(sorted(told.people)) or "nobody yet"
    shifts = {} if kitchen.config.shifts is None else kitchen.config.shifts.roles
    for role, turns in shifts.items():
        for number, turn in enumerate(turns):
            if turn.person not in told.people:
                path = ("shifts", "roles", role, number, "person")
                way = f"add them to notifications.people, which has {known}"
                yield kitchen.warning(path, f'no message reaches "{turn.person}" on duty', way)
    for name, ladder in kitchen.config.escalations.items():
        for number, step in enumerate(ladder.steps):
            role = step.to.removeprefix(ON_DUTY)
            if role not in {*told.people, *roles}:
                path = ("escalations", name, "steps", number, "to")
                way = f"give somebody under notifications.people the role {role}"
                message = f'nobody is "{role}": this step tells the routes instead'
                yield kitchen.warning(path, message, way)


def _by_rules(kitchen: Kitchen) -> Iterator[Finding]:
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
