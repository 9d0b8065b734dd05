"""From the log into the history: rows become hour blocks and roll-ups, each exactly once.

A month's file says up to which row it has the log, in the transaction that wrote its hours; the
cursor in `gateway.db` only follows. So a kill between the two, or between two months, is made good
by reading the same rows again: each file passes over those it has.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.store.block import Columns, Damaged, decode, encode, merged
from gateway.store.gathering import Gatherer, Key
from gateway.store.months import (
    HOUR_LAST,
    DamagedFile,
    Month,
    Stored,
    files,
    month_of,
    open_to_read,
    open_to_write,
)
from gateway.store.rollup import (
    HOUR_MS,
    MINUTES,
    UNKNOWN,
    Rollup,
    Standing,
    merge,
    pack_minutes,
    roll,
)

ROWS_AT_A_TIME = 64  # read in one turn of the thread: about a millisecond
BLOCKS_AT_A_TIME = 2
READINGS_MAX = 500_000  # held in memory before they are written: 7 MB
MINUTES_FROM = 600  # readings in an hour, below which its minutes are quickly made again


class _PointBody(msgspec.Struct):
    unit: str


class Folding:
    """One pass over rows of the log; used from one thread. A pass that fails is thrown away."""

    def __init__(self, folder: Path, install: str, folded: int) -> None:
        self.folded = folded  # the last row that is in the files
        self.read = folded  # the last row that was taken
        self.gatherer = Gatherer(self._skip, self._alive)
        self.blocks = 0
        self._folder = folder
        self._install = install
        self._months: dict[str, Month] = {}
        self._earlier: dict[str, Month | None] = {}
        self._skips: dict[int, int] = {}
        self._points: dict[int, tuple[str, str]] = {}
        self._waiting: list[Key] | None = None
        self._stored: dict[str, list[Stored]] = {}
        self._ends: dict[int, tuple[int, Standing]] = {}

    def take(self, connection: sqlite3.Connection, last: int) -> bool:
        """Read some rows up to `last`; whether more are to be read before they are written."""
        if not self._points:
            self._points = points(connection)
            before = connection.execute(
                "SELECT body FROM tm WHERE s = ?", (self.folded,)
            ).fetchone()
            if before is not None:
                self.gatherer.follow(before[0])
        query = "SELECT s, body FROM tm WHERE s > ? AND s <= ? ORDER BY s LIMIT ?"
        rows = connection.execute(query, (self.read, last, ROWS_AT_A_TIME)).fetchall()
        for s, stored in rows:
            self.gatherer.take(s, stored)
            self.read = s
        if len(rows) < ROWS_AT_A_TIME:
            self.read = max(self.read, last)
        return self.read < last and self.gatherer.readings < READINGS_MAX

    def stage(self) -> bool:
        """Make some blocks of what was read; whether there are more to be made."""
        if self._waiting is None:
            self._waiting = sorted(self.gatherer.hours, reverse=True)
        for _ in range(min(BLOCKS_AT_A_TIME, len(self._waiting))):
            self._make(*self._waiting.pop())
        return bool(self._waiting)

    def commit(self) -> None:
        """Write all that was made, month by month; raises DamagedFile, sqlite3.Error."""
        for month in sorted(self._stored):
            stored = self._stored[month]
            self._month(month).write(stored, self._install, self.read)
            self.blocks += len(stored)
        self.folded = self.read
        self.gatherer.empty()
        self._waiting = None
        self._stored.clear()
        self._ends.clear()
        self._skips.clear()

    def close(self) -> None:
        """Let the files go."""
        for month in [*self._months.values(), *filter(None, self._earlier.values())]:
            month.close()

    def _make(self, hour: int, index: int) -> None:
        """The block and the roll-ups of one hour of one point, with what was there before."""
        name = month_of(hour)
        month = self._month(name)
        number = self._number(month, index)
        columns = self.gatherer.hours[hour, index].columns()
        known = month.block(number, hour)
        if known is not None:
            columns = merged(_decoded(month, known), columns)
        standing = self._standing(month, index, hour)
        made = _stored(number, hour, columns, standing)
        self._stored.setdefault(name, []).append(made)
        self._ends[index] = (hour, made.rollup.standing)
        following = month.after(number, hour)
        if following is not None and (following[0], index) not in self.gatherer.hours:
            self._roll_again(month, number, following[0], made.rollup.standing)

    def _roll_again(self, month: Month, number: int, hour: int, standing: Standing) -> None:
        """What stands at the end of an hour is what the next one begins with."""
        known = month.block(number, hour)
        if known is not None:
            again = _stored(number, hour, _decoded(month, known), standing)
            again = again._replace(body=None)
            self._stored.setdefault(month.path.stem, []).append(again)

    def _standing(self, month: Month, index: int, hour: int) -> Standing:
        """What a point was said to be when an hour began."""
        at, standing = self._ends.get(index, (-1, UNKNOWN))
        found = _before(month, self._points[index][0], hour)
        if found is not None and found[0] > at:
            return found[1].standing
        if at >= 0:
            return standing
        name = month.path.stem
        if name not in self._earlier:
            earlier = [path for other, path in files(self._folder).items() if other < name]
            self._earlier[name] = open_to_read(earlier[-1]) if earlier else None
        last = self._earlier[name]
        found = None if last is None else _before(last, self._points[index][0], hour)
        return UNKNOWN if found is None else found[1].standing

    def _alive(self, at: int) -> Iterator[int]:
        """The points that had a value at a moment in UTC, as far as was read."""
        hour = at // HOUR_MS
        for index in self._points:
            latest = self.gatherer.latest.get(index)
            if latest is not None:
                if latest.values[-1] is not None:
                    yield index
            elif 0 <= hour <= HOUR_LAST:
                month = self._month(month_of(hour))
                if self._standing(month, index, hour + 1).value is not None:
                    yield index

    def _skip(self, hour: int) -> int:
        known = self._skips.get(hour)
        if known is None:
            month = self._month(month_of(hour))
            known = self._skips[hour] = month.folded(self._install)
        return known

    def _number(self, month: Month, index: int) -> int:
        point_id, unit = self._points[index]
        number = month.number(point_id)
        return month.number_points({point_id: unit})[point_id] if number is None else number

    def _month(self, name: str) -> Month:
        month = self._months.get(name)
        if month is None:
            month = self._months[name] = open_to_write(self._folder, name)
        return month


def points(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Id and unit of every point this installation ever had, by index."""
    rows = connection.execute("SELECT i, id, body FROM points")
    return {
        index: (name, msgspec.json.decode(body, type=_PointBody).unit) for index, name, body in rows
    }


def _before(month: Month, point_id: str, hour: int) -> tuple[int, Rollup] | None:
    """The last hour of a point before `hour` that is in this file."""
    number = month.number(point_id)
    return None if number is None else month.before(number, min(hour, month.end))


def _decoded(month: Month, body: bytes) -> Columns:
    try:
        return decode(body)
    except Damaged as error:
        raise DamagedFile(month.path, error) from error


def _stored(number: int, hour: int, columns: Columns, standing: Standing) -> Stored:
    minutes = roll(columns, standing, MINUTES)
    packed = pack_minutes(minutes) if len(columns.at) > MINUTES_FROM else None
    return Stored(number, hour, len(columns.at), encode(columns), packed, merge(minutes))
