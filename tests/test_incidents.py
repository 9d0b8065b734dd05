"""How a scenario reaches the wires: who falls silent, and when a bus locks up."""

from dataclasses import dataclass, field

import pytest

from drivers.base import BusError
from drivers.emulated.base import Faults
from drivers.emulated.world import World
from gateway.buses.i2c import EmulatedI2C
from gateway.incidents import Incidents


@dataclass
class Mounted:
    """As much of a chip as an incident touches."""

    faults: Faults = field(default_factory=Faults)


class Played:
    """A scenario with one chip of each sort and one I2C bus."""

    def __init__(self, scenario: str) -> None:
        self.world = World(1, scenario)
        self.world.advance(0)
        self.incidents = Incidents(self.world)
        self.cold, self.kitchen = Mounted(), Mounted()
        self.incidents.mount("cold_room", self.cold)
        self.incidents.mount("kitchen", self.kitchen)
        self.incidents.mount("kitchen", object())  # a load has no faults
        self.bus = EmulatedI2C({})
        self.incidents.buses.append(self.bus)

    def at(self, second: int) -> "Played":
        self.world.advance(1000 * second)
        self.incidents.act()
        return self

    def silent(self) -> list[bool]:
        return [chip.faults.silent for chip in (self.cold, self.kitchen)]


def test_on_an_ordinary_day_nobody_falls_silent() -> None:
    played = Played("normal")
    for hour in range(0, 25, 3):
        assert played.at(3600 * hour).silent() == [False, False]
        assert not played.bus.locked


def test_an_unplugged_sensor_is_the_one_in_the_cold_room_and_for_good() -> None:
    played = Played("sensor-unplugged")
    assert played.at(59).silent() == [False, False]
    assert played.at(60).silent() == [True, False]
    assert played.at(86_400).silent() == [True, False]


def test_a_locked_bus_is_freed_by_initialising_it_until_nothing_helps() -> None:
    played = Played("bus-lockup")
    assert not played.at(59).bus.locked
    assert played.at(60).bus.locked
    with pytest.raises(BusError, match="ETIMEDOUT"):
        played.bus.read(0x44, 1)
    played.bus.recover()
    assert not played.at(61).bus.locked
    assert played.at(60 + 600).bus.locked
    played.bus.recover()
    assert played.bus.locked, "the chip does not let go"
    assert played.at(60 + 600 + 1800).bus.locked, "until it is initialised"
    played.bus.recover()
    assert not played.at(86_400).bus.locked


def test_a_fault_that_somebody_else_has_switched_on_stays() -> None:
    played = Played("sensor-unplugged")
    played.kitchen.faults.silent = True
    for second in (30, 61, 5 * 3600):
        assert played.at(second).kitchen.faults.silent
