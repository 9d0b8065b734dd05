"""Reads the audit chain of a data folder for a command, beside a running gateway or without one."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gateway.audit.verify import Known, Stored
from gateway.store import audit
from gateway.store.audit import StoredEntry, stored_head
from gateway.store.errors import StoreError
from gateway.store.file import NAME, unusable
from gateway.store.log import unpacked

EVENTS_MAX = 100_000  # rows of the log looked through for what was told to the cloud


class _Event(msgspec.Struct):
    k: str
    d: dict[str, object]


@contextlib.contextmanager
def opened(folder: Path, known: Sequence[Known] = ()) -> Iterator[Stored]:
    """The chain as of one moment; raises StoreError. Nothing is written."""
    with _connected(folder) as connection:
        yield _stored(connection, known)


@contextlib.contextmanager
def _connected(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / NAME
    if not path.exists():
        raise StoreError(f"no gateway has run on {folder}; name its data folder with --data DIR")
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.text_factory = bytes  # a damaged text need not be text
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def _stored(connection: sqlite3.Connection, known: Sequence[Known]) -> Stored:
    row = connection.execute("SELECT value FROM meta WHERE key = 'install'").fetchone()
    return Stored(
        install="" if row is None else bytes(row[0]).decode(errors="replace"),
        head=stored_head(connection),
        entries=_typed(connection, "SELECT n, body, typeof(body), hash FROM audit ORDER BY n"),
        checkpoints=list(
            _typed(
                connection,
                "SELECT c, body, typeof(body), signature FROM audit_checkpoints ORDER BY c",
            )
        ),
        known=[*known, *_told(connection)],
    )


def _typed(connection: sqlite3.Connection, query: str) -> Iterator[tuple[int, object, object]]:
    """Rows whose body counts as altered where its type is another one."""
    for number, body, kind, seal in connection.execute(query):
        yield number, body if kind == b"blob" else None, seal


def _told(connection: sqlite3.Connection) -> Iterator[Known]:
    """What the rows for the cloud say that are still here."""
    rows = connection.execute("SELECT s, body FROM ev ORDER BY s DESC LIMIT ?", (EVENTS_MAX,))
    for s, body in rows:
        with contextlib.suppress(msgspec.MsgspecError, ValueError, TypeError):
            said = msgspec.json.decode(unpacked(body), type=_Event)
            number, digest = said.d.get("n"), said.d.get("hash")
            if said.k == "audit" and isinstance(number, int) and isinstance(digest, str):
                yield Known(number, digest, f"event row {s}")


def last(folder: Path, before: int | None, count: int) -> list[StoredEntry]:
    """The last entries before a number, newest first; raises StoreError."""
    found: list[StoredEntry] = []
    with _connected(folder) as connection:
        while len(found) < count:
            rows = audit.page(connection, before, count - len(found))
            if not rows:
                break
            found += rows
            before = rows[-1].n
    return found
