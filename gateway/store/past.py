"""What was judged in a stretch of the past, in its order, for rules to be tried on.

Where the log still has its rows they are read as they were judged, with people, starts and ticks in
their places; what is older comes from the months, which know readings and gaps, but no people.
Works beside a running daemon and changes nothing: every question is short, so that no checkpoint
waits for it. Memory: 256 rows, or the blocks of one hour.
"""

import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.reading import QUALITY_OF_CODE, Quality, Value
from gateway.store import generations
from gateway.store.block import Columns, Damaged, decode
from gateway.store.errors import StoreError
from gateway.store.file import NAME, unusable
from gateway.store.folding import points
from gateway.store.log import unpacked
from gateway.store.months import DamagedFile, Month, files, open_to_read
from gateway.store.rollup import HOUR_MS, MINUTE_MS
from gateway.store.state import JudgedInput, JudgedReading

START = '{"k":"start"}'  # as judging writes it
_ROWS = 256
_PROBES = 2_000  # of the log, to find where a stretch begins: UTC may step, so no halving alone
_GOOD = Quality.GOOD
_NEVER = 1 << 62
_ALL = slice(None)
_AT = itemgetter(3)  # of a JudgedReading

Entry = JudgedReading | JudgedInput


class Stretch(NamedTuple):
    """UTC ms from `start` up to `end`."""

    start: int
    end: int


class Piece(NamedTuple):
    """Some of what was judged, in its order, from `begins` to `ends` in kitchen ms.

    `ahead` is what to add to that for UTC.
    """

    ahead: int
    begins: int
    ends: int
    entries: Sequence[Entry]
    done: float  # how much of the stretch has been read


class _Row(msgspec.Struct, gc=False):
    t0: int
    c: list[int]
    dt: list[int]
    x: list[float | int | bool | str | None]
    q: dict[str, int] = {}


class Past:
    """One pass over a data folder; afterwards it says what was seen and what could not be read."""

    def __init__(
        self, folder: Path, stretch: Stretch, wanted: Collection[str] | None = None
    ) -> None:
        """Only readings of `wanted` points; None: of all. Raises StoreError without any data."""
        self.damaged: list[Path] = []
        self.unreadable = 0  # rows of the log
        self.points: set[str] = set()  # with a reading in it
        self._folder = folder
        self._stretch = stretch
        self._wanted = wanted
        self._decoder = msgspec.json.Decoder(_Row)
        self._alive: dict[str, bool] = {}  # in the months: whether a point's last one had a value
        self._holes: list[int] = []  # likewise: those after which no reading has come yet
        self._log = _opened(folder)
        if self._log is None and not files(folder):
            raise StoreError(f"there is no data in {folder}; name the folder with --data DIR")

    def close(self) -> None:
        """Let the log go."""
        if self._log is not None:
            self._log.close()

    def in_force(self) -> bytes | None:
        """The text of the last configuration that ran without any problem; None: none is kept."""
        if self._log is None:
            return None
        try:
            current = generations.read(self._log).current
        except sqlite3.Error as error:
            raise unusable(self._folder / NAME, error) from error
        return None if current is None else current.text

    def reach(self) -> Stretch | None:
        """From the first to the last there is, to the hour; None when nothing was ever stored."""
        months = list(files(self._folder).values())
        hours = [*_hours(months[:1]), *_hours(months[-1:])]
        ends = [hour * HOUR_MS for hour in hours[:1]] + [
            (hour + 1) * HOUR_MS for hour in hours[-1:]
        ]
        if self._log is not None:
            rows = self._outermost(self._log)
            ends += [row.t0 for row in rows] + [row.t0 + row.dt[-1] + 1 for row in rows]
        return Stretch(min(ends), max(ends)) if ends else None

    def pieces(self) -> Iterator[Piece]:
        """All of it, kitchen time never decreasing; raises StoreError."""
        try:
            ahead, begins = 0, self._stretch.end
            if self._log is not None:
                first = next(iter(self._rows(self._log, 0, 1)), None)
                if first is not None:
                    ahead, begins = first[1].t0 - first[2], first[1].t0
            if begins > self._stretch.start:
                yield from self._from_months(min(begins, self._stretch.end), ahead)
            if self._log is not None:
                yield from self._from_log(self._log)
        except sqlite3.Error as error:
            raise unusable(self._folder, error) from error

    def _from_months(self, end: int, ahead: int) -> Iterator[Piece]:
        start = self._stretch.start
        for path in files(self._folder).values():
            try:
                month = open_to_read(path)
                if month is None:
                    continue
                with closing(month):
                    first, last = max(start // HOUR_MS, month.first), -(-end // HOUR_MS)
                    for hour in month.hours(first, min(last, month.end)):
                        yield from self._of_hour(month, hour, Stretch(start, end), ahead)
            except DamagedFile as error:
                self.damaged.append(error.path)

    def _of_hour(self, month: Month, hour: int, stretch: Stretch, ahead: int) -> Iterator[Piece]:
        """The readings of all points of an hour, a minute at a time."""
        with month.snapshot():
            named, blocks = month.points(), month.hour(hour)
        found: dict[str, Columns] = {}
        for number, body in blocks:
            point = named[number][0]
            self.points.add(point)
            try:
                if self._wants(point):
                    found[point] = decode(body)
            except Damaged as error:
                raise DamagedFile(month.path, error) from error
        base = hour * HOUR_MS
        for minute in range(0, HOUR_MS, MINUTE_MS):
            begin = max(minute, stretch.start - base)
            end = min(minute + MINUTE_MS, stretch.end - base)
            readings: list[JudgedReading] = []
            holes: list[int] = []
            for point, columns in found.items() if begin < end else ():
                span = slice(bisect_left(columns.at, begin), bisect_left(columns.at, end))
                readings += self._of_point(point, columns, span, base - ahead, holes)
            # Of an hour without a wanted point it is told that something was collected.
            if readings or holes or (begin < end and minute == 0 and not found):
                readings.sort(key=_AT)
                entries = self._with_starts(readings, sorted({*self._holes, *holes}))
                at = base - ahead + begin
                ends = readings[-1].at if readings else at
                yield Piece(ahead, at, ends, entries, self._share(base))

    def _of_point(
        self, point: str, columns: Columns, span: slice, base: int, holes: list[int]
    ) -> list[JudgedReading]:
        at, values, codes = columns.at[span], columns.values[span], columns.codes[span]
        if not len(at):
            return []
        alive = self._alive.get(point, False)
        self._alive[point] = values[-1] is not None
        if not any(codes):
            return [
                JudgedReading(point, value, _GOOD, base + after)
                for after, value in zip(at, values, strict=True)
            ]
        readings = []
        for after, value, code in zip(at, values, codes, strict=True):
            quality = QUALITY_OF_CODE.get(code, Quality.SENSOR_FAILURE)
            # Folding marks a hole so; a point that was never heard has no value before.
            if quality is Quality.NOT_STARTED and alive:
                holes.append(base + after)
            else:
                readings.append(JudgedReading(point, value, quality, base + after))
            alive = value is not None
        return readings

    def _with_starts(self, readings: list[JudgedReading], holes: list[int]) -> list[Entry]:
        """After a hole the gateway began anew, with the first reading that came then."""
        entries: list[Entry] = list(readings)
        self._holes = [hole for hole in holes if not readings or readings[-1].at <= hole]
        for hole in reversed(holes):
            place = next((n for n, reading in enumerate(readings) if reading.at > hole), None)
            if place is not None:
                entries.insert(place, JudgedInput(readings[place].at, START))
        return entries

    def _from_log(self, log: sqlite3.Connection) -> Iterator[Piece]:
        found = self._span(log)
        if found is None:
            return
        first, last = found
        names = _names(log)
        inputs = _Inputs(log, first)
        seen: set[int] = set()
        wanted: dict[int, str] = {}
        ahead = 0
        for s, row, base in self._rows(log, first):
            own = inputs.of(s)
            if s > last:
                return
            known = len(seen)
            seen.update(row.c)
            if len(seen) > known:
                names = names if seen <= names.keys() else _names(log)  # a reload has brought some
                self.points |= {names[index] for index in row.c}
                wanted = {index: name for index, name in names.items() if self._wants(name)}
            ahead = row.t0 - base
            ends = base + row.dt[-1]
            entries = _between(row, base, wanted, own) if own else _readings(row, base, wanted)
            yield Piece(ahead, base, ends, entries, self._share(row.t0))
        # What came after the last reading, such as somebody who has seen the alarm.
        left = [it for _, it in inputs.of(_NEVER) if it.at + ahead < self._stretch.end]
        if left:
            yield Piece(ahead, left[0].at, left[-1].at, left, 1.0)

    def _wants(self, point: str) -> bool:
        return self._wanted is None or point in self._wanted

    def _rows(
        self, log: sqlite3.Connection, first: int, at_once: int = _ROWS
    ) -> Iterator[tuple[int, _Row, int]]:
        """Rows from `first` on: number, what is in it, kitchen time of its first reading."""
        query = "SELECT s, at, body FROM tm WHERE s >= ? ORDER BY s LIMIT ?"
        while rows := log.execute(query, (first, at_once)).fetchall():
            for s, at, stored in rows:
                row = self._decoded(stored)
                if row is None:
                    self.unreadable += 1
                else:
                    yield s, row, at - row.dt[-1]
            first = rows[-1][0] + 1

    def _decoded(self, stored: bytes) -> _Row | None:
        try:
            row = self._decoder.decode(unpacked(stored))
        except (zlib.error, msgspec.DecodeError):
            return None
        return row if len(row.c) == len(row.dt) == len(row.x) > 0 else None

    def _outermost(self, log: sqlite3.Connection) -> list[_Row]:
        found = []
        for order in ("ASC", "DESC"):
            query = f"SELECT body FROM tm ORDER BY s {order} LIMIT 1"  # noqa: S608 - a constant
            found += [self._decoded(stored) for (stored,) in log.execute(query)]
        return [row for row in found if row is not None]

    def _span(self, log: sqlite3.Connection) -> tuple[int, int] | None:
        """The first and last row of the stretch; what was stamped otherwise between is part of it.

        Looks at some rows all over the log first: where the clock was set back, or not yet set,
        rows are not in the order of UTC.
        """
        query = "SELECT min(s), max(s) FROM tm"
        low, high = log.execute(query).fetchone()
        if low is None:
            return None
        probes = [*range(low, high, max(1, (high - low) // _PROBES)), high]
        stamps = [self._stamp(log, s) for s in probes]
        start, end = self._stretch
        at = next((n for n, stamp in enumerate(stamps) if stamp >= start), None)
        until = next((n for n in range(len(probes) - 1, -1, -1) if stamps[n] < end), None)
        if at is None or until is None:
            return None
        first = self._halved(log, probes[max(0, at - 1)], probes[at], start)
        after = probes[min(until + 1, len(probes) - 1)]
        last = self._halved(log, probes[until], after + 1, end) - 1
        return (first, last) if first <= last else None

    def _halved(self, log: sqlite3.Connection, low: int, high: int, moment: int) -> int:
        """The first row from `low` to `high` that begins at a moment or later, else `high`."""
        while low < high:
            middle = (low + high) // 2
            if self._stamp(log, middle) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _stamp(self, log: sqlite3.Connection, s: int) -> int:
        """UTC of the first readable row from `s` on."""
        row = next((row for _, row, _ in self._rows(log, s, 1)), None)
        return self._stretch.end if row is None else row.t0

    def _share(self, at: int) -> float:
        start, end = self._stretch
        return max(0.0, min(1.0, (at - start) / max(1, end - start)))


class _Inputs:
    """What was judged that is no reading, by the row it stands in; read along with the rows."""

    def __init__(self, log: sqlite3.Connection, first: int) -> None:
        self._log = log
        query = "SELECT ifnull(min(id), 0) FROM inputs WHERE s >= ?"
        self._next = int(log.execute(query, (first,)).fetchone()[0]) or _NEVER
        self._waiting: list[tuple[int, int, JudgedInput]] = []
        self._ended = False

    def of(self, s: int) -> list[tuple[int, JudgedInput]]:
        """Those before a position of row `s`, and before it those of rows that are not there."""
        while not self._ended and (not self._waiting or self._waiting[-1][0] <= s):
            self._read()
        if not self._waiting or self._waiting[0][0] > s:
            return []
        own = [(position if row == s else 0, it) for row, position, it in self._waiting if row <= s]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > s]
        return own

    def _read(self) -> None:
        query = "SELECT id, s, position, at, body FROM inputs WHERE id >= ? ORDER BY id LIMIT ?"
        rows = self._log.execute(query, (self._next, _ROWS)).fetchall()
        self._waiting += [(s, position, JudgedInput(at, body)) for _, s, position, at, body in rows]
        self._ended = len(rows) < _ROWS
        if rows:
            self._next = rows[-1][0] + 1


def _names(log: sqlite3.Connection) -> dict[int, str]:
    return {index: name for index, (name, _) in points(log).items()}


def _hours(months: Sequence[Path]) -> Iterator[int]:
    """The hours in which something was collected."""
    for path in months:
        try:
            month = open_to_read(path)
            if month is not None:
                with closing(month):
                    yield from month.hours(month.first, month.end)
        except DamagedFile:
            continue


def _readings(row: _Row, base: int, wanted: Mapping[int, str], span: slice = _ALL) -> list[Entry]:
    """Those of wanted points at the places of `span`."""
    columns = zip(row.c[span], row.dt[span], row.x[span], strict=True)
    if not row.q:
        return [
            JudgedReading(wanted[index], value, _GOOD, base + after)
            for index, after, value in columns
            if index in wanted
        ]
    quality, first = row.q, span.start or 0
    return [
        JudgedReading(wanted[index], value, _quality(quality.get(str(n), 0), value), base + after)
        for n, (index, after, value) in enumerate(columns, first)
        if index in wanted
    ]


def _quality(code: int, value: Value) -> Quality:
    """A code of a newer release counts as no value, which is the safe way to misunderstand it."""
    known = QUALITY_OF_CODE.get(code)
    return Quality.SENSOR_FAILURE if known is None or (value is None and not known.bad) else known


def _between(
    row: _Row, base: int, wanted: Mapping[int, str], inputs: list[tuple[int, JudgedInput]]
) -> list[Entry]:
    """The readings with what else was judged in its place between them."""
    entries: list[Entry] = []
    done = 0
    for position, one in inputs:
        entries += _readings(row, base, wanted, slice(done, max(done, position)))
        entries.append(one)
        done = max(done, position)
    return entries + _readings(row, base, wanted, slice(done, None))


def _opened(folder: Path) -> sqlite3.Connection | None:
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with ExitStack() as closed:
            address = f"{path.absolute().as_uri()}?mode=rw"
            log = closed.enter_context(closing(sqlite3.connect(address, uri=True)))
            log.execute("PRAGMA query_only = ON")
            log.execute("PRAGMA busy_timeout = 5000")
            log.execute("SELECT 1 FROM tm LIMIT 1").fetchone()
            closed.pop_all()  # it stays open: nothing was wrong with it
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return log
