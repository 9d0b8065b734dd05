"""One point over time, reading by reading or in steps; what was not collected is said as a gap."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise, repeat
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from gateway.reading import QUALITY_OF_CODE, Value
from gateway.store.hot import HotLog
from gateway.store.months import DamagedFile
from gateway.store.rollup import (
    HOUR_MS,
    MINUTE_MS,
    UNKNOWN,
    Rollup,
    Standing,
    empty,
    merge,
    roll,
)
from gateway.store.source import NOTHING, Files, Source

RAW, AUTOMATIC = "raw", "auto"
STEPS = {
    "1min": MINUTE_MS,
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "1h": HOUR_MS,
    "6h": 6 * HOUR_MS,
    "1d": 24 * HOUR_MS,
}
NAMED = (AUTOMATIC, RAW, *STEPS)
ROWS_AUTOMATIC = 2_000  # what a curve can show; an automatic step gives no more
ROWS_MAX = 100_000  # whatever is asked for; a day at one reading a second has 86,400
_COLUMNS = ("at", "min", "max", "mean", "count", "last", "gap_s", "worst")
_RAW_COLUMNS = ("at", "value", "reason")
_REASONS: dict[int, str | None] = {
    code: None if quality.reason is None else quality.reason.value
    for code, quality in QUALITY_OF_CODE.items()
}


class TooManyRows(Exception):
    """More than ROWS_MAX; `finest` is the step that would do, if there is one."""

    def __init__(self, finest: str | None) -> None:
        super().__init__(finest)
        self.finest = finest


class Request(NamedTuple):
    """What is asked for: UTC ms from `start` up to `end`, by `step` of STEPS, RAW or AUTOMATIC."""

    point: str
    start: int
    end: int
    step: str = AUTOMATIC


class Place(NamedTuple):
    """UTC ms, and the time zone whose midnights part the days."""

    now: int
    zone: str


class Series(msgspec.Struct, frozen=True):
    """The answer; a row has its time in UTC ms first, and null where there is no value."""

    point: str
    unit: str
    step: str
    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    complete: bool  # False: a month is damaged, or the history is still catching up
    columns: Sequence[str]
    rows: msgspec.Raw


class Found(NamedTuple):
    """The answer, and the files that could not be read for it."""

    series: Series
    damaged: set[Path]


def series(
    connection: sqlite3.Connection, folder: Path, hot: HotLog, request: Request, place: Place
) -> Found:
    """Read it; raises UnknownPoint, TooManyRows, StoreError or sqlite3.Error.

    `request.start` is before `request.end`. `hot` may be new, or one of an earlier question.
    """
    plan = _plan(request, place.zone)
    damaged: set[Path] = set()
    while True:
        with ExitStack() as opened:
            try:
                files = Files(folder, damaged, opened)
                source = Source(connection, files, hot, request.point, plan.edges)
                step, rows = _rows(source, request, plan, place.now)
            except DamagedFile as error:
                if error.path in damaged:
                    raise
                damaged.add(error.path)
                continue
        raw = step == RAW
        start, end = (request.start, request.end) if raw else (plan.edges[0], plan.edges[-1])
        complete = source.complete and not damaged
        columns = _RAW_COLUMNS if raw else _COLUMNS
        answer = Series(request.point, source.unit, step, start, end, complete, columns, rows)
        return Found(answer, damaged)


class _Plan(NamedTuple):
    step: str
    edges: Sequence[int]  # where steps begin, and where the last one ends


def _plan(request: Request, zone: str) -> _Plan:
    start, end, step = request.start, request.end, request.step
    if step == RAW:
        return _Plan(RAW, (start, end))
    if step == AUTOMATIC:
        step = _finest(start, end, ROWS_AUTOMATIC) or "1d"
    if (end - start) // STEPS[step] >= ROWS_MAX:
        raise TooManyRows(_finest(start, end, ROWS_MAX))
    return _Plan(step, _edges(step, start, end, zone))


def _rows(source: Source, request: Request, plan: _Plan, now: int) -> tuple[str, msgspec.Raw]:
    """The step taken, and the rows."""
    start, end = request.start, request.end
    if plan.step == RAW:
        return RAW, _raw(source, start, end, ROWS_MAX)
    if request.step == AUTOMATIC and source.at_most(ROWS_AUTOMATIC):
        try:
            return RAW, _raw(source, start, end, ROWS_AUTOMATIC)
        except TooManyRows:
            pass
    rows = list(_stepped(source, plan.edges, STEPS[plan.step], now))
    return plan.step, msgspec.Raw(msgspec.json.encode(rows))


def _finest(start: int, end: int, most: int) -> str | None:
    return next((name for name, ms in STEPS.items() if (end - start) // ms < most), None)


def _edges(step: str, start: int, end: int, zone: str) -> list[int]:
    """Where steps begin, and where the last one ends; days at the site's midnights."""
    if step != "1d":
        width = STEPS[step]
        return list(range(start - start % width, end + width, width))[: _count(start, end, width)]
    local = ZoneInfo(zone)
    midnight = datetime.fromtimestamp(start / 1000, local)
    day = datetime(midnight.year, midnight.month, midnight.day)  # noqa: DTZ001 - zone comes below
    edges = [_utc(day, local)]
    while edges[-1] < end:
        day += timedelta(days=1)
        edges.append(_utc(day, local))
    return edges


def _count(start: int, end: int, width: int) -> int:
    return -(-end // width) - start // width + 1


def _utc(day: datetime, local: ZoneInfo) -> int:
    return int(day.replace(tzinfo=local).timestamp() * 1000)


def _raw(source: Source, start: int, end: int, most: int) -> msgspec.Raw:
    """Reading by reading; raises TooManyRows."""
    pieces: list[bytes] = []
    count = 0
    for hour in range(source.first, source.end):
        if source.stored(hour) is None and hour not in source.hot:
            continue
        columns = source.columns(hour)
        if columns is None:
            continue
        base = hour * HOUR_MS
        times = [base + at for at in columns.at]
        codes = columns.codes
        reasons = map(_REASONS.__getitem__, codes) if any(codes) else repeat(None)
        rows = list(zip(times, columns.values, reasons, strict=False))
        if base < start or base + HOUR_MS > end:
            rows = [row for row in rows if start <= row[0] < end]
        count += len(rows)
        if count > most:
            raise TooManyRows(_finest(start, end, most))
        if rows:
            pieces.append(msgspec.json.encode(rows)[1:-1])
    return msgspec.Raw(b"[" + b",".join(pieces) + b"]")


_Piece = tuple[int, int, Rollup]  # start, how long, what


def _stepped(
    source: Source, edges: Sequence[int], width: int, now: int
) -> Iterator[tuple[object, ...]]:
    """A row for each step up to `now`."""
    pieces = _pieces(source, edges, width, now)
    piece = next(pieces, None)
    for start, end in pairwise(edges):
        parts: list[Rollup] = []
        span_ms = 0
        while piece is not None and piece[0] < end:
            if piece[0] >= start:
                parts.append(piece[2])
                span_ms += piece[1]
            piece = next(pieces, None)
        if parts:
            yield _row(start, merge(parts), span_ms)


def _row(start: int, found: Rollup, span_ms: int) -> tuple[object, ...]:
    last: Value = found.last
    if not found.count and not isinstance(last, (bool, str)):
        last = None  # a number of earlier is not drawn where none came
    return (
        *(start, found.low, found.high, found.mean(span_ms), found.count, last),
        *(found.gap_ms / 1000, _REASONS[found.worst]),
    )


def _pieces(source: Source, edges: Sequence[int], width: int, now: int) -> Iterator[_Piece]:
    """Hours where a step holds them whole, else minutes, in order and without a hole."""
    standing = UNKNOWN
    cut = {edge // HOUR_MS for edge in edges if edge % HOUR_MS}
    for hour in range(source.begin, source.end):
        start, end = hour * HOUR_MS, (hour + 1) * HOUR_MS
        fine = width < HOUR_MS or hour in cut
        known, hot = source.stored(hour), hour in source.hot
        if known is None and not hot:
            until = end if hour < source.last else min(end, now)
            if until <= start:
                return
            if not source.covered(hour):
                standing = UNKNOWN
            yield from _empty(start, until, standing, fine=fine)
        elif known is not None and not hot and end <= now:
            if fine and hour >= source.first:
                yield from _minutes(start, source.minutes(hour, standing), end)
            else:
                yield start, HOUR_MS, known
            standing = known.standing
        else:
            columns = source.columns(hour) or NOTHING
            # The clock may have been set back since.
            until = min(end, max(now, start + 1, *(start + at + 1 for at in columns.at[-1:])))
            rolled = roll(columns, standing, [*range(0, until - start, MINUTE_MS), until - start])
            standing = rolled[-1].standing
            yield from _minutes(start, rolled, until)


def _empty(start: int, until: int, standing: Standing, *, fine: bool) -> Iterator[_Piece]:
    if not fine:
        yield start, until - start, empty(standing, until - start)
        return
    for at in range(start, until, MINUTE_MS):
        span_ms = min(MINUTE_MS, until - at)
        yield at, span_ms, empty(standing, span_ms)


def _minutes(start: int, rolled: Sequence[Rollup], until: int) -> Iterator[_Piece]:
    for number, found in enumerate(rolled):
        at = start + number * MINUTE_MS
        yield at, min(MINUTE_MS, until - at), found
