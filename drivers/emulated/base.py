"""What emulated chips share: how they feel the kitchen, and the ways they can break."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.base import BusError

# quantity ("temperature", "humidity", "open") -> what it is just now where the chip is mounted
Feel = Callable[[str], float | bool]


@dataclass(slots=True)
class Faults:
    """Switches of a chip; each may be turned while the kitchen runs."""

    silent: bool = False  # does not acknowledge, as if unplugged
    stuck: bool = False  # goes on showing what it showed last
    corrupt_bit: int | None = None  # flips this bit of the next answer, once
    hang: Callable[[], object] | None = None  # called in every transfer; it may block


class I2CChip:
    """A chip on a two-wire bus, and what its faults do to a transfer.

    Whoever was silent was without power, and has forgotten what only power kept.
    """

    def __init__(self, address: int) -> None:
        self.address = address
        self.faults = Faults()
        self._powered = True

    def power_up(self) -> None:
        """Begin anew, as after a loss of power."""

    def _transfer(self) -> None:
        """Begin a transfer; raises BusError while nobody is there."""
        if self.faults.hang is not None:
            self.faults.hang()
        if self.faults.silent:
            self._powered = False
            raise BusError("no acknowledge: nobody there")
        if not self._powered:
            self._powered = True
            self.power_up()

    def _corrupted(self, answer: bytes) -> bytes:
        bit, self.faults.corrupt_bit = self.faults.corrupt_bit, None
        if bit is None or not answer:
            return answer
        size = 8 * len(answer)
        flipped = int.from_bytes(answer, "big") ^ (1 << (size - 1 - bit % size))
        return flipped.to_bytes(len(answer), "big")


def sensirion_word(value: int) -> bytes:
    """Two bytes and their CRC-8.

    A long division by x8 + x5 + x4 + 1 here and a shift register in the drivers, so that the two
    cannot share a mistake.
    """
    rest = (value ^ 0xFF00) << 8  # the start value 0xFF
    for place in range(23, 7, -1):
        if rest >> place & 1:
            rest ^= 0b1_0011_0001 << (place - 8)
    return value.to_bytes(2, "big") + bytes([rest])


def ticks(share: float) -> int:
    """The 16 bits for a share of full scale; a converter saturates at both ends."""
    return round(min(1.0, max(0.0, share)) * 0xFFFF)


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
