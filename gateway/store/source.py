"""What the months and the log hold of one point, put together for a question.

Every month is read in one transaction with its word on how far it has the log, so a reading is
seen once, whatever is being folded meanwhile.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.reading import Value
from gateway.store import months, state
from gateway.store.block import Columns, Damaged, decode, merged
from gateway.store.hot import HotLog
from gateway.store.months import DamagedFile, Month, month_of, open_to_read
from gateway.store.rollup import HOUR_MS, MINUTES, Rollup, Standing, roll, unpack_minutes

NOTHING = Columns((), (), b"")


class UnknownPoint(Exception):
    """The installation has never had a point of that id."""


class Files(NamedTuple):
    """Where the months are, and what keeps those that were opened."""

    folder: Path
    damaged: set[Path]  # not to be opened again
    opened: ExitStack


class Source:
    """Everything there is of one point around a stretch of time, read as of one moment.

    Every method may raise DamagedFile.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        files: Files,
        hot: HotLog,
        point: str,
        edges: Sequence[int],
    ) -> None:
        self.first = edges[0] // HOUR_MS
        self.end = -(-edges[-1] // HOUR_MS)
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

    def _open(self, files: Files, install: str) -> dict[str, int]:
        """Open the months of the stretch and the one before; gives how far each has the log."""
        found = months.files(files.folder)
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
