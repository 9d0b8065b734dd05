"""One point over time: the months' hours, and after them the rows of the log they lack.

Every month is read in one transaction with its word on how far it has the log, so a reading is
seen once, whatever is being folded meanwhile. What was not collected is said as a gap.
"""

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
from gateway.store import state
from gateway.store.block import Columns, Damaged, decode, merged
from gateway.store.hot import HotLog
from gateway.store.months import DamagedFile, Month, month_of, open_to_read
from gateway.store.months import files as months_of
from gateway.store.rollup import (
    HOUR_MS,
    MINUTE_MS,
    MINUTES,
    UNKNOWN,
    Rollup,
    Standing,
    empty,
    merge,
    roll,
    unpack_minutes,
)

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
NOTHING = Columns((), (), b"")
_REASONS: dict[int, str | None] = {
    code: None if quality.reason is None else quality.reason.value
    for code, quality in QUALITY_OF_CODE.items()
}


class UnknownPoint(Exception):
    """The installation has never had a point of that id."""


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
                source = _Source(
                    connection, _Files(folder, damaged, opened), hot, request.point, plan
                )
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


def _rows(source: "_Source", request: Request, plan: _Plan, now: int) -> tuple[str, msgspec.Raw]:
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


class _Files(NamedTuple):
    folder: Path
    damaged: set[Path]  # not to be opened again
    opened: ExitStack


class _Source:
    """Everything there is of one point around a stretch of time, read as of one moment."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        files: _Files,
        hot: HotLog,
        point: str,
        plan: _Plan,
    ) -> None:
        self.first = plan.edges[0] // HOUR_MS
        self.end = -(-plan.edges[-1] // HOUR_MS)
        self.complete = True
        self.hot: dict[int, Columns] = {}
        self._point = point
        self._months: dict[str, Month] = {}
        self._rollups: dict[int, Rollup] = {}
        self._folded = state.folded(
            connection
        )  # before the months are looked at: they only get ahead
        index, self.unit = _named(connection, point)
        query = "SELECT value FROM meta WHERE key = 'install'"
        has = self._open(files, connection.execute(query).fetchone()[0])
        self._read_log(connection, hot, index, has)
        self.last = max([*self._rollups, *self.hot], default=0)
        # The hour to begin with, so that what stood at the beginning is known.
        stored = max((hour for hour in self._rollups if hour < self.first), default=self.first)
        self.begin = min([stored, *(hour for hour in self.hot if hour < self.first)])

    def stored(self, hour: int) -> Rollup | None:
        """The hour's roll-up, as it was sealed."""
        return self._rollups.get(hour)

    def at_most(self, readings: int) -> bool:
        """Whether there may be so few of them; those of the first and last hour are left out."""
        span = range(self.first + 1, self.end - 1)
        stored = sum(found.count for hour, found in self._rollups.items() if hour in span)
        hot = sum(len(found.at) for hour, found in self.hot.items() if hour in span)
        return stored + hot <= readings

    def columns(self, hour: int) -> Columns | None:
        """The hour's readings, those of the log included."""
        hot = self.hot.get(hour)
        if hour not in self._rollups:
            return hot
        month, number = self._place(hour)
        body = month.block(number, hour)
        if body is None:
            return hot
        try:
            cold = decode(body)
        except Damaged as error:
            raise DamagedFile(month.path, error) from error
        return cold if hot is None else merged(cold, hot)

    def minutes(self, hour: int, standing: Standing) -> list[Rollup]:
        """The minutes of an hour that is sealed."""
        month, number = self._place(hour)
        stored = month.minutes(number, hour)
        if stored is not None:
            try:
                return unpack_minutes(stored)
            except Damaged as error:
                raise DamagedFile(month.path, error) from error
        return roll(self.columns(hour) or NOTHING, standing, MINUTES)

    def covered(self, hour: int) -> bool:
        """Whether anything of any point was collected in an hour."""
        month = self._months.get(month_of(hour))
        return hour in self._hot_hours or (month is not None and month.covered(hour))

    def _place(self, hour: int) -> tuple[Month, int]:
        month = self._months[month_of(hour)]
        number = month.number(self._point)
        assert number is not None  # noqa: S101 - it has a roll-up there
        return month, number

    def _open(self, files: _Files, install: str) -> dict[str, int]:
        """Open the months of the stretch and the one before; gives how far each has the log."""
        found = months_of(files.folder)
        first, last = month_of(max(0, self.first)), month_of(max(0, self.end - 1))
        earlier = max((month for month in found if month < first), default=first)
        has: dict[str, int] = {}
        for name, path in found.items():
            month = (
                open_to_read(path)
                if earlier <= name <= last and path not in files.damaged
                else None
            )
            if month is None:
                continue
            files.opened.callback(month.close)
            files.opened.enter_context(month.snapshot())
            has[name] = month.folded(install)
            number = month.number(self._point)
            if number is not None:
                self._rollups |= month.rollups(number, month.first, min(month.end, self.end))
            self._months[name] = month
        return has

    def _read_log(
        self, connection: sqlite3.Connection, hot: HotLog, index: int, has: dict[str, int]
    ) -> None:
        """Rows after the cursor; a month whose file is ahead of it has some of them already."""
        asked = {month_of(max(0, hour)) for hour in range(self.first, self.end, 24)}
        asked.add(month_of(max(0, self.end - 1)))
        if max(has.values(), default=0) > self._folded:
            after = max(self._folded, min(has.get(month, 0) for month in asked))
            hot = HotLog()
            hot.start(connection, after, lambda hour: has.get(month_of(hour), 0))
            hot.read(connection, after)
        else:
            hot.read(connection, self._folded)
        self.complete = hot.complete
        found = hot.columns(index, self._value_at)
        self.hot = {hour: columns for hour, columns in found.items() if hour < self.end}
        self._hot_hours = hot.gatherer.covered

    def _value_at(self, at: int) -> Value:
        """What stood at a moment, as far as the months know."""
        hour = max((hour for hour in self._rollups if hour <= at // HOUR_MS), default=None)
        return None if hour is None else self._rollups[hour].last


def _named(connection: sqlite3.Connection, point: str) -> tuple[int, str]:
    """Index and unit of a point; raises UnknownPoint."""
    query = "SELECT i, body FROM points WHERE id = ?"
    found = connection.execute(query, (point,)).fetchone()
    if found is None:
        raise UnknownPoint(point)
    return int(found[0]), msgspec.json.decode(found[1], type=_Unit).unit


class _Unit(msgspec.Struct):
    unit: str


def _raw(source: _Source, start: int, end: int, most: int) -> msgspec.Raw:
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
    source: _Source, edges: Sequence[int], width: int, now: int
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


def _pieces(source: _Source, edges: Sequence[int], width: int, now: int) -> Iterator[_Piece]:
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
