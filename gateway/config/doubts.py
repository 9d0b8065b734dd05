"""What of a configuration may not come about on some day, though nothing in it is wrong."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rules.base import Due, Rule
from rules.occurrences import SunTime
from rules.schedule import Schedule


class Doubt(NamedTuple):
    """No sunrise or sunset that day, or days off that are not known; `about` the rule, if one."""

    reason: Literal["polar", "holidays"]
    about: str
    detail: str


def doubts(said: Iterable[str], rules: Iterable[Rule], utc_ms: int) -> list[Doubt]:
    """What `said` by the loader, and schedules whose sun does not rise or set on that day."""
    found = [Doubt("holidays", "", each) for each in said]
    for rule in rules:
        due = [trigger.schedule for trigger in rule.triggers if isinstance(trigger, Due)]
        times = [it.trigger for it in due if isinstance(it, Schedule)]
        absent = [time.absent(utc_ms) for time in times if isinstance(time, SunTime)]
        found += [Doubt("polar", rule.id, why) for why in absent if why]
    return found
