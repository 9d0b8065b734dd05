"""The bus of pins: levels, polarity, edges, claims and giving back."""

import pytest

from drivers.base import WrongDevice
from gateway.buses.gpio import EmulatedPins, Pull


@pytest.mark.parametrize(
    ("active_high", "initial", "level"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, False)],
)
def test_an_output_starts_at_its_level_without_a_glitch(
    active_high: bool, initial: bool, level: bool
) -> None:
    pins = EmulatedPins()
    states = pins._mock.pin(5)
    pin = pins.output(5, active_high=active_high, initial=initial)
    assert pin.read() is level
    assert [state.state for state in states.states][-1] is level
    assert len(states.states) <= 2


def test_an_output_speaks_levels_whatever_its_polarity() -> None:
    pins = EmulatedPins()
    pin = pins.output(5, active_high=False, initial=False)
    pin.write(False)
    assert pins.line(5).state is False
    assert pin.read() is False


@pytest.mark.parametrize(("pull", "idle"), [("up", True), ("down", False), ("none", False)])
def test_a_watch_tells_the_level_at_start_and_every_change(pull: Pull, idle: bool) -> None:
    pins = EmulatedPins()
    seen: list[bool] = []
    pins.watch(17, pull, seen.append)
    assert seen == [idle]
    line = pins.line(17)
    for _ in range(2):
        line.drive_low()
        line.drive_high()
    changes = [True, False, True] if not idle else [False, True, False, True]
    assert seen[1:] == (changes if idle else [True, False, True])


def test_nothing_is_told_after_closing() -> None:
    pins = EmulatedPins()
    seen: list[bool] = []
    line = pins.line(17)
    pins.watch(17, "up", seen.append)
    pins.close()
    line.drive_low()
    assert seen == [True]


def test_a_pin_can_be_claimed_once_until_the_pins_are_closed() -> None:
    pins = EmulatedPins()
    pins.watch(17, "up", lambda _level: None)
    with pytest.raises(WrongDevice, match=r"pin 17.*in use"):
        pins.output(17, active_high=True, initial=False)
    pins.close()
    again = EmulatedPins()
    assert again.output(17, active_high=True, initial=False).read() is False


def test_a_pin_that_does_not_exist_names_who_must_act() -> None:
    pins = EmulatedPins()
    with pytest.raises(WrongDevice, match=r"pin 99.*config"):
        pins.output(99, active_high=True, initial=False)
    with pytest.raises(WrongDevice, match="pin 99"):
        pins.watch(99, "up", lambda _level: None)
    with pytest.raises(WrongDevice, match="pin 99"):
        pins.line(99)


def test_a_pin_with_a_soldered_resistor_refuses_the_other_pull() -> None:
    with pytest.raises(WrongDevice, match="pin 2"):
        EmulatedPins().watch(2, "down", lambda _level: None)
