"""What is kept of many readings: least, most, mean, count, last, gap and worst quality.

A reading stands until the next one. From a BAD reading to the next good one is a gap, and so is
the time before a point's first reading. Nothing is interpolated, and no BAD reading is counted.
"""

import math
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from gateway.reading import QUALITY_OF_CODE, Quality, Value
from gateway.store.block import Columns, Damaged

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
MINUTES = tuple(range(0, HOUR_MS + 1, MINUTE_MS))
_TIDY_FROM = 1.0  # sums below keep every digit
_RANKED = (
    Quality.GOOD,
    Quality.CALIBRATION_OVERDUE,
    Quality.SUBSTITUTED,
    Quality.NOT_STARTED,
    Quality.STALE,
    Quality.NO_COMMUNICATION,
    Quality.OUT_OF_RANGE,
    Quality.STUCK,
    Quality.SENSOR_FAILURE,
)
_RANK = {quality.code: rank for rank, quality in enumerate(_RANKED)}


class Standing(NamedTuple):
    """What a point is said to be until its next reading; no value means a gap."""

    value: Value
    code: int


UNKNOWN = Standing(None, Quality.NOT_STARTED.code)


class Rollup(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The readings of one stretch of time."""

    count: int  # of readings with a value
    low: float | bool | None
    high: float | bool | None
    total: float  # sum of the numbers; of a switch, ms it was true
    last: Value  # what stands at the end; None inside a gap
    gap_ms: int
    worst: int  # code of the worst quality

    @property
    def standing(self) -> Standing:
        """What stands at the end of it."""
        return Standing(self.last, self.worst if self.last is None else Quality.GOOD.code)

    def mean(self, span_ms: int) -> float | None:
        """Mean of the numbers, or the share of the known time a switch was true."""
        if isinstance(self.last if self.low is None else self.low, bool):
            known_ms = span_ms - self.gap_ms
            return round(min(1.0, self.total / known_ms), 6) if known_ms > 0 else None
        if not self.count or self.low is None or self.high is None:
            return None
        return min(max(float(f"{self.total / self.count:.9g}"), self.low), self.high)


_Minutes = list[Rollup]


def roll(columns: Columns, standing: Standing, edges: Sequence[int]) -> list[Rollup]:
    """One roll-up for each stretch between two edges, in ms of the hour."""
    places = [bisect_left(columns.at, edge) for edge in edges]
    rolled = []
    for number in range(len(edges) - 1):
        begin, end = places[number], places[number + 1]
        part = Columns(columns.at[begin:end], columns.values[begin:end], columns.codes[begin:end])
        one = _roll(part, standing, edges[number], edges[number + 1])
        standing = one.standing
        rolled.append(one)
    return rolled


def merge(parts: Iterable[Rollup]) -> Rollup:
    """One roll-up of several that follow each other without a hole; at least one."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    lows = [part.low for part in parts if part.low is not None]
    highs = [part.high for part in parts if part.high is not None]
    return Rollup(
        sum(part.count for part in parts),
        min(lows, default=None),
        max(highs, default=None),
        _tidy(math.fsum(part.total for part in parts)),
        parts[-1].last,
        sum(part.gap_ms for part in parts),
        max((part.worst for part in parts), key=_RANK.__getitem__),
    )


def empty(standing: Standing, span_ms: int) -> Rollup:
    """A stretch without a reading: what stands goes on standing."""
    value = standing.value
    total = float(span_ms) if value is True else 0.0
    gap_ms = span_ms if value is None else 0
    return Rollup(0, None, None, total, value, gap_ms, standing.code)


def pack_minutes(minutes: Sequence[Rollup]) -> bytes:
    """The bytes of an hour's minutes: by column, because neighbours are alike."""
    columns = [
        [minute.count for minute in minutes],
        [minute.low for minute in minutes],
        [minute.high for minute in minutes],
        [minute.total for minute in minutes],
        [minute.last for minute in minutes],
        [minute.gap_ms for minute in minutes],
        [minute.worst for minute in minutes],
    ]
    return zlib.compress(msgspec.json.encode(columns), 9)


def unpack_minutes(stored: bytes) -> list[Rollup]:
    """The roll-ups of an hour's minutes; raises Damaged."""
    try:
        columns = msgspec.json.decode(zlib.decompress(stored))
    except (msgspec.DecodeError, zlib.error) as error:
        raise Damaged(f"minutes of the history cannot be read: {error}") from error
    return [Rollup(*fields) for fields in zip(*columns, strict=True)]


def _roll(part: Columns, standing: Standing, start: int, end: int) -> Rollup:
    values = [value for value in part.values if value is not None]
    if not part.at:
        return empty(standing, end - start)
    texts = any(isinstance(value, str) for value in values)
    numbers = [] if texts else [value for value in values if not isinstance(value, str)]
    gap_ms, true_ms = _stretches(part, standing, start, end)
    switch = bool(numbers) and isinstance(numbers[0], bool)
    switch = switch or (not numbers and isinstance(standing.value, bool))
    codes = set(part.codes)
    if gap_ms and standing.value is None:
        codes.add(standing.code)
    return Rollup(
        len(values),
        min(numbers, default=None),
        max(numbers, default=None),
        float(true_ms) if switch else _tidy(math.fsum(numbers)),
        part.values[-1],
        gap_ms,
        max(codes, key=_RANK.__getitem__),
    )


def _stretches(part: Columns, standing: Standing, start: int, end: int) -> tuple[int, int]:
    """Ms without a value, and ms of a switch that was true."""
    value = standing.value
    if value is not None and not isinstance(value, bool) and None not in part.values:
        return 0, 0
    gap_ms = true_ms = 0
    since = start
    for at, following in zip((*part.at, end), (*part.values, None), strict=True):
        if value is None:
            gap_ms += at - since
        elif value is True:
            true_ms += at - since
        since, value = at, following
    return gap_ms, true_ms


def _tidy(total: float) -> float:
    """A sum of decimals without the crumbs of binary fractions."""
    return round(total, 6) if abs(total) >= _TIDY_FROM else total


def level(code: int) -> str | None:
    """Why a reading of this quality is not simply good; None when it is."""
    reason = QUALITY_OF_CODE[code].reason
    return None if reason is None else reason.value
