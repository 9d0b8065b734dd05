"""Sensirion SCD40 and SCD41: CO2, temperature and relative humidity over I2C.

Datasheet: Sensirion SCD4x (periodic measurement, data ready status, settings, checksum, conversion
of the signal output). It measures at its own pace, every 5 s, and draws most of its current then.
Tested: the emulated chip only.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drivers.base import (
    CorruptData,
    DriverError,
    I2CBus,
    Metric,
    Reason,
    Sample,
    Samples,
    Sleep,
    WrongDevice,
    checked_words,
    crc8,
    failed,
)

BUS = "i2c"
ROLE = "polled"
EVERY_AT_LEAST_S = 5.0  # the sensor has nothing new before

# command -> how long the sensor is busy with it, in seconds
_START = (b"\x21\xb1", 0.0)
_STOP = (b"\x3f\x86", 0.500)
_REINIT = (b"\x36\x46", 0.030)  # back to the stored settings; undoes an ambient pressure
_READ_SERIAL = (b"\x36\x82", 0.001)  # refused while it measures
_DATA_READY = (b"\xe4\xb8", 0.001)
_READ_MEASUREMENT = (b"\xec\x05", 0.001)
_SET_TEMPERATURE_OFFSET = (b"\x24\x1d", 0.001)
_SET_ALTITUDE = (b"\x24\x27", 0.001)
_SET_AMBIENT_PRESSURE = (b"\xe0\x00", 0.001)
_SET_SELF_CALIBRATION = (b"\x24\x16", 0.001)

_WORD = 3  # two bytes and their checksum
_READY_BITS = 0x07FF  # all zero: nothing new
_FULL_SCALE = 2**16 - 1
_TEMPERATURE_SPAN = 175.0
_IDENTIFY_TRIES = 2  # one wrong checksum may be noise; two in a row are another chip
_ASK_AFTER = 3  # reads without a value; a person may also read more often than it measures
_HANGS_AFTER = 24

_Command = tuple[bytes, float]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: scd41`; altitude or ambient pressure."""

    address: Literal[0x62] = 0x62
    altitude: Annotated[float, "unit m", "0..3000"] | None = None
    ambient_pressure: Annotated[float, "unit hPa", "700..1200"] | None = None
    # How much warmer the sensor is than the air, by its own heat and that of its housing.
    temperature_offset: Annotated[float, "difference K", "0..20"] = 4.0
    automatic_self_calibration: bool = True  # needs fresh air, 400 ppm, once a week

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        if self.altitude is not None and self.ambient_pressure is not None:
            raise ValueError("altitude, ambient_pressure: give one of them, not both")


class Driver:
    """One sensor; `read()` blocks for some ms, and for 0.6 s when it has to start measuring."""

    METRICS: ClassVar[tuple[Metric, ...]] = (
        Metric("co2", "[ppm]", 0.0, 40_000.0, precision=0),
        Metric("temperature", "Cel", -10.0, 60.0),
        Metric("humidity", "%", 0.0, 100.0),
    )

    def __init__(self, bus: I2CBus, options: Options, sleep: Sleep) -> None:
        self._bus = bus
        self._options = options
        self._sleep = sleep
        self._measuring = False
        self._fresh = False  # the last read gave values
        self._empty_reads = 0

    def read(self) -> Samples:
        """What was measured since the last read; nothing while that is not done.

        The first read starts the measuring and says NOT_STARTED, and so does every read until the
        first values. Raises BusError, CorruptData or, when it starts, WrongDevice. A sensor that
        has lost its power is noticed by having nothing new, and started again.
        """
        if not self._measuring:
            self._start()
            return failed(self.METRICS, Reason.NOT_STARTED)
        was_fresh, self._fresh = self._fresh, False
        self._empty_reads += 1
        if not self._is_ready():
            if self._has_stopped():
                self._start_again()
            self._fresh = was_fresh
            return {} if was_fresh else failed(self.METRICS, Reason.NOT_STARTED)
        co2, temperature, humidity = self._ask(_READ_MEASUREMENT, 3)
        self._fresh, self._empty_reads = True, 0
        return {
            "co2": _co2(co2),
            "temperature": _sample(temperature, offset=-45.0, span=_TEMPERATURE_SPAN),
            "humidity": _sample(humidity, offset=0.0, span=100.0),
        }

    def _start(self) -> None:
        """Whatever the sensor was doing, with whichever settings: begin anew with ours."""
        options = self._options
        self._identify()
        self._tell(_STOP)
        self._tell(_REINIT)
        offset = round(options.temperature_offset * _FULL_SCALE / _TEMPERATURE_SPAN)
        self._tell(_SET_TEMPERATURE_OFFSET, offset)
        self._tell(_SET_SELF_CALIBRATION, int(options.automatic_self_calibration))
        self._tell(_SET_ALTITUDE, round(options.altitude or 0.0))
        if options.ambient_pressure is not None:
            self._tell(_SET_AMBIENT_PRESSURE, round(options.ambient_pressure))
        self._tell(_START)
        self._measuring, self._fresh, self._empty_reads = True, False, 0

    def _identify(self) -> None:
        """Ask for the data ready status first: it is answered in every state, and is harmless."""
        answer = b""
        for _ in range(_IDENTIFY_TRIES):
            self._tell(_DATA_READY)
            answer = self._bus.read(self._options.address, _WORD)
            try:
                checked_words(answer, 1)
            except CorruptData:
                continue
            return
        raise WrongDevice(
            f"what answers at 0x{self._options.address:02x} is no SCD4x (status "
            f"{answer.hex(' ')}): check which sensor is wired there"
        )

    def _is_ready(self) -> bool:
        (status,) = self._ask(_DATA_READY, 1)
        return status is not None and status & _READY_BITS != 0

    def _has_stopped(self) -> bool:
        """Whether it does not measure any more, because it lost its power or hangs."""
        if self._empty_reads < _ASK_AFTER:
            return False
        try:
            idle = None not in self._ask(_READ_SERIAL, 3)
        except DriverError:
            idle = False
        return idle or self._empty_reads >= _HANGS_AFTER

    def _start_again(self) -> None:
        self._measuring = False
        reads = self._empty_reads
        self._start()
        raise CorruptData(
            f"nothing was measured in {reads} reads, so measuring was started again: "
            "if this comes back, look at the sensor's supply"
        )

    def _tell(self, command: _Command, argument: int | None = None) -> None:
        code, busy_s = command
        if argument is not None:
            word = argument.to_bytes(2, "big")
            code += word + bytes([crc8(word)])
        self._bus.write(self._options.address, code)
        self._sleep(busy_s)

    def _ask(self, command: _Command, words: int) -> list[int | None]:
        self._tell(command)
        return checked_words(self._bus.read(self._options.address, words * _WORD), words)


def _co2(raw: int | None) -> Sample:
    """Parts per million; 0 is how the sensor says that the sample is invalid."""
    if not raw:
        return Sample(None, Reason.SENSOR_FAILURE, raw=raw)
    return Sample(float(raw), raw=raw)


def _sample(raw: int | None, *, offset: float, span: float) -> Sample:
    if raw is None:
        return Sample(None, Reason.SENSOR_FAILURE)
    return Sample(offset + span * raw / _FULL_SCALE, raw=raw)
