"""Which days count: by weekday, and by whether people work on them.

The holidays of a country come from outside, as plain dates: whoever knows them looks them up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_WEEKDAY = frozenset(range(7))
WEEKEND = frozenset({5, 6})


class On(StrEnum):
    """Which of the weekdays chosen count."""

    EVERY_DAY = "every day"
    WORKDAYS = "workdays"  # neither the weekend of the country nor a holiday
    HOLIDAYS = "holidays"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The holidays of the site by date, with their names, and its weekend (0 is Monday)."""

    holidays: Mapping[date, str] = field(default_factory=dict)
    weekend: frozenset[int] = WEEKEND

    def works(self, day: date) -> bool:
        """Whether it is an ordinary working day."""
        return day.weekday() not in self.weekend and day not in self.holidays


@dataclass(frozen=True, kw_only=True)
class Days:
    """A choice of days."""

    weekdays: frozenset[int] = EVERY_WEEKDAY
    on: On = On.EVERY_DAY
    calendar: Calendar = field(default_factory=Calendar)

    def count(self, day: date) -> bool:
        """Whether this day is one of them."""
        if day.weekday() not in self.weekdays:
            return False
        if self.on is On.WORKDAYS:
            return self.calendar.works(day)
        return self.on is On.EVERY_DAY or day in self.calendar.holidays


EVERY_DAY = Days()
