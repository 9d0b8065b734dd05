"""Frames that a bus has spoilt: one storm for every driver, whatever bus it sits on.

A driver is handed a bus whose answers went through a `Storm`: left alone, cut off, padded, bits
flipped, bytes lost, doubled or swapped, an older frame, or plain noise; now and then the transfer
fails. Nothing may come out but samples that are None with a reason, or values that the metric can
have, and nothing may be raised but DriverError. For another bus, write a class as `StormyI2C`.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.base import BusError, DriverError, I2CBus, Metric, Samples
from gateway.conditioning import Conditioner, Treatment
from gateway.reading import Point

# How many frames a driver has to endure: in `make test`, and in `make test-long`.
COUNTS: Sequence[Any] = (
    100_000,
    pytest.param(1_000_000, marks=(pytest.mark.long, pytest.mark.timeout(900))),
)
EXAMPLES = 2_000  # of hypothesis, each with a storm of its own
_SOUND = 0.4  # share of the frames that is left alone, so that a driver gets to its later steps
_LOST = 0.02  # share of the transfers that fail
_RECOVERS_WITHIN = 20  # reads, once the bus is sound again


class Storm:
    """Spoils one frame after the other; the same source of chance spoils them in the same way."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.frames = 0
        self.calm = False  # from now on frames pass as they are
        self._last = b"\xff"
        self._ways = (
            self._cut, self._pad, self._flip, self._flip, self._replace, self._drop, self._double,
            self._swap, self._repeat, self._noise, self._released,
        )  # fmt: skip

    def spoil(self, frame: bytes) -> bytes:
        """What arrives of a frame; raises BusError where nothing does."""
        if self.calm:
            return frame
        self.frames += 1
        draw = self.chance.random()
        if draw < _LOST:
            raise BusError("no acknowledge: the storm took it")
        if draw < _LOST + _SOUND or not frame:
            arrived = frame
        else:
            arrived = self._ways[self.chance.randrange(len(self._ways))](frame)
        self._last = frame
        return arrived

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

    def _repeat(self, frame: bytes) -> bytes:
        return self._last[: len(frame)].ljust(len(frame), b"\x00")

    def _noise(self, frame: bytes) -> bytes:
        return self.chance.randbytes(len(frame))

    def _released(self, frame: bytes) -> bytes:
        """Nobody drives the bus: all ones, or held low: all zeros."""
        return (b"\xff" if self.chance.random() < 0.5 else b"\x00") * len(frame)


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


def endure(subject: Subject, frames: int) -> None:
    """Read until so many frames were spoilt, then see it recover; AssertionError says what left."""
    gates = {metric.name: Conditioner(_point(metric), Treatment(), 0) for metric in subject.metrics}
    while subject.storm.frames < frames:
        before = subject.storm.frames
        _look(subject, gates)
        subject.between()
        if subject.storm.frames == before:
            subject.storm.frames += 1  # a driver that asks nothing must not hold up the test
    subject.storm.calm = True
    for _ in range(_RECOVERS_WITHIN):
        samples = _look(subject, gates)
        if samples and all(sample.value is not None for sample in samples.values()):
            return
        subject.between()
    raise AssertionError("it does not come back once the bus is sound")


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
