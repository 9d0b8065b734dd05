"""Sets of rules side by side through the same stretch of the past."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gateway import judging
from gateway.clock import stopwatch_s
from gateway.store.gathering import HOLE_MS
from gateway.store.past import Piece, Stretch
from gateway.store.state import JudgedReading
from gateway.trial.course import Course
from gateway.trial.episode import TooMany
from gateway.trial.obedience import as_done_by
from rules.events import Started
from rules.judge import Judge


class Contender(NamedTuple):
    """A set of rules and where it is from; `points` are those it looks at."""

    source: str
    judge: Judge
    points: frozenset[str]


class Trial(NamedTuple):
    """What the rules did, and how far it went."""

    courses: Sequence[Course]
    first: int  # UTC ms of the first reading, also of the time before the stretch
    until: int
    readings: int
    seconds: float


class NothingThere(Exception):
    """Not one reading in the whole stretch."""


def run(
    contenders: Sequence[Contender],
    pieces: Iterable[Piece],
    stretch: Stretch,
    show: Callable[[float], None] = lambda done: None,
) -> Trial:
    """Have all of them judge the same; raises NothingThere, and what `pieces` raises."""
    began = stopwatch_s()
    courses = [Course(each.judge, stretch.start) for each in contenders]
    readings = within = first = last = 0
    until = stretch.end
    started = False
    try:
        for piece in pieces:
            for course in courses:
                course.ahead = piece.ahead
            if not started:
                started = True
                first = piece.begins + piece.ahead
                for course in courses:
                    course.take(Started(), piece.begins)
            for course in courses:
                course.clock(piece.begins)
            readings += _judge(courses, piece)
            last = piece.ends
            within += last + piece.ahead >= stretch.start
            show(piece.done)
        for course in courses:
            # What would have come of it later, without a reading, nobody knows.
            course.pass_time(min(last + HOLE_MS, stretch.end - 1 - course.ahead))
    except TooMany:
        until = min(until, max(course.now for course in courses))
    if not within:
        raise NothingThere
    return Trial(courses, first, until, readings, stopwatch_s() - began)


def _judge(courses: Sequence[Course], piece: Piece) -> int:
    """Every course sees the piece; gives the number of its readings."""
    readings = 0
    looks = [(course, course.stirs, course.state) for course in courses]
    for entry in piece.entries:
        if isinstance(entry, JudgedReading):
            readings += 1
            point, _, _, at = entry
            for course, stirs, state in looks:
                # Of a thousand readings nearly all end here.
                if stirs(state, point, entry, at):
                    course.see(entry)
        else:
            event = judging.event_of(entry.body)
            done = [as_done_by(course, courses[0], event, entry.at) for course in courses]
            for course, each in zip(courses, done, strict=True):
                course.take(each, entry.at)
    return readings
