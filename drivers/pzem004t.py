"""Peacefair PZEM-004T v3 (10 A and 100 A): mains voltage, current, power, energy over serial.

Manual: PZEM-004T V3.0 User Manual (ranges, register table, Modbus RTU at 9600 8N1). The measured
mains powers the side that measures, so a meter without mains is silent; its opto-couplers need
5 V on the side of the board. Registers of two words have the low word first.
Tested: the emulated meter, and pymodbus as the slave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from drivers.base import CorruptData, Metric, Sample, Samples, Serial, Sleep
from drivers.framing.modbus import GENERAL_ADDRESS, INPUT_REGISTERS, read_registers

BUS = "serial"
ROLE = "polled"

_ADDRESS_MAX = 247
_REGISTERS = 10
_OVERLOAD = 9
_OVERLOADS = {0x0000: False, 0xFFFF: True}


class _Row(NamedTuple):
    """One line of the manual's register table."""

    metric: str
    register: int
    words: int
    per_unit: int  # counts in one unit of the metric


_TABLE = (
    _Row("voltage", 0, 1, 10),
    _Row("current", 1, 2, 1000),
    _Row("power", 3, 2, 10),
    _Row("energy", 5, 2, 1),
    _Row("frequency", 7, 1, 10),
    _Row("power_factor", 8, 1, 100),
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: pzem004t`."""

    address: int = GENERAL_ADDRESS  # as delivered: answers whoever is alone on the line

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not 1 <= self.address <= _ADDRESS_MAX and self.address != GENERAL_ADDRESS:
            raise ValueError(
                f"address: got {self.address}, expected 1 to {_ADDRESS_MAX}, or "
                f"0x{GENERAL_ADDRESS:02x} for a meter that is alone on its line"
            )

    @property
    def alone(self) -> bool:
        """Whether nobody else can be on the line."""
        return self.address == GENERAL_ADDRESS


class Driver:
    """One meter; `read()` blocks for 60 ms, or 0.5 s when it does not answer."""

    METRICS: ClassVar[tuple[Metric, ...]] = (
        Metric("voltage", "V", 80.0, 260.0, precision=1, secondary=True),
        Metric("current", "A", 0.0, 100.0, precision=3, secondary=True),
        Metric("power", "W", 0.0, 23_000.0, precision=1),
        Metric("energy", "W.h", 0.0, 9_999_990.0, precision=0, secondary=True),
        Metric("frequency", "Hz", 45.0, 65.0, precision=1, secondary=True),
        Metric("power_factor", "1", 0.0, 1.0, secondary=True),
        Metric("overload", "1", kind="boolean", secondary=True),
    )

    def __init__(self, bus: Serial, options: Options, sleep: Sleep) -> None:
        del sleep  # the meter measures all the time
        self._line = bus
        self._address = options.address

    def read(self) -> Samples:
        """All registers in one frame; raises BusError, CorruptData or WrongDevice.

        `overload` is the meter's own threshold of power, which the manual calls its alarm.
        """
        words = read_registers(self._line, self._address, INPUT_REGISTERS, 0, _REGISTERS)
        overload = words[_OVERLOAD]
        if overload not in _OVERLOADS:
            raise CorruptData(f"alarm status 0x{overload:04x} is neither 0x0000 nor 0xffff")
        samples = {row.metric: _sample(row, words) for row in _TABLE}
        samples["overload"] = Sample(_OVERLOADS[overload], raw=overload)
        return samples


def _sample(row: _Row, words: Sequence[int]) -> Sample:
    part = words[row.register : row.register + row.words]
    raw = sum(word << 16 * place for place, word in enumerate(part))
    return Sample(raw / row.per_unit, raw=raw)
