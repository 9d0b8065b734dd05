"""A year of 1,000 readings a minute in the history: its size, and how soon a curve is there.

One day of every point is made and encoded; the year is that day, over and over, at its own hours:
blocks know only their place in the hour. The last 70 minutes are still in the log, as they are
just before an hour is sealed. A question is what the API does for it, down to the bytes of JSON.
"""

import asyncio
import random
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import msgspec

from bench.kitchen import PlayedClock
from bench.report import Section
from bench.setting import Setting
from gateway.reading import Point, Quality, Reading
from gateway.store import state
from gateway.store.block import Columns, encode
from gateway.store.history import History
from gateway.store.months import Stored, month_of, open_to_write
from gateway.store.opening import Store
from gateway.store.query import Request
from gateway.store.rollup import HOUR_MS, MINUTES, Standing, merge, pack_minutes, roll

POINTS = 17
DAYS, DAYS_QUICK = 365, 31
BYTES_BAR, YEAR_BYTES_BAR, YEAR_MS_BAR, DAY_MS_BAR = 2.0, 1.5, 200.0, 100.0
_YEAR_READINGS = POINTS * 86_400 * 365
_HOT_S = 4_200
_LATE_MS = (0, 0, 0, 0, 1, 1, 1, 2, 3)
_ASKED = 5  # times; the median counts
_NAME = "s0/temperature"


def run(setting: Setting) -> Section:
    """Size and time."""
    section = Section()
    asyncio.run(_measure(section, setting))
    return section


async def _measure(section: Section, setting: Setting) -> None:
    clock = PlayedClock()
    store = Store(setting.folder / "data", clock)
    known = store.register(
        Point(-1, f"s{number}/temperature", "", "Cel", "number") for number in range(POINTS)
    )
    days = setting.of(DAYS, DAYS_QUICK)
    sealed = (clock.wall() // HOUR_MS) - 1
    began = time.perf_counter()
    readings = _write_days(store, sealed, days)
    section.lines.append(f"{readings:,} readings made in {time.perf_counter() - began:.0f} s")
    await _fill_log(store, clock, known, (sealed + 1) * HOUR_MS)
    history = History(store, clock, "Asia/Seoul")
    size = sum(path.stat().st_size for path in (store.path / "history").iterdir())
    section.add("everything", size / readings, "B/reading", bar=BYTES_BAR,
                note=f"{size / 1e6:,.0f} MB in {days} days, roll-ups included")  # fmt: skip
    section.add("a year at 1,000/min", size / readings * _YEAR_READINGS / 1e9, "GB",
                bar=YEAR_BYTES_BAR)  # fmt: skip
    floor = _Floor(setting.folder / "floor.db", days)
    now, day = clock.wall(), 86_400_000
    for name, step, span, bar, rows in (
        (f"{days} days drawn", "auto", days * day, YEAR_MS_BAR, days * 24),
        (f"{days} days by local day", "1d", days * day, YEAR_MS_BAR, days * 24),
        ("a day at full resolution", "raw", day, DAY_MS_BAR, 86_400),
        ("a day drawn", "auto", day, DAY_MS_BAR, 1_440),
    ):
        spent, told = await _ask(history, Request(_NAME, now - span, now, step))
        section.add(name, spent, "ms", floor=floor.ask(rows), bar=bar, note=told)
    section.lines.append("floor: so many plain rows of one table read and encoded; for the year"
                         " its hours")  # fmt: skip
    history.close()
    store.close()


async def _ask(history: History, request: Request) -> tuple[float, str]:
    spent, rows, size = [], 0, 0
    for _ in range(_ASKED):
        began = time.perf_counter()
        found = await history.series(request)
        body = msgspec.json.encode(found)
        spent.append((time.perf_counter() - began) * 1000)
        rows, size = len(msgspec.json.decode(found.rows)), len(body)
    return statistics.median(spent), f"{rows:,} rows, {size / 1e3:,.0f} kB"


def _write_days(store: Store, sealed: int, days: int) -> int:
    """Fill the months up to the hour `sealed`; gives the number of readings."""
    day = [[_hour(number * 24 + hour) for hour in range(24)] for number in range(POINTS)]
    install = store.identity.install
    months = {month_of(hour) for hour in range(sealed - days * 24, sealed)}
    readings = 0
    for name in sorted(months):
        with closing(open_to_write(store.path, name)) as month:
            points = [f"s{number}/temperature" for number in range(POINTS)]
            numbers = month.number_points(dict.fromkeys(points, "Cel"))
            for hour in range(max(month.first, sealed - days * 24), min(month.end, sealed + 1)):
                stored = [
                    day[number][hour % 24]._replace(point=numbers[point], hour=hour)
                    for number, point in enumerate(points)
                ]
                readings += sum(one.readings for one in stored)
                month.write(stored, install, 0)
    return readings


def _hour(seed: int) -> Stored:
    """An hour at one reading a second: a walk with noise, and the lateness seen of asyncio."""
    rng = random.Random(seed)
    value, values = 4.0, []
    for _ in range(3_600):
        value += rng.gauss(0.0, 0.02) - (value - 4.0) * 0.002
        values.append(round(value + rng.gauss(0.0, 0.015), 2))
    at = [second * 1_000 + 16 + rng.choice(_LATE_MS) for second in range(3_600)]
    columns = Columns(at, values, bytes(3_600))
    minutes = roll(columns, Standing(4.0, 0), MINUTES)
    return Stored(0, 0, 3_600, encode(columns), pack_minutes(minutes), merge(minutes))


async def _fill_log(store: Store, clock: PlayedClock, points: dict[str, Point], utc: int) -> None:
    """The rows of the last 70 minutes, one a second."""
    ahead = clock.wall() - clock.now()
    rng = random.Random(1)
    for second in range(_HOT_S):
        at = utc - ahead + second * 1_000
        clock.move_to(at)
        for point in points.values():
            value = round(4 + rng.gauss(0.0, 0.1), 2)
            store.log.append(Reading(point, value, Quality.GOOD, at + rng.choice((0, 1))))
        await store.log.commit()
    await store.writer.call(lambda connection: state.save_folded(connection, 0))


class _Floor:
    """One table of plain rows, as the least that can be read."""

    def __init__(self, path: Path, days: int) -> None:
        self._file = sqlite3.connect(path)
        self._file.execute("CREATE TABLE plain (at INTEGER PRIMARY KEY, value REAL)")
        self._file.executemany(
            "INSERT INTO plain VALUES (?, ?)",
            ((at, at % 700 / 100) for at in range(max(86_400, days * 24))),
        )
        self._file.commit()

    def ask(self, rows: int) -> float:
        spent = []
        for _ in range(_ASKED):
            began = time.perf_counter()
            query = "SELECT at, value FROM plain ORDER BY at LIMIT ?"
            msgspec.json.encode(self._file.execute(query, (rows,)).fetchall())
            spent.append((time.perf_counter() - began) * 1000)
        return statistics.median(spent)
