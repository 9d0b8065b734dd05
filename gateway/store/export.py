"""Every reading there is, to be written out: hour by hour from the months, then from the log.

Works beside a running daemon and changes nothing. An hour is read in one transaction with its
month's word on how far it has the log, so no reading is left out and none comes twice, whatever is
folded meanwhile. Memory: one hour, or 200,000 readings of the log.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from gateway.store import state
from gateway.store.block import Columns, Damaged, decode
from gateway.store.errors import StoreError
from gateway.store.file import NAME, unusable
from gateway.store.folding import points
from gateway.store.gathering import Gatherer
from gateway.store.months import DamagedFile, Month, files, open_to_read
from gateway.store.rollup import HOUR_MS

_LOG_READINGS = 200_000
_ROWS = 256


class Part(NamedTuple):
    """Readings of one point in one hour; `done` is how much of everything has been read."""

    point: str
    unit: str
    hour: int
    columns: Columns
    done: float


class Export:
    """One pass over a data folder; `damaged` says afterwards what could not be read."""

    def __init__(self, folder: Path, chosen: Collection[str], start: int, end: int) -> None:
        """Raises StoreError when there is nothing to read, or a chosen point has never been."""
        self.damaged: list[Path] = []
        self._folder = folder
        self._chosen = frozenset(chosen)
        self._first, self._end = start // HOUR_MS, -(-end // HOUR_MS)
        self._folded_by_hour: dict[int, int] = {}
        self._install = ""
        self._folded = 0
        self._log = self._open_log()
        if self._log is None and not files(folder):
            raise StoreError(f"there is no data in {folder}; name the folder with --data DIR")
        unknown = self._chosen - self._known()
        if unknown:
            self.close()
            raise StoreError(f"there is no point {', '.join(sorted(unknown))} in {folder}")

    def parts(self) -> Iterator[Part]:
        """All parts, a point's hours in order; raises StoreError."""
        try:
            yield from self._from_months()
            if self._log is not None:
                yield from self._from_log(self._log)
        except sqlite3.Error as error:
            raise unusable(self._folder, error) from error

    def close(self) -> None:
        """Let the log go."""
        if self._log is not None:
            self._log.close()

    def _from_months(self) -> Iterator[Part]:
        months = list(files(self._folder).values())
        for number, path in enumerate(months):
            try:
                month = open_to_read(path)
                if month is None:
                    continue
                with closing(month):
                    for hour, share in self._hours(month):
                        yield from self._of_hour(month, hour, (number + share) / len(months))
            except DamagedFile as error:
                self.damaged.append(error.path)

    def _hours(self, month: Month) -> Iterator[tuple[int, float]]:
        """The hours asked for, with how far into the month they are."""
        first, end = max(self._first, month.first), min(self._end, month.end)
        for hour in month.hours(first, end):
            yield hour, (hour - month.first) / (month.end - month.first)

    def _of_hour(self, month: Month, hour: int, done: float) -> Iterator[Part]:
        with month.snapshot():
            self._folded_by_hour[hour] = month.folded(self._install)
            named, blocks = month.points(), month.hour(hour)
        for number, body in blocks:
            point, unit = named[number]
            if not self._chosen or point in self._chosen:
                try:
                    yield Part(point, unit, hour, decode(body), done)
                except Damaged as error:
                    raise DamagedFile(month.path, error) from error

    def _from_log(self, log: sqlite3.Connection) -> Iterator[Part]:
        """What no month has; an hour whose month was never looked at has nothing yet."""
        named = points(log)
        gatherer = Gatherer(self._skip, lambda _: _good(gatherer))
        query = "SELECT s, body FROM tm WHERE s > ? ORDER BY s LIMIT ?"
        for before in log.execute("SELECT body FROM tm WHERE s = ?", (self._folded,)):
            gatherer.follow(before[0])
        following = self._folded
        while True:
            rows = log.execute(query, (following, _ROWS)).fetchall()
            for s, stored in rows:
                gatherer.take(s, stored)
                following = s
            if gatherer.readings >= _LOG_READINGS or not rows:
                for hour, index in sorted(gatherer.hours):
                    point, unit = named[index]
                    wanted = not self._chosen or point in self._chosen
                    if wanted and self._first <= hour < self._end:
                        columns = gatherer.hours[hour, index].columns()
                        yield Part(point, unit, hour, columns, 1.0)
                gatherer.empty()
            if not rows:
                return

    def _skip(self, hour: int) -> int:
        return self._folded_by_hour.get(hour, 0)

    def _known(self) -> set[str]:
        """Every point of the log and, without it, of the months."""
        known = {name for name, _ in points(self._log).values()} if self._log is not None else set()
        for path in files(self._folder).values() if self._chosen - known else ():
            try:
                month = open_to_read(path)
                if month is not None:
                    with closing(month):
                        known |= {name for name, _ in month.points().values()}
            except DamagedFile:
                continue  # said when its readings are left out
            except sqlite3.Error as error:
                raise unusable(path, error) from error
        return known

    def _open_log(self) -> sqlite3.Connection | None:
        path = self._folder / NAME
        if not path.exists():
            return None
        try:
            with ExitStack() as closed:
                address = f"{path.absolute().as_uri()}?mode=rw"
                log = closed.enter_context(closing(sqlite3.connect(address, uri=True)))
                log.execute("PRAGMA query_only = ON")
                log.execute("PRAGMA busy_timeout = 5000")
                self._folded = state.folded(log)
                query = "SELECT value FROM meta WHERE key = 'install'"
                self._install = log.execute(query).fetchone()[0]
                closed.pop_all()  # it stays open: nothing was wrong with it
        except sqlite3.Error as error:
            raise unusable(path, error) from error
        return log


def _good(gatherer: Gatherer) -> list[int]:
    """The points whose last reading so far had a value."""
    return [index for index, found in gatherer.latest.items() if found.values[-1] is not None]
