"""How fast one session, token or address may ask: a bucket for each, in a table that is bounded.

Acknowledging an alarm is never refused for it: a route that says `unpaced` is passed.
"""

import math
from collections import OrderedDict
from typing import NamedTuple

from aiohttp import web

from gateway.access import LOOPBACK_PEERS, Caller, User, place_of
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


class Pace:
    """What is left to each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, object], tuple[float, int]] = OrderedDict()
        self.refused = 0

    @property
    def size(self) -> int:
        """How many buckets there are."""
        return len(self._buckets)

    def check_address(self, route: Route, caller: Caller) -> None:
        """Raises Problem with 429; a proxy on this machine speaks for many, so it is passed."""
        place = place_of(caller.peer)
        if not route.unpaced and place and place not in LOOPBACK_PEERS:
            self._spend(("address", place), ADDRESS)

    def check_user(self, route: Route, user: User) -> None:
        """Raises Problem with 429."""
        if route.unpaced or user.kind == "console":
            return
        kind, allowance = ("read", READS) if route.method == "GET" else ("write", WRITES)
        self._spend((kind, user.digest or user.name), allowance)

    def check_hook(self, name: str) -> None:
        """Raises Problem with 429; asked only once a signature has proven who it is."""
        self._spend(("hook", name), WRITES)

    def _spend(self, key: tuple[str, object], allowance: Allowance) -> None:
        now = self._clock.now()
        left, at = self._buckets.pop(key, (allowance.burst, now))
        left = min(allowance.burst, left + (now - at) / 1000 * allowance.per_s)
        granted = left >= 1
        self._buckets[key] = (left - 1 if granted else left, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if not granted:
            self.refused += 1
            wait_s = math.ceil((1 - left) / allowance.per_s)
            detail = f"Too many requests: ask again in {wait_s} s."
            raise Problem(429, "too-fast", detail, {"Retry-After": str(wait_s)})


PACE: web.AppKey[Pace] = web.AppKey("pace", Pace)
