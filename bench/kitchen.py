"""The emulated kitchen at 1,000 readings a minute, as fast as this machine allows.

Eight SHT3x at 1 Hz, a door that speaks by itself and the gateway's own condition every 10 s: real
drivers read real bytes, everything up to the commit is the product's. Only the clock is ours.
"""

import asyncio
import random
from operator import itemgetter
from pathlib import Path

from bench.product import Delivery
from drivers.base import Samples
from gateway import health
from gateway.clock import Boot, Trust
from gateway.config.load import load
from gateway.emulation import emulate
from gateway.equipment import Builder
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.points import points_of
from gateway.sampling import Intake, Sampled
from gateway.store.opening import Store
from rules.judge import Judge

_BUSES = 4
_ON_A_BUS = 2
_CONVERSION_MS = 16
_LATE_MS = (0, 0, 0, 0, 1, 1, 1, 2, 3)  # how late asyncio was seen to wake


class PlayedClock:
    """Kitchen time moved by hand; a driver that waits for its chip moves it too."""

    def __init__(self, start_ms: int = 0) -> None:
        self.boot_id = "bench"
        self.speed = 1.0
        self._now = start_ms
        self._wall_minus_now = 1_795_000_000_000

    def now(self) -> int:
        """Kitchen ms."""
        return self._now

    def monotonic_ms(self) -> int:
        """The same."""
        return self._now

    def wall(self) -> int:
        """A day in 2026."""
        return self._wall_minus_now + self._now

    def trust(self) -> Trust:
        """Always."""
        return Trust.NTP

    def resume(self, last: Boot | None) -> None:
        """Never runs backwards."""
        if last is not None:
            self._now = max(self._now, last.kitchen_ms)

    async def sleep(self, seconds: float) -> None:
        """Nobody here sleeps for long."""
        del seconds
        await asyncio.sleep(0)

    def pause(self, seconds: float) -> None:
        """A conversion passes."""
        self._now += -int(-seconds * 1000 // 1)

    def move_to(self, at: int) -> None:
        """Go to `at`; back too, because the threads of several buses wait at the same time."""
        self._now = at


def configuration() -> str:
    """A kitchen of eight sensors and a door, as `config.yaml` would hold it."""
    lines = ["site: {label: bench, zone: Asia/Seoul}", "buses:"]
    lines += [f"  i2c_{bus}: {{kind: i2c, path: /dev/i2c-{bus}}}" for bus in range(_BUSES)]
    lines += ["  pins: {kind: gpio, chip: pinctrl-bcm2711}", "devices:"]
    names = [
        (f"s{number}", number // _ON_A_BUS, 0x44 + number % _ON_A_BUS)
        for number in range(_ON_A_BUS * _BUSES)
    ]
    lines += [
        f"  {name}: {{driver: sht3x, bus: i2c_{bus}, address: {address:#x}, every: 1s}}"
        for name, bus, address in names
    ]
    lines += ["  door: {driver: contact, bus: pins, pin: 17}", "rules:"]
    lines += [
        f"  warm_{name}: {{kind: limit, point: {name}/temperature, raise_above: 8 °C,"
        " clear_below: 6 °C, for: 10min, on_bad: hold, then: [{alarm: high}]}"
        for name, *_ in names[::2]
    ]
    places = [f"{name}: {'kitchen' if number % 2 else 'cold_room'}"
              for number, (name, *_) in enumerate(names)]  # fmt: skip
    lines += [f"emulation: {{seed: 1, places: {{{', '.join(places)}, door: cold_room_door}}}}"]
    return "\n".join(lines) + "\n"


class Kitchen:
    """One data folder of that kitchen; `second` is one kitchen second and one commit."""

    def __init__(self, data: Path) -> None:
        file = data.parent / f"{data.name}.yaml"
        file.write_text(configuration())
        loaded = load(file)
        config = loaded.config
        assert config is not None, loaded.problems  # noqa: S101
        assert config.emulation is not None  # noqa: S101
        self.clock = PlayedClock()
        self.store = Store(data, self.clock)
        self.log = self.store.log
        self.delivery = Delivery(self.store)
        hub = Hub(self.clock.now())
        judge = Judge(config.rules, {})
        judging = Judging(judge, self.store.found.entries, self.log, hub)
        hub.judge, hub.store = judging.observe, self.log.append
        self._judging = judging
        self._emulated = emulate(config, config.emulation, self.clock, "normal")
        points = self.store.register(points_of(config))
        self.equipment = Builder(config, points, hub, self.clock, self._emulated).build()
        self._health = health.Health(data)
        self._late = random.Random(1)
        self._seconds = 0

    def start(self) -> None:
        """Begin to hear the door; on a running loop."""
        self._judging.start(self.clock.now())
        self.equipment.listen()

    async def second(self) -> None:
        """Every sensor is read once, in its turn on its bus, and all is committed."""
        self._seconds += 1
        clock, start = self.clock, self._seconds * 1000
        clock.move_to(start)
        self._emulated.step()
        read = sorted(
            (self._read(device, start) for device in self.equipment.sampled), key=itemgetter(0)
        )
        for at, intake, samples in read:
            clock.move_to(at)
            intake.take(samples, at)
        await asyncio.sleep(0)  # the door, if it moved
        if self._seconds % health.PERIOD_S == 1:
            self.equipment.intakes[health.DEVICE].take(self._health.read(), clock.now())
        self._judging.tick(clock.now())
        await self.log.commit()

    def _read(self, device: Sampled, start: int) -> tuple[int, Intake, Samples]:
        turn = int(device.state.id.removeprefix("s")) % _ON_A_BUS
        self.clock.move_to(start + turn * _CONVERSION_MS + self._late.choice(_LATE_MS))
        samples = device.driver.read()
        return self.clock.now(), device.intake, samples

    def close(self) -> None:
        """Let the data folder go."""
        self.equipment.close()
        self.store.close()
