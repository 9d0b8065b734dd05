"""`gateway.documents.Documents` in `gateway.db`; asked rarely, so nothing is held in memory."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial

from gateway.documents import Document, TooManyDocuments
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

    async def put(self, kind: str, document: Document, most: int) -> None:
        if not await self._writer.call(partial(_put, kind=kind, document=document, most=most)):
            raise TooManyDocuments

    async def claim(self, kind: str, document: Document, most: int, since: int) -> Document | None:
        work = partial(_claim, kind=kind, document=document, most=most, since=since)
        return await self._writer.call(work)

    async def remove(self, kind: str, key: str) -> bool:
        return await self._writer.call(partial(_remove, kind=kind, key=key))


def _all(connection: sqlite3.Connection, kind: str) -> list[Document]:
    return [Document(*row) for row in connection.execute(f"{_ROW} ORDER BY key", (kind,))]


def _find(connection: sqlite3.Connection, kind: str, key: str) -> Document | None:
    row = connection.execute(f"{_ROW} AND key = ?", (kind, key)).fetchone()
    return None if row is None else Document(*row)


def _put(connection: sqlite3.Connection, kind: str, document: Document, most: int) -> bool:
    with _together(connection):
        query = "SELECT count(*) FROM documents WHERE kind = ? AND key <> ?"
        (others,) = connection.execute(query, (kind, document.key)).fetchone()
        if others >= most:
            return False
        _insert(connection, kind, document)
    return True


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


def _remove(connection: sqlite3.Connection, kind: str, key: str) -> bool:
    query = "DELETE FROM documents WHERE kind = ? AND key = ?"
    return connection.execute(query, (kind, key)).rowcount == 1


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
