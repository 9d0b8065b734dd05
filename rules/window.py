"""What a point did in the last minutes, in at most 60 buckets.

A reading holds until the next one; while the point is BAD nothing holds. Buckets are aligned to
absolute kitchen time, and each depends on nothing but the readings that hold in it. So the same
kept readings always give the same answers, also when after a restart only the last of them are fed
again: those from `begins()` on, and the one before.
"""

import math
from collections import deque
from collections.abc import Sequence

from rules.base import Observation

BUCKETS_MAX = 60
SPAN_LEAST_MS = 10_000
SPAN_MOST_MS = 3_600_000
_WIDTH_LEAST_MS = 1_000
_MINUTE_MS = 60_000


class _Held:
    """What held in one stretch of time: kitchen ms, `area` in units times ms."""

    __slots__ = ("area", "covered_ms", "first", "first_at", "index", "last", "last_at", "least",
                 "most")  # fmt: skip

    def __init__(self, index: int, value: float, at: int) -> None:
        self.index = index
        self.area = 0.0
        self.covered_ms = 0
        self.least = self.most = self.first = self.last = value
        self.first_at = self.last_at = at

    def hold(self, value: float, start: int, end: int) -> None:
        """Go on with a value; one that holds no time still counts as lowest or highest."""
        self.area += value * (end - start)
        self.covered_ms += end - start
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        self.last, self.last_at = value, end


class Window:
    """The last `span_ms` (10 s to 1 h) of one point; its far end is up to a bucket off."""

    def __init__(self, span_ms: int) -> None:
        """Raises ValueError for a span that is too short or too long."""
        if not SPAN_LEAST_MS <= span_ms <= SPAN_MOST_MS:
            raise ValueError("a window is 10s to 1h long")
        self.span_ms = span_ms
        self.width_ms = width_ms(span_ms)
        self._count = -(-span_ms // self.width_ms)
        self._buckets: deque[_Held] = deque(maxlen=BUCKETS_MAX)
        self._value: float | None = None  # what holds since `_at`
        self._at = 0
        self.begun = False  # whether the point was ever seen
        self._sum: _Held | None = None  # of the buckets that change no more
        self._sum_of = (0, 0)  # the oldest of them, and the one after them

    def begins(self, now: int) -> int:
        """The instant from which on readings count."""
        return max((now // self.width_ms - self._count + 1) * self.width_ms, 0)

    def see(self, seen: Observation) -> None:
        """Take the next kept reading; one that is BAD or no number ends what held."""
        at = max(seen.at, self._at)
        value = _usable(seen)
        held, buckets = self._value, self._buckets
        if held is not None and value is not None and buckets[-1].index == at // self.width_ms:
            buckets[-1].hold(
                held, self._at, at
            )  # what held began in this bucket, as it is the last
            buckets[-1].hold(value, at, at)
        else:
            self._close(at)
            if value is not None:
                self._hold(value, at, at)
        self._value, self._at, self.begun = value, at, True

    def interrupt(self) -> None:
        """The gateway was not running: what was seen last is known to have held no longer."""
        self._value = None

    def mean(self, now: int) -> float | None:
        """Weighted by how long each value held; None with less than half of the span covered."""
        held = self._held(now)
        if not held:
            return None
        covered_ms = sum([each.covered_ms for each in held])
        return math.fsum([each.area for each in held]) / covered_ms

    def least(self, now: int) -> float | None:
        """The lowest value that held; None as for `mean`."""
        return min((each.least for each in self._held(now)), default=None)

    def most(self, now: int) -> float | None:
        """The highest value that held; None as for `mean`."""
        return max((each.most for each in self._held(now)), default=None)

    def rate(self, now: int) -> float | None:
        """Change per minute from the first value that held to the last; None as for `mean`."""
        held = self._held(now)
        if not held:
            return None
        first, last = held[0], held[-1]
        return (last.last - first.first) * _MINUTE_MS / (last.last_at - first.first_at)

    def held_since(self, begin: int, now: int) -> list[tuple[float, int]]:
        """What held from `begin` on, a mean for each bucket, and for how many ms.

        `begin` is the edge of a bucket, within the span.
        """
        oldest = begin // self.width_ms
        held = [
            (each.area / each.covered_ms, each.covered_ms)
            for each in self._buckets
            if each.index >= oldest and each.covered_ms
        ]
        if self._value is not None and now > max(self._at, begin):
            held.append((self._value, now - max(self._at, begin)))
        return held

    def _held(self, now: int) -> list[_Held]:
        """What counts, in up to three parts in their order; nothing if that is too little."""
        begin = self.begins(now)
        held = self._closed(begin // self.width_ms)
        if self._value is not None:
            start = max(self._at, begin)
            open_ = _Held(-1, self._value, start)
            open_.hold(self._value, start, max(now, start))
            held.append(open_)
        covered_ms = sum([each.covered_ms for each in held])
        return held if 2 * covered_ms >= self.span_ms else []

    def _closed(self, oldest: int) -> list[_Held]:
        """The buckets that count: all but the last, which are as they will stay, as one."""
        buckets = self._buckets
        if not buckets or buckets[-1].index < oldest:
            return []
        of = (oldest, buckets[-1].index)
        if self._sum_of != of:
            past = [each for each in buckets if oldest <= each.index < of[1]]
            self._sum_of, self._sum = of, _summed(past) if past else None
        return [buckets[-1]] if self._sum is None else [self._sum, buckets[-1]]

    def _close(self, until: int) -> None:
        """Put what has held so far into its buckets, as far as it still counts."""
        if self._value is None:
            return
        start = max(self._at, self.begins(until))
        while start < until:
            end = min(until, (start // self.width_ms + 1) * self.width_ms)
            self._hold(self._value, start, end)
            start = end

    def _hold(self, value: float, start: int, end: int) -> None:
        index = start // self.width_ms
        if not self._buckets or self._buckets[-1].index != index:
            self._buckets.append(_Held(index, value, start))
        self._buckets[-1].hold(value, start, end)


def _summed(buckets: Sequence[_Held]) -> _Held:
    """Several buckets as one."""
    first, last = buckets[0], buckets[-1]
    whole = _Held(first.index, first.first, first.first_at)
    whole.area = math.fsum([each.area for each in buckets])
    whole.covered_ms = sum([each.covered_ms for each in buckets])
    whole.least = min([each.least for each in buckets])
    whole.most = max([each.most for each in buckets])
    whole.last, whole.last_at = last.last, last.last_at
    return whole


def width_ms(span_ms: int) -> int:
    """How long one bucket of a window is: a sixtieth, at least a second."""
    return max(_WIDTH_LEAST_MS, -(-span_ms // BUCKETS_MAX))


def _usable(seen: Observation) -> float | None:
    value = seen.value
    if type(value) is float and value - value == 0.0 and seen.good:
        return value
    if not seen.good or isinstance(value, (bool, str)) or value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
