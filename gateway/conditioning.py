"""Between driver and hub: calibration, range and slew checks, deadband, and silence.

What leaves here is either a value of the point's kind with a usable quality (a number is finite
and within the instrument's range, a text one printable line), or None with a reason.
"""

import math
from dataclasses import dataclass

from drivers.base import Sample
from gateway.reading import QUALITY_OF_REASON, Point, Quality, Reading, Value
from gateway.store.log import shortest

KEEP_AT_LEAST_MS = 60_000  # an unchanged value is stored this often, so that no minute is empty
TEXT_MAX = 200
_BINARY = 1e-9  # 4.05 - 4.0 is a little less than 0.05


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
        self._low = -math.inf if point.low is None else point.low
        self._high = math.inf if point.high is None else point.high
        self._keep_after_ms = KEEP_AT_LEAST_MS - round(point.period_s * 1000)
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
        quality = QUALITY_OF_REASON[sample.reason] if sample.reason else Quality.GOOD
        if quality.bad:
            return None, quality
        value = sample.value
        if value is None:
            return None, Quality.SENSOR_FAILURE
        if self.point.kind == "number":
            return self._number(value, quality, at)
        return (value, quality) if self._sound(value) else (None, Quality.SENSOR_FAILURE)

    def _sound(self, value: Value) -> bool:
        if self.point.kind == "boolean":
            return isinstance(value, bool)
        return isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable()

    def _number(self, value: Value, quality: Quality, at: int) -> tuple[Value, Quality]:
        if value is None or isinstance(value, (bool, str)):
            return None, Quality.SENSOR_FAILURE
        try:
            number = float(value) + self._treatment.offset
        except OverflowError:  # an int that is no float
            return None, Quality.OUT_OF_RANGE
        if not math.isfinite(number):
            return None, Quality.SENSOR_FAILURE
        rounded = round(number, self.point.precision)
        if not self._low <= rounded <= self._high:
            return None, Quality.OUT_OF_RANGE
        if not self._plausible(number, at):
            return None, Quality.SENSOR_FAILURE
        return _shortest(rounded), quality

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
        """Whether the value has changed enough, or the next one would come after a minute."""
        deadband, kept = self._treatment.deadband, self._kept
        if not deadband or at - self._kept_at > self._keep_after_ms:
            return True
        if self.point.kind == "number" and isinstance(value, (int, float)):
            return not isinstance(kept, (int, float)) or abs(value - kept) >= deadband - _BINARY
        return value != kept


def _shortest(value: float) -> float:
    number = shortest(value)
    return number if isinstance(number, (int, float)) else value
