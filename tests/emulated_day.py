"""A day of the emulated kitchen through the real pipeline, as fast as it can be computed.

Chips, buses, drivers, sampling, conditioning, hub and judging are the daemon's own; only time is
moved by hand, from one moment at which a device is due to the next.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drivers.base import DriverError
from gateway.buses.serial import Chip
from gateway.config.load import load
from gateway.config.schema import Config
from gateway.emulation import EmulatedKitchen, emulate
from gateway.equipment import Builder, Equipment
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.points import points_of
from gateway.sampling import Sampled, read_once
from rules.alarm import State
from rules.judge import Judge
from tests.fakes import ManualClock
from tests.store_files import open_store

DAY_S = 86_400
_COMMIT_EVERY_S = 3600
_BOUNCING_MS = 100  # longer than any contact is given
_TURNS = 3  # of the loop, from an edge to who waits for it to calm down
_STANDING = {State.UNACKNOWLEDGED, State.ACKNOWLEDGED}


def kitchen_of(file: Path, seed: int, slower: int = 1) -> Config:
    """The configuration in a file with another seed, its devices read `slower` times as rarely."""
    config = load(file).config
    assert config is not None
    assert config.emulation is not None
    devices = {
        name: replace(
            device,
            every_s=device.every_s * slower,
            stale_after_s=device.stale_after_s and device.stale_after_s * slower,
        )
        for name, device in config.devices.items()
    }
    return replace(config, devices=devices, emulation=replace(config.emulation, seed=seed))


class SerialInMemory:
    """A serial line without a terminal: who does not answer at once does not cost its time-out."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self._chips = chips
        self._come = b""

    def write(self, data: bytes) -> None:
        self._come += b"".join(chip.hear(data) for chip in self._chips)

    def read(self, length: int, timeout_s: float) -> bytes:
        del timeout_s
        read, self._come = self._come[:length], self._come[length:]
        return read

    def discard_input(self) -> None:
        self._come = b""

    def recover(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


class EmulatedDay:
    """One kitchen in one scenario; `alarms` is, for each step, the alarms that stand."""

    def __init__(self, config: Config, scenario: str, data: Path) -> None:
        self.config = config
        self.alarms: list[frozenset[str]] = []
        self._clock = clock = ManualClock()
        self._start = clock.now()
        self._store = open_store(data, clock)
        self._hub = Hub(clock.now())
        contracts = {name: each.fail_safe.contract() for name, each in config.actuators.items()}
        judge = Judge(config.rules, contracts)
        self._judging = Judging(judge, {}, self._store.log, self._hub)
        self._hub.judge = self._judging.observe
        assert config.emulation is not None
        self._emulated: EmulatedKitchen = emulate(config, config.emulation, clock, scenario)
        for name, bus in config.buses.items():
            if bus.kind == "serial":
                line = self._emulated.buses[name]
                self._emulated.buses[name] = SerialInMemory(line._chips)
        points = self._store.register(points_of(config))
        builder = Builder(config, points, self._hub, clock, self._emulated)
        self._equipment: Equipment = builder.build()

    async def live(self, step_s: int, seconds: int = DAY_S) -> None:
        """Let it live; the first step is at the start itself."""
        self._emulated.step()
        self._judging.start(self._clock.now())
        self._equipment.listen()
        calming = [asyncio.create_task(each.run()) for each in self._equipment.debounced.values()]
        try:
            await self._live(seconds, step_s)
        finally:
            for task in calming:
                task.cancel()
            await asyncio.gather(*calming, return_exceptions=True)

    async def _live(self, seconds: int, step_s: int) -> None:
        due = dict.fromkeys(range(len(self._equipment.sampled)), 0)
        for second in range(0, seconds, step_s):
            await self._move_to(self._start + 1000 * second)
            await self._read_what_is_due(due, second)
            self._equipment.look_for_silence(self._clock.now())
            self._judging.tick(self._clock.now())
            self.alarms.append(self._standing())
            if second % _COMMIT_EVERY_S == 0:
                await self._store.log.commit()

    def close(self) -> None:
        """Let buses and data folder go."""
        self._equipment.close()
        assert self._store.close()

    async def _hear_pins(self) -> None:
        """Let edges reach the loop, and contacts that are debounced come to rest."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self._clock.sleeping:
            await self._clock.advance(_BOUNCING_MS)

    async def _read_what_is_due(self, due: dict[int, int], second: int) -> None:
        for number, device in enumerate(self._equipment.sampled):
            if second >= due[number]:
                due[number] = second + round(device.period_s)
                if not self._reads_at_once(device):
                    await read_once(device, self._clock)

    def _reads_at_once(self, device: Sampled) -> bool:
        """Read a device that is well without its bus thread, which takes most of the time."""
        if device.state.trouble is not None:
            return False
        try:
            samples = device.driver.read()
        except DriverError:
            return False
        device.state.heard()
        device.ladder.answered(self._clock.now())
        device.intake.take(samples, self._clock.now())
        return True

    async def _move_to(self, ms: int) -> None:
        """Let every door that moves until then be heard; conversions have taken their time."""
        while (change := self._emulated.world.next_change_ms()) < ms:
            await self._step_at(change)
        assert ms >= self._clock.now()
        await self._step_at(ms)

    async def _step_at(self, ms: int) -> None:
        self._clock.pause(max(0, ms - self._clock.now()) / 1000)
        self._clock.paused_s.clear()
        self._emulated.step()
        await self._hear_pins()

    def _standing(self) -> frozenset[str]:
        return frozenset(
            name for name, alarm in self._judging.alarms().items() if alarm.state in _STANDING
        )
