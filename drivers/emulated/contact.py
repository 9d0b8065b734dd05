"""A switch on the far end of the wire of a `contact`."""

from typing import Protocol

from drivers.emulated.base import Faults, Feel, InputLine


class Options(Protocol):
    """What of the device's settings is wiring."""

    @property
    def open_is(self) -> str: ...
    @property
    def pull(self) -> str: ...


class Chip:
    """One contact; `step()` puts the line where the felt quantity `open` says, as at start."""

    def __init__(self, options: Options, feel: Feel, line: InputLine) -> None:
        self.faults = Faults()  # silent: the cable is cut
        self.bounces = 0  # extra closures of the contact at each change
        self._options = options
        self._feel = feel
        self._line = line
        self._level: bool | None = None
        self.step()

    def step(self) -> None:
        """Drive the line; call it at least ten times a second of kitchen time."""
        if self.faults.silent:
            self._pulled()
            return
        level = self._wanted()
        if level != self._level:
            for _ in range(self.bounces):
                self._drive(level)
                self._drive(not level)
        self._level = level
        self._drive(level)

    def _wanted(self) -> bool:
        if self.faults.stuck and self._level is not None:
            return self._level
        return bool(self._feel("open")) == (self._options.open_is == "high")

    def _pulled(self) -> None:
        """Where the resistor takes a cut wire; without one it floats, here: stays."""
        if self._options.pull != "none":
            self._drive(self._options.pull == "up")

    def _drive(self, level: bool) -> None:
        if level:
            self._line.drive_high()
        else:
            self._line.drive_low()
