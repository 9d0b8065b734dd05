"""Made readings for the sections that need many: steady random walks, now and then a crossing."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers.base import Sample
from gateway.clock import SystemClock

CROSS_EVERY = 1_000  # one reading in so many is beyond the limit
CALM, BEYOND = 4.0, 9.0
_AHEAD_MS = 600_000  # no reading may be older than the start of who gets it


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The readings of one commit: so many devices, metrics of each, and rounds over them all."""

    devices: int
    metrics: int
    rounds: int

    @property
    def readings(self) -> int:
        """Readings in one commit."""
        return self.devices * self.metrics * self.rounds

    @property
    def points(self) -> list[str]:
        """Every point, device by device."""
        return [f"d{device}/m{metric}" for device in range(self.devices)
                for metric in range(self.metrics)]  # fmt: skip


MINUTE_1000 = Shape(devices=17, metrics=1, rounds=1)  # 1,000 a minute, one commit a second
SECOND_1000 = Shape(devices=10, metrics=10, rounds=10)  # 1,000 a second

Samples = Mapping[str, Sample]
Batch = list[tuple[int, int, Samples]]  # device, ms, what its driver returned


def batches(shape: Shape, count: int) -> Iterator[Batch]:
    """One batch for each second, the same values each time."""
    start_ms = SystemClock().now() + _AHEAD_MS
    rng = random.Random(1)
    values = [CALM] * (shape.devices * shape.metrics)
    number = 0
    for second in range(count):
        batch: Batch = []
        for turn in range(shape.rounds):
            for device in range(shape.devices):
                step = turn * shape.devices + device
                at = start_ms + second * 1000 + step * 1000 // (shape.rounds * shape.devices)
                samples = {}
                for metric in range(shape.metrics):
                    point = device * shape.metrics + metric
                    number += 1
                    values[point] += rng.gauss(0.0, 0.03) - (values[point] - CALM) * 0.01
                    crossing = number % CROSS_EVERY == 0
                    samples[f"m{metric}"] = Sample(BEYOND if crossing else round(values[point], 2))
                batch.append((device, at, samples))
        yield batch


def plain(batch: Batch, shape: Shape) -> list[tuple[int, float, int]]:
    """The same batch as the floor takes it: point index, value, ms."""
    return [
        (device * shape.metrics + number, float(sample.value or 0.0), at)
        for device, at, samples in batch
        for number, sample in enumerate(samples.values())
    ]
