"""A door contact, from the wire to the metric."""

from typing import Literal

import pytest

from drivers.base import Pushed
from drivers.contact import Driver, Options
from drivers.emulated.contact import Chip
from gateway.buses.gpio import EmulatedPins

OPEN_HIGH = Options(pin=17)
OPEN_LOW = Options(pin=17, open_is="low", pull="down")


class Door:
    """A door with its contact, pin and driver; `heard` is what the driver made of the levels."""

    def __init__(self, options: Options, *, at_start: bool = False) -> None:
        self.open = at_start
        self.heard: list[object] = []
        self.pins = EmulatedPins()
        self.chip = Chip(
            options, lambda quantity: {"open": self.open}[quantity], self.pins.line(17)
        )
        driver: Pushed = Driver(options)
        self.pins.watch(
            options.pin,
            options.pull,
            lambda level: self.heard.append(driver.feed(level, 0)["open"].value),
        )
        self.at_start = list(self.heard)
        self.heard.clear()


@pytest.mark.parametrize("options", [OPEN_HIGH, OPEN_LOW], ids=["open is high", "open is low"])
def test_opening_and_closing_the_door_is_heard_once_each(options: Options) -> None:
    door = Door(options)
    for door.open in (True, True, False):
        door.chip.step()
    assert door.heard == [True, False]


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize("options", [OPEN_HIGH, OPEN_LOW], ids=["open is high", "open is low"])
def test_where_the_door_stands_at_start_is_heard_at_once_and_once(
    options: Options, at_start: bool
) -> None:
    door = Door(options, at_start=at_start)
    door.chip.step()
    assert (door.at_start, door.heard) == ([at_start], [])


@pytest.mark.parametrize(
    ("level", "open_is", "opened"),
    [
        (True, "high", True),
        (False, "high", False),
        (True, "low", False),
        (False, "low", True),
    ],
)
def test_the_level_means_what_the_wiring_says(
    level: bool, open_is: Literal["high", "low"], opened: bool
) -> None:
    sample = Driver(Options(pin=4, open_is=open_is)).feed(level, 0)["open"]
    assert (sample.value, sample.raw) == (opened, level)


@pytest.mark.parametrize("options", [OPEN_HIGH, OPEN_LOW], ids=["open is high", "open is low"])
def test_a_cut_cable_on_advised_wiring_reads_as_an_open_door(options: Options) -> None:
    door = Door(options)
    door.chip.faults.silent = True
    door.chip.step()
    assert door.heard == [True]


def test_a_cut_cable_on_the_other_wiring_hides_the_door_as_the_docs_warn() -> None:
    door = Door(Options(pin=17, open_is="low", pull="up"))
    door.chip.faults.silent = True
    door.open = True
    door.chip.step()
    assert door.heard == []


def test_a_cut_cable_without_a_resistor_stays_where_it_was() -> None:
    door = Door(Options(pin=17, pull="none"))
    door.chip.faults.silent = True
    door.open = True
    door.chip.step()
    assert door.heard == []


def test_a_stuck_contact_misses_the_door() -> None:
    door = Door(OPEN_HIGH)
    door.chip.faults.stuck = True
    door.open = True
    door.chip.step()
    assert door.heard == []


def test_a_bouncing_contact_ends_at_the_truth() -> None:
    door = Door(OPEN_HIGH)
    door.chip.bounces = 3
    door.open = True
    door.chip.step()
    assert door.heard == [True, False] * 3 + [True]
