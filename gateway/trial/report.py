"""What is told of a trial: what differs, with the readings that caused it."""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from gateway.store.past import Stretch
from gateway.trial.course import Course
from gateway.trial.difference import Difference, compare
from gateway.trial.episode import Episode
from gateway.trial.trial import Contender, Trial

SHOWN_MAX = 1_000  # differences or episodes in a report; the rest is counted


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One set of rules: where it is from, and what it did."""

    rules: str  # the file, or how it is kept
    alarms: int
    commands: int
    suspended: Sequence[str] = ()  # rules with a bug: they did not judge to the end
    unseen: Sequence[str] = ()  # points of its rules without any reading in all that was read


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial; times are UTC ms.

    `until` is before `end` where there was too much to tell. `episodes` is what the rules did,
    where there is nothing to compare them with.
    """

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    until: int
    first: int  # reading that was judged; some come before the stretch, to begin with
    readings: int
    seconds: float  # it took
    zone: str
    after: Side
    before: Side | None = None
    differences: Sequence[Difference] = ()
    episodes: Sequence[Episode] = ()
    same: int = 0  # alarms and commands that are the same in both
    more: int = 0  # differences or episodes beside these
    damaged: Sequence[str] = ()  # months that could not be read and are left out
    unreadable: int = 0  # rows of the log, likewise

    @property
    def complete(self) -> bool:
        """Whether all of the stretch was tried, and all is told."""
        left = self.more or self.damaged or self.unreadable
        return not left and self.until == self.end


def side(contender: Contender, course: Course, seen: Collection[str]) -> Side:
    """What is told of one set of rules."""
    episodes = course.episodes.all()
    return Side(
        rules=contender.source,
        alarms=_count(episodes, "alarm"),
        commands=_count(episodes, "command"),
        suspended=sorted(course.suspended),
        unseen=sorted(contender.points.difference(seen)),
    )


def told(
    contenders: Sequence[Contender],
    trial: Trial,
    stretch: Stretch,
    zone: str,
    seen: Collection[str],
) -> Report:
    """The report: of two sets of rules what differs, of one what it did."""
    sides = [side(one, course, seen) for one, course in zip(contenders, trial.courses, strict=True)]
    found = [_told(course.episodes.all(), trial.until) for course in trial.courses]
    differences: Sequence[Difference] = ()
    episodes: Sequence[Episode] = ()
    same = 0
    if len(found) > 1:
        differences, same = compare(*found)
    else:
        episodes = found[0]
    return Report(
        start=stretch.start,
        end=stretch.end,
        until=trial.until,
        first=trial.first,
        readings=trial.readings,
        seconds=round(trial.seconds, 3),
        zone=zone,
        before=sides[0] if len(sides) > 1 else None,
        after=sides[-1],
        differences=differences[:SHOWN_MAX],
        episodes=episodes[:SHOWN_MAX],
        same=same,
        more=max(0, len(differences) - SHOWN_MAX) + max(0, len(episodes) - SHOWN_MAX),
    )


def _told(episodes: Sequence[Episode], until: int) -> list[Episode]:
    """Up to where both have come, with what began after left out."""
    return [episode for episode in episodes if episode.start < until]


def _count(episodes: Sequence[Episode], what: Literal["alarm", "command"]) -> int:
    return sum(episode.what == what for episode in episodes)
