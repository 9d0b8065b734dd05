"""Who is connected: bounded in all and by address, and those that have asked nothing go first.

A connection that has not got as far as a request it may make is worth less than a newcomer: so a
thousand half-open ones keep nobody out.
"""

import asyncio
from collections import Counter
from typing import Protocol

from aiohttp import web

from gateway.access import LOOPBACK_PEERS, place_of
from gateway.web.status_shapes import Metric


class Member(Protocol):
    """One connection."""

    transport: asyncio.Transport | None


class Crowd:
    """The connections there are, by when they came."""

    def __init__(self, most: int, per_address: int) -> None:
        self._most = most
        self._per_address = per_address
        self._open: dict[Member, str] = {}
        self._silent: dict[Member, None] = {}
        self._addresses: Counter[str] = Counter()
        self.refused = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._open)

    def has_room(self, peer: str) -> bool:
        """Whether one more of this address may come; the longest silent goes where all is full.

        Loopback is not bounded by address: a proxy on this machine speaks for many.
        """
        place = place_of(peer)
        if self._addresses[place] >= self._per_address and place not in LOOPBACK_PEERS:
            self.refused += 1
            return False
        if len(self._open) >= self._most and not self._evict():
            self.refused += 1
            return False
        return True

    def joined(self, member: Member, peer: str) -> None:
        place = place_of(peer)
        self._open[member] = place
        self._silent[member] = None
        self._addresses[place] += 1

    def asked(self, member: Member) -> None:
        """It has made a request that it may make."""
        self._silent.pop(member, None)

    def left(self, member: Member) -> None:
        self._silent.pop(member, None)
        place = self._open.pop(member, None)
        if place is not None:
            self._addresses[place] -= 1
            if not self._addresses[place]:
                del self._addresses[place]

    def metrics(self) -> list[Metric]:
        return [
            Metric(
                name="kitchen_http_connections_refused_total",
                help="Connections closed at once because too many were open.",
                kind="counter",
                value=self.refused,
            ),
            Metric(
                name="kitchen_http_connections_evicted_total",
                help="Connections without a request that made room for a newcomer.",
                kind="counter",
                value=self.evicted,
            ),
            Metric(
                name="kitchen_http_connections_open",
                help="Connections open now.",
                kind="gauge",
                value=len(self),
            ),
        ]

    def _evict(self) -> bool:
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        self.evicted += 1
        if oldest.transport is not None:
            oldest.transport.abort()
        self.left(oldest)
        return True


CROWD: web.AppKey[Crowd] = web.AppKey("crowd", Crowd)
