"""Outputs in a trial: they obey, or do not, as those of then did."""

from gateway.trial.course import Course
from rules.events import Event, ReadBack
from rules.slots import Output


def as_done_by(course: Course, then: Course, event: Event, now: int) -> Event:
    """What was read back, for rules that may want something else of the same output.

    `then` are the rules that were in force: what agreed with them agrees with any.
    """
    if course is then or not isinstance(event, ReadBack) or event.value is None:
        return event
    for each in (course, then):
        each.pass_time(now)
    obeyed = event.value is _driven(then, event.actuator)
    wanted = _driven(course, event.actuator)
    return event._replace(value=wanted if obeyed else not wanted)


def _driven(course: Course, actuator: str) -> bool:
    entry = course.state.entries.get(f"output/{actuator}")
    contract = course.judge.contracts.get(actuator)
    if isinstance(entry, Output):
        return entry.value
    return contract is not None and contract.safe
