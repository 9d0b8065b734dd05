"""`history/YYYY-MM.db`: what a month's files hold, how they are opened, and what is damaged.

Times are UTC; an hour is counted since 1970. A file is complete in itself: its points have their
own numbers in it, so a month can be copied away and read without `gateway.db`.
"""

import contextlib
import functools
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gateway.store.errors import StoreError
from gateway.store.rollup import HOUR_MS, Rollup

FOLDER = "history"
HOUR_LAST = int(datetime(9999, 12, 31, 23, tzinfo=UTC).timestamp()) * 1000 // HOUR_MS
_VERSION = 1
_PAGE_BYTES = 1024
_HOUR_BITS, _POINT_BITS = 10, 24
_MONTH = re.compile(r"(?!0000)\d{4}-(0[1-9]|1[0-2])")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SCHEMA = (
    # which rows of which installation's log are in this file: all up to `s`
    "CREATE TABLE folded (install TEXT PRIMARY KEY, s INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE points (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL)",
    # by hour, then point: what is sealed is appended
    """CREATE TABLE blocks (
        id INTEGER PRIMARY KEY, readings INTEGER NOT NULL, body BLOB NOT NULL, minutes BLOB)""",
    # by point, then hour: a year of one point lies together
    "CREATE TABLE hours (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
)


class DamagedFile(Exception):
    """A month's file cannot be read any more."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"{path} is damaged ({why})")
        self.path = path


class Stored(NamedTuple):
    """One point's hour as it is to be kept; without a `body` the one that is there stays."""

    point: int
    hour: int
    readings: int
    body: bytes | None
    minutes: bytes | None  # only where the block is long
    rollup: Rollup


@functools.lru_cache(maxsize=64)
def month_of(hour: int) -> str:
    """The month an hour belongs to, as the file is named."""
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m")


@functools.lru_cache(maxsize=256)
def hours_of(month: str) -> tuple[int, int]:
    """First hour of a month, and the first one after it."""
    year, number = int(month[:4]), int(month[5:])
    start = datetime(year, number, 1, tzinfo=UTC)
    if (year, number) == (9999, 12):
        return int(start.timestamp()) // 3600, HOUR_LAST + 1
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(start.timestamp()) // 3600, int(end.timestamp()) // 3600


def files(folder: Path) -> dict[str, Path]:
    """The months there are, oldest first."""
    found = sorted((folder / FOLDER).glob("*.db"))
    return {path.stem: path for path in found if _MONTH.fullmatch(path.stem)}


class Month:
    """One open file; every method may raise DamagedFile or sqlite3.Error."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.first, self.end = hours_of(path.stem)
        self._connection = connection
        self._numbers: dict[str, int] = {}

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def folded(self, install: str) -> int:
        """The last row of that installation's log that is in this file."""
        query = "SELECT s FROM folded WHERE install = ?"
        row = self._one(query, (install,))
        return int(row[0]) if row else 0

    def number(self, point_id: str) -> int | None:
        """The number of a point in this file; None when it has no reading here."""
        known = self._numbers.get(point_id)
        if known is None:
            row = self._one("SELECT n FROM points WHERE id = ?", (point_id,))
            if row is None:
                return None
            known = self._numbers[point_id] = int(row[0])
        return known

    def points(self) -> dict[int, tuple[str, str]]:
        """Id and unit of every point with a reading here, by number."""
        rows = self._do("SELECT n, id, unit FROM points")
        return {int(n): (str(name), str(unit)) for n, name, unit in rows}

    def block(self, point: int, hour: int) -> bytes | None:
        """A point's readings of one hour."""
        row = self._one("SELECT body FROM blocks WHERE id = ?", (hour << _POINT_BITS | point,))
        return row[0] if row else None

    def minutes(self, point: int, hour: int) -> bytes | None:
        """The minutes of that hour, where they are kept beside the block."""
        query = "SELECT minutes FROM blocks WHERE id = ?"
        row = self._one(query, (hour << _POINT_BITS | point,))
        return row[0] if row else None

    def rollups(self, point: int, first: int, end: int) -> dict[int, Rollup]:
        """A point's hours from `first` up to `end`, in order."""
        begin = self._place(point, max(first, self.first))
        query = "SELECT id, body FROM hours WHERE id >= ? AND id < ? ORDER BY id"
        rows = self._do(query, (begin, min(self._place(point, end), self._place(point + 1, 0))))
        return {self._hour(place): self._rollup(body) for place, body in rows}

    def before(self, point: int, hour: int) -> tuple[int, Rollup] | None:
        """The last hour of a point before `hour` that has a reading."""
        query = "SELECT id, body FROM hours WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
        place = self._place(point, hour)
        row = self._one(query, (self._place(point, self.first), place))
        return (self._hour(row[0]), self._rollup(row[1])) if row else None

    def after(self, point: int, hour: int) -> tuple[int, Rollup] | None:
        """The first hour of a point after `hour` that has a reading."""
        query = "SELECT id, body FROM hours WHERE id > ? AND id < ? ORDER BY id LIMIT 1"
        end = (point + 1) << _HOUR_BITS
        row = self._one(query, (self._place(point, hour), end))
        return (self._hour(row[0]), self._rollup(row[1])) if row else None

    def covered(self, hour: int) -> bool:
        """Whether anything at all was collected in that hour."""
        query = "SELECT 1 FROM blocks WHERE id >= ? AND id < ? LIMIT 1"
        return self._one(query, (hour << _POINT_BITS, (hour + 1) << _POINT_BITS)) is not None

    def hours(self, first: int, end: int) -> Iterator[int]:
        """The hours in which something was collected, in order."""
        query = "SELECT id FROM blocks WHERE id >= ? AND id < ? ORDER BY id LIMIT 1"
        place = first << _POINT_BITS
        while (row := self._one(query, (place, end << _POINT_BITS))) is not None:
            hour = int(row[0]) >> _POINT_BITS
            yield hour
            place = (hour + 1) << _POINT_BITS

    def hour(self, hour: int) -> list[tuple[int, bytes]]:
        """Every point's block of one hour, by number."""
        query = "SELECT id, body FROM blocks WHERE id >= ? AND id < ? ORDER BY id"
        rows = self._do(query, (hour << _POINT_BITS, (hour + 1) << _POINT_BITS))
        return [(int(place) & (1 << _POINT_BITS) - 1, body) for place, body in rows]

    def count(self, point: int, hour: int) -> int:
        """Readings of a point in one hour."""
        query = "SELECT readings FROM blocks WHERE id = ?"
        row = self._one(query, (hour << _POINT_BITS | point,))
        return int(row[0]) if row else 0

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside belongs together; keep it short, the writer waits for it."""
        self._do("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def number_points(self, points: Mapping[str, str]) -> dict[str, int]:
        """The numbers of these points (unit by id); new ones are written down."""
        missing = [point_id for point_id in points if self.number(point_id) is None]
        if missing:
            with self._transaction():
                for point_id in missing:
                    query = "INSERT INTO points (id, unit) VALUES (?, ?)"
                    self._do(query, (point_id, points[point_id]))
        numbers = {point_id: self.number(point_id) for point_id in points}
        return {point_id: number for point_id, number in numbers.items() if number is not None}

    def write(self, stored: Iterable[Stored], install: str, s: int) -> None:
        """These hours, and that the log is in here up to row `s`: both or neither."""
        with self._transaction():
            for one in stored:
                place = one.hour << _POINT_BITS | one.point
                if one.body is not None:
                    query = "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)"
                    self._do(query, (place, one.readings, one.body, one.minutes))
                elif one.minutes is not None:
                    query = "UPDATE blocks SET minutes = ? WHERE id = ?"
                    self._do(query, (one.minutes, place))
                body = msgspec.json.encode(one.rollup).decode()
                place = self._place(one.point, one.hour)
                self._do("INSERT OR REPLACE INTO hours VALUES (?, ?)", (place, body))
            self._do("INSERT OR REPLACE INTO folded VALUES (?, ?)", (install, s))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()

    def _place(self, point: int, hour: int) -> int:
        """The key of an hour's roll-up."""
        return point << _HOUR_BITS | max(0, min(hour - self.first, (1 << _HOUR_BITS) - 1))

    def _hour(self, place: int) -> int:
        return self.first + (place & (1 << _HOUR_BITS) - 1)

    def _rollup(self, body: str) -> Rollup:
        try:
            return msgspec.json.decode(body, type=Rollup)
        except msgspec.DecodeError as error:
            raise DamagedFile(self.path, error) from error

    def _one(self, query: str, values: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        return next(iter(self._do(query, values)), None)

    def _do(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _damage(self.path, error) from error


def open_to_write(folder: Path, month: str) -> Month:
    """The file of a month, made when there is none; raises DamagedFile, StoreError, sqlite3.Error.

    A rollback journal and not a WAL: it is written once an hour, at the end of the file, so there
    is next to nothing to roll back, and between two hours a month is one single file.
    """
    path = folder / FOLDER / f"{month}.db"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA cache_size = -512")
        if not _version(path, connection):
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _damage(path, error) from error
    except StoreError:
        connection.close()
        raise
    return Month(path, connection)


def open_to_read(path: Path) -> Month | None:
    """A file as it stands; None when it is gone or still empty. Raises as `open_to_write`.

    Opened for writing all the same: what a kill has left half done must be rolled back to read.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
    except sqlite3.OperationalError:
        if path.exists():
            raise
        return None
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA cache_size = -512")
        if _version(path, connection):
            return Month(path, connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and not path.exists():
            return None
        raise _damage(path, error) from error
    except StoreError:
        connection.close()
        raise
    connection.close()
    return None


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, for a person to look at; gives where it is now."""
    aside = path.with_name(f"{path.name}.damaged")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return aside


def _version(path: Path, connection: sqlite3.Connection) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > _VERSION:
        message = f"{path} was written by a newer release (form {version}, this one has {_VERSION})"
        raise StoreError(message)
    return version


def _damage(path: Path, error: sqlite3.DatabaseError) -> Exception:
    """The error as it is, or that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return DamagedFile(path, error) if code in _DAMAGED else error
