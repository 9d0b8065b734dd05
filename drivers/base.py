"""What a driver is made of: metrics, samples, errors and the buses it may be handed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol

import msgspec

# Read by the configuration loader: a text such as "500ms" or "10min" becomes seconds.
DurationS = Annotated[float, "duration_s"]


class Reason(StrEnum):
    """Why a value is not plainly good (OPC UA Part 8 gave the idea)."""

    SENSOR_FAILURE = "sensor_failure"
    NO_COMMUNICATION = "no_communication"
    OUT_OF_RANGE = "out_of_range"
    STALE = "stale"
    STUCK = "stuck"
    CALIBRATION_OVERDUE = "calibration_overdue"
    SUBSTITUTED = "substituted"
    NOT_STARTED = "not_started"


class DriverError(Exception):
    """A read or write that failed; `reason` becomes the quality of every metric of the device."""

    reason: ClassVar[Reason] = Reason.SENSOR_FAILURE


class BusError(DriverError):
    """The device did not answer, or the bus is down: try again."""

    reason = Reason.NO_COMMUNICATION


class CorruptData(DriverError):
    """The device answered with a wrong checksum or an impossible frame: try again."""

    reason = Reason.SENSOR_FAILURE


class WrongDevice(DriverError):
    """Something else answers at this address: the wiring or the config must change."""

    reason = Reason.SENSOR_FAILURE


@dataclass(frozen=True)
class Metric:
    """A quantity a driver reports, with its UCUM unit and the range of the datasheet."""

    name: str
    unit: str
    low: float | None = None
    high: float | None = None
    kind: str = "number"  # or "boolean", "text"
    precision: int = 2  # decimals worth storing
    secondary: bool = False  # kept and sent, but no tile of its own


class Sample(msgspec.Struct, frozen=True, gc=False):
    """What the driver saw of one metric; a failure is None with a reason, never a number."""

    value: float | bool | str | None
    reason: Reason | None = None
    raw: float | bool | str | None = None


Samples = Mapping[str, Sample]


class I2CBus(Protocol):
    """A bus whose calls block and raise BusError when the device does not acknowledge."""

    def write(self, address: int, data: bytes) -> None:
        """Send `data` in one transaction."""

    def read(self, address: int, length: int) -> bytes:
        """Return exactly `length` bytes."""


class Serial(Protocol):
    """A serial line whose calls block and raise BusError when the port is gone."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read(self, length: int, timeout_s: float) -> bytes:
        """What came within so many real seconds: `length` bytes, or fewer, or none."""

    def discard_input(self) -> None:
        """Forget what has come so far: it answers an older question."""


class OneWire(Protocol):
    """The files in which the kernel shows what hangs on a 1-Wire bus."""

    def read(self, address: str, file: str) -> bytes:
        """All of one file, which may be nothing; raises BusError when the device is not there.

        Reading may start a conversion and block for a second or two.
        """


class OutputPin(Protocol):
    """A digital output; `on` is electrical high unless the wiring says otherwise."""

    def write(self, value: bool) -> None:
        """Drive the pin."""

    def read(self) -> bool:
        """The level now on the pin, read back from the hardware."""


class MessageBus(Protocol):
    """A broker that passes messages on; calls do not wait."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Hand a message over, at least once; raises BusError while the broker is away."""

    def check(self) -> None:
        """Raises BusError once the broker has been away for some seconds."""


class Polled(Protocol):
    """A device that is asked; `read()` may block up to the device's deadline."""

    METRICS: ClassVar[tuple[Metric, ...]]

    def read(self) -> Samples:
        """Measure once; raises DriverError, never returns a guess.

        A device that measures at its own pace leaves out what it has not measured anew.
        """


class Pushed(Protocol):
    """A device that speaks by itself; the bus listens and the driver parses."""

    METRICS: ClassVar[tuple[Metric, ...]]

    def feed(self, message: Any, at: int) -> Samples:
        """Turn one edge, line or message into samples; raises CorruptData on nonsense."""


class Acting(Protocol):
    """A device that acts; used through the slots of an actuator."""

    METRICS: ClassVar[tuple[Metric, ...]]

    def write(self, value: bool) -> None:
        """Make it so; raises DriverError."""

    def read(self) -> Samples:
        """What the output really does now."""


@dataclass(frozen=True, kw_only=True)
class SwitchOptions:
    """Settings of whatever is switched by one output pin."""

    pin: Annotated[int, "0..57"]  # GPIO number of the chip, not the position on the header
    active_high: bool = True


class Switch:
    """Something that one output pin switches on and off; off until the first `write()`."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("state", "1", kind="boolean"),)

    def __init__(self, pin: OutputPin, options: SwitchOptions) -> None:
        self._pin = pin
        self._on_level = options.active_high

    def write(self, value: bool) -> None:
        """Switch on or off; raises BusError."""
        self._pin.write(value == self._on_level)

    def read(self) -> Samples:
        """What the level on the pin says, which need not be what was written; raises BusError."""
        level = self._pin.read()
        return {"state": Sample(level == self._on_level, raw=level)}


Sleep = Callable[[float], None]
NowMs = Callable[[], int]  # kitchen time; a polled driver whose file says `TIMED = True` gets it

_WORD = 3  # bytes: sixteen bits and their checksum


def failed(metrics: Sequence[Metric], reason: Reason) -> dict[str, Sample]:
    """The samples of a device that could not be read."""
    return {metric.name: Sample(None, reason) for metric in metrics}


def crc8(data: bytes, *, polynomial: int = 0x31, start: int = 0xFF) -> int:
    """CRC-8, most significant bit first, no final XOR; as it stands, that of Sensirion.

    `polynomial` is written without its highest term: 0x31 is x8 + x5 + x4 + 1.
    """
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc <<= 1
            if crc & 0x100:
                crc ^= 0x100 | polynomial
    return crc


def checked_words(frame: bytes, count: int) -> list[int | None]:
    """The 16-bit words of a Sensirion frame; one whose checksum is wrong is None.

    Raises CorruptData when the frame has another length, or not one checksum is right.
    """
    if len(frame) != count * _WORD:
        raise CorruptData(f"frame of {len(frame)} bytes, not {count * _WORD}: {frame.hex(' ')}")
    words: list[int | None] = []
    for at in range(0, len(frame), _WORD):
        sound = crc8(frame[at : at + 2]) == frame[at + 2]
        words.append(int.from_bytes(frame[at : at + 2], "big") if sound else None)
    if all(word is None for word in words):
        raise CorruptData(f"no checksum is right: {frame.hex(' ')}")
    return words
