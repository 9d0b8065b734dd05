"""Rules tried on the past: an hour of 17 readings a second, by the shipped and by edited ones.

The floor only reads the rows of that hour: unpacked and decoded, judged by nobody.
"""

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from bench.kitchen import PlayedClock
from bench.report import ROOT, Section
from bench.setting import Setting
from gateway.config.load import Loaded, load, load_rules
from gateway.points import points_of
from gateway.reading import Point, Quality, Reading
from gateway.store.file import NAME
from gateway.store.history import History
from gateway.store.log import unpacked
from gateway.store.opening import Store
from gateway.store.past import Stretch
from gateway.trial.stored import contender, on_history

A_SECOND = 17
HOURS, HOURS_QUICK = 12, 3
HOUR_MS_BAR = 3_600_000 / 10_000  # 10,000 times as fast as it came
_START = '{"k":"start"}'
_CALM = {"walk_in/temperature": 4.0, "freezer/temperature": -19.0, "gas/level": 1.0,
         "hot_cupboard/temperature": 68.0, "oven/temperature": 180.0}  # fmt: skip


def run(setting: Setting) -> Section:
    """Time for each hour of the past, from the log and from the months."""
    section = Section()
    asyncio.run(_measure(section, setting))
    return section


async def _measure(section: Section, setting: Setting) -> None:
    data, hours = setting.folder / "data", setting.of(HOURS, HOURS_QUICK)
    loaded = load(ROOT / "config.yaml")
    assert loaded.config is not None  # noqa: S101 - it is the shipped one
    clock = PlayedClock()
    store = Store(data, clock)
    points = store.register(points_of(loaded.config))
    await _live(store, clock, points, hours)
    floor = _floor(data) / hours
    section.add("an hour of the log", _tried(data, loaded) / hours, "ms",
                floor=floor, bar=HOUR_MS_BAR, note=f"{A_SECOND} readings/s")  # fmt: skip
    history = History(store, clock, "Asia/Seoul")
    history.pause_s = 0.0
    await history.fold(hours * 3600)
    history.close()
    query = "DELETE FROM tm WHERE s < (SELECT max(s) FROM tm)"
    await store.writer.call(lambda connection: connection.execute(query))
    section.add("an hour of the months", _tried(data, loaded) / hours, "ms",
                floor=floor, bar=HOUR_MS_BAR)  # fmt: skip
    store.close()


async def _live(store: Store, clock: PlayedClock, points: dict[str, Point], hours: int) -> None:
    """Calm readings, and a door that is open for longer each hour."""
    rng = random.Random(1)
    numbers = [point for point in points.values() if point.kind == "number"][:A_SECOND]
    door = points["walk_in_door/open"]
    store.log.judged(clock.now(), _START)
    for second in range(hours * 3600):
        at = second * 1000
        clock.move_to(at)
        for point in numbers:
            value = _CALM.get(point.id, 20.0) + rng.gauss(0.0, 0.1)
            store.log.append(Reading(point, round(value, 2), Quality.GOOD, at))
        if second % 3600 in (0, second // 3600 * 60 + 60):
            store.log.append(Reading(door, second % 3600 == 0, Quality.GOOD, at))
        await store.log.commit()


def _tried(data: Path, loaded: Loaded) -> float:
    """Ms of a trial of the shipped rules beside edited ones."""
    text = loaded.text.replace(b"for: 4min", b"for: 2min")
    edited = load_rules(text, Path("edited.yaml"), loaded)
    contenders = [contender(loaded, "before"), contender(edited, "after")]
    stretch = Stretch(0, PlayedClock().wall() + 10**9)
    report = on_history(data, contenders, stretch, "Asia/Seoul", lambda done: None)
    if not (report.complete and report.differences):
        raise SystemExit("the trial has not seen the door")
    return report.seconds * 1000


def _floor(data: Path) -> float:
    began = time.perf_counter()
    with closing(sqlite3.connect(data / NAME)) as log:
        for (stored,) in log.execute("SELECT body FROM tm ORDER BY s"):
            msgspec.json.decode(unpacked(stored))
    return (time.perf_counter() - began) * 1000
