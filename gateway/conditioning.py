"""Between driver and hub: calibration, range and checks, smoothing, deadband, and silence.

What leaves here is either a value of the point's kind with a usable quality (a number is finite
and within the instrument's range, a text one printable line), or None with a reason.
"""

import sys
from dataclasses import dataclass

from drivers.base import Sample
from gateway.plausibility import Slew, Stuck
from gateway.reading import QUALITY_OF_REASON, Point, Quality, Reading, Value
from gateway.smoothing import Smoothing
from gateway.store.log import shortest

KEEP_AT_LEAST_MS = 60_000  # an unchanged value is stored this often, so that no minute is empty
TEXT_MAX = 200
_BINARY = 1e-9  # 4.05 - 4.0 is a little less than 0.05
_WHOLE_MAX = 1e15  # whole numbers below are written without a point
_LARGEST = sys.float_info.max
_GOOD = Quality.GOOD


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What the configuration asks for one point, in the point's own unit."""

    offset: float = 0.0
    deadband: float = 0.0
    slew_per_s: float | None = None
    smooth_s: float | None = None
    stuck_after_ms: int | None = None
    stale_after_ms: int | None = None


class Conditioner:
    """One point's samples become readings; `keep` tells whether the last one is worth a row."""

    def __init__(self, point: Point, treatment: Treatment, now: int) -> None:
        self.point = point
        self.keep = True
        self._offset = treatment.offset
        self._deadband = treatment.deadband
        self._stale_after_ms = treatment.stale_after_ms
        self._slew = None if treatment.slew_per_s is None else Slew(treatment.slew_per_s)
        self._stuck = None if treatment.stuck_after_ms is None else Stuck(treatment.stuck_after_ms)
        self._smoothing = None if treatment.smooth_s is None else Smoothing(treatment.smooth_s)
        checked = self._slew or self._stuck or self._smoothing
        self._plain = point.kind == "number" and checked is None
        self._low = -_LARGEST if point.low is None else point.low
        self._high = _LARGEST if point.high is None else point.high
        self._precision = point.precision
        self._keep_after_ms = KEEP_AT_LEAST_MS - round(point.period_s * 1000)
        self._heard_at = now
        self._started = False
        self._quality: Quality | None = None
        self._kept: Value = None
        self._kept_at = -KEEP_AT_LEAST_MS

    def take(self, sample: Sample, at: int) -> Reading:
        """The reading of one sample taken at kitchen time `at`."""
        self._heard_at = at
        self._started = True
        value = sample.value
        # The common case on its own, since it is met a thousand times a second; all others, and
        # whatever is not plainly right here, take the long way.
        if self._plain and type(value) is float and sample.reason is None:
            number = round(value + self._offset, self._precision)
            if self._low <= number <= self._high:  # neither holds for what is not finite
                if number.is_integer() and -_WHOLE_MAX < number < _WHOLE_MAX:
                    number = int(number)
                if self._quality is not _GOOD or self._deadband:
                    return self._reading(number, _GOOD, at, sample.raw)
                self.keep = True
                return Reading(self.point, number, _GOOD, at, sample.raw)
        value, quality = self._judge(sample, at)
        raw = sample.raw
        if raw is None and self._smoothing is not None:
            raw = sample.value
        return self._reading(value, quality, at, raw)

    def silence(self, now: int) -> Reading | None:
        """A BAD reading once nothing was heard for too long; None while all is well."""
        limit = self._stale_after_ms
        if limit is None or now - self._heard_at <= limit:
            return None
        quality = Quality.STALE if self._started else Quality.NOT_STARTED
        if self._quality is not None and self._quality.bad:
            return None
        if self._stuck is not None:
            self._stuck.missed()
        return self._reading(None, quality, now, None)

    def _judge(self, sample: Sample, at: int) -> tuple[Value, Quality]:
        quality = QUALITY_OF_REASON[sample.reason] if sample.reason else _GOOD
        if self.point.kind == "number":
            number = self._within(sample, quality)
            if not isinstance(number, Quality):
                return self._believed(sample, number, quality, at)
            if self._stuck is not None:
                self._stuck.missed()
            return None, number
        if quality.bad:
            return None, quality
        value = sample.value
        return (value, quality) if self._sound(value) else (None, Quality.SENSOR_FAILURE)

    def _sound(self, value: Value) -> bool:
        if self.point.kind == "boolean":
            return isinstance(value, bool)
        return isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable()

    def _within(self, sample: Sample, quality: Quality) -> float | Quality:
        """The calibrated number, finite and within range; else why there is none."""
        if quality.bad:
            return quality
        value = sample.value
        if value is None or isinstance(value, (bool, str)):
            return Quality.SENSOR_FAILURE
        try:
            number = float(value) + self._offset
        except OverflowError:  # an int that is no float
            return Quality.OUT_OF_RANGE
        if not -_LARGEST <= number <= _LARGEST:
            return Quality.SENSOR_FAILURE
        within = self._low <= round(number, self._precision) <= self._high
        return number if within else Quality.OUT_OF_RANGE

    def _believed(
        self, sample: Sample, number: float, quality: Quality, at: int
    ) -> tuple[Value, Quality]:
        """The number, smoothed and rounded; both checks see it, also when one of them refuses."""
        raw = sample.value if sample.raw is None else sample.raw
        stuck = self._stuck is not None and self._stuck.holds(raw, at)
        if self._slew is not None and not self._slew.passes(number, at):
            return None, Quality.SENSOR_FAILURE
        if stuck:
            return None, Quality.STUCK
        if self._smoothing is not None:
            number = self._smoothing.take(number, at)
        return _short(round(number, self._precision)), quality

    def _reading(self, value: Value, quality: Quality, at: int, raw: Value) -> Reading:
        changed = quality is not self._quality
        self._quality = quality
        self.keep = changed or self._worth_keeping(value, at)
        if self.keep:
            self._kept, self._kept_at = value, at
        return Reading(self.point, value, quality, at, raw)

    def _worth_keeping(self, value: Value, at: int) -> bool:
        """Whether the value has changed enough, or the next one would come after a minute."""
        deadband, kept = self._deadband, self._kept
        if not deadband or at - self._kept_at > self._keep_after_ms:
            return True
        if self.point.kind == "number" and isinstance(value, (int, float)):
            return not isinstance(kept, (int, float)) or abs(value - kept) >= deadband - _BINARY
        return value != kept


def _short(value: float) -> float:
    number = shortest(value)
    return number if isinstance(number, (int, float)) else value
