"""GPIO pins through gpiozero, which is handed its pin factory and never picks one by itself.

Real pins come from our own factory over the kernel's character device (`gpiod.py` beside this).
Emulated pins are gpiozero's own mock pins.
gpiozero costs 11 MB of memory: it is imported when the first bus of pins is opened.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

from drivers.base import BusError, DriverError, OutputPin, WrongDevice
from gateway.buses.kinds import Ear, Host, Mount

if TYPE_CHECKING:
    from gpiozero import Factory, GPIODevice, OutputDevice
    from gpiozero.pins.mock import MockPin

Pull = Literal["up", "down", "none"]
_PULL_UP = {"up": True, "down": False, "none": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a bus of kind `gpio`."""

    chip: str = ""

    def __post_init__(self) -> None:
        if not self.chip:
            raise ValueError('"chip" is missing, such as pinctrl-bcm2711')

    @property
    def wire(self) -> str:
        return self.chip


class Wired(Protocol):
    """What of any device's settings is wiring."""

    @property
    def pin(self) -> int: ...


class Watched(Wired, Protocol):
    """What of a pushed device's settings is wiring."""

    @property
    def pull(self) -> Pull: ...


class Switched(Wired, Protocol):
    """What of an acting device's settings is wiring."""

    @property
    def active_high(self) -> bool: ...


class Pins:
    """The pins of one board; every line is given back by `close()`, not before."""

    def __init__(self, factory: "Factory") -> None:
        self._factory = factory
        self._devices: dict[int, GPIODevice] = {}
        self._ears: dict[int, Callable[[DriverError], object]] = {}
        self._telling = Lock()
        self._closed = False

    def claim(self, options: Switched, *, initial: bool) -> OutputPin:
        """As `output()`, for a device that acts."""
        return self.output(options.pin, active_high=options.active_high, initial=initial)

    def listen(self, options: Watched, ear: Ear) -> None:
        """As `watch()`, for a device that speaks by itself; call it on the loop."""
        loop = asyncio.get_running_loop()
        self._ears[options.pin] = lambda error: loop.call_soon_threadsafe(ear.fail, error)
        try:
            ear.reads(self.watch(options.pin, options.pull, ear.edges()))
        except DriverError as error:
            ear.fail(error)

    def lost(self, pin: int, error: OSError) -> None:
        """Tell who listens that a pin can no longer be read; may be called in any thread."""
        tell = self._ears.get(pin)
        if tell is not None and not self._closed:
            with suppress(RuntimeError):  # the loop has closed: nobody listens any more
                tell(BusError(f"pin {pin}: {error}"))

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

    def watch(self, pin: int, pull: Pull, changed: Callable[[bool], None]) -> Callable[[], bool]:
        """Call `changed` with the level now, in this thread, and at each change, in gpiozero's.

        `changed` must be quick and must not raise. What is returned reads the level, at once, and
        raises BusError. Raises as `output()`.
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

        def level() -> bool:
            with _translated(pin):
                return bool(device.pin.state)

        return level

    def release(self, options: Wired) -> None:
        """Give one line back: an output becomes an input, so its load is de-energised."""
        with self._telling:
            device = self._devices.pop(options.pin, None)
        self._ears.pop(options.pin, None)
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

    def mount(self, make: Callable[..., Any], mount: Mount) -> Any:  # noqa: ANN401 - as many classes as drivers
        """Hang a new chip on its wire; raises WrongDevice for a pin that does not exist."""
        line = self.line(mount.options.pin)
        if mount.acting:
            return make(mount.options, line)
        return make(mount.options, mount.feel, line)

    def dismount(self, options: Wired) -> None:
        """The wire stays, whatever hung on it."""

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


def open_bus(options: Options, host: Host) -> Pins:
    """The pins of this machine's chip of that label; raises BusError when there is none."""
    try:
        from gateway.buses.gpiod import GpiodFactory
    except ModuleNotFoundError as error:
        raise BusError(f"no GPIO pins: {error}; set the gateway up again") from error

    factory = GpiodFactory(options.chip, host.clock.monotonic_ms)
    pins = Pins(factory)
    factory.on_lost = pins.lost
    return pins


def emulate_bus(_host: Host) -> EmulatedPins:
    """Pins in the air."""
    return EmulatedPins()


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
