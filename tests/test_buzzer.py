"""A buzzer on a mock pin, from the command to what the buzzer does."""

import pytest

from drivers.base import Acting, BusError
from drivers.buzzer import Driver, Options
from drivers.emulated.buzzer import Chip
from gateway.buses.gpio import EmulatedPins

POLARITIES = pytest.mark.parametrize("active_high", [True, False])


def wired(options: Options, pins: EmulatedPins | None = None) -> tuple[Acting, Chip]:
    pins = pins or EmulatedPins()
    chip = Chip(options, pins.line(options.pin))
    assert not chip.sounding()
    pin = pins.output(options.pin, active_high=options.active_high, initial=False)
    return Driver(pin, options), chip


@POLARITIES
def test_it_is_off_from_the_moment_its_pin_is_claimed(active_high: bool) -> None:
    driver, chip = wired(Options(pin=24, active_high=active_high))
    assert not chip.sounding()
    assert driver.read()["state"].value is False


@POLARITIES
def test_it_does_what_is_written_and_reads_back_the_level(active_high: bool) -> None:
    driver, chip = wired(Options(pin=24, active_high=active_high))
    for value in (True, True, False, True):
        driver.write(value)
        assert chip.sounding() is value
        state = driver.read()["state"]
        assert (state.value, state.raw) == (value, value == active_high)


@POLARITIES
def test_it_is_de_energised_once_the_pins_are_given_back(active_high: bool) -> None:
    pins = EmulatedPins()
    driver, chip = wired(Options(pin=24, active_high=active_high), pins)
    driver.write(True)
    pins.close()
    assert not chip.sounding()
    with pytest.raises(BusError):
        driver.write(True)
    with pytest.raises(BusError):
        driver.read()


def test_a_broken_buzzer_is_silent_while_its_pin_reads_on() -> None:
    driver, chip = wired(Options(pin=24))
    chip.broken = True
    driver.write(True)
    assert not chip.sounding()
    assert driver.read()["state"].value is True
