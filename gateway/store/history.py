"""Keeps the history up to date: an hour is folded ten minutes after its end, old months go.

Works in a thread of its own on connections of its own, a few milliseconds at a time, so that
neither the loop nor the commit of each second waits for it (`docs/history.md`).
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.clock import Clock, Trust
from gateway.store import query, state
from gateway.store.errors import StoreError
from gateway.store.file import NAME, connect
from gateway.store.folding import READINGS_MAX, Folding
from gateway.store.hot import HotLog
from gateway.store.months import DamagedFile, files, hours_of, set_aside
from gateway.store.opening import Store
from gateway.store.rollup import HOUR_MS
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)

SEAL_MS = 600_000  # after the end of an hour: until then its readings are read from the log
KEEP_DAYS = 400
BUDGET_BYTES = 4 << 30  # of all months together; a year of 1,000 readings a minute is about 0.5 GB
ROWS_WAITING = 15_000  # in the log, or READINGS_MAX: from there the open hour is folded too
PERIOD_S = 60.0
ASKING_MAX = 8  # questions that may wait for each other
PAUSE_S = 0.01  # real seconds between two turns of the thread
CLOSE_S = 0.2  # a disk that hangs holds up no stop
_SET_BEFORE = "2020-01"  # the clock had not been set: how old such a month is nobody knows

Result = TypeVar("Result")


@dataclass(slots=True)
class Counters:
    """What the history has done since the start; shown under /metrics."""

    blocks: int = 0
    waiting_rows: int = 0  # of the log, that no month has yet
    bytes: int = 0  # of all months
    months: int = 0
    damaged: int = 0  # files set aside
    removed: int = 0  # months that became too old, or too many
    unplaced: int = 0  # readings and rows no hour could be found for
    failures: int = 0


class History:
    """The months of one installation: `run` keeps them, `series` reads them."""

    def __init__(self, store: Store, clock: Clock, zone: str) -> None:
        self.counters = Counters()
        self.failing: str | None = None
        self.budget_bytes = BUDGET_BYTES
        self.pause_s, self.close_s = PAUSE_S, CLOSE_S
        self._store = store
        self._clock = clock
        self.zone = zone
        self._folded = 0
        self._newest = 0  # row of the log
        self._hot = HotLog()
        self._readings = 0  # counted by the log when the last fold began
        self._asking = 0
        self._damaged: set[Path] = set()
        self._work: Folding | None = None
        self._worker: StoreWorker | None = None
        self._reader: StoreWorker | None = None

    async def run(self) -> None:
        """Look once a minute whether an hour can be sealed, for ever."""
        try:
            while True:
                await self.turn()
                await self._clock.sleep(PERIOD_S)
        finally:
            self.close()

    async def turn(self) -> None:
        """Fold what is due and remove what is too old; what the disk refuses is tried again."""
        try:
            last = await self._due()
            if last > self._folded:
                readings = self._store.log.counters.readings
                await self.fold(last)
                self._readings = readings
            await self._call(self._expire)
        except (StoreError, OSError) as error:
            self.counters.failures += 1
            if self.failing is None:
                logger.error("history: %s; the log keeps the rows until it works again", error)
            self.failing = str(error)
        else:
            if self.failing is not None:
                logger.warning("history: works again")
            self.failing = None

    async def fold(self, last: int) -> None:
        """Bring the history up to row `last` of the log; raises StoreError, OSError."""
        while True:
            work = self._work = Folding(
                self._store.path, self._store.identity.install, self._folded
            )
            try:
                await self._fold(work, last)
            except DamagedFile as error:
                await self._let_go(work)
                await self._set_aside(error.path, error)
            except (StoreError, OSError):
                await self._let_go(work)
                raise
            else:
                await self._let_go(work)
                return

    async def series(self, request: query.Request) -> query.Series:
        """One point over time; raises what `query.series` raises."""
        if self._asking >= ASKING_MAX:
            raise StoreError(f"{ASKING_MAX} others are looking at the history; try again")
        if self._reader is None:
            self._reader = self._connected("history-reader")
        place = query.Place(self._clock.wall(), self.zone)
        path, hot = self._store.path, self._hot
        self._asking += 1
        try:
            found = await self._reader.call(
                lambda connection: query.series(connection, path, hot, request, place)
            )
        finally:
            self._asking -= 1
        self._damaged.update(found.damaged)
        return found.series

    def close(self) -> None:
        """Let threads and files go."""
        ended = [
            worker.close(self.close_s)
            for worker in (self._worker, self._reader)
            if worker is not None
        ]
        self._worker = self._reader = None
        if self._work is not None and all(ended):
            self._work.close()

    async def _due(self) -> int:
        """The last row of the log that is to be in the history now."""
        while self._damaged:
            path = self._damaged.pop()
            await self._set_aside(path, f"{path} is damaged")
        self._folded = await self._call(state.folded)
        now, wall = self._clock.now(), self._clock.wall()
        into = wall % HOUR_MS
        hour_began = now - into - (HOUR_MS if into < SEAL_MS else 0)
        newest, sealed = await self._call(lambda connection: _reach(connection, hour_began))
        self._newest = newest
        self.counters.waiting_rows = max(0, newest - self._folded)
        readings = self._store.log.counters.readings - self._readings
        many = newest - self._folded > ROWS_WAITING or readings > READINGS_MAX
        return newest if many else sealed

    async def _fold(self, work: Folding, last: int) -> None:
        more = True
        while more:
            while await self._call(lambda connection: work.take(connection, last)):
                await self._pause()
            while await self._call(lambda _: work.stage()):
                await self._pause()
            await self._call(lambda _: work.commit())
            more = work.folded < last
            await self._keep(work.folded)
            await self._pause()
        self.counters.blocks += work.blocks
        self.counters.unplaced += work.gatherer.unplaced

    async def _keep(self, folded: int) -> None:
        """Let the log go up to a row, once that is written down."""
        self._store.space.folded = min(folded, self._store.space.folded)
        await self._store.writer.call(lambda connection: state.save_folded(connection, folded))
        self._store.space.folded = self._folded = folded
        self.counters.waiting_rows = max(0, self._newest - folded)

    async def _set_aside(self, path: Path, why: object) -> None:
        """A damaged month makes room for a new one, made of what the log still has."""
        aside = await self._call(lambda _: set_aside(path))
        self.counters.damaged += 1
        logger.error(
            "history: %s; it is now %s, and its month is made again from the log as far as that"
            " goes back", why, aside.name,
        )  # fmt: skip
        await self._keep(0)

    def _expire(self, connection: sqlite3.Connection) -> None:
        """Remove whole months that are too old, and the oldest beyond the budget."""
        del connection
        found = files(self._store.path)
        sizes = {month: path.stat().st_size for month, path in found.items()}
        gone = set()
        if self._clock.trust() is not Trust.UNSYNCED:
            oldest = self._clock.wall() // HOUR_MS - KEEP_DAYS * 24
            gone = {month for month in found if month > _SET_BEFORE and hours_of(month)[1] < oldest}
        for month in list(found)[:-1]:
            if sum(sizes[kept] for kept in found if kept not in gone) > self.budget_bytes:
                gone.add(month)
        for month in sorted(gone):
            found[month].unlink()
            self.counters.removed += 1
            logger.warning("history: %s is removed to keep to days and bytes", found[month].name)
        self.counters.months = len(found) - len(gone)
        self.counters.bytes = sum(size for month, size in sizes.items() if month not in gone)

    async def _call(self, task: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._worker is None:
            self._worker = self._connected("history")
        return await self._worker.call(task)

    async def _let_go(self, work: Folding) -> None:
        await self._call(lambda _: work.close())
        self._work = None

    async def _pause(self) -> None:
        await self._clock.sleep(self.pause_s * self._clock.speed)

    def _connected(self, name: str) -> StoreWorker:
        try:
            connection = connect(self._store.path / NAME)
            connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error
        return StoreWorker(connection, name)


def _reach(connection: sqlite3.Connection, before: int) -> tuple[int, int]:
    """The newest telemetry row, and the last that ended before a moment of kitchen time."""
    newest = int(connection.execute("SELECT ifnull(max(s), 0) FROM tm").fetchone()[0])
    return newest, min(newest, state.first_since(connection, before) - 1)
