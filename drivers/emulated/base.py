"""What emulated chips share: how they feel the kitchen, and the ways they can break."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# quantity ("temperature", "humidity", "open") -> what it is just now where the chip is mounted
Feel = Callable[[str], float | bool]


@dataclass(slots=True)
class Faults:
    """Switches of a chip; each may be turned while the kitchen runs."""

    silent: bool = False  # does not acknowledge, as if unplugged
    stuck: bool = False  # goes on showing what it showed last
    corrupt_bit: int | None = None  # flips this bit of the next answer, once
    hang: Callable[[], object] | None = None  # called in every transfer; it may block


class InputLine(Protocol):
    """The far end of a wire to an input pin."""

    def drive_high(self) -> None: ...
    def drive_low(self) -> None: ...


class OutputLine(Protocol):
    """The far end of a wire from an output pin."""

    @property
    def function(self) -> str:
        """`output` while the host drives the pin."""

    @property
    def state(self) -> float | bool:
        """The level on the wire; true is high."""


class Switched(Protocol):
    """The settings of a device on an output pin that are wiring."""

    @property
    def active_high(self) -> bool: ...


class Load:
    """Something that is powered by an output pin."""

    def __init__(self, options: Switched, line: OutputLine) -> None:
        self._active_high = options.active_high
        self._line = line

    def powered(self) -> bool:
        """Whether the pin powers it; a pin nobody drives does not."""
        return self._line.function == "output" and bool(self._line.state) == self._active_high
