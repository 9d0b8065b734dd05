"""The rows of the log that the history has not got yet, kept decoded between two questions.

At most the last 70 minutes, when an hour is about to be sealed: a megabyte at 1,000 readings a
minute. Used from the thread that reads.
"""

import sqlite3
from collections.abc import Callable

from gateway.reading import Quality, Value
from gateway.store.block import Columns
from gateway.store.gathering import Gatherer
from gateway.store.rollup import HOUR_MS

ROWS_MAX = 20_000  # further than that the answer is said not to be complete
_NOT_STARTED = Quality.NOT_STARTED.code


class HotLog:
    """What the log has after a row; `complete` is False when that was too much to be read."""

    def __init__(self) -> None:
        self.complete = True
        self.gatherer = Gatherer(lambda hour: 0, lambda at: ())
        self._after = -1
        self._rows = 0
        self._read = 0

    def read(self, connection: sqlite3.Connection, after: int) -> None:
        """Bring it up to date with the log from row `after` on, which is not part of it."""
        if after != self._after:
            self.start(connection, after, lambda hour: 0)
        query = "SELECT s, body FROM tm WHERE s > ? ORDER BY s LIMIT ?"
        rows = connection.execute(query, (self._read, ROWS_MAX + 1 - self._rows)).fetchall()
        self.complete = self._rows + len(rows) <= ROWS_MAX
        for s, body in rows[: ROWS_MAX - self._rows]:
            self.gatherer.take(s, body)
            self._read = s
            self._rows += 1

    def start(self, connection: sqlite3.Connection, after: int, skip: Callable[[int], int]) -> None:
        """Begin anew; `skip` says up to which row the file of an hour has them already."""
        self.gatherer = Gatherer(skip, lambda at: ())
        self._after = self._read = after
        self._rows = 0
        for (body,) in connection.execute("SELECT body FROM tm WHERE s = ?", (after,)):
            self.gatherer.follow(body)

    def columns(self, index: int, before: Callable[[int], Value]) -> dict[int, Columns]:
        """A point's readings by hour; `before` gives its value at a moment no row here tells.

        Where the log has a hole the point has no value: that is a reading of its own.
        """
        found = {
            hour: gathered.columns()
            for (hour, point), gathered in self.gatherer.hours.items()
            if point == index
        }
        for at in self.gatherer.holes:
            if _stands(found, at, before):
                hour, offset = divmod(at, HOUR_MS)
                found[hour] = _with_hole(found.get(hour), offset)
        return found


def _stands(found: dict[int, Columns], at: int, before: Callable[[int], Value]) -> bool:
    """Whether the point has a value at a moment."""
    hour, offset = divmod(at, HOUR_MS)
    for earlier in sorted((each for each in found if each <= hour), reverse=True):
        columns = found[earlier]
        for moment, value in zip(reversed(columns.at), reversed(columns.values), strict=True):
            if earlier < hour or moment <= offset:
                return value is not None
    return before(at) is not None


def _with_hole(columns: Columns | None, offset: int) -> Columns:
    if columns is None:
        return Columns([offset], [None], bytes([_NOT_STARTED]))
    place = sum(moment <= offset for moment in columns.at)
    return Columns(
        [*columns.at[:place], offset, *columns.at[place:]],
        [*columns.values[:place], None, *columns.values[place:]],
        bytes([*columns.codes[:place], _NOT_STARTED, *columns.codes[place:]]),
    )
