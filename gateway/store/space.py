"""A byte budget for the log: which rows make room, and what is lost when nobody takes them."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.clock import Clock
from gateway.store.errors import StoreError
from gateway.store.room import give_up_ballast, is_full, keep_ballast
from gateway.store.worker import StoreWorker
from gateway.sync.protocol import STREAMS, Stream
from gateway.sync.ranges import Ranges, RangeSet

logger = logging.getLogger(__name__)

BUDGET_BYTES = 2 << 30  # of gateway.db; about 100 days at 1,000 readings a minute
TRIM_FROM, TRIM_TO = 0.8, 0.7  # shares of the budget: from here rows go that are not needed
LOSE_FROM, LOSE_TO = 0.95, 0.94  # and from here the oldest go in any case
HEADROOM_BYTES = 256 << 20  # the file may grow so far past its budget between two looks
STEP_ROWS = 500  # rows in one transaction, so that the log never waits for long
PERIOD_S = 60.0
CURSOR_RANGES = 64
_PAGE_BYTES = 512
_ALL = 2**62


class Removed(NamedTuple):
    """Rows that were removed in one step, as closed ranges."""

    rows: int
    ranges: Mapping[Stream, tuple[int, int]]


class Space:
    """Keeps the log within its budget; `on_lost` is told of rows the cloud will never get."""

    def __init__(
        self, folder: Path, writer: StoreWorker, clock: Clock, *, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.removed_rows = 0
        self.lost_rows = 0  # of those, how many the cloud had not acknowledged
        self.folded = _ALL  # the last row of the log the history has
        self.budget_bytes = budget_bytes
        self.used = 0.0  # share of the budget, when last looked at
        self.on_lost: Callable[[Stream, Ranges], None] = lambda stream, ranges: None
        self._folder = folder
        self._writer = writer
        self._clock = clock
        self._warned = False

    async def run(self, acknowledged: Mapping[Stream, RangeSet] | None) -> None:
        """Look after the room once a minute, for ever.

        `acknowledged` is what the cloud has; None when there is no cloud to wait for.
        """
        await self._writer.call(self._limit)
        while True:
            keep_ballast(self._folder)
            try:
                await self.trim(acknowledged)
            except StoreError as error:
                logger.warning("store: no room could be made: %s", error)
            await self._clock.sleep(PERIOD_S)

    def refused(self) -> str:
        """What to do when a commit was refused for want of room; gives the reason in words."""
        if not is_full(self._folder):
            return "gateway.db is full: it has reached its limit, though the disk has not"
        give_up_ballast(self._folder)
        return "the disk is full; make room on it"

    async def trim(self, acknowledged: Mapping[Stream, RangeSet] | None) -> None:
        """Remove the oldest rows once the file nears its budget.

        First those the cloud has; near the end of the budget, those it has not.
        """
        if await self._used() < TRIM_FROM:
            self._warned = False
            return
        while await self._used() > TRIM_TO:
            reach = {stream: _reach(acknowledged, stream) for stream in STREAMS}
            reach["tm"] = min(reach["tm"], self._kept())
            if not (await self._remove(reach)).rows:
                break
        used = await self._used()
        if used >= TRIM_FROM and not self._warned:
            self._warned = True
            logger.warning(
                "store: %.0f %% of the budget is used; from %.0f %% the oldest rows are lost,"
                " unless the cloud takes them",
                *(used * 100, LOSE_FROM * 100),
            )
        if used >= LOSE_FROM and acknowledged is not None:
            await self._lose(acknowledged)

    async def _lose(self, acknowledged: Mapping[Stream, RangeSet]) -> None:
        """Remove the oldest telemetry, and events only when there is no more of it.

        What the history has not got yet goes only when nothing else is left.
        """
        lost: dict[Stream, RangeSet] = {stream: RangeSet() for stream in STREAMS}
        while await self._used() > LOSE_TO:
            events = _reach(acknowledged, "ev")
            removed = await self._remove({"tm": self._kept(), "ev": events})
            if not removed.rows:
                removed = await self._remove({"tm": _ALL, "ev": events})
            if not removed.rows:
                removed = await self._remove({"tm": _ALL, "ev": _ALL})
            if not removed.rows:
                break
            for stream, (first, last) in removed.ranges.items():
                for gap in acknowledged[stream].gaps(last, first):
                    lost[stream].add(*gap)
        for stream, missing in lost.items():
            if missing.ranges:
                self.lost_rows += len(missing)
                logger.error(
                    "store: the budget is used up: %d rows of %s the cloud has not taken are lost",
                    *(len(missing), stream),
                )
                self.on_lost(stream, missing.ranges)

    def _kept(self) -> int:
        """The last row the history can do without: it looks at one more, to see where it was."""
        return self.folded - 1

    async def _remove(self, reach: Mapping[Stream, int]) -> Removed:
        removed = await self._writer.call(partial(_remove, reach=reach))
        self.removed_rows += removed.rows
        return removed

    async def _used(self) -> float:
        """The share of the budget that is used."""
        self.used = await self._writer.call(_used_bytes) / self.budget_bytes
        return self.used

    def _limit(self, connection: sqlite3.Connection) -> None:
        pages = (self.budget_bytes + HEADROOM_BYTES) // _PAGE_BYTES
        connection.execute(f"PRAGMA max_page_count = {pages}")


def _reach(acknowledged: Mapping[Stream, RangeSet] | None, stream: Stream) -> int:
    """The last row of the unbroken run of acknowledged rows that begins with the first."""
    if acknowledged is None:
        return _ALL
    first = acknowledged[stream].ranges[:1]
    return first[0][1] if first and first[0][0] == 1 else 0


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    return (pages - free) * _PAGE_BYTES


def _remove(connection: sqlite3.Connection, reach: Mapping[Stream, int]) -> Removed:
    """Remove a step's rows and move the cursors past them, or neither.

    The newest row of a stream stays: it says where numbers and kitchen time go on. Events stay as
    long as telemetry of their time does.
    """
    removed: dict[Stream, tuple[int, int]] = {}
    rows = 0
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for stream in STREAMS:
            gone = _oldest(connection, stream, reach[stream])
            if gone:
                connection.execute(f"DELETE FROM {stream} WHERE s <= ?", (gone[-1],))  # noqa: S608
                _pass(connection, stream, gone[-1])
                removed[stream] = (gone[0], gone[-1])
                rows += len(gone)
        connection.execute("DELETE FROM inputs WHERE s < (SELECT min(s) FROM tm)")
    return Removed(rows, removed)


def _oldest(connection: sqlite3.Connection, stream: Stream, end: int) -> list[int]:
    query = (
        f"SELECT s, at FROM {stream}"  # noqa: S608 - a name of the protocol
        f" WHERE s <= ? AND s < (SELECT max(s) FROM {stream}) ORDER BY s LIMIT {STEP_ROWS}"
    )
    rows = connection.execute(query, (end,)).fetchall()
    kept = connection.execute("SELECT at FROM tm ORDER BY s LIMIT 2").fetchall()
    if stream == "ev" and len(kept) > 1:  # else only events are left to make room
        rows = [row for row in rows if row[1] < kept[0][0]]
    return [s for s, _ in rows]


def _pass(connection: sqlite3.Connection, stream: Stream, end: int) -> None:
    """Rows up to `end` are passed: the cloud has them, or never will."""
    query = "SELECT ranges FROM cursors WHERE stream = ?"
    stored = connection.execute(query, (stream,)).fetchone()
    ranges = RangeSet(msgspec.json.decode(stored[0], type=list[tuple[int, int]]) if stored else ())
    ranges.add(1, end)
    body = msgspec.json.encode(ranges.oldest(CURSOR_RANGES)).decode()
    connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (stream, body))
