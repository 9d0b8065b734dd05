"""A kitchen that has lived: its store as the pipeline from hub to file leaves it, by hand."""

from pathlib import Path
from typing import Any

import msgspec

from gateway.changeover import judge_of
from gateway.config.load import load_text
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.points import points_of
from gateway.reading import Quality, Reading, Value
from gateway.store.history import History
from gateway.store.log import unpacked
from tests.fakes import ManualClock
from tests.store_files import open_store

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BEGAN = 1_800_000_000_000  # 2027-01-15 08:00 UTC, 17:00 in Seoul

CONFIG = """\
site: {label: Kitchen, zone: Asia/Seoul}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  walk_in: {driver: sht3x, bus: i2c, address: 0x44, every: 10s}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  buzzer: {driver: relay, bus: pins, pin: 24, fail_safe: {safe: off, on_sensor_loss: hold, max_on: 1h}}
rules:
  warm:
    kind: limit
    point: walk_in/temperature
    raise_above: 8 °C
    clear_below: 6 °C
    for: 10min
    on_bad: hold
    advice: Shut the door.
    then: [{alarm: high}]
  silent:
    kind: stale
    point: walk_in/temperature
    for: 1min
    advice: Look at the cable.
    then: [{alarm: high}]
  door_open:
    kind: contact
    point: door/open
    for: 4min
    on_bad: ignore
    advice: Shut the door.
    then: [{alarm: medium}, {command: buzzer, value: on}]
"""  # noqa: E501 - a line of YAML
RULES = CONFIG[CONFIG.index("rules:") :]
TEMPERATURE, DOOR = "walk_in/temperature", "door/open"


class Week:
    """`see` and `pass_time` are its life; nothing is durable before `commit`."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        loaded = load_text(config.encode(), folder / "config.yaml")
        assert loaded.config is not None, loaded.problems
        self.config = folder / "config.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(config)
        self.data = folder / "data"
        self._loaded = loaded.config
        self.clock = ManualClock(wall_ms=BEGAN)
        self._open()

    def _open(self) -> None:
        self.store = open_store(self.data, self.clock)
        self.points = self.store.register(points_of(self._loaded))
        hub = self.hub = Hub(self.clock.now())
        judge, entries = judge_of(self._loaded), self.store.found.entries
        self.judging = Judging(judge, entries, self.store.log, hub)
        hub.judge = self.judging.observe
        hub.store = self.store.log.append
        self.judging.start(self.clock.now())

    async def restart(self, after_ms: int) -> None:
        """The process ends with all stored, and comes back later."""
        await self.commit()
        assert self.store.close()
        self.clock.pause(after_ms / 1000)
        self._open()

    def see(self, point: str, value: Value, quality: Quality = Quality.GOOD) -> None:
        self.hub.publish(Reading(self.points[point], value, quality, self.clock.now()))

    def pass_time(self, ms: int) -> None:
        """Timers are looked at as the daemon does: at least once a minute here."""
        while ms > 0:
            step = min(ms, MINUTE)
            self.clock.pause(step / 1000)
            self.judging.tick(self.clock.now())
            ms -= step

    async def quiet(self, minutes: int, temperature: float = 4.0) -> None:
        """Each minute a reading of the fridge; committed once an hour."""
        for minute in range(minutes):
            self.see(TEMPERATURE, temperature + minute % 10 / 10)
            self.pass_time(MINUTE)
            if minute % 60 == 59:
                await self.commit()

    async def door(self, minutes: int) -> None:
        """The door stands open for so long."""
        self.see(DOOR, value=True)
        await self.quiet(minutes)
        self.see(DOOR, value=False)

    async def commit(self) -> None:
        await self.store.log.commit()

    async def fold(self, *, and_trim: bool) -> None:
        """Everything so far into the months; trimmed, the log keeps its newest row alone."""
        await self.commit()
        history = History(self.store, self.clock, "Asia/Seoul")
        history.pause_s = 0.0
        last = await self.store.reader.call(
            lambda connection: connection.execute("SELECT max(s) FROM tm").fetchone()[0]
        )
        await history.fold(last)
        history.close()
        if and_trim:
            await self.store.writer.call(
                lambda connection: [
                    connection.execute("DELETE FROM tm WHERE s < ?", (last,)),
                    connection.execute("DELETE FROM inputs WHERE s < ?", (last,)),
                ]
            )

    async def told(self) -> list[tuple[str, str, int]]:
        """Alarm events as they were stored when it happened: alarm, verb, UTC ms."""
        rows = await self.store.reader.call(
            lambda connection: connection.execute("SELECT body FROM ev ORDER BY s").fetchall()
        )
        events: list[dict[str, Any]] = [msgspec.json.decode(unpacked(body)) for (body,) in rows]
        return [
            (event["d"]["id"], event["d"]["verb"], event["t0"])
            for event in events
            if event["k"] == "alarm"
        ]

    def close(self) -> None:
        self.store.close()
