"""Texas Instruments ADS1115: four voltages over I2C, each scaled to what its sensor means.

Datasheet: TI SBAS444 (config register, single-shot conversion, full-scale range). Current loops as
in NAMUR NE 43: 4 to 20 mA is the scale, 3.8 to 20.5 mA is still a value, below 3.6 and above 21 mA
is a broken wire or a transmitter that reports its own failure.
Tested: the emulated chip only.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

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

_CONVERSION, _CONFIG = b"\x00", b"\x01"  # registers
_START = 0x8000  # written: begin a conversion; read: none is running
_FROM_GROUND = 0x4000  # input against ground; its number stands in bits 12 and 13
_SINGLE_SHOT = 0x0100
_128_PER_SECOND = 0x0080
_COMPARATOR_OFF = 0x0003
_WAIT_S = 0.0106  # 1/128 s, its oscillator 10 % slow, and 2 ms
_MORE_S = 0.002
_MORE_TRIES = 3
_WORD = 2  # bytes
_SATURATED = (0x7FFF, -0x8000)
_IDENTIFY_TRIES = 2  # one wrong answer may be noise; two in a row are another chip

# range -> (full scale in volts, its bits in the config register)
_RANGES = {
    "6.144 V": (6.144, 0x0000),
    "4.096 V": (4.096, 0x0200),
    "2.048 V": (2.048, 0x0400),
    "1.024 V": (1.024, 0x0600),
    "0.512 V": (0.512, 0x0800),
    "0.256 V": (0.256, 0x0A00),
}
_STEPS = 2**15

# NE 43, as shares of the 16 mA between the ends of the scale, and of those ends themselves.
_BELOW, _ABOVE = 0.2 / 16, 0.5 / 16
_BROKEN_BELOW, _BROKEN_ABOVE = 3.6 / 4, 21.0 / 20

_METRIC = re.compile(r"[a-z0-9_]{1,36}")

Volts = Annotated[float, "unit V"]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One input and its scale: `low_volts` is the value `low`, `high_volts` is `high`."""

    input: Literal[0, 1, 2, 3]
    unit: str  # UCUM
    low_volts: Volts
    high_volts: Volts
    low: float
    high: float
    range: Literal["6.144 V", "4.096 V", "2.048 V", "1.024 V", "0.512 V", "0.256 V"] = "4.096 V"
    live_zero: bool = False  # a voltage near zero is a broken wire, as in a loop of 4 to 20 mA
    precision: Annotated[int, "0..6"] = 2  # decimals worth storing

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        if not 0.0 <= self.low_volts < self.high_volts:
            raise ValueError("low_volts: must be at least 0 V, and less than high_volts")
        if self.high_volts > _RANGES[self.range][0]:
            raise ValueError(f"high_volts: beyond the range of {self.range}; choose a larger range")
        if self.low == self.high:
            raise ValueError("low, high: must differ")
        if self.live_zero and self.low_volts == 0.0:
            raise ValueError("live_zero: needs low_volts above 0 V (4 mA through 100 ohm: 0.4 V)")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: ads1115`."""

    channels: dict[str, Channel]  # by metric
    address: Literal[0x48, 0x49, 0x4A, 0x4B] = 0x48  # pin ADDR to ground, supply, SDA, SCL

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        if not self.channels:
            raise ValueError("channels: name at least one, as metric: {input: 0, unit: …}")
        taken: dict[int, str] = {}
        for metric, channel in self.channels.items():
            if not _METRIC.fullmatch(metric):
                raise ValueError(f"channels: {metric!r} must be [a-z0-9_]{{1,36}}")
            holder = taken.setdefault(channel.input, metric)
            if holder != metric:
                raise ValueError(f"channels: {metric}: input {channel.input} is that of {holder}")


def metrics(options: Options) -> tuple[Metric, ...]:
    """One metric for each channel; its range is the scale and what NE 43 allows beyond it."""
    return tuple(_metric(name, channel) for name, channel in options.channels.items())


class Driver:
    """One converter; `read()` blocks for 11 to 17 ms a channel."""

    METRICS: tuple[Metric, ...]

    def __init__(self, bus: I2CBus, options: Options, sleep: Sleep) -> None:
        self._bus = bus
        self._address = options.address
        self._channels = options.channels
        self._sleep = sleep
        self._identified = False
        self.METRICS = metrics(options)

    def read(self) -> Samples:
        """Convert each channel once; raises BusError, CorruptData or, at first, WrongDevice.

        A converter at its end is OUT_OF_RANGE, as is a value beyond the scale; a broken loop is
        SENSOR_FAILURE. `raw` is the voltage at the input.
        """
        if not self._identified:
            self._identify()
        return {name: self._sample(channel) for name, channel in self._channels.items()}

    def _sample(self, channel: Channel) -> Sample:
        steps = self._convert(channel)
        volts = steps * _RANGES[channel.range][0] / _STEPS
        if steps in _SATURATED:
            return Sample(None, Reason.OUT_OF_RANGE, raw=volts)
        if channel.live_zero and not (
            _BROKEN_BELOW * channel.low_volts <= volts <= _BROKEN_ABOVE * channel.high_volts
        ):
            return Sample(None, Reason.SENSOR_FAILURE, raw=volts)
        share = (volts - channel.low_volts) / (channel.high_volts - channel.low_volts)
        if not -_BELOW <= share <= 1.0 + _ABOVE:
            return Sample(None, Reason.OUT_OF_RANGE, raw=volts)
        return Sample(channel.low + share * (channel.high - channel.low), raw=volts)

    def _convert(self, channel: Channel) -> int:
        """The steps of one single-shot conversion; raises BusError or CorruptData.

        The config register is read back first: a converter that has lost its power meanwhile has
        another input selected, and one that never converted would answer 0.
        """
        config = _config(channel)
        self._write(_CONFIG, _START | config)
        self._sleep(_WAIT_S)
        for _ in range(_MORE_TRIES):
            found = self._register(_CONFIG)
            if found == _START | config:
                steps = self._register(_CONVERSION)
                return steps - 2 * _STEPS if steps >= _STEPS else steps
            if found != config:
                raise CorruptData(
                    f"its config register is {found:#06x}, not {_START | config:#06x}: "
                    "it has lost its power, or the bus is disturbed"
                )
            self._sleep(_MORE_S)
        raise CorruptData("the conversion does not end")

    def _identify(self) -> None:
        """It has no identification: see whether the config register keeps what is written.

        The patterns differ in every bit of input, range and rate, and start nothing.
        """
        trouble = ""
        for _ in range(_IDENTIFY_TRIES):
            try:
                self._keeps(_FROM_GROUND | 0x0A00 | _SINGLE_SHOT | _128_PER_SECOND)
                self._keeps(0x3000 | 0x0400 | _SINGLE_SHOT | 0x0060)
            except CorruptData as error:
                trouble = str(error)
                continue
            self._identified = True
            return
        raise WrongDevice(
            f"what answers at 0x{self._address:02x} is no ADS1115 ({trouble}): check which chip "
            "is wired there and the address in the config"
        )

    def _keeps(self, pattern: int) -> None:
        self._write(_CONFIG, pattern | _COMPARATOR_OFF)
        found = self._register(_CONFIG)
        if found & ~_START != pattern | _COMPARATOR_OFF:
            raise CorruptData(f"{pattern | _COMPARATOR_OFF:#06x} written, {found:#06x} read back")

    def _write(self, register: bytes, value: int) -> None:
        self._bus.write(self._address, register + value.to_bytes(_WORD, "big"))

    def _register(self, register: bytes) -> int:
        self._bus.write(self._address, register)
        answer = self._bus.read(self._address, _WORD)
        if len(answer) != _WORD:
            raise CorruptData(f"{len(answer)} bytes, not {_WORD}: {answer.hex(' ')}")
        return int.from_bytes(answer, "big")


def _config(channel: Channel) -> int:
    selected = _FROM_GROUND | channel.input << 12 | _RANGES[channel.range][1]
    return selected | _SINGLE_SHOT | _128_PER_SECOND | _COMPARATOR_OFF


def _metric(name: str, channel: Channel) -> Metric:
    span = channel.high - channel.low
    ends = sorted((channel.low - _BELOW * span, channel.high + _ABOVE * span))
    return Metric(name, channel.unit, ends[0], ends[1], precision=channel.precision)
