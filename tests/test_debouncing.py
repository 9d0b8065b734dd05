"""A contact that chatters, from its wire to the hub, through the level that is read again."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.base import BusError
from drivers.emulated.contact import Chip
from gateway.config.load import load
from gateway.debouncing import Debounce
from gateway.emulation import emulate
from gateway.equipment import Builder
from gateway.hub import Hub
from gateway.points import points_of
from gateway.reading import Quality, Reading, Value
from tests.fakes import ManualClock

WAIT_MS = 50
KITCHEN = """
site: {label: Doors, zone: UTC}
buses: {pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  door: {driver: contact, bus: pins, pin: 17, debounce: 50ms}
emulation: {seed: 1, places: {door: cold_room_door}}
"""


class Doors:
    """One door with `debounce: 50ms`; `chip` is its switch."""

    def __init__(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(KITCHEN)
        config = load(folder / "config.yaml").config
        assert config is not None
        assert config.emulation is not None
        self.clock = ManualClock()
        emulated = emulate(config, config.emulation, self.clock, "normal")
        points = {point.id: point for point in points_of(config)}
        self.heard: list[Reading] = []
        hub = Hub(self.clock.now())
        hub.show = self.heard.append
        self.equipment = Builder(config, points, hub, self.clock, emulated).build()
        (self.debounce,) = self.equipment.debounced.values()
        self.state = self.equipment.states["door"]
        self.chip: Chip = emulated.chips["door"]
        self.open = False
        self.chip._feel = lambda _: self.open
        self.chip.step()
        self.task = asyncio.create_task(self.debounce.run())
        self.equipment.listen()

    async def move(self, *, to: bool, bounces: int = 0) -> None:
        """The door moves and its switch bounces, at once."""
        self.open, self.chip.bounces = to, bounces
        self.chip.step()
        await self.clock.settle()

    @property
    def values(self) -> list[Value]:
        return [reading.value for reading in self.heard]


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    doors = Doors(tmp_path)
    await doors.clock.settle()
    yield doors
    doors.task.cancel()
    doors.equipment.close()


async def test_where_the_door_stands_at_start_is_published_at_once(doors: Doors) -> None:
    assert doors.values == [False]


async def test_a_change_is_published_when_it_has_stood_for_the_wait(doors: Doors) -> None:
    await doors.move(to=True)
    await doors.clock.advance(WAIT_MS - 1)
    assert doors.values == [False]
    await doors.clock.advance(1)
    assert doors.values == [False, True]
    assert doors.state.bounces == 0
    await doors.clock.advance(10_000)
    assert doors.values == [False, True]


@pytest.mark.parametrize("opened", [True, False])
async def test_a_burst_is_one_change_to_where_it_ends(doors: Doors, opened: bool) -> None:
    await doors.move(to=not opened)
    await doors.clock.advance(WAIT_MS)
    told = len(doors.values)
    await doors.move(to=opened, bounces=20)
    await doors.clock.advance(WAIT_MS)
    assert doors.values[told:] == [opened]
    assert doors.state.bounces == 1


async def test_a_glitch_is_no_change_and_is_counted(doors: Doors) -> None:
    await doors.move(to=True)
    await doors.clock.advance(WAIT_MS // 2)
    await doors.move(to=False)
    await doors.clock.advance(10 * WAIT_MS)
    assert doors.values == [False]
    assert doors.state.bounces == 1


async def test_chatter_that_goes_on_ends_at_the_truth(doors: Doors) -> None:
    for turn in range(100):
        await doors.move(to=turn % 2 == 0, bounces=3)
        await doors.clock.advance(WAIT_MS // 3)
    await doors.move(to=True)
    await doors.clock.advance(WAIT_MS)
    assert doors.values[-1] is True
    assert all(before is not after for before, after in pairwise(doors.values))
    assert len(doors.values) < 60


async def test_a_pin_that_cannot_be_read_again_is_bad_once_and_then_read_until_it_can(
    doors: Doors,
) -> None:
    works = doors.debounce._level
    assert works is not None

    def broken() -> bool:
        raise BusError("pin 17: the chip has gone")

    doors.debounce.reads(broken)
    await doors.move(to=True)
    await doors.clock.advance(5_000)
    assert doors.values == [False, None]
    assert doors.heard[-1].quality is Quality.NO_COMMUNICATION
    assert doors.state.trouble == "pin 17: the chip has gone"
    doors.debounce.reads(works)
    await doors.clock.advance(1_000)
    assert doors.values == [False, None, True]
    assert doors.state.trouble is None


async def test_a_pin_that_is_lost_is_bad_at_once_and_read_until_it_is_back(doors: Doors) -> None:
    doors.debounce.fail(BusError("pin 17: the line has gone"))
    assert doors.values == [False, None]
    await doors.clock.advance(WAIT_MS)
    assert doors.values == [False, None, False]


async def test_a_pin_that_could_never_be_watched_has_no_level(doors: Doors) -> None:
    never = Debounce(doors.debounce._listener, 0.05, doors.clock)
    task = asyncio.create_task(never.run())
    never.fail(BusError("pin 99: no such pin"))
    await doors.clock.advance(10_000)
    assert doors.values == [False, None]
    task.cancel()
