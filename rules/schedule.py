"""A schedule that fires nothing twice and misses nothing silently, whatever the clock does.

What it remembers is one small entry, and `advance` is the only way from one to the next. The wall
clock is handed in as a reading of its own beside kitchen time, since it may jump while that never
steps back. docs/schedules.md declares what becomes of each kind of jump.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import msgspec

from rules.local_time import MINUTE_MS
from rules.occurrences import Occurrence, Trigger, latest

ON_TIME_MS = MINUTE_MS  # a run this late is not late
MISSED_MAX = 100  # counted one by one; of more it is said that there are more
MARKS_MAX = 8
# 2020 to 2100: a wall clock outside has never been set.
CREDIBLE_MS = range(1_577_836_800_000, 4_102_444_800_000)


class IfMissed(StrEnum):
    """What becomes of a run whose time has passed while it could not be run."""

    SKIP = "skip"
    ONCE = "once"  # of all that were missed the last runs, if it is not too late for it


class Why(StrEnum):
    """Why runs were missed."""

    LATE = "late"  # the gateway was off, or its clock jumped over them
    SET_BACK = "set back"  # the clock went back; what would come so soon again is left out
    CHANGED = "changed"  # the schedule was rewritten when its time had come


class Run(NamedTuple):
    """One run: the instant it was planned for (UTC, ms), and how long ago that is."""

    at: int
    late_ms: int


class Missed(NamedTuple):
    """Runs that will not be made up for: their number (`more`: at least), first and last."""

    number: int
    more: bool
    first: int
    last: int
    why: Why


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far in its order a schedule has run, and when it did, in kitchen time."""

    order: int
    ran: int


class State(msgspec.Struct, frozen=True, tag="schedule"):
    """What a schedule remembers; `due` is kitchen time, the other instants are UTC, all in ms.

    All up to `after` in the order of its row has been dealt with; `of` is the schedule it belongs
    to. `marks` has one mark for each time the clock has jumped between two runs: what lies before
    one of them has been dealt with too, whatever clock it was under.
    """

    of: str = ""
    after: int = 0
    planned: int | None = None  # None: never, or not known while it is waiting
    due: int | None = None  # None: nothing to wake up for
    waiting: bool = False  # for a wall clock to be trusted: until then nothing runs
    last_run: int | None = None  # what it was planned for
    marks: tuple[Mark, ...] = ()


class Advance(NamedTuple):
    """What a schedule remembers now, what is to be run now, and what is not going to be."""

    state: State
    runs: tuple[Run, ...] = ()
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to run, and what to do about what was missed.

    `of` tells this schedule from another under the same name. The zone is no part of it: after a
    change of the zone the same schedule goes on.
    """

    trigger: Trigger
    of: str
    if_missed: IfMissed = IfMissed.ONCE
    late_within_ms: int = 60 * MINUTE_MS

    def next_after(self, utc_ms: int) -> int | None:
        """The first planned instant strictly after this one; None: none within nine years."""
        found = self.trigger.after(self.trigger.order_at(utc_ms))
        return None if found is None else found.at

    def missed(self, since_ms: int, now_ms: int) -> tuple[int, ...]:
        """The planned instants after `since` and up to `now`: the first hundred."""
        order = self.trigger.order_at(since_ms)
        return tuple(one.at for one in islice(_row(self.trigger, order, now_ms), MISSED_MAX))


def advance(schedule: Schedule, state: State | None, now: int, wall: int, trusted: bool) -> Advance:
    """Go on to kitchen time `now`, at which a wall clock shows `wall` (UTC, ms).

    To be called when the entry is due, at a start, and whenever the wall clock was found to have
    jumped or its trust has changed. Called at any other time it changes nothing.
    """
    if not trusted or wall not in CREDIBLE_MS:
        return Advance(_waiting(state))
    trigger = schedule.trigger
    if state is None or not state.of:
        return Advance(_planned(schedule, State(after=trigger.order_at(wall)), now, wall))
    if state.of != schedule.of:
        fresh = State(after=trigger.order_at(wall), last_run=state.last_run)
        return Advance(_planned(schedule, fresh, now, wall), (), _left_behind(state, wall))
    order, held = _resumed(trigger, state, now, wall)
    state = msgspec.structs.replace(state, after=order)
    last = latest(trigger, order, wall)
    if last is None:
        return Advance(_planned(schedule, state, now, wall), (), held)
    state, runs, late = _come(schedule, state, last, now, wall)
    return Advance(_planned(schedule, state, now, wall), runs, (*held, *late))


def _waiting(state: State | None) -> State:
    """Without a clock to go by; what was planned is kept, to be judged once there is one."""
    return msgspec.structs.replace(state or State(), due=None, waiting=True)


def _planned(schedule: Schedule, state: State, now: int, wall: int) -> State:
    found = schedule.trigger.after(state.after)
    at = None if found is None else found.at
    due = None if at is None else now + at - wall
    return msgspec.structs.replace(state, of=schedule.of, planned=at, due=due, waiting=False)


def _left_behind(state: State, wall: int) -> tuple[Missed, ...]:
    """What the schedule that stood here before would have run by now, and did not."""
    if state.planned is None or state.planned > wall:
        return ()
    return (Missed(1, more=True, first=state.planned, last=state.planned, why=Why.CHANGED),)


def _come(
    schedule: Schedule, state: State, last: Occurrence, now: int, wall: int
) -> tuple[State, tuple[Run, ...], tuple[Missed, ...]]:
    """Run the last of what has come, or say that it is too late; the others are missed.

    Until `planned` nothing was due, under whatever zone: what a change of the zone jumped over has
    become due only then, like a time that summer time leaves out.
    """
    begun = wall if state.planned is None else min(state.planned, wall)
    late_ms = wall - max(last.at, begun)
    allowed_ms = ON_TIME_MS
    if schedule.if_missed is IfMissed.ONCE:
        allowed_ms = max(allowed_ms, schedule.late_within_ms)
    row = _row(schedule.trigger, state.after, wall)
    after = msgspec.structs.replace(state, after=last.order)
    if late_ms > allowed_ms:
        return after, (), _told(row, Why.LATE)
    together = max(last.at, begun)
    others = (one for one in row if max(one.at, begun) < together)
    marks = _marked(schedule.trigger, state.marks, Mark(last.order, now))
    ran = msgspec.structs.replace(after, last_run=last.at, marks=marks)
    return ran, (Run(last.at, late_ms),), _told(others, Why.LATE)


def _marked(trigger: Trigger, marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    """The marks with that of a run now; one that it follows on directly has had its day."""
    if marks:
        following = trigger.after(marks[-1].order)
        if following is not None and following.order == mark.order:
            marks = marks[:-1]
    return (*marks[1 - MARKS_MAX :], mark)


def _resumed(trigger: Trigger, state: State, now: int, wall: int) -> tuple[int, tuple[Missed, ...]]:
    """The order to go on from, and what is left out of it after the clock was set back.

    What was only missed may still come. What has run is waited for when the clock was set back a
    little. Set back far, it had been wrong before, and waiting for it might take years; then only
    what would run again in less than its own period is left out.
    """
    here = trigger.order_at(wall)
    ahead = [
        mark.order
        for mark in state.marks
        if mark.order > here
        and trigger.instant_of(mark.order) - wall <= trigger.hold_ms
        and now - mark.ran < trigger.hold_ms + _period(trigger, mark.order)
    ]
    if ahead:
        return max(ahead), ()
    if here >= state.after:
        passed = (mark.order for mark in state.marks if mark.order <= here)
        return max([state.after, *passed]), ()
    order = here
    left_out: list[int] = []
    while (found := trigger.after(order)) is not None and len(left_out) < MISSED_MAX:
        if not _too_soon(trigger, state, found, now + found.at - wall):
            break
        left_out.append(found.at)
        order = found.order
    if not left_out or order == state.after:
        return order, ()
    held = Missed(len(left_out), more=False, first=left_out[0], last=left_out[-1], why=Why.SET_BACK)
    return order, (held,)


def _too_soon(trigger: Trigger, state: State, found: Occurrence, due: int) -> bool:
    """Whether this would be a second run of what has run less than a period ago."""
    period = _period(trigger, found.order)
    return any(mark.order >= found.order and due - mark.ran < period for mark in state.marks)


def _period(trigger: Trigger, order: int) -> int:
    """How long it is from one occurrence to the next."""
    following = trigger.after(order)
    return trigger.hold_ms if following is None else following.at - trigger.instant_of(order)


def _row(trigger: Trigger, order: int, until: int) -> Iterator[Occurrence]:
    """The occurrences after `order` and up to an instant."""
    found = trigger.after(order)
    while found is not None and found.at <= until:
        yield found
        found = trigger.after(found.order)


def _told(row: Iterator[Occurrence], why: Why) -> tuple[Missed, ...]:
    instants = [one.at for one in islice(row, MISSED_MAX + 1)]
    if not instants:
        return ()
    more = len(instants) > MISSED_MAX
    counted = instants[:MISSED_MAX]
    return (Missed(len(counted), more=more, first=counted[0], last=counted[-1], why=why),)
