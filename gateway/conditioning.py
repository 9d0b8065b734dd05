"""Between driver and hub: calibration, range and slew checks, deadband, and silence.

What leaves here is either a finite value with a usable quality, or None with a reason.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.base import Sample
from gateway.reading import QUALITY_OF_REASON, Point, Quality, Reading, Value
from gateway.store.log import shortest

KEEP_AT_LEAST_MS = 60_000  # an unchanged value is stored this often, so that no minute is empty


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What the configuration asks for one point, in the point's own unit."""

    offset: float = 0.0
    deadband: float = 0.0
    slew_per_s: float | None = None
    stale_after_ms: int | None = None


class Conditioner:
    """One point's samples become readings; `keep` tells whether the last one is worth a row."""

    def __init__(self, point: Point, treatment: Treatment, now: int) -> None:
        self.point = point
        self.keep = True
        self._treatment = treatment
        self._heard_at = now
        self._started = False
        self._quality: Quality | None = None
        self._accepted: tuple[float, int] | None = None  # last value the slew check let through
        self._doubted: tuple[float, int] | None = None
        self._kept: Value = None
        self._kept_at = -KEEP_AT_LEAST_MS

    def take(self, sample: Sample, at: int) -> Reading:
        """The reading of one sample taken at kitchen time `at`."""
        self._heard_at = at
        self._started = True
        value, quality = self._judge(sample, at)
        return self._reading(value, quality, at, sample)

    def silence(self, now: int) -> Reading | None:
        """A BAD reading once nothing was heard for too long; None while all is well."""
        limit = self._treatment.stale_after_ms
        if limit is None or now - self._heard_at <= limit:
            return None
        quality = Quality.STALE if self._started else Quality.NOT_STARTED
        if self._quality is not None and self._quality.bad:
            return None
        return self._reading(None, quality, now, None)

    def _judge(self, sample: Sample, at: int) -> tuple[Value, Quality]:
        value = sample.value
        if value is None:
            reason = sample.reason
            return None, QUALITY_OF_REASON[reason] if reason else Quality.SENSOR_FAILURE
        quality = QUALITY_OF_REASON[sample.reason] if sample.reason else Quality.GOOD
        if quality.bad:
            return None, quality
        if isinstance(value, (bool, str)):
            return value, quality
        if not math.isfinite(value):
            return None, Quality.SENSOR_FAILURE
        value += self._treatment.offset
        if not self._within(value):
            return None, Quality.OUT_OF_RANGE
        if not self._plausible(value, at):
            return None, Quality.SENSOR_FAILURE
        rounded = round(value, self.point.precision)
        return (0 if rounded == 0 else _number(rounded)), quality

    def _within(self, value: float) -> bool:
        low, high = self.point.low, self.point.high
        return (low is None or value >= low) and (high is None or value <= high)

    def _plausible(self, value: float, at: int) -> bool:
        """Two of three: a jump is believed when the next value confirms it."""
        slew = self._treatment.slew_per_s
        if slew is None:
            return True
        for known in (self._accepted, self._doubted):
            if known is None or abs(value - known[0]) <= slew * max(at - known[1], 1_000) / 1000:
                self._accepted, self._doubted = (value, at), None
                return True
            if self._doubted is None:
                break
        self._doubted = (value, at)
        return False

    def _reading(self, value: Value, quality: Quality, at: int, sample: Sample | None) -> Reading:
        changed = quality is not self._quality
        self._quality = quality
        self.keep = changed or self._worth_keeping(value, at)
        if self.keep:
            self._kept, self._kept_at = value, at
        return Reading(self.point, value, quality, at, sample.raw if sample else None)

    def _worth_keeping(self, value: Value, at: int) -> bool:
        if at - self._kept_at >= KEEP_AT_LEAST_MS or not self._treatment.deadband:
            return True
        if isinstance(value, (int, float)) and isinstance(self._kept, (int, float)):
            return abs(value - self._kept) >= self._treatment.deadband
        return value != self._kept


def _number(value: float) -> float:
    number = shortest(value)
    return number if isinstance(number, (int, float)) else value


Conditioners = Mapping[str, Conditioner]
