"""Bytes of a reading: in `gateway.db`, on the wire as it happens, and in catch-up.

On the emulated kitchen's readings and, where it is there, on a recorded room. The bars are for
payloads; what MQTT adds with header and topic stands beside them.
"""

import asyncio
import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from bench.kitchen import Kitchen, PlayedClock
from bench.product import Delivery
from bench.report import ROOT, Section
from bench.setting import Setting
from drivers.base import Samples
from drivers.replay import Column, Driver, Options
from gateway.conditioning import Conditioner, Treatment
from gateway.hub import Hub
from gateway.reading import Point
from gateway.sampling import Intake
from gateway.store.file import NAME
from gateway.store.log import Row
from gateway.store.opening import Store
from gateway.sync.protocol import envelope, topic
from gateway.sync.uplink import HISTORICAL_ROWS

HOT_BAR, LIVE_BAR, CATCH_UP_BAR = 14.0, 12.0, 5.0
_HEADER = 1 + 2 + 2 + 2 + 1  # type, length, topic's length, packet id, no properties
_TOPIC = len(topic("demo", "mapo_1", "tm"))
_RECORDING = Path("data/env/room_occupancy_30s.csv.gz")


def run(setting: Setting) -> Section:
    """Both kinds of readings."""
    section = Section()
    asyncio.run(_emulated(section, setting))
    recording = Path(os.environ.get("KG_SHARED") or ROOT.parent / "shared") / _RECORDING
    if recording.exists():
        asyncio.run(_recorded(section, setting, recording))
    else:
        section.add("recorded room", None, "B", note=f"NOT RUN: set KG_SHARED to find {_RECORDING}")
    return section


async def _emulated(section: Section, setting: Setting) -> None:
    kitchen = Kitchen(setting.folder / "kitchen")
    kitchen.start()
    await kitchen.second()  # the first one fills the dictionary and makes the tables
    meter = await _Meter.start(kitchen.store, kitchen.delivery)
    for _ in range(setting.of(3600, 900)):
        await kitchen.second()
    await meter.report(section, "emulated kitchen")
    kitchen.close()


async def _recorded(section: Section, setting: Setting, recording: Path) -> None:
    clock = PlayedClock()
    store = Store(setting.folder / "room", clock)
    delivery = Delivery(store)
    columns = _columns(recording)
    driver = Driver(Options(file=recording.name, columns=columns, period=30.0))
    points = store.register(
        Point(-1, f"room/{metric.name}", "", metric.unit, metric.kind, precision=metric.precision)
        for metric in driver.METRICS
    )
    hub = Hub(clock.now())
    hub.store = store.log.append
    conditioners = {
        name.partition("/")[2]: Conditioner(point, Treatment(), 0) for name, point in points.items()
    }
    intake = Intake(hub, conditioners)
    played = _played(driver, recording)
    await _take(next(played), clock, intake, store)
    meter = await _Meter.start(store, delivery)
    for row in islice(played, setting.of(3600, 900)):
        await _take(row, clock, intake, store)
    await meter.report(section, "recorded room")
    store.close()


async def _take(row: tuple[int, Samples], clock: PlayedClock, intake: Intake, store: Store) -> None:
    at, samples = row
    clock.move_to(at)
    intake.take(samples, at)
    await store.log.commit()


class _Meter:
    """Counts from its start on."""

    def __init__(self, store: Store, delivery: Delivery, size: int) -> None:
        self._store = store
        self._delivery = delivery
        self._size = size
        self._readings = store.log.counters.readings
        self._bytes = delivery.bytes["tm"]
        self._messages = delivery.messages["tm"]

    @classmethod
    async def start(cls, store: Store, delivery: Delivery) -> "_Meter":
        return cls(store, delivery, await _file_size(store))

    async def report(self, section: Section, name: str) -> None:
        readings = self._store.log.counters.readings - self._readings
        messages = self._delivery.messages["tm"] - self._messages
        stored = await _file_size(self._store) - self._size
        live = self._delivery.bytes["tm"] - self._bytes
        numbers = range(self._messages + 1, self._messages + messages + 1)  # a row a message
        rows = await self._store.fetch("tm", numbers)
        late = [len(payload) for payload in _catch_up(self._store.identity.install, rows)]
        each = readings / messages
        section.add(f"{name}, hot", stored / readings, "B/reading", bar=HOT_BAR,
                    note=f"{readings:,} readings, {each:.1f} in a commit")  # fmt: skip
        around = messages * (_HEADER + _TOPIC) / readings
        section.add(f"{name}, live", live / readings, "B/reading", bar=LIVE_BAR,
                    note=f"with MQTT header and topic {live / readings + around:.2f}")  # fmt: skip
        section.add(f"{name}, catch-up", sum(late) / readings, "B/reading", bar=CATCH_UP_BAR,
                    note=f"{HISTORICAL_ROWS} rows a message")  # fmt: skip
        plain = sum(len(row.body) for row in rows) / readings
        section.lines.append(f"{name}: JSON of a row {plain:.1f} B/reading before zlib")


def _catch_up(install: str, rows: list[Row]) -> Iterator[bytes]:
    for first in range(0, len(rows), HISTORICAL_ROWS):
        some = rows[first : first + HISTORICAL_ROWS]
        yield envelope(install, [row.body for row in some], historical=True)


async def _file_size(store: Store) -> int:
    """Bytes of `gateway.db` with all of its log in it."""
    await store.writer.call(
        lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    )
    return (store.path / NAME).stat().st_size


def _columns(recording: Path) -> dict[str, Column]:
    """The room's sixteen sensors; the driver adds the number of the row."""
    with gzip.open(recording, "rt") as file:
        header = next(csv.reader(file))
    return {name.lower(): Column(column=name, unit="1", precision=2) for name in header[2:]}


def _played(driver: Driver, recording: Path) -> Iterator[tuple[int, Samples]]:
    """Kitchen ms and samples of each row, as far apart as they were recorded."""
    with gzip.open(recording, "rt") as file:
        first = None
        for number, cells in enumerate(csv.DictReader(file), start=1):
            at = _recorded_ms(cells)
            first = at if first is None else first
            yield at - first, driver.feed((number, cells), at)


def _recorded_ms(cells: Mapping[str, str]) -> int:
    moment = datetime.fromisoformat(f"{cells['Date'].replace('/', '-')}T{cells['Time']}+00:00")
    return round(moment.timestamp() * 1000)
