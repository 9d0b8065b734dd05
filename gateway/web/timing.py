"""How long the server's own middleware takes for each route: counts, and p50, p95, p99.

The last SAMPLES of a route are looked at, so that what was is forgotten; live pages never end and
are left out. The routes are those of the table, so all of it is bounded.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Sequence

import msgspec
from aiohttp import web

SAMPLES = 256


class RouteTimes(msgspec.Struct, frozen=True, kw_only=True):
    """One route since the start; the times are of its last requests, in ms."""

    method: str
    path: str
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Timing:
    """Takes the time of every request."""

    def __init__(self) -> None:
        self._seconds: defaultdict[tuple[str, str], deque[float]] = defaultdict(_samples)
        self._counts: Counter[tuple[str, str]] = Counter()

    def took(self, method: str, path: str, seconds: float) -> None:
        key = (method, path)
        self._seconds[key].append(seconds)
        self._counts[key] += 1

    def routes(self) -> list[RouteTimes]:
        """Those asked for since the start, the slowest first."""
        found = [self._times(*key) for key in self._seconds]
        return sorted(found, key=lambda times: (-times.p95_ms, times.path, times.method))

    def _times(self, method: str, path: str) -> RouteTimes:
        seconds = sorted(self._seconds[method, path])
        return RouteTimes(
            method=method,
            path=path,
            count=self._counts[method, path],
            p50_ms=_ms(seconds, 50),
            p95_ms=_ms(seconds, 95),
            p99_ms=_ms(seconds, 99),
        )


def _samples() -> deque[float]:
    return deque(maxlen=SAMPLES)


def _ms(seconds: Sequence[float], percent: int) -> float:
    """The nearest rank: the smallest that so many percent do not exceed."""
    rank = -(-len(seconds) * percent // 100)
    return round(seconds[max(0, rank - 1)] * 1000, 2)


TIMING: web.AppKey[Timing] = web.AppKey("timing", Timing)
