"""Who is on duty: shifts by role and weekday, with hand-over, and the next role for a gap."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.time_window import Window

ON_DUTY = "on_duty "  # before a role: only who fills it now


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A person's time in a role; without a window the person is always on duty."""

    person: str
    window: Window | None = None


class OnDuty(NamedTuple):
    """Somebody to turn to. One who is `leaving` has ended and still hands over."""

    role: str
    person: str
    leaving: bool = False


@dataclass(frozen=True, kw_only=True)
class Duty:
    """The table: roles in the order in which an alarm climbs them, each with its shifts."""

    roles: Mapping[str, tuple[Shift, ...]]
    hand_over_ms: int = 0

    def on(self, role: str, utc_ms: int) -> tuple[OnDuty, ...]:
        """Who fills a role at an instant, each person once; first who is there to stay."""
        shifts = self.roles.get(role, ())
        staying = [shift.person for shift in shifts if _covers(shift, utc_ms)]
        earlier = utc_ms - self.hand_over_ms
        leaving = [
            shift.person for shift in shifts if self.hand_over_ms and _covers(shift, earlier)
        ]
        told = [OnDuty(role, person) for person in dict.fromkeys(staying)]
        if not staying:  # there is nobody to hand over to
            return ()
        gone = dict.fromkeys(person for person in leaving if person not in staying)
        return (*told, *(OnDuty(role, person, leaving=True) for person in gone))

    def reached(self, role: str, utc_ms: int) -> tuple[OnDuty, ...]:
        """Who is to be told for a role: with nobody on duty in it, those of the next that has one.

        Empty when nobody is on duty there or above: then everybody must be told.
        """
        for name in self.above(role):
            found = self.on(name, utc_ms)
            if found:
                return found
        return ()

    def above(self, role: str) -> tuple[str, ...]:
        """A role and those an alarm climbs after it; all of them for one that is not known."""
        names = tuple(self.roles)
        return names[names.index(role) :] if role in self.roles else names

    def next_change(self, utc_ms: int) -> int | None:
        """The next instant at which somebody's duty begins or ends, or a hand-over does."""
        return min(self._changes(utc_ms), default=None)

    def _changes(self, utc_ms: int) -> Iterator[int]:
        windows = [shift.window for shifts in self.roles.values() for shift in shifts]
        for window in windows:
            for earlier in {0, self.hand_over_ms}:
                change = None if window is None else window.next_change(utc_ms - earlier)
                if change is not None:
                    yield change + earlier


def _covers(shift: Shift, utc_ms: int) -> bool:
    return shift.window is None or shift.window.holds(utc_ms)
