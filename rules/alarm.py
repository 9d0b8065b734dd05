"""The alarm machine: the states of ISA-18.2 a person meets, as one pure function."""

from enum import StrEnum

import msgspec

from rules.base import Priority


class State(StrEnum):
    """`normal` is never kept: an alarm that has cleared is forgotten."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"  # back to normal, nobody has seen it


class Verb(StrEnum):
    """What happens to an alarm, and what its event rows are called."""

    RAISE = "raise"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    CLEAR = "clear"


class Alarm(msgspec.Struct, frozen=True, tag="alarm"):
    """One alarm that needs, or has had, a person; times are kitchen time in ms."""

    state: State
    priority: Priority
    point: str
    value: float | bool | str | None
    since: int
    returned_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None


_NEXT = {
    (State.NORMAL, Verb.RAISE): State.UNACKNOWLEDGED,
    (State.RETURNED, Verb.RAISE): State.UNACKNOWLEDGED,
    (State.UNACKNOWLEDGED, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.RETURNED, Verb.ACKNOWLEDGE): State.NORMAL,
    (State.UNACKNOWLEDGED, Verb.RETURN): State.RETURNED,
    (State.ACKNOWLEDGED, Verb.RETURN): State.NORMAL,
    (State.UNACKNOWLEDGED, Verb.CLEAR): State.NORMAL,
    (State.ACKNOWLEDGED, Verb.CLEAR): State.NORMAL,
    (State.RETURNED, Verb.CLEAR): State.NORMAL,
}


def after(state: State, verb: Verb) -> State | None:
    """The state a verb leads to, or None where it changes nothing."""
    return _NEXT.get((state, verb))
