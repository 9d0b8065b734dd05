"""Room on the disk: a byte budget for the log, and a ballast to throw off when the disk is full.

A full disk was measured to block DELETE and the WAL's checkpoint as well as INSERT; giving up the
ballast makes both work again, and with them everything that frees room for good.
"""

import logging
import os
import shutil
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.clock import Clock
from gateway.store.errors import StoreError
from gateway.store.worker import StoreWorker
from gateway.sync.protocol import Stream
from gateway.sync.ranges import RangeSet

logger = logging.getLogger(__name__)

BUDGET_BYTES = 2 << 30  # of gateway.db; about 100 days at 1,000 readings a minute
BALLAST_BYTES = 16 << 20
TRIM_FROM, TRIM_TO = 0.8, 0.7  # shares of the budget
STEP_ROWS = 500  # rows in one transaction, so that the log never waits for long
PERIOD_S = 60.0
_PAGE_BYTES = 512
_RESERVE = 4  # the ballast comes back when so many of its size are free


class Space:
    """Keeps the log within its budget; rows the cloud has not acknowledged are never removed."""

    def __init__(
        self, folder: Path, writer: StoreWorker, clock: Clock, *, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.removed_rows = 0
        self.budget_bytes = budget_bytes
        self._ballast = folder / "ballast"
        self._writer = writer
        self._clock = clock

    async def run(self, acknowledged: Mapping[Stream, RangeSet]) -> None:
        """Look after the room once a minute, for ever; `acknowledged` is what the cloud has."""
        await self._writer.call(self._limit)
        while True:
            self.keep_ballast()
            try:
                await self.trim(acknowledged)
            except StoreError as error:
                logger.warning("store: no room could be made: %s", error)
            await self._clock.sleep(PERIOD_S)

    def keep_ballast(self) -> None:
        """Lay the ballast while there is plenty of room."""
        if self._ballast.exists():
            return
        if shutil.disk_usage(self._ballast.parent).free < _RESERVE * BALLAST_BYTES:
            return
        handle = os.open(self._ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, BALLAST_BYTES)
        except OSError as error:
            logger.warning("store: no ballast: %s", error.strerror)
        finally:
            os.close(handle)

    def throw_ballast(self) -> None:
        """Give up the ballast because the disk is full; it comes back when there is room."""
        if self._ballast.exists():
            self._ballast.unlink()
            logger.error("store: the disk is full; the ballast is given up, make room")

    async def trim(self, acknowledged: Mapping[Stream, RangeSet]) -> None:
        """Remove the oldest acknowledged rows once the file nears its budget."""
        used = await self._writer.call(_used_bytes)
        if used < TRIM_FROM * self.budget_bytes:
            return
        while used > TRIM_TO * self.budget_bytes:
            reach = {stream: _first_end(ranges) for stream, ranges in acknowledged.items()}
            remove = partial(_remove, reach=reach)
            removed = await self._writer.call(remove)
            self.removed_rows += removed
            if not removed:
                logger.error("store: the budget is nearly used up by rows the cloud has not taken")
                return
            used = await self._writer.call(_used_bytes)

    def _limit(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {self.budget_bytes // _PAGE_BYTES}")


def _first_end(ranges: RangeSet) -> int:
    """The last row of the unbroken run of acknowledged rows that begins with the first."""
    first = ranges.ranges[:1]
    return first[0][1] if first and first[0][0] == 1 else 0


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    return (pages - free) * _PAGE_BYTES


def _remove(connection: sqlite3.Connection, reach: Mapping[Stream, int]) -> int:
    connection.execute("BEGIN IMMEDIATE")
    removed = 0
    for stream, end in reach.items():
        query = (
            f"DELETE FROM {stream} WHERE s IN"  # noqa: S608 - a name of the protocol
            f" (SELECT s FROM {stream} WHERE s <= ? ORDER BY s LIMIT ?)"
        )
        removed += connection.execute(query, (end, STEP_ROWS)).rowcount
    connection.execute("DELETE FROM inputs WHERE s < (SELECT min(s) FROM tm)")
    connection.execute("COMMIT")
    return removed
