"""How fast one session, token or address may ask: a bucket for each, in a table that is bounded.

Acknowledging an alarm is never refused for it: a route that says `unpaced` is passed.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from gateway.access import LOOPBACK_PEERS, User, place_of
from gateway.clock import Clock
from gateway.web.route import Problem, Route

BUCKETS_MAX = 1_024  # the one used longest ago goes first


class Allowance(NamedTuple):
    """So many a second, and so many at once after a rest."""

    per_s: float
    burst: float


READS = Allowance(50.0, 400.0)  # of one session or token; the page opens with some thirty
WRITES = Allowance(5.0, 60.0)  # likewise; people press slower, and a storm of orders wears flash
ADDRESS = Allowance(100.0, 800.0)  # of one address, whoever asks from there


Key = tuple[str, object]
Cost = tuple[Key, Allowance]


class Pace:
    """What is left to each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[Key, tuple[float, int]] = OrderedDict()
        self.refused = 0

    @property
    def size(self) -> int:
        """How many buckets there are."""
        return len(self._buckets)

    def check_address(self, route: Route, peer: str) -> None:
        """Raises Problem with 429; a proxy on this machine speaks for many, so it is passed."""
        for cost in _of_address(route, peer):
            self._spend(*cost)

    def check_user(self, route: Route, user: User) -> None:
        """Raises Problem with 429."""
        for cost in _of_user(route, user):
            self._spend(*cost)

    def check_hook(self, name: str) -> None:
        """Raises Problem with 429; asked only once a signature has proven who it is."""
        self._spend(("hook", name), WRITES)

    def costs(self, route: Route, peer: str, user: User) -> Sequence[Cost]:
        """What `took` is asked for."""
        return (*_of_address(route, peer), *_of_user(route, user))

    def took(self, costs: Sequence[Cost]) -> bool:
        """Whether there was enough of each; else nothing is taken, and nobody counts as refused."""
        now = self._clock.now()
        left = [self._left(key, allowance, now) for key, allowance in costs]
        if left and min(left) < 1:
            return False
        for (key, _), each in zip(costs, left, strict=True):
            self._put(key, each - 1, now)
        return True

    def _spend(self, key: Key, allowance: Allowance) -> None:
        now = self._clock.now()
        left = self._left(key, allowance, now)
        granted = left >= 1
        self._put(key, left - 1 if granted else left, now)
        if not granted:
            self.refused += 1
            wait_s = math.ceil((1 - left) / allowance.per_s)
            detail = f"Too many requests: ask again in {wait_s} s."
            raise Problem(429, "too-fast", detail, {"Retry-After": str(wait_s)})

    def _left(self, key: Key, allowance: Allowance, now: int) -> float:
        left, at = self._buckets.get(key, (allowance.burst, now))
        return min(allowance.burst, left + (now - at) / 1000 * allowance.per_s)

    def _put(self, key: Key, left: float, now: int) -> None:
        self._buckets[key] = (left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)


def _of_address(route: Route, peer: str) -> Sequence[Cost]:
    place = place_of(peer)
    free = route.unpaced or not place or place in LOOPBACK_PEERS
    return () if free else ((("address", place), ADDRESS),)


def _of_user(route: Route, user: User) -> Sequence[Cost]:
    if route.unpaced or user.kind == "console":
        return ()
    kind, allowance = ("read", READS) if route.method == "GET" else ("write", WRITES)
    return (((kind, user.digest or user.name), allowance),)


PACE: web.AppKey[Pace] = web.AppKey("pace", Pace)
