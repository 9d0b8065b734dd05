"""Maxim DS18B20: temperature of a cold room or freezer, as a probe on a 1-Wire cable.

Datasheet: DS18B20 Rev 6 (temperature and configuration register, scratchpad, CRC-8, power-on
value). The kernel's w1_therm converts and reads the scratchpad; its file `w1_slave` shows the nine
bytes. Three answers look good and are not:

- `+85.0`: what the register holds at power-on, so what a probe shows whose supply broke down while
  it converted. Byte 6 tells most of them: 0x0C at power-on, 0x10 after a conversion to 85.0 (as
  the kernel's own check in w1_therm has it); clones differ. So 85.0 counts only without that
  signature and within 5 K of the last good value; a probe that truly stands at 85 Cel is a
  sixteenth of a degree off it soon.
- All zeros have the right checksum: a wire that is shorted to ground. The bits of the
  configuration register that are always 1 tell.
- After a wrong checksum the second line repeats the last good value: only the first line counts.

Tested: the emulated probe only.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from drivers.base import CorruptData, Metric, OneWire, Sample, Samples, Sleep

BUS = "onewire"
ROLE = "polled"
DEADLINE_S = 10.0  # all probes of a bus convert one after another, about a second each

_FILE = "w1_slave"
_ADDRESS = re.compile(r"28-[0-9a-f]{12}")  # family code of the DS18B20, then its number
_LINES = re.compile(
    rb"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\n(?:[0-9a-f]{2} ){9}t=-?[0-9]+\n?"
)
_POLYNOMIAL = 0x8C  # x8 + x5 + x4 + 1, reflected
_PER_DEGREE = 16
_POWER_ON_RAW = 0x0550  # +85 Cel
_POWER_ON_BYTE_6 = 0x0C
_BELIEVED_K = 5.0  # how far 85.0 may be from the value before it
_FIXED, _FIXED_BITS = 0x9F, 0x1F  # configuration register: 0 R1 R0 1 1 1 1 1
_SHOWN_MAX = 80


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: ds18b20`."""

    address: str  # as the kernel names its folder

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not _ADDRESS.fullmatch(self.address):
            raise ValueError(
                f'address: got "{self.address[:40]}", expected the name of its folder in '
                '/sys/bus/w1/devices, such as "28-0000075a1b2c"'
            )


class Driver:
    """One probe; `read()` blocks for its conversion, 0.75 s to 3 s with the kernel's retries."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("temperature", "Cel", -55.0, 125.0),)

    def __init__(self, bus: OneWire, options: Options, sleep: Sleep) -> None:
        del sleep  # the kernel waits
        self._bus = bus
        self._address = options.address
        self._last: float | None = None  # last value that was believed

    def read(self) -> Samples:
        """Measure once; raises BusError for a probe that is gone, CorruptData for the rest."""
        scratchpad = _scratchpad(self._bus.read(self._address, _FILE))
        raw = int.from_bytes(scratchpad[:2], "little", signed=True)
        unused = 3 - (scratchpad[4] >> 5 & 3)  # low bits that fewer than 12 leave undefined
        value = (raw >> unused << unused) / _PER_DEGREE
        if raw == _POWER_ON_RAW and not self._believable(value, scratchpad):
            raise CorruptData(
                "85.0 is what it shows after power-on: check supply and cable "
                f"({scratchpad.hex(' ')})"
            )
        self._last = value
        return {"temperature": Sample(value, raw=raw)}

    def _believable(self, value: float, scratchpad: bytes) -> bool:
        if scratchpad[6] == _POWER_ON_BYTE_6 or self._last is None:
            return False
        return abs(value - self._last) <= _BELIEVED_K


def checksum(data: bytes) -> int:
    """CRC-8 of the datasheet (Dallas, Maxim): x8 + x5 + x4 + 1, start 0, reflected."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc


def _scratchpad(text: bytes) -> bytes:
    """The nine bytes of a good reading; raises CorruptData."""
    if not text:
        raise CorruptData("the kernel's file is empty: the probe did not answer; check its cable")
    lines = _LINES.fullmatch(text)
    if lines is None:
        raise CorruptData(f"no answer of w1_therm: {text[:_SHOWN_MAX]!r}")
    scratchpad = bytes.fromhex(lines[1].decode("ascii"))
    if lines[2] != b"YES" or checksum(scratchpad[:8]) != scratchpad[8]:
        raise CorruptData(f"wrong checksum: {scratchpad.hex(' ')}")
    if scratchpad[4] & _FIXED != _FIXED_BITS:
        raise CorruptData(f"no scratchpad of a DS18B20, is the wire shorted? {scratchpad.hex(' ')}")
    return scratchpad
