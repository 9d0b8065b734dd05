"""A log for tests of the history: rows of any UTC, told plainly."""

import json
from collections.abc import Iterable
from pathlib import Path

from gateway.clock import Trust
from gateway.reading import QUALITY_OF_CODE, Point, Reading, Value
from gateway.store.history import History
from gateway.store.opening import Store
from gateway.store.query import Request, Series
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.store_files import open_store, point

HOUR = 3_600_000
MINUTE = 60_000
NAME = "cold/temperature"
DOOR = "door/open"


class Kitchen:
    """A store with two points, its history, and a clock that is moved by hand."""

    def __init__(
        self, folder: Path, *, wall: int, zone: str = "Asia/Seoul", number: int = 0
    ) -> None:
        self.clock = ManualClock(wall_ms=wall, boot_id=f"boot-{number}", monotonic_ms=1_000_000)
        self.store: Store = open_store(folder, self.clock)
        found = self.store.register([point(NAME), point(DOOR, "boolean")])
        self.cold: Point = found[NAME]
        self.door: Point = found[DOOR]
        self.history = History(self.store, self.clock, zone)
        self.history.pause_s = 0.0
        self.history.close_s = PATIENCE_S
        self.closed = False
        self.folder = folder / "history"

    async def row(
        self, wall: int, *readings: tuple[Point, Value] | tuple[Point, Value, int]
    ) -> None:
        """One row that begins at `wall`: its readings come a ms apart. A third entry is a code."""
        passed = wall - self.clock.wall_ms
        await self.clock.advance(passed if 0 <= passed <= 24 * HOUR else 1_000)
        self.clock.wall_ms = wall  # else the clock is set
        for after, (of, value, *code) in enumerate(readings):
            quality = QUALITY_OF_CODE[code[0] if code else 0]
            self.store.log.append(Reading(of, value, quality, self.clock.now() + after))
        await self.store.log.commit()

    async def cold_row(self, wall: int, value: Value, code: int = 0) -> None:
        await self.row(wall, (self.cold, value, code))

    async def every(self, step_ms: int, start: int, end: int, value: float = 4.0) -> None:
        """A row each `step_ms`, each a hundredth above the one before."""
        for number, wall in enumerate(range(start, end, step_ms)):
            await self.cold_row(wall, round(value + number % 100 / 100, 2))

    async def fold(self, last: int | None = None) -> None:
        """Bring the history up to a row, or to the newest."""
        await self.history.fold(self.newest if last is None else last)

    @property
    def newest(self) -> int:
        """The newest telemetry row."""
        return self.store.log.counters.rows + self.before - self.store.log.counters.events

    @property
    def before(self) -> int:
        """Rows that other starts have written."""
        return self.store.found.following["tm"] - 1

    async def ask(self, start: int, end: int, step: str, of: str = NAME) -> Series:
        return await self.history.series(Request(of, start, end, step))

    async def rows(
        self, start: int, end: int, step: str = "raw", of: str = NAME
    ) -> list[list[object]]:
        found = await self.ask(start, end, step, of)
        rows: list[list[object]] = json.loads(bytes(found.rows))
        return rows

    async def stamped(self, start: int, end: int, step: str) -> dict[object, dict[str, object]]:
        """The rows by their time, and each by column."""
        found = await self.ask(start, end, step)
        rows: list[list[object]] = json.loads(bytes(found.rows))
        return {row[0]: dict(zip(found.columns, row, strict=True)) for row in rows}

    def months(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))

    def trust(self, trust: Trust) -> None:
        self.clock.trusted = trust

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.history.close()
            self.store.close()


def bodies(rows: Iterable[list[object]]) -> list[tuple[object, ...]]:
    return [tuple(row) for row in rows]
