"""Bosch BME280: temperature, relative humidity and air pressure over I2C.

Datasheet: Bosch BST-BME280-DS002 (memory map, forced mode, calibration, compensation in double
precision). Forced mode, so that it does not warm itself between two reads.
Tested: the emulated chip only.
"""

import struct
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from drivers.base import (
    CorruptData,
    I2CBus,
    Metric,
    Reason,
    Sample,
    Samples,
    Sleep,
    WrongDevice,
)

BUS = "i2c"
ROLE = "polled"

# registers
_CALIBRATION_LOW, _CALIBRATION_LOW_SIZE = 0x88, 26  # T1 to P9, one unused byte, H1
_CALIBRATION_HIGH, _CALIBRATION_HIGH_SIZE = 0xE1, 7  # H2 to H6
_CHIP_ID = 0xD0
_CTRL_HUM, _STATUS, _CTRL_MEAS = 0xF2, 0xF3, 0xF4
_DATA, _DATA_SIZE = 0xF7, 8

_BME280 = 0x60
_RELATIVES = {
    0x55: "a BMP180", 0x56: "a BMP280", 0x57: "a BMP280", 0x58: "a BMP280", 0x61: "a BME680",
}  # fmt: skip
_HUMIDITY_ONCE = 0x01  # no oversampling; also tells that the chip has kept its power
_FORCED_ONCE = 0b001_001_01  # temperature and pressure without oversampling, measure once
_MODE = 0b11  # of _CTRL_MEAS; 0 is asleep, so the measurement is done
_COPYING = 0x01  # of _STATUS: the calibration is on its way from its memory
_MEASURE_S = 0.010  # at most 9.3 ms: 1.25 + 2.3 + 2 * (2.3 + 0.575)
_MORE_S = 0.002
_MORE_TRIES = 3
_SKIPPED_20, _SKIPPED_16 = 0x80000, 0x8000  # what a channel says that did not measure
_CROPPED = 10.0  # % beyond 0 and 100 that is taken for the end itself; more is no humidity
_IDENTIFY_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: bme280`."""

    address: Literal[0x76, 0x77] = 0x76  # pin SDO low, high


class Calibration(NamedTuple):
    """What the maker measured of this one chip, by the names of the datasheet."""

    t1: int
    t2: int
    t3: int
    p1: int
    p2: int
    p3: int
    p4: int
    p5: int
    p6: int
    p7: int
    p8: int
    p9: int
    h1: int
    h2: int
    h3: int
    h4: int
    h5: int
    h6: int


class Driver:
    """One sensor; `read()` blocks for one measurement, 10 to 14 ms."""

    METRICS: ClassVar[tuple[Metric, ...]] = (
        Metric("temperature", "Cel", -40.0, 85.0),
        Metric("humidity", "%", 0.0, 100.0),
        Metric("pressure", "hPa", 300.0, 1100.0),
    )

    def __init__(self, bus: I2CBus, options: Options, sleep: Sleep) -> None:
        self._bus = bus
        self._address = options.address
        self._sleep = sleep
        self._calibration: Calibration | None = None

    def read(self) -> Samples:
        """Measure once; raises BusError, CorruptData or, before the first value, WrongDevice.

        There is no checksum on this wire: a frame with bits that are always 0 set, or with a
        temperature the sensor cannot have, fails all three metrics.
        """
        calibration = self._known()
        self._write(_CTRL_HUM, _HUMIDITY_ONCE)
        self._write(_CTRL_MEAS, _FORCED_ONCE)
        self._sleep(_MEASURE_S)
        self._wait_for_sleep()
        return _samples(self._registers(_DATA, _DATA_SIZE), calibration)

    def _known(self) -> Calibration:
        """The calibration, read anew when the chip no longer has what was written to it.

        It has lost its power then, and another one may have been put in.
        """
        if self._calibration is None or self._registers(_CTRL_HUM, 1)[0] != _HUMIDITY_ONCE:
            self._calibration = None
            self._identify()
            self._calibration = self._read_calibration()
        return self._calibration

    def _identify(self) -> None:
        chip_id = 0
        for _ in range(_IDENTIFY_TRIES):
            chip_id = self._registers(_CHIP_ID, 1)[0]
            if chip_id == _BME280:
                return
        relative = _RELATIVES.get(chip_id, "another chip")
        raise WrongDevice(
            f"what answers at 0x{self._address:02x} is no BME280 but {relative} "
            f"(chip id 0x{chip_id:02x}): check which sensor is wired there and the driver"
        )

    def _read_calibration(self) -> Calibration:
        """Read twice: nothing guards it, and a flipped bit would falsify every later value."""
        self._wait_while(_STATUS, _COPYING, "its calibration is not copied")
        first, second = self._calibration_bytes(), self._calibration_bytes()
        if first != second:
            raise CorruptData("its calibration was read twice and differs: the bus is disturbed")
        calibration = unpacked(*first)
        empty = len(set(first[0])) == 1  # nothing but zeros or ones
        if empty or 0 in {calibration.t1, calibration.t2, calibration.p1, calibration.h2}:
            raise CorruptData(f"its calibration is empty: {first[0].hex(' ')}")
        return calibration

    def _calibration_bytes(self) -> tuple[bytes, bytes]:
        low = self._registers(_CALIBRATION_LOW, _CALIBRATION_LOW_SIZE)
        return low, self._registers(_CALIBRATION_HIGH, _CALIBRATION_HIGH_SIZE)

    def _wait_for_sleep(self) -> None:
        self._wait_while(_CTRL_MEAS, _MODE, "the measurement does not end")

    def _wait_while(self, register: int, bits: int, trouble: str) -> None:
        for _ in range(_MORE_TRIES):
            if not self._registers(register, 1)[0] & bits:
                return
            self._sleep(_MORE_S)
        raise CorruptData(trouble)

    def _write(self, register: int, value: int) -> None:
        self._bus.write(self._address, bytes([register, value]))

    def _registers(self, first: int, size: int) -> bytes:
        self._bus.write(self._address, bytes([first]))
        answer = self._bus.read(self._address, size)
        if len(answer) != size:
            raise CorruptData(f"{len(answer)} bytes, not {size}: {answer.hex(' ')}")
        return answer


def unpacked(low: bytes, high: bytes) -> Calibration:
    """The calibration from its two parts; H4 and H5 are 12 signed bits that share a byte."""
    h2, h3, h4_high, shared, h5_high, h6 = struct.unpack("<hBbBbb", high)
    h4 = h4_high << 4 | shared & 0x0F
    h5 = h5_high << 4 | shared >> 4
    t_to_h1 = struct.unpack("<HhhHhhhhhhhhxB", low)
    return Calibration._make((*t_to_h1, h2, h3, h4, h5, h6))


def temperature_fine(raw: int, c: Calibration) -> float:
    """The temperature in 1/5120 °C, as the other two need it."""
    linear = (raw / 16384.0 - c.t1 / 1024.0) * c.t2
    offset = raw / 131072.0 - c.t1 / 8192.0
    return linear + offset * offset * c.t3


def pressure_hpa(raw: int, fine: float, c: Calibration) -> float | None:
    """Compensated pressure; None where the formula has no value."""
    warm = fine / 2.0 - 64000.0
    offset = warm * warm * c.p6 / 32768.0 + warm * c.p5 * 2.0
    offset = offset / 4.0 + c.p4 * 65536.0
    slope = (c.p3 * warm * warm / 524288.0 + c.p2 * warm) / 524288.0
    slope = (1.0 + slope / 32768.0) * c.p1
    if slope == 0.0:
        return None
    pascal = (1048576.0 - raw - offset / 4096.0) * 6250.0 / slope
    bent = c.p9 * pascal * pascal / 2147483648.0 + pascal * c.p8 / 32768.0 + c.p7
    return (pascal + bent / 16.0) / 100.0


def humidity_percent(raw: int, fine: float, c: Calibration) -> float:
    """Compensated humidity, not yet cropped."""
    warm = fine - 76800.0
    offset = c.h4 * 64.0 + c.h5 / 16384.0 * warm
    bent = 1.0 + c.h6 / 67108864.0 * warm * (1.0 + c.h3 / 67108864.0 * warm)
    humidity = (raw - offset) * c.h2 / 65536.0 * bent
    return humidity * (1.0 - c.h1 * humidity / 524288.0)


def _samples(frame: bytes, calibration: Calibration) -> Samples:
    pressure_raw = int.from_bytes(frame[0:3], "big")
    temperature_raw = int.from_bytes(frame[3:6], "big")
    humidity_raw = int.from_bytes(frame[6:8], "big")
    if (pressure_raw | temperature_raw) & 0x0F:
        raise CorruptData(f"bits are set that are always 0: {frame.hex(' ')}")
    pressure_raw, temperature_raw = pressure_raw >> 4, temperature_raw >> 4
    fine = temperature_fine(temperature_raw, calibration)
    temperature = Driver.METRICS[0]
    low, high = temperature.low or 0.0, temperature.high or 0.0
    if temperature_raw == _SKIPPED_20 or not low <= fine / 5120.0 <= high:
        raise CorruptData(f"{fine / 5120.0:.1f} °C is beyond the sensor: {frame.hex(' ')}")
    pressure = pressure_hpa(pressure_raw, fine, calibration)
    return {
        "temperature": Sample(fine / 5120.0, raw=temperature_raw),
        "humidity": _humidity(humidity_raw, humidity_percent(humidity_raw, fine, calibration)),
        "pressure": _pressure(pressure_raw, pressure),
    }


def _humidity(raw: int, value: float) -> Sample:
    """The datasheet asks to crop to 0 to 100 %; without a checksum that must not hide nonsense."""
    if raw == _SKIPPED_16:
        return Sample(None, Reason.SENSOR_FAILURE, raw)
    if not -_CROPPED <= value <= 100.0 + _CROPPED:
        return Sample(None, Reason.OUT_OF_RANGE, raw)
    return Sample(min(100.0, max(0.0, value)), raw=raw)


def _pressure(raw: int, value: float | None) -> Sample:
    if raw == _SKIPPED_20 or value is None:
        return Sample(None, Reason.SENSOR_FAILURE, raw)
    return Sample(value, raw=raw)
