"""Suppression by design: an alarm is hidden while a point says so, inside a hard cap."""

import msgspec

from rules.base import Observation
from rules.terms import Suppress


class Suppression(msgspec.Struct, frozen=True, tag="suppression"):
    """That the point says so; `until` (kitchen time in ms) is the cap, None once that is passed."""

    of: str
    until: int | None

    @property
    def in_force(self) -> bool:
        """Whether alarms are hidden; after the cap only another value and back begins anew."""
        return self.until is not None


def begins(suppress: Suppress, now: int) -> Suppression:
    """The point has just begun to say so."""
    return Suppression(about(suppress), now + suppress.up_to_ms)


def says(suppress: Suppress, seen: Observation) -> bool:
    """Whether a reading of the point hides the alarm; one without a value never does."""
    value = seen.value
    return seen.good and type(value) is type(suppress.value) and value == suppress.value


def about(suppress: Suppress) -> str:
    """What a suppression is about: another point or value has nothing to remember."""
    return f"{suppress.point} {suppress.value!r}"
