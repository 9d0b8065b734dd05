"""A door contact, from the wire to the metric."""

import threading
from pathlib import Path
from typing import Literal

import pytest

from drivers.base import Pushed
from drivers.contact import Driver, Options
from drivers.emulated.contact import Chip
from gateway.buses.gpio import EmulatedPins
from gateway.config.load import load
from gateway.emulation import emulate
from gateway.equipment import Builder
from gateway.hub import Hub
from gateway.points import points_of
from gateway.reading import Quality, Reading
from tests.fakes import ManualClock
from tests.store_files import until

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


KITCHEN = """
site: {label: Doors, zone: UTC}
buses: {pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  door: {driver: contact, bus: pins, pin: 17}
  impossible: {driver: contact, bus: pins, pin: 56}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 57
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
emulation: {seed: 1, places: {door: cold_room_door, impossible: cold_room_door}}
"""


class Doors:
    """The doors of a kitchen on emulated pins, from the wire to the hub."""

    def __init__(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(KITCHEN)
        config = load(folder / "config.yaml").config
        assert config is not None
        assert config.emulation is not None
        clock = ManualClock()
        emulated = emulate(config, config.emulation, clock, "normal")
        emulated.step()
        points = {point.id: point for point in points_of(config)}
        self.heard: list[Reading] = []
        self.hub = Hub(clock.now())
        self.hub.show = self.heard.append
        self.equipment = Builder(config, points, self.hub, clock, emulated).build()
        self.line = emulated.buses["pins"].line(17)


async def test_a_pin_that_does_not_exist_loses_its_device_and_no_other(tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    doors.equipment.listen()
    await until(lambda: "door/open" in doors.hub.latest)
    assert doors.hub.latest["door/open"].quality is Quality.GOOD
    for thing, point in (("impossible", "impossible/open"), ("siren", "siren/state")):
        assert doors.hub.latest[point].quality is Quality.SENSOR_FAILURE
        assert "choose another pin" in str(doors.equipment.states[thing].trouble)
    doors.equipment.close()


async def test_of_a_contact_that_chatters_only_the_last_level_waits_for_the_loop(
    tmp_path: Path,
) -> None:
    doors = Doors(tmp_path)
    doors.equipment.listen()
    await until(lambda: "door/open" in doors.hub.latest)
    heard = len(doors.heard)

    def chatter() -> None:
        for _ in range(1_000):
            doors.line.drive_high()
            doors.line.drive_low()
        doors.line.drive_high()

    thread = threading.Thread(target=chatter)
    thread.start()
    thread.join()  # meanwhile the loop does not turn
    await until(lambda: doors.hub.latest["door/open"].value is True)
    assert len(doors.heard) == heard + 1
    assert doors.equipment.states["door"].coalesced == 2_000
    doors.line.drive_low()
    await until(lambda: doors.hub.latest["door/open"].value is False)
    doors.equipment.close()
