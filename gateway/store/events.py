"""Event rows of the log between two moments, as far back as they are kept.

Events stay in the log as long as telemetry of their time does (`space.py`); the history of months
holds readings only.
"""

import sqlite3
from collections.abc import Collection, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from gateway.store.log import unpacked
from gateway.store.worker import StoreWorker

ROWS_MAX = 50_000  # looked at for one answer, newest first
PAGE_ROWS = 1_000  # in one turn of the reading thread: about 10 ms
SLACK_MS = 86_400_000  # a wall clock that was set back may have put a row so far out of order


class StoredEvent(NamedTuple):
    """One event: UTC ms, kind, and what is told with it."""

    at: int
    kind: str
    data: Mapping[str, object]


class Events(NamedTuple):
    """What was found, oldest first; `complete` is False when there is, or was, more of it."""

    rows: list[StoredEvent]
    complete: bool


class _Row(msgspec.Struct):
    s: int
    t0: int
    k: str
    d: dict[str, object]


async def between(reader: StoreWorker, start: int, end: int, kinds: Collection[str]) -> Events:
    """The events of these kinds from `start` up to `end`, UTC ms; raises StoreError."""
    found: list[StoredEvent] = []
    before, looked, oldest = 1 << 62, 0, end
    while looked < ROWS_MAX:
        page = await reader.call(partial(_page, before=before))
        if not page:
            # Rows count from 1: what comes before the first that is left was removed.
            complete = before in (1, 1 << 62) or oldest <= start
            return Events(_in_order(found), complete)
        found += [
            StoredEvent(row.t0, row.k, row.d)
            for row in page
            if start <= row.t0 < end and row.k in kinds
        ]
        before, looked = page[-1].s, looked + len(page)
        oldest = min(oldest, *(row.t0 for row in page))
        if max(row.t0 for row in page) < start - SLACK_MS:
            return Events(_in_order(found), complete=True)
    return Events(_in_order(found), complete=False)


def _in_order(found: list[StoredEvent]) -> list[StoredEvent]:
    """Oldest first; of one moment, as they were judged."""
    found.reverse()
    return sorted(found, key=lambda row: row.at)


def _page(connection: sqlite3.Connection, before: int) -> list[_Row]:
    query = "SELECT body FROM ev WHERE s < ? ORDER BY s DESC LIMIT ?"
    rows = connection.execute(query, (before, PAGE_ROWS))
    return [msgspec.json.decode(unpacked(stored), type=_Row) for (stored,) in rows]
