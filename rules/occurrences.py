"""When a schedule is due, as endless rows of occurrences: clock times, cron lines, the sun.

Each row has an order of its own, in which no occurrence comes twice. Jobs at a clock time are
ordered by what the clock on the wall shows, so that summer time or another zone repeats none of
them and leaves none out. Cron lines with a star for minute or hour, and the sun, go by the instant.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import NamedTuple, Protocol

from cronsim import CronSim, CronSimError

from rules.days import EVERY_DAY, Days
from rules.local_time import (
    DAY_MS,
    MINUTE_MS,
    change_after,
    day_of,
    first_instant,
    latest_label,
    offset_at,
    shown_at,
)
from rules.sun import Event, Polar, Sun

HORIZON_MS = 9 * 366 * DAY_MS  # eight years lie between two leap days around 2100
CLOCK_HOLD_MS = 2 * DAY_MS  # more than any zone is away from any other
INSTANT_HOLD_MS = MINUTE_MS
_CRON_FIELDS = 5
_CRON_LENGTH_MAX = 100


class Occurrence(NamedTuple):
    """One time a schedule is due: its place in the order of its row, and its instant (UTC, ms)."""

    order: int
    at: int


class Trigger(Protocol):
    """A row of occurrences, the later in order never the earlier in time."""

    @property
    def hold_ms(self) -> int:
        """How far a clock may be set back before it is taken for having been wrong."""

    def after(self, order: int) -> Occurrence | None:
        """The next occurrence; None when there is none within nine years."""

    def order_at(self, utc_ms: int) -> int:
        """The highest order that has come by an instant."""

    def instant_of(self, order: int) -> int:
        """About when an order comes."""


class ClockTime:
    """Occurrences at labels: once for each, whatever the zone does."""

    hold_ms = CLOCK_HOLD_MS

    def __init__(self, zone: tzinfo, next_label: Callable[[int], int | None]) -> None:
        self._zone = zone
        self._next_label = next_label

    def after(self, order: int) -> Occurrence | None:
        label = self._next_label(order)
        while label is not None and label <= order + HORIZON_MS:
            at = first_instant(self._zone, label)
            if at is not None:
                return Occurrence(label, at)
            label = self._next_label(label)
        return None

    def order_at(self, utc_ms: int) -> int:
        return latest_label(self._zone, utc_ms)

    def instant_of(self, order: int) -> int:
        at = first_instant(self._zone, order)
        return order - offset_at(self._zone, order) if at is None else at


class Elapsing:
    """Occurrences at labels, each time the clock shows them: `*/15` is every 15 minutes."""

    hold_ms = INSTANT_HOLD_MS

    def __init__(self, zone: tzinfo, next_label: Callable[[int], int | None]) -> None:
        self._zone = zone
        self._next_label = next_label

    def after(self, order: int) -> Occurrence | None:
        """From one change of the offset to the next: within such a span labels are instants."""
        here, end = order, order + HORIZON_MS
        while here <= end:
            offset = offset_at(self._zone, here)
            label = self._next_label(here + offset)
            if label is None:
                return None
            at = label - offset
            near = min(at, here + DAY_MS)
            if offset_at(self._zone, near) != offset:
                here = change_after(self._zone, here, near)
                at = here + _until_minute(here)
                if self._shows(at):
                    return Occurrence(at, at)
            elif at == near:
                return Occurrence(at, at)
            else:
                here = max(near, at - DAY_MS)
        return None

    def order_at(self, utc_ms: int) -> int:
        return utc_ms

    def instant_of(self, order: int) -> int:
        return order

    def _shows(self, utc_ms: int) -> bool:
        label = utc_ms + offset_at(self._zone, utc_ms)
        return self._next_label(label - 1) == label


@dataclass(frozen=True, kw_only=True)
class SunTime:
    """Sunrise or sunset with an offset, on the days of the local calendar that count."""

    sun: Sun
    event: Event
    zone: tzinfo
    offset_ms: int = 0
    days: Days = field(default=EVERY_DAY)

    @property
    def hold_ms(self) -> int:
        return CLOCK_HOLD_MS

    def after(self, order: int) -> Occurrence | None:
        start = self.sun.solar_day(order - self.offset_ms).toordinal() - 1
        for ordinal in range(start, start + HORIZON_MS // DAY_MS):
            at = self.sun.event(self.event, date.fromordinal(ordinal))
            if isinstance(at, Polar):
                continue
            at += self.offset_ms
            if at > order and self.days.count(day_of(at + offset_at(self.zone, at))):
                return Occurrence(at, at)
        return None

    def order_at(self, utc_ms: int) -> int:
        return utc_ms

    def instant_of(self, order: int) -> int:
        return order

    def absent(self, utc_ms: int) -> str:
        """Why there is none on the solar day of an instant; empty where there is one."""
        found = self.sun.event(self.event, self.sun.solar_day(utc_ms))
        return f"{found.value}: no {self.event.value}" if isinstance(found, Polar) else ""


def at_minutes(
    minutes: Iterable[int], counts: Callable[[date], bool] = EVERY_DAY.count
) -> Callable[[int], int | None]:
    """The labels of these minutes of the day (0 to 1439) on days that count."""
    offsets = sorted({minute * MINUTE_MS for minute in minutes})

    def next_label(label: int) -> int | None:
        midnight = label - label % DAY_MS
        index = bisect_right(offsets, label - midnight)
        if index < len(offsets) and counts(day_of(midnight)):
            return midnight + offsets[index]
        for start in range(midnight + DAY_MS, midnight + HORIZON_MS, DAY_MS):
            if counts(day_of(start)):
                return start + offsets[0]
        return None

    return next_label


def cron(line: str, zone: tzinfo, days: Days = EVERY_DAY) -> Trigger:
    """The occurrences of a cron line of five fields, as in crontab(5); raises ValueError."""
    fields = line.split()
    if len(fields) != _CRON_FIELDS or len(line) > _CRON_LENGTH_MAX:
        raise ValueError(f'got "{line[:_CRON_LENGTH_MAX]}", {_EXPECTED_CRON}')
    try:
        parsed = CronSim(line, shown_at(0))
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ")
        raise ValueError(f'got "{line}" with a wrong {wrong}, {_EXPECTED_CRON}') from None

    def counts(day: date) -> bool:
        return day.month in parsed.months and parsed.match_day(day) and days.count(day)

    minutes = [hour * 60 + minute for hour in parsed.hours for minute in parsed.minutes]
    elapsing = fields[0].startswith("*") or fields[1].startswith("*")
    return (Elapsing if elapsing else ClockTime)(zone, at_minutes(minutes, counts))


_EXPECTED_CRON = 'expected minute, hour, day, month, weekday, such as "30 22 * * mon-fri"'


def latest(trigger: Trigger, order: int, utc_ms: int) -> Occurrence | None:
    """The last occurrence after `order` that has come by an instant; some forty questions."""
    found = trigger.after(order)
    if found is None or found.at > utc_ms:
        return None
    low, high = found.order, max(found.order, trigger.order_at(utc_ms)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        then = trigger.after(middle)
        if then is not None and then.at <= utc_ms:
            found, low = then, then.order
        else:
            high = middle
    return found


def _until_minute(utc_ms: int) -> int:
    return -utc_ms % MINUTE_MS
