"""Sensirion SHT30, SHT31 and SHT35: temperature and relative humidity over I2C.

Datasheet: Sensirion SHT3x-DIS (single shot without clock stretching, status register, checksum,
conversion of the signal output). Clock stretching is never used: BCM283x hosts break it.
Tested: the emulated chip only.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from drivers.base import (
    CorruptData,
    I2CBus,
    Metric,
    Reason,
    Sample,
    Samples,
    Sleep,
    WrongDevice,
    checked_words,
)

BUS = "i2c"
ROLE = "polled"

# repeatability -> (command without clock stretching, longest conversion in seconds)
_MEASURE = {
    "high": (b"\x24\x00", 0.0155),
    "medium": (b"\x24\x0b", 0.0065),
    "low": (b"\x24\x16", 0.0045),
}
_READ_STATUS = b"\xf3\x2d"
_WORD = 3  # two bytes and their checksum
_FULL_SCALE = 2**16 - 1
_IDENTIFY_TRIES = 2  # one wrong checksum may be noise; two in a row are another chip


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: sht3x`."""

    address: Literal[0x44, 0x45] = 0x44  # pin ADDR low, high
    repeatability: Literal["high", "medium", "low"] = "high"


class Driver:
    """One sensor; `read()` blocks for one conversion, at most 15.5 ms and three transfers."""

    METRICS: ClassVar[tuple[Metric, ...]] = (
        Metric("temperature", "Cel", -40.0, 125.0),
        Metric("humidity", "%", 0.0, 100.0),
    )

    def __init__(self, bus: I2CBus, options: Options, sleep: Sleep) -> None:
        self._bus = bus
        self._address = options.address
        self._command, self._conversion_s = _MEASURE[options.repeatability]
        self._sleep = sleep
        self._identified = False

    def read(self) -> Samples:
        """Measure once; raises BusError, CorruptData or, before the first value, WrongDevice.

        One wrong checksum fails its own metric only; two wrong ones fail the frame.
        """
        if not self._identified:
            self._identify()
        self._bus.write(self._address, self._command)
        self._sleep(self._conversion_s)
        frame = self._bus.read(self._address, 2 * _WORD)
        temperature_raw, humidity_raw = checked_words(frame, 2)
        return {
            "temperature": _sample(temperature_raw, offset=-45.0, span=175.0),
            "humidity": _sample(humidity_raw, offset=0.0, span=100.0),
        }

    def _identify(self) -> None:
        """Ask for the status register, which nothing else here answers with a right checksum."""
        answer = b""
        for _ in range(_IDENTIFY_TRIES):
            self._bus.write(self._address, _READ_STATUS)
            answer = self._bus.read(self._address, _WORD)
            try:
                checked_words(answer, 1)
            except CorruptData:
                continue
            self._identified = True
            return
        raise WrongDevice(
            f"what answers at 0x{self._address:02x} is no SHT3x (status {answer.hex(' ')}): "
            "check which sensor is wired there and the address in the config"
        )


def _sample(raw: int | None, *, offset: float, span: float) -> Sample:
    if raw is None:
        return Sample(None, Reason.SENSOR_FAILURE)
    return Sample(offset + span * raw / _FULL_SCALE, raw=raw)
