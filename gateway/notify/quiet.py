"""Quiet hours: when a person is not to be disturbed by what can wait. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(start: time, end: time, utc_ms: int, zone: str) -> int | None:
    """UTC ms at which the quiet hours end that `utc_ms` lies in; None outside them.

    They are hours of the wall in the kitchen's zone, the end not included; `start` after `end` goes
    over midnight, and equal ones are none.
    """
    here = ZoneInfo(zone)
    now = datetime.fromtimestamp(utc_ms / 1000, here)
    wall = now.time().replace(tzinfo=None)
    over_midnight = start > end
    inside = (wall >= start or wall < end) if over_midnight else start <= wall < end
    if not inside:
        return None
    day = now.date()
    if over_midnight and wall >= start:
        day += timedelta(days=1)
    ends = datetime.combine(day, end, here)
    if ends.astimezone(UTC) <= now.astimezone(UTC):  # its hour was left out or came twice that day
        return utc_ms + 3_600_000
    return round(ends.timestamp() * 1000)
