"""Opening an installation: the folder, its file, its identity and all that was left behind."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from gateway.clock import Clock
from gateway.reading import Point
from gateway.store import audit, generations, push_subscriptions, state
from gateway.store.documents import StoredDocuments
from gateway.store.errors import StoreError
from gateway.store.file import Folder, connect, opened, unusable
from gateway.store.log import Log, Row, unpacked
from gateway.store.push_subscriptions import StoredSubscriptions
from gateway.store.room import give_up_ballast
from gateway.store.space import Space
from gateway.store.worker import StoreWorker
from gateway.sync.protocol import Stream
from gateway.sync.ranges import RangeSet

_START_BYTES = 1 << 20  # what registering points and the first commits may take


class Store:
    """One installation's data: `log` to append to, `writer` and `reader` to hand work to."""

    def __init__(self, data: Path, clock: Clock) -> None:
        """Open and count this start; raises StoreError, and blocks for a migration."""
        self._folder = Folder(data)
        path = self._folder.database
        with ExitStack() as undo:
            undo.callback(self._folder.release)
            try:
                self._connection, self.identity = opened(path, clock)
            except StoreError:
                if not give_up_ballast(data):
                    raise
                self._connection, self.identity = opened(path, clock)
            undo.enter_context(closing(self._connection))
            try:
                self.found = state.find(self._connection)
                self.generations = generations.read(self._connection)
                self.chain = audit.open_chain(data, self._connection, self.identity.install)
                subscribed = push_subscriptions.read(self._connection)
                reading = undo.enter_context(closing(connect(path)))
                reading.execute("PRAGMA query_only = ON")
            except sqlite3.Error as error:
                raise unusable(path, error) from error
            undo.pop_all()
        give_up_ballast(data, below=_START_BYTES)
        self.writer = StoreWorker(self._connection, "store-writer")
        self.reader = StoreWorker(reading, "store-reader")
        self.documents = StoredDocuments(self.writer, self.reader)
        self.push_subscriptions = StoredSubscriptions(self.writer, subscribed)
        self.log = Log(
            self.writer, clock, self.identity.epoch, self.found.following, self.chain.append
        )
        self.space = Space(data, self.writer, clock)
        self.log.on_full = self.space.refused
        self.space.folded = self.found.folded

    @property
    def path(self) -> Path:
        """The data folder."""
        return self._folder.path

    def register(self, points: Iterable[Point]) -> dict[str, Point]:
        """The points with their indices; only before the log runs. Raises StoreError."""
        points = list(points)
        try:
            known = _registered(self._connection, points)
        except sqlite3.Error as error:
            raise unusable(self._folder.database, error) from error
        return self._with_indices(points, known)

    async def register_also(self, points: Iterable[Point]) -> dict[str, Point]:
        """As `register`, while the log runs; those known keep their index. Raises StoreError."""
        points = list(points)
        known = await self.writer.call(lambda connection: _registered(connection, points))
        return self._with_indices(points, known)

    async def keep_generation(self, text: bytes, wall: int) -> None:
        """Keep a configuration that was proven, for the next start; raises StoreError."""
        current = self.generations.current
        if current is not None and current.text == text:
            return
        await self.writer.call(lambda connection: generations.keep(connection, text, wall))
        self.generations = await self.writer.call(generations.read)

    def _with_indices(
        self, points: Iterable[Point], known: tuple[dict[str, int], state.Dictionary]
    ) -> dict[str, Point]:
        indices, self.dictionary = known
        self.log.dictionary = self.dictionary.version
        return {
            point.id: msgspec.structs.replace(point, index=indices[point.id]) for point in points
        }

    async def fetch(self, stream: Stream, numbers: Sequence[int]) -> list[Row]:
        """Rows of the log by number; those that are gone are left out."""
        return await self.reader.call(lambda connection: _rows(connection, stream, numbers))

    async def recent(self, since: int, points: Collection[str]) -> list[state.JudgedReading]:
        """Stored readings of these points since a moment of kitchen time, oldest first."""
        return await self.reader.call(lambda connection: state.recent(connection, since, points))

    async def past(
        self, since: int, points: Collection[str]
    ) -> list[state.JudgedReading | state.JudgedInput]:
        """As `recent`, with the starts of the process between them."""
        return await self.reader.call(lambda connection: state.past(connection, since, points))

    async def oldest_waiting(self, first: int) -> int | None:
        """UTC ms of telemetry row `first`, for people to see how far behind the cloud is."""
        rows = await self.fetch("tm", [first])
        return rows[0].t0 if rows else None

    def close(self, deadline_s: float = 2.0) -> bool:
        """Write out and let go; False when the disk hangs."""
        done = self.writer.close(deadline_s)
        self.reader.close(min(deadline_s, 0.5))
        self._folder.release()
        return done


def _registered(
    connection: sqlite3.Connection, points: Iterable[Point]
) -> tuple[dict[str, int], state.Dictionary]:
    return state.register(connection, points), state.dictionary(connection)


class _Start(msgspec.Struct):
    t0: int


def _rows(connection: sqlite3.Connection, stream: Stream, numbers: Sequence[int]) -> list[Row]:
    query = f"SELECT s, body FROM {stream} WHERE s BETWEEN ? AND ? ORDER BY s"  # noqa: S608
    rows = []
    for run in RangeSet((s, s) for s in numbers).ranges:
        for s, stored in connection.execute(query, run):
            body = unpacked(stored)
            rows.append(Row(stream, s, msgspec.json.decode(body, type=_Start).t0, body))
    return rows
