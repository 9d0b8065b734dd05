"""The site's local time as whole milliseconds, and the instants it stands for.

An instant is UTC in ms since 1970. A *label* is what a clock on the kitchen's wall shows, as ms
since 1970 on that clock; labels of one zone repeat or are left out when the clock is put back or
forward. Declared here, once: a label that is left out stands for the first instant after the gap,
and one that comes twice for the first time it comes.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo

DAY_MS = 86_400_000
MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - labels belong to no zone
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MS = timedelta(milliseconds=1)


def label_of(local: datetime) -> int:
    """The label of a time without a zone."""
    return (local - _EPOCH) // _MS


def shown_at(label: int) -> datetime:
    """What the clock on the wall shows, without a zone."""
    return _EPOCH + timedelta(milliseconds=label)


def day_of(label: int) -> date:
    """The day on the kitchen's calendar."""
    return date.fromordinal(_EPOCH_DAY + label // DAY_MS)


def offset_at(zone: tzinfo, utc_ms: int) -> int:
    """How far local time is ahead of UTC at an instant, in ms."""
    return _offset(_local(zone, utc_ms))


def first_instant(zone: tzinfo, label: int) -> int | None:
    """The instant a label stands for; None on a day the zone has left out whole.

    Samoa had no 30th of December in 2011: nothing is due on a day that never came.
    """
    local = shown_at(label).replace(tzinfo=zone)
    before, after = _offset(local), _offset(local.replace(fold=1))
    if before >= after:
        return label - before
    change = change_after(zone, label - after, label - before)
    midnight = label - label % DAY_MS
    if change + before <= midnight and change + after >= midnight + DAY_MS:
        return None
    return change


def latest_label(zone: tzinfo, utc_ms: int) -> int:
    """The last label whose first instant is not after this one."""
    local = _local(zone, utc_ms)
    offset = _offset(local)
    if not local.fold:
        return utc_ms + offset
    before = _offset(local.replace(fold=0))
    change = change_after(zone, utc_ms - (before - offset), utc_ms)
    return change + before - 1


def change_after(zone: tzinfo, low: int, high: int) -> int:
    """The instant within (low, high] from which on the offset is no longer that of `low`.

    There must be exactly one change between the two.
    """
    offset = offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _local(zone: tzinfo, utc_ms: int) -> datetime:
    return (_EPOCH_UTC + timedelta(milliseconds=utc_ms)).astimezone(zone)


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None  # noqa: S101 - every zone knows its offset
    return offset // _MS
