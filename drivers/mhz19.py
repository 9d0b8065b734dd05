"""Winsen MH-Z19B and MH-Z19C: carbon dioxide over serial.

Manual: MH-Z19B User's Manual (9600 8N1, commands 0x86, 0x79 and 0x99, checksum). The bytes of 0x99
stand where ESPHome and others found them to work, in the last two, not where the manual says.
The sensor draws 150 mA at 5 V. Until it has been warm for 75 s (ESPHome's figure; the manual says
one to three minutes by version) its values are guesses and are not given.
Tested: the emulated sensor only.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from drivers.base import (
    BusError,
    CorruptData,
    Metric,
    NowMs,
    Reason,
    Sample,
    Samples,
    Serial,
    Sleep,
    failed,
)

BUS = "serial"
ROLE = "polled"
TIMED = True

WARM_UP_MS = 75_000
_START = 0xFF
_SENSOR = 0x01
_READ = 0x86
_BASELINE = 0x79
_BASELINE_ON = 0xA0
_RANGE = 0x99
_FRAME = 9
_ANSWER_S = 0.5
_SETTLE_S = 0.1  # between commands; those that set something may be answered or not


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: mhz19`."""

    range: Literal[2000, 5000] = 5000  # ppm
    # Takes the lowest value of a day for fresh air: right only where nobody is at night.
    automatic_baseline: bool = True

    @property
    def alone(self) -> bool:
        """Without an address there is one on a line."""
        return True


class Driver:
    """One sensor; `read()` blocks for 20 ms, or 0.5 s when it does not answer."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("co2", "[ppm]", 0.0, 5_000.0, precision=0),)

    def __init__(self, bus: Serial, options: Options, sleep: Sleep, now_ms: NowMs) -> None:
        self._line = bus
        self._range = options.range
        self._baseline = options.automatic_baseline
        self._sleep = sleep
        self._now_ms = now_ms
        self._heard_since_ms: int | None = None
        self._set_up = False

    def read(self) -> Samples:
        """The concentration; raises BusError or CorruptData.

        NOT_STARTED for 75 s after the first answer, and again after any silence: it may have been
        without power. OUT_OF_RANGE beyond the range that was set.
        """
        try:
            frame = self._ask()
        except BusError:
            self._heard_since_ms, self._set_up = None, False
            raise
        now = self._now_ms()
        if self._heard_since_ms is None:
            self._heard_since_ms = now
        if now - self._heard_since_ms < WARM_UP_MS:
            return failed(self.METRICS, Reason.NOT_STARTED)
        if not self._set_up:
            self._set()
        ppm = int.from_bytes(frame[2:4], "big")
        if ppm > self._range:
            return {"co2": Sample(None, Reason.OUT_OF_RANGE, raw=ppm)}
        return {"co2": Sample(float(ppm), raw=ppm)}

    def _ask(self) -> bytes:
        asked = command(_READ)
        self._line.discard_input()
        self._line.write(asked)
        frame = self._line.read(_FRAME, _ANSWER_S)
        if frame == asked:
            raise BusError("only our own echo came back: RX and TX touch, the sensor is silent")
        if not frame:
            raise BusError("no answer: is it powered with 5 V, and are RX and TX crossed?")
        if len(frame) < _FRAME:
            raise CorruptData(f"short frame, {len(frame)} of {_FRAME} bytes: {frame.hex(' ')}")
        if checksum(frame) != frame[-1]:
            raise CorruptData(f"wrong checksum: {frame.hex(' ')}")
        if frame[:2] != bytes([_START, _READ]):
            raise CorruptData(f"this answers another question: {frame.hex(' ')}")
        return frame

    def _set(self) -> None:
        """Settings once it is warm, so at most once in 75 s however often the cable moves."""
        baseline = _BASELINE_ON if self._baseline else 0
        for each in (
            command(_BASELINE, bytes([baseline])),
            command(_RANGE, b"\0\0\0" + self._range.to_bytes(2, "big")),
        ):
            self._line.write(each)
            self._sleep(_SETTLE_S)
        self._set_up = True


def command(code: int, arguments: bytes = b"") -> bytes:
    """A frame of nine bytes to the sensor."""
    body = bytes([_START, _SENSOR, code]) + arguments.ljust(5, b"\0") + b"\0"
    return body[:-1] + bytes([checksum(body)])


def checksum(frame: bytes) -> int:
    """The two's complement of the sum of bytes 1 to 7."""
    return -sum(frame[1:8]) & 0xFF
