"""`gateway.documents.Documents` in `gateway.db`; asked rarely, so nothing is held in memory."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial

from gateway.documents import (
    Allowed,
    ChangedMeanwhile,
    Document,
    TooManyDocuments,
    always,
)
from gateway.store.worker import StoreWorker

_ROW = "SELECT key, at, body FROM documents WHERE kind = ?"


class StoredDocuments:
    """Writes through the writer, and returns once that is committed."""

    def __init__(self, writer: StoreWorker, reader: StoreWorker) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self, kind: str) -> Sequence[Document]:
        return await self._reader.call(partial(_all, kind=kind))

    async def find(self, kind: str, key: str) -> Document | None:
        return await self._reader.call(partial(_find, kind=kind, key=key))

    async def put(
        self, kind: str, document: Document, most: int, allowed: Allowed = always
    ) -> None:
        work = partial(_put, kind=kind, document=document, most=most, allowed=allowed)
        if refusal := await self._writer.call(work):
            raise refusal

    async def claim(self, kind: str, document: Document, most: int, since: int) -> Document | None:
        work = partial(_claim, kind=kind, document=document, most=most, since=since)
        return await self._writer.call(work)

    async def remove(self, kind: str, key: str, allowed: Allowed = always) -> bool:
        removed = await self._writer.call(partial(_remove, kind=kind, key=key, allowed=allowed))
        if removed is None:
            raise ChangedMeanwhile
        return removed


def _all(connection: sqlite3.Connection, kind: str) -> list[Document]:
    return [Document(*row) for row in connection.execute(f"{_ROW} ORDER BY key", (kind,))]


def _find(connection: sqlite3.Connection, kind: str, key: str) -> Document | None:
    row = connection.execute(f"{_ROW} AND key = ?", (kind, key)).fetchone()
    return None if row is None else Document(*row)


def _put(
    connection: sqlite3.Connection, kind: str, document: Document, most: int, allowed: Allowed
) -> ChangedMeanwhile | TooManyDocuments | None:
    """Why it is not done."""
    with _together(connection):
        query = "SELECT count(*) FROM documents WHERE kind = ? AND key <> ?"
        (others,) = connection.execute(query, (kind, document.key)).fetchone()
        if not allowed(_tag(connection, kind, document.key)):
            return ChangedMeanwhile()
        if others >= most:
            return TooManyDocuments()
        _insert(connection, kind, document)
    return None


def _claim(
    connection: sqlite3.Connection, kind: str, document: Document, most: int, since: int
) -> Document | None:
    with _together(connection):
        connection.execute("DELETE FROM documents WHERE kind = ? AND at < ?", (kind, since))
        found = _find(connection, kind, document.key)
        if found is not None:
            return found
        surplus = """
            DELETE FROM documents WHERE kind = ?1 AND key IN (
                SELECT key FROM documents WHERE kind = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)"""
        connection.execute(surplus, (kind, most - 1))
        _insert(connection, kind, document)
    return None


def _remove(connection: sqlite3.Connection, kind: str, key: str, allowed: Allowed) -> bool | None:
    """Whether there was one; None where it was not allowed to go."""
    with _together(connection):
        if not allowed(_tag(connection, kind, key)):
            return None
        query = "DELETE FROM documents WHERE kind = ? AND key = ?"
        return connection.execute(query, (kind, key)).rowcount == 1


def _tag(connection: sqlite3.Connection, kind: str, key: str) -> str:
    found = _find(connection, kind, key)
    return "" if found is None else found.tag


def _insert(connection: sqlite3.Connection, kind: str, document: Document) -> None:
    row = (kind, document.key, document.at, document.body)
    connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", row)


@contextlib.contextmanager
def _together(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
