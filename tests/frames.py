"""Frames that a bus has spoilt: one storm for every driver, whatever bus it sits on.

A driver is handed a bus whose answers went through a `Storm`: left alone, cut off, padded, bits
flipped, bytes lost, doubled or swapped, the frame before, or plain noise; now and then the transfer
fails. Nothing may come out but samples that are None with a reason, or values that the metric can
have, and nothing may be raised but DriverError. For another bus, write a class as `StormyI2C`.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from drivers.base import BusError, DriverError, I2CBus, Metric, Samples
from gateway.conditioning import Conditioner, Treatment
from gateway.reading import Point

# How many frames a driver has to endure: in `make test`, and in `make test-long`.
COUNTS: Sequence[Any] = (
    100_000,
    pytest.param(1_000_000, marks=(pytest.mark.long, pytest.mark.timeout(3_600))),
)
EXAMPLES = 2_000  # of hypothesis, each with edits of its own
# What hypothesis does to the next frames, see `Edited`; one draw, as each draw costs a millisecond.
EDITS = st.binary(min_size=1, max_size=32)
# Share of the frames left alone, drawn for each gust: a driver must get to its later steps, too.
_SOUND = (0.0, 0.3, 0.6, 0.9)
_GUST = 40  # frames
_LOST = 0.05  # share of the spoilt transfers that fail
_RECOVERS_WITHIN = 20  # reads, once the bus is sound again
_MANY = 10_000  # spoilt frames, after which values must have come through
_LET_THROUGH = 1 / 200  # reads with a value for each of them


class Storm:
    """Spoils one frame after the other; the same source of chance spoils them in the same way."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.spoilt = 0
        self.calm = True  # frames pass as they are
        self._passed = 0
        self._sound = 0.0
        self._last = b"\xff"
        self._ways = (
            self._cut, self._pad, self._flip, self._flip, self._replace, self._drop, self._double,
            self._swap, self._noise, self._released,
        )  # fmt: skip

    def spoil(self, frame: bytes) -> bytes:
        """What arrives of a frame; raises BusError where nothing does."""
        if self.calm:
            return frame
        if self._passed % _GUST == 0:
            self._sound = _SOUND[self.chance.randrange(len(_SOUND))]
        self._passed += 1
        last, self._last = self._last, frame
        if not frame or self.chance.random() < self._sound:
            return frame
        self.spoilt += 1
        if self.chance.random() < _LOST:
            raise BusError("no acknowledge: the storm took it")
        if self.chance.random() < _LOST:
            return last[: len(frame)].ljust(len(frame), b"\x00")
        return self._ways[self.chance.randrange(len(self._ways))](frame)

    def _cut(self, frame: bytes) -> bytes:
        return frame[: self.chance.randrange(len(frame))]

    def _pad(self, frame: bytes) -> bytes:
        return frame + self.chance.randbytes(1 + self.chance.randrange(4))

    def _flip(self, frame: bytes) -> bytes:
        value = int.from_bytes(frame, "big")
        for _ in range(1 + self.chance.randrange(4)):
            value ^= 1 << self.chance.randrange(8 * len(frame))
        return value.to_bytes(len(frame), "big")

    def _replace(self, frame: bytes) -> bytes:
        at = self.chance.randrange(len(frame))
        return frame[:at] + self.chance.randbytes(1) + frame[at + 1 :]

    def _drop(self, frame: bytes) -> bytes:
        at = self.chance.randrange(len(frame))
        return frame[:at] + frame[at + 1 :]

    def _double(self, frame: bytes) -> bytes:
        at = self.chance.randrange(len(frame))
        return (frame[:at] + frame[at : at + 1] + frame[at:])[: len(frame)]

    def _swap(self, frame: bytes) -> bytes:
        at = self.chance.randrange(len(frame))
        return frame[at:] + frame[:at]

    def _noise(self, frame: bytes) -> bytes:
        return self.chance.randbytes(len(frame))

    def _released(self, frame: bytes) -> bytes:
        """Nobody drives the bus: all ones, or held low: all zeros."""
        return (b"\xff" if self.chance.random() < 0.5 else b"\x00") * len(frame)


class Edited(Storm):
    """A storm of a few frames, as hypothesis wrote it down.

    For each frame: how many bytes to keep, how many to leave out, how many of those that follow in
    the text to put in instead. When the text has ended, frames pass as they are.
    """

    def __init__(self, edits: bytes) -> None:
        super().__init__(random.Random(len(edits)))
        self._edits = iter(edits)

    def spoil(self, frame: bytes) -> bytes:
        if self.calm:
            return frame
        self.spoilt += 1
        keep, leave_out, put_in = (next(self._edits, 0) % limit for limit in (16, 16, 10))
        new = bytes(next(self._edits, 0) for _ in range(put_in))
        return frame[:keep] + new + frame[keep + leave_out :]


class StormyI2C:
    """An I2C bus in a storm."""

    def __init__(self, bus: I2CBus, storm: Storm) -> None:
        self._bus = bus
        self._storm = storm

    def write(self, address: int, data: bytes) -> None:
        self._bus.write(address, data)

    def read(self, address: int, length: int) -> bytes:
        return self._storm.spoil(self._bus.read(address, length))


@dataclass
class Subject:
    """A driver behind a storm: how to read it, and what to let happen between two reads."""

    read: Callable[[], Samples]
    metrics: Sequence[Metric]
    storm: Storm
    between: Callable[[], object] = lambda: None


def endure(subject: Subject, spoilt: int) -> None:
    """Read until so many frames were spoilt, then see it recover; AssertionError says what left.

    Half of the storms break out when the driver has got going, half before its first read.
    """
    gates = {metric.name: Conditioner(_point(metric), Treatment(), 0) for metric in subject.metrics}
    storm = subject.storm
    if storm.chance.random() < 0.5:
        _recover(subject, gates)
    storm.calm = False
    values = 0
    while storm.spoilt < spoilt:
        values += _has_values(_look(subject, gates))
        subject.between()
    assert spoilt < _MANY or values > spoilt * _LET_THROUGH, f"only {values} reads had a value"
    storm.calm = True
    _recover(subject, gates)


def _recover(subject: Subject, gates: dict[str, Conditioner]) -> None:
    for _ in range(_RECOVERS_WITHIN):
        samples = _look(subject, gates)
        subject.between()
        if _has_values(samples):
            return
    raise AssertionError("it gives no values though the bus is sound")


def _has_values(samples: Samples) -> bool:
    return bool(samples) and all(sample.value is not None for sample in samples.values())


def storm_of(seed: int) -> Storm:
    """A storm that is the same each time."""
    return Storm(random.Random(seed))


def _look(subject: Subject, gates: dict[str, Conditioner]) -> Samples:
    try:
        samples = subject.read()
    except DriverError:
        return {}
    for name, sample in samples.items():
        value = sample.value
        if value is None:
            assert sample.reason is not None, f"{name} is None without a reason"
        elif isinstance(value, float):
            assert math.isfinite(value), f"{name} is {value}"
        reading = gates[name].take(sample, 0)
        low, high = reading.point.low, reading.point.high
        if isinstance(reading.value, (int, float)):
            assert low is None or reading.value >= low, f"{name} left as {reading.value}"
            assert high is None or reading.value <= high, f"{name} left as {reading.value}"
    return samples


def _point(metric: Metric) -> Point:
    return Point(
        1, f"device/{metric.name}", metric.name, metric.unit, metric.kind,
        metric.low, metric.high, metric.precision,
    )  # fmt: skip
