"""The alarm machine: the states of ISA-18.2 as one pure function, and what is kept of an alarm.

An alarm that a person or the design has hidden goes on underneath, where nobody is asked to do
anything: it stands (`acknowledged`), does not (`normal`), or is `latched`. When the last that
hides it ends, one that still stands is unacknowledged and announces itself again.
"""

from enum import StrEnum

import msgspec

from rules.base import Priority
from rules.terms import AlarmTerms

LIFE_SHELVE_MS = 10 * 60_000  # danger to people is hidden for minutes at most
SHELVE_MS = 24 * 3_600_000


class State(StrEnum):
    """`normal` is never kept alone: an alarm that has cleared is forgotten."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"  # back to normal, nobody has seen it
    LATCHED = "latched"  # back to normal and seen; a person has yet to reset it
    SHELVED = "shelved"  # hidden by a person, for a time
    SUPPRESSED = "suppressed"  # hidden by design
    OUT_OF_SERVICE = "out_of_service"  # hidden by a manager, without an end


class Verb(StrEnum):
    """What happens to an alarm, and what its event rows are called."""

    RAISE = "raise"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    RESET = "reset"
    CLEAR = "clear"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    UNSUPPRESS = "unsuppress"
    REMOVE = "remove"  # out of service
    RESTORE = "restore"
    ANNOUNCE = "announce"  # people are told; changes no state


class Shelving(msgspec.Struct, frozen=True):
    """Who hid an alarm, why, and until when (kitchen time in ms)."""

    by: str
    reason: str
    until: int


class Removal(msgspec.Struct, frozen=True):
    """Who took an alarm out of service, why, and since when (kitchen time in ms)."""

    by: str
    reason: str
    since: int


class Alarm(msgspec.Struct, frozen=True, tag="alarm", omit_defaults=True):
    """One alarm that needs, has had, or is hidden from a person; times are kitchen time in ms."""

    state: State
    priority: Priority
    point: str
    value: float | bool | str | None
    since: int
    returned_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    beneath: State = State.NORMAL  # while it is hidden: what goes on underneath
    shelved: Shelving | None = None
    suppressed: bool = False
    removed: Removal | None = None
    unseen: int = 0  # how often it was raised while hidden
    clears_at: int | None = None  # its condition is over; the end of its off-delay
    first_out: str = ""  # the alarm its group's burst began with

    @property
    def hidden(self) -> bool:
        """Whether anything hides it."""
        return self.removed is not None or self.shelved is not None or self.suppressed

    @property
    def waits(self) -> bool:
        """Whether somebody has yet to acknowledge it."""
        return self.state in (State.UNACKNOWLEDGED, State.RETURNED)

    @property
    def stands(self) -> bool:
        """Whether its condition holds, hidden or not."""
        state = self.beneath if self.hidden else self.state
        return state in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED)

    @property
    def due(self) -> int | None:
        """When it has to be looked at again."""
        ends = (self.clears_at, self.shelved.until if self.shelved else None)
        return min((at for at in ends if at is not None), default=None)


_NEXT = {
    (State.NORMAL, Verb.RAISE): State.UNACKNOWLEDGED,
    (State.RETURNED, Verb.RAISE): State.UNACKNOWLEDGED,
    (State.LATCHED, Verb.RAISE): State.UNACKNOWLEDGED,
    (State.UNACKNOWLEDGED, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.RETURNED, Verb.ACKNOWLEDGE): State.NORMAL,
    (State.UNACKNOWLEDGED, Verb.RETURN): State.RETURNED,
    (State.ACKNOWLEDGED, Verb.RETURN): State.NORMAL,
    (State.LATCHED, Verb.RESET): State.NORMAL,
    (State.UNACKNOWLEDGED, Verb.CLEAR): State.NORMAL,
    (State.ACKNOWLEDGED, Verb.CLEAR): State.NORMAL,
    (State.RETURNED, Verb.CLEAR): State.NORMAL,
    (State.LATCHED, Verb.CLEAR): State.NORMAL,
}
_HIDDEN = {
    (State.NORMAL, Verb.RAISE): State.ACKNOWLEDGED,
    (State.LATCHED, Verb.RAISE): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Verb.RETURN): State.NORMAL,
    (State.LATCHED, Verb.RESET): State.NORMAL,
    (State.ACKNOWLEDGED, Verb.CLEAR): State.NORMAL,
    (State.LATCHED, Verb.CLEAR): State.NORMAL,
}
# The steps after which a latching alarm is not normal but waits for its reset.
_LATCHES = {(State.RETURNED, Verb.ACKNOWLEDGE), (State.ACKNOWLEDGED, Verb.RETURN)}


def after(state: State, verb: Verb, *, latch: bool = False, hidden: bool = False) -> State | None:
    """The state a verb leads to, or None where it changes nothing.

    `hidden`: of what goes on underneath while the alarm is hidden.
    """
    following = (_HIDDEN if hidden else _NEXT).get((state, verb))
    if latch and (state, verb) in _LATCHES and following is not None:
        return State.LATCHED
    return following


def beneath(state: State, *, latch: bool) -> State:
    """What goes on underneath once a person hides an alarm, and has thereby seen it."""
    if state in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED):
        return State.ACKNOWLEDGED
    if state is State.RETURNED:
        return State.LATCHED if latch else State.NORMAL
    return state


def shown(alarm: Alarm) -> Alarm:
    """The alarm with the state people see: what hides it, or what came up when nothing does.

    One that was raised and latched while hidden has not been seen by anybody.
    """
    if alarm.removed is not None:
        state = State.OUT_OF_SERVICE
    elif alarm.shelved is not None:
        state = State.SHELVED
    elif alarm.suppressed:
        state = State.SUPPRESSED
    elif alarm.beneath is State.ACKNOWLEDGED:
        state = State.UNACKNOWLEDGED
    elif alarm.beneath is State.LATCHED and alarm.unseen:
        state = State.RETURNED
    else:
        state = alarm.beneath
    if alarm.hidden:
        return msgspec.structs.replace(alarm, state=state)
    return msgspec.structs.replace(alarm, state=state, beneath=State.NORMAL, unseen=0)


def shelve_limit_ms(priority: Priority, terms: AlarmTerms) -> int:
    """How long a person may hide it at most."""
    most = LIFE_SHELVE_MS if priority is Priority.LIFE else SHELVE_MS
    return most if terms.shelve_ms is None else min(most, terms.shelve_ms)
