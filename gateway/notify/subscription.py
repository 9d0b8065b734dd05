"""A browser that wants to be pushed to: what it told us when it subscribed (RFC 8030, RFC 8291)."""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from gateway.notify.push_encryption import SECRET_OCTETS, from_text, is_point

PER_PERSON_MAX, ALL_MAX = 10, 200
_ENDPOINT_MAX = 1_024


class TooMany(Exception):
    """There is no room for another browser; says whose must go."""


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


class Subscriptions(Protocol):
    """Where they are kept. Lists come from memory; changes return once committed."""

    def all(self) -> Sequence[Subscription]:
        """Every one, the oldest first."""

    def of(self, person: str) -> Sequence[Subscription]:
        """Those of one person."""

    async def add(self, subscription: Subscription) -> None:
        """Keep it, in place of what its endpoint had before; raises TooMany and StoreError."""

    async def remove(self, endpoint: str) -> bool:
        """Whether it was there; raises StoreError."""


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
