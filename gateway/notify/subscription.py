"""A browser that wants to be pushed to: what it told us when it subscribed (RFC 8030, RFC 8291)."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from gateway.notify.push_encryption import SECRET_OCTETS, from_text, is_point

PER_PERSON_MAX, ALL_MAX = 10, 200
_ENDPOINT_MAX = 1_024
_ID_DIGITS = 16


class TooMany(Exception):
    """Nobody has a browser to spare for another person's first one."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One browser of one person. Whoever knows `endpoint` can push: it is shown to nobody."""

    endpoint: str
    person: str
    public: str  # key of the browser, base64 for addresses
    secret: str  # authentication secret, likewise
    since: int  # UTC ms

    @property
    def service(self) -> str:
        """Whose push service it is: the host of its address."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def id(self) -> str:
        """What it is called where it is listed and taken away; nobody can push with it."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()[:_ID_DIGITS]


class Outcome(msgspec.Struct, frozen=True):
    """What became of the last messages to one browser, as far as this start knows; UTC ms."""

    handed_over_at: int | None = None
    failed_at: int | None = None
    error: str = ""  # of the last failure


class Subscriptions(Protocol):
    """Where they are kept. Lists come from memory; changes return once committed."""

    def all(self) -> Sequence[Subscription]:
        """Every one, the oldest first."""

    def of(self, person: str) -> Sequence[Subscription]:
        """Those of one person."""

    async def add(self, subscription: Subscription, gone: Sequence[Subscription] = ()) -> None:
        """Keep it, in place of what its endpoint had before and of those; raises StoreError."""

    async def remove(self, endpoint: str) -> bool:
        """Whether it was there; raises StoreError."""

    def outcome(self, endpoint: str) -> Outcome:
        """How it last went there."""

    def note(self, endpoint: str, outcome: Outcome) -> None:
        """How it went; nothing where the browser has gone meanwhile."""


def making_room(
    known: Sequence[Subscription], newcomer: Subscription, people: Collection[str]
) -> Sequence[Subscription]:
    """Which of `known`, the oldest first, go for the newcomer; raises TooMany.

    Of a person who has as many as one may: their own oldest. Where all places are taken: those of
    people who are told nothing any more, else the oldest of whoever has most. Nobody's only
    browser goes for somebody else's: that person would hear of no alarm.
    """
    others = [each for each in known if each.endpoint != newcomer.endpoint]
    own = [each for each in others if each.person == newcomer.person]
    if len(own) >= PER_PERSON_MAX:
        return own[: len(own) - PER_PERSON_MAX + 1]
    if len(others) < ALL_MAX:
        return ()
    if strangers := [each for each in others if each.person not in people]:
        return strangers
    ((person, most),) = Counter(each.person for each in others).most_common(1)
    if most == 1:
        raise TooMany(f"{ALL_MAX} people have one browser each: take one away")
    return [each for each in others if each.person == person][:1]


def check(subscription: Subscription) -> None:
    """Raises ValueError for what no browser can have sent; loads `cryptography`."""
    parts = urlsplit(subscription.endpoint)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("endpoint: expected the https: address the browser got")
    if len(subscription.endpoint) > _ENDPOINT_MAX:
        raise ValueError(f"endpoint: longer than {_ENDPOINT_MAX}")
    if not is_point(from_text(subscription.public)):
        raise ValueError("p256dh: no public key of P-256")
    if len(from_text(subscription.secret)) != SECRET_OCTETS:
        raise ValueError(f"auth: expected {SECRET_OCTETS} octets")
