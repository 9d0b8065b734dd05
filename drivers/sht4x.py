"""Sensirion SHT40, SHT41 and SHT45: temperature and relative humidity over I2C.

Datasheet: Sensirion SHT4x (measurement with high precision, serial number, checksum, conversion of
the signal output). The heater is never used: it would warm what is measured.
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

_MEASURE = b"\xfd"  # high precision
_READ_SERIAL = b"\x89"
_FRAME = 6  # two words with their checksums, whatever was asked
_CONVERSION_S = 0.010  # at most 8.3 ms by the datasheet
_FULL_SCALE = 2**16 - 1
_IDENTIFY_TRIES = 2  # a wrong checksum may be noise; twice in a row it is another chip


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: sht4x`."""

    address: Literal[0x44, 0x45, 0x46] = 0x44  # SHT4x-A, -B, -C: fixed when the chip was bought


class Driver:
    """One sensor; `read()` blocks for one conversion, 10 ms, and the first one for two."""

    METRICS: ClassVar[tuple[Metric, ...]] = (
        Metric("temperature", "Cel", -40.0, 125.0),
        Metric("humidity", "%", 0.0, 100.0),
    )

    def __init__(self, bus: I2CBus, options: Options, sleep: Sleep) -> None:
        self._bus = bus
        self._address = options.address
        self._sleep = sleep
        self._identified = False

    def read(self) -> Samples:
        """Measure once; raises BusError, CorruptData or, before the first value, WrongDevice.

        One wrong checksum fails its own metric only; two wrong ones fail the frame.
        """
        if not self._identified:
            self._identify()
        temperature_raw, humidity_raw = checked_words(self._ask(_MEASURE), 2)
        return {"temperature": _temperature(temperature_raw), "humidity": _humidity(humidity_raw)}

    def _identify(self) -> None:
        """Ask for the serial number: two words that must both have a right checksum."""
        answer = b""
        for _ in range(_IDENTIFY_TRIES):
            answer = self._ask(_READ_SERIAL)
            try:
                sound = None not in checked_words(answer, 2)
            except CorruptData:
                continue
            if sound:
                self._identified = True
                return
        raise WrongDevice(
            f"what answers at 0x{self._address:02x} is no SHT4x (serial number {answer.hex(' ')}): "
            "check which sensor is wired there and the address in the config"
        )

    def _ask(self, command: bytes) -> bytes:
        self._bus.write(self._address, command)
        self._sleep(_CONVERSION_S)
        return self._bus.read(self._address, _FRAME)


def _temperature(raw: int | None) -> Sample:
    if raw is None:
        return Sample(None, Reason.SENSOR_FAILURE)
    return Sample(-45.0 + 175.0 * raw / _FULL_SCALE, raw=raw)


def _humidity(raw: int | None) -> Sample:
    """The datasheet asks to crop: the scale goes from -6 to 119 % so that its ends are exact."""
    if raw is None:
        return Sample(None, Reason.SENSOR_FAILURE)
    return Sample(min(100.0, max(0.0, -6.0 + 125.0 * raw / _FULL_SCALE)), raw=raw)
