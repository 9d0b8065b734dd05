"""What the reference receiver has been sent: one SQLite file, every row once.

Read it through the views `rows`, `readings`, `events` and `points`; `conflict` and `refused` are
for the person who must look.
"""

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from gateway.store.errors import StoreError

REFUSED_MAX = 1_000  # the oldest go first, and are counted
CONFLICTS_MAX = 10_000
KEPT_BYTES = 16_384  # of a refused payload
_KEPT_TEXT = 200  # characters of its topic and of the reason

_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, gateway TEXT NOT NULL, install TEXT NOT NULL,
    UNIQUE (install, tenant, gateway));
CREATE TABLE stored_row (
    id INTEGER PRIMARY KEY,  -- the order of arrival
    source INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL, s INTEGER NOT NULL,
    epoch INTEGER NOT NULL, t0 INTEGER NOT NULL, historical INTEGER NOT NULL,
    received_at INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (source, stream, s));
CREATE TABLE stored_reading (
    row INTEGER NOT NULL REFERENCES stored_row, position INTEGER NOT NULL,
    source INTEGER NOT NULL, point INTEGER NOT NULL, at INTEGER NOT NULL,
    kind TEXT NOT NULL, value, quality INTEGER NOT NULL,
    PRIMARY KEY (row, position)) WITHOUT ROWID;
CREATE INDEX reading_of_point ON stored_reading (source, point, at);
CREATE TABLE stored_event (
    row INTEGER PRIMARY KEY REFERENCES stored_row, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE dictionary (
    source INTEGER NOT NULL REFERENCES source, version INTEGER NOT NULL,
    received_at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (source, version));
CREATE TABLE stored_point (
    source INTEGER NOT NULL REFERENCES source, i INTEGER NOT NULL, device TEXT NOT NULL,
    name TEXT NOT NULL, label TEXT NOT NULL, unit TEXT NOT NULL, type TEXT NOT NULL,
    precision INTEGER NOT NULL, low REAL, high REAL, simulated INTEGER NOT NULL,
    version INTEGER NOT NULL, PRIMARY KEY (source, i)) WITHOUT ROWID;
CREATE TABLE status (
    source INTEGER PRIMARY KEY REFERENCES source, epoch INTEGER NOT NULL, online INTEGER NOT NULL,
    received_at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE conflict (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL,
    s INTEGER NOT NULL, received_at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX conflict_of_row ON conflict (source, stream, s);
CREATE TABLE refused (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, topic TEXT NOT NULL, reason TEXT NOT NULL,
    bytes INTEGER NOT NULL, payload BLOB NOT NULL, times INTEGER NOT NULL,
    received_at INTEGER NOT NULL);
CREATE VIEW rows AS
    SELECT r.id AS received, tenant, gateway, install, stream, s, epoch, t0, historical,
        received_at, body
    FROM stored_row AS r JOIN source ON source.id = r.source;
CREATE VIEW readings AS
    SELECT tenant, gateway, install, s, position, point, at, kind, value, quality
    FROM source JOIN stored_row AS r ON r.source = source.id
    JOIN stored_reading ON stored_reading.row = r.id;
CREATE VIEW events AS
    SELECT tenant, gateway, install, s, epoch, t0, kind, data
    FROM source JOIN stored_row AS r ON r.source = source.id
    JOIN stored_event ON stored_event.row = r.id;
CREATE VIEW points AS
    SELECT tenant, gateway, install, i, device, name, label, unit, type, precision, low, high,
        simulated, version
    FROM source JOIN stored_point ON stored_point.source = source.id;
"""
_GAPS = """
WITH seen AS (
    SELECT 0 AS s UNION SELECT s FROM rows WHERE install = ? AND stream = ?),
edges AS (SELECT s, lead(s) OVER (ORDER BY s) AS later FROM seen)
SELECT s + 1, later - 1 FROM edges WHERE later > s + 1 ORDER BY s
"""
_POINT = """
INSERT INTO stored_point VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET label = excluded.label, unit = excluded.unit, type = excluded.type,
    precision = excluded.precision, low = excluded.low, high = excluded.high,
    simulated = excluded.simulated, version = excluded.version
WHERE excluded.version >= version AND excluded.device = device AND excluded.name = name
"""
_STATUS = """
INSERT INTO status VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET epoch = excluded.epoch, online = excluded.online,
    received_at = excluded.received_at, body = excluded.body
WHERE excluded.epoch >= epoch
"""


class Outcome(Enum):
    """What became of a row; each of them is acknowledged."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Row(NamedTuple):
    """One row of a stream, with its JSON exactly as it came."""

    source: int
    stream: str
    s: int
    epoch: int
    t0: int
    historical: bool
    body: bytes


class Event(NamedTuple):
    """The part of an event row that people ask for."""

    kind: str
    data: str  # JSON


class PointColumns(NamedTuple):
    """A dictionary entry in the order of `stored_point`."""

    i: int
    device: str
    name: str
    label: str
    unit: str
    type: str
    precision: int
    low: float | None
    high: float | None
    simulated: bool


class ReceiverFile:
    """The database of one receiver; writes gather until `commit`. Everything raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.dropped = 0  # old conflicts and refusals that had to make room
        with _explained(path):
            self._connection = sqlite3.connect(path, isolation_level=None)
        self._path = path
        try:
            with _explained(path):
                self._prepare()
        except StoreError:
            self._connection.close()
            raise

    @property
    def name(self) -> str:
        """A name of this file alone, the same at each start."""
        with _explained(self._path):
            found = self._connection.execute("SELECT value FROM meta WHERE key = 'name'").fetchone()
        return str(found[0])

    def source(self, tenant: str, gateway: str, install: str) -> int:
        """The number under which rows of this install on this gateway's topics are kept."""
        with self._writing() as connection:
            key = (tenant, gateway, install)
            connection.execute(
                "INSERT OR IGNORE INTO source (tenant, gateway, install) VALUES (?, ?, ?)", key
            )
            found = connection.execute(
                "SELECT id FROM source WHERE tenant = ? AND gateway = ? AND install = ?", key
            ).fetchone()
            return int(found[0])

    def add_telemetry(
        self, row: Row, readings: Iterable[tuple[object, ...]], received_at: int
    ) -> Outcome:
        """Keep a row and its readings: (position, point, at, kind, value, quality)."""
        outcome, number = self._add(row, received_at)
        if outcome is Outcome.NEW:
            with self._writing() as connection:
                connection.executemany(
                    "INSERT INTO stored_reading"
                    " (row, source, position, point, at, kind, value, quality)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    ((number, row.source, *reading) for reading in readings),
                )
        return outcome

    def add_event(self, row: Row, event: Event, received_at: int) -> Outcome:
        outcome, number = self._add(row, received_at)
        if outcome is Outcome.NEW:
            with self._writing() as connection:
                connection.execute("INSERT INTO stored_event VALUES (?, ?, ?)", (number, *event))
        return outcome

    def add_dictionary(
        self, source: int, version: int, body: bytes, points: list[PointColumns], received_at: int
    ) -> bool:
        """Keep a version and bring the points up to date; False when it contradicts what we have.

        An index belongs for ever to the device and metric it was first given to.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO dictionary VALUES (?, ?, ?, ?)",
                (source, version, received_at, body),
            )
            kept = connection.execute(
                "SELECT body FROM dictionary WHERE source = ? AND version = ?", (source, version)
            ).fetchone()
            connection.executemany(_POINT, ((source, *point, version) for point in points))
            known = connection.execute(
                "SELECT i, device, name FROM stored_point WHERE source = ?", (source,)
            ).fetchall()
        owners = {i: (device, name) for i, device, name in known}
        return bytes(kept[0]) == body and all(
            owners[point.i] == (point.device, point.name) for point in points
        )

    def set_status(
        self, source: int, epoch: int, body: bytes, received_at: int, *, online: bool
    ) -> None:
        """The latest wins, but nothing from an earlier start of the gateway."""
        with self._writing() as connection:
            connection.execute(_STATUS, (source, epoch, online, received_at, body))

    def refuse(self, topic: str, reason: str, payload: bytes, received_at: int) -> None:
        """Remember what was not accepted; the same again is only counted in `times`."""
        digest = hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()
        said = (topic[:_KEPT_TEXT], reason[:_KEPT_TEXT])
        kept = (digest, *said, len(payload), payload[:KEPT_BYTES], received_at)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO refused (digest, topic, reason, bytes, payload, times, received_at)"
                " VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (digest) DO UPDATE"
                " SET times = times + 1, received_at = excluded.received_at",
                kept,
            )
            self._trim("refused", REFUSED_MAX)

    def gaps(self, install: str, stream: str) -> list[tuple[int, int]]:
        """Closed ranges of `s` below the highest one received that are missing."""
        with _explained(self._path):
            return list(self._connection.execute(_GAPS, (install, stream)))

    def commit(self) -> None:
        """Return when everything given so far is on the disk."""
        with _explained(self._path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget what was given since the last commit."""
        with _explained(self._path):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close without committing."""
        with _explained(self._path):
            self._connection.close()

    def _add(self, row: Row, received_at: int) -> tuple[Outcome, int]:
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO stored_row (source, stream, s, epoch, t0, historical, body,"
                " received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*row, received_at),
            )
            if cursor.rowcount == 1:
                return Outcome.NEW, int(cursor.lastrowid or 0)
            number, body = connection.execute(
                "SELECT id, body FROM stored_row WHERE source = ? AND stream = ? AND s = ?", row[:3]
            ).fetchone()
            if bytes(body) == row.body:
                return Outcome.DUPLICATE, int(number)
            connection.execute(
                "INSERT INTO conflict (source, stream, s, received_at, body)"
                " SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM conflict"
                " WHERE source = ?1 AND stream = ?2 AND s = ?3 AND body = ?5)",
                (*row[:3], received_at, row.body),
            )
            self._trim("conflict", CONFLICTS_MAX)
            return Outcome.CONFLICT, int(number)

    def _trim(self, table: str, most: int) -> None:
        """Keep the newest `most`; ids only grow, so the span of them bounds the count."""
        cursor = self._connection.execute(
            f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?",  # noqa: S608 - ours
            (most,),
        )
        self.dropped += cursor.rowcount

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta VALUES ('name', ?)", (f"ingest-{secrets.token_hex(8)}",)
            )
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
        if version not in {0, _VERSION}:
            raise StoreError(
                f"{self._path} is of version {version}, this receiver writes {_VERSION}: "
                "give it another file"
            )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _explained(self._path):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}; check the disk and who may write there") from error
