"""GPIO pins through gpiozero, which is handed its pin factory and never picks one by itself.

Real pins come from gpiozero's default factory (lgpio, else what it finds) for now; a factory on
gpiod follows, which needs no library outside PyPI. Emulated pins are gpiozero's own mock pins.
gpiozero costs 11 MB of memory: it is imported when the first bus of pins is opened.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Literal

from drivers.base import BusError, OutputPin, WrongDevice

if TYPE_CHECKING:
    from gpiozero import Factory, GPIODevice, OutputDevice
    from gpiozero.pins.mock import MockPin

Pull = Literal["up", "down", "none"]
_PULL_UP = {"up": True, "down": False, "none": None}


class Pins:
    """The pins of one board; every line is given back by `close()`, not before."""

    def __init__(self, factory: "Factory") -> None:
        self._factory = factory
        self._devices: dict[int, GPIODevice] = {}
        self._telling = Lock()
        self._closed = False

    def output(self, pin: int, *, active_high: bool, initial: bool) -> OutputPin:
        """Claim an output that is on (`initial`) or off from its first moment, without a glitch.

        What is returned writes and reads levels: True is high whatever `active_high` says.
        Raises WrongDevice for a pin that is taken or does not exist, BusError for the rest.
        """
        from gpiozero import OutputDevice

        level = initial == active_high
        with _translated(pin):
            device = OutputDevice(pin, initial_value=level, pin_factory=self._factory)
        self._devices[pin] = device
        return _Output(pin, device)

    def watch(self, pin: int, pull: Pull, changed: Callable[[bool], None]) -> None:
        """Call `changed` with the level now, in this thread, and at each change, in gpiozero's.

        `changed` must be quick and must not raise. Raises as `output()`.
        """
        from gpiozero import DigitalInputDevice

        pull_up = _PULL_UP[pull]
        with _translated(pin):
            device = DigitalInputDevice(
                pin,
                pull_up=pull_up,
                active_state=True if pull_up is None else None,
                pin_factory=self._factory,
            )
        self._devices[pin] = device
        self._pulled(pin)
        active_level = not pull_up

        # One lock around reading and telling, or an edge in between would be told first and
        # then overwritten by the older level.
        def tell(level: bool | None = None) -> None:
            with self._telling:
                if not self._closed and self._devices.get(pin) is device:
                    changed(bool(device.pin.state) if level is None else level)

        device.when_activated = partial(tell, active_level)
        device.when_deactivated = partial(tell, not active_level)
        tell()

    def release(self, pin: int) -> None:
        """Give one line back: an output becomes an input, so its load is de-energised."""
        with self._telling:
            device = self._devices.pop(pin, None)
        if device is not None:
            device.close()

    def close(self) -> None:
        """Give all lines back: outputs become inputs, so their loads are de-energised."""
        with self._telling:
            self._closed = True
        for device in self._devices.values():
            device.close()
        self._devices.clear()
        # A closed device keeps its line until its factory closes.
        self._factory.close()

    def _pulled(self, pin: int) -> None:
        """The resistor of an input has been set."""


class EmulatedPins(Pins):
    """Pins in the air; chips hang on the far end of their wires."""

    def __init__(self) -> None:
        from gpiozero.pins.mock import MockFactory, MockPin

        self._mock = MockFactory(pin_class=MockPin)
        self._lines: dict[int, Line] = {}
        super().__init__(self._mock)

    def line(self, pin: int) -> "Line":
        """The wire to `pin`, before or after it is claimed; raises WrongDevice."""
        if pin not in self._lines:
            with _translated(pin):
                self._lines[pin] = Line(self._mock.pin(pin))
        return self._lines[pin]

    def _pulled(self, pin: int) -> None:
        self.line(pin).hold()


class Line:
    """The far end of the wire to an emulated pin."""

    def __init__(self, pin: "MockPin") -> None:
        self._pin = pin
        self._driven: bool | None = None

    @property
    def function(self) -> str:
        """`output` while the gateway drives the pin, else `input`."""
        return self._pin.function

    @property
    def state(self) -> bool:
        """The level on the wire; True is high."""
        return self._pin.state

    def drive_high(self) -> None:
        self._driven = True
        self._pin.drive_high()

    def drive_low(self) -> None:
        self._driven = False
        self._pin.drive_low()

    def hold(self) -> None:
        """Go on driving: a resistor does not move a driven wire, though it moves a mock pin."""
        if self._driven is True:
            self._pin.drive_high()
        elif self._driven is False:
            self._pin.drive_low()


def linux_pins() -> Pins:
    """The pins of this machine; raises BusError when it has none."""
    from gpiozero import Device
    from gpiozero.exc import PinFactoryFallback

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PinFactoryFallback)
        try:
            Device.ensure_pin_factory()
        except (ImportError, OSError, RuntimeError) as error:
            raise BusError(
                f"no GPIO pins here: {error}; on a Raspberry Pi: apt install python3-lgpio"
            ) from error
    factory, Device.pin_factory = Device.pin_factory, None
    if factory is None:
        raise BusError("no GPIO pins here: gpiozero found no pin factory")
    return Pins(factory)


class _Output:
    """An `OutputPin` over a gpiozero device that is active high: its value is the level."""

    def __init__(self, pin: int, device: "OutputDevice") -> None:
        self._pin = pin
        self._device = device

    def write(self, value: bool) -> None:
        with _translated(self._pin):
            self._device.value = value

    def read(self) -> bool:
        with _translated(self._pin):
            return bool(self._device.value)


@contextmanager
def _translated(pin: int) -> Iterator[None]:
    """Turn gpiozero's errors into ours, by who must act."""
    from gpiozero.exc import GPIOPinInUse, GPIOZeroError, PinFixedPull, PinInvalidPin

    try:
        yield
    except (GPIOPinInUse, PinFixedPull, PinInvalidPin) as error:
        raise WrongDevice(f"pin {pin}: {error}: choose another pin in the config") from error
    except (GPIOZeroError, OSError) as error:
        raise BusError(f"pin {pin}: {error}") from error
