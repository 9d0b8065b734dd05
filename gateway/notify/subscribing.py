"""What the page needs so that a browser can be pushed to: our key, and a place in the list."""

from collections.abc import Collection
from pathlib import Path

from gateway.clock import Clock
from gateway.loading import in_thread
from gateway.notify.subscription import Subscription, Subscriptions, check
from gateway.notify.vapid import Vapid, own_key


class UnknownPerson(Exception):
    """Nobody of that id is told anything here."""


class Subscribing:
    """Takes browsers in and out; `people` are those the configuration in force names."""

    def __init__(self, subscriptions: Subscriptions, folder: Path, clock: Clock) -> None:
        self.people: Collection[str] = ()
        self.subscriptions = subscriptions
        self._folder = folder
        self._clock = clock
        self._key: str | None = None

    async def key(self) -> str:
        """The public key a browser subscribes to; raises KeyDamaged and OSError."""
        if self._key is None:
            private = await in_thread(lambda: own_key(self._folder), "push key")
            self._key = Vapid(private, "").public
        return self._key

    async def subscribe(self, person: str, endpoint: str, public: str, secret: str) -> None:
        """Return once stored; raises UnknownPerson, ValueError, TooMany and StoreError."""
        if person not in self.people:
            raise UnknownPerson(person)
        subscription = Subscription(
            endpoint=endpoint,
            person=person,
            public=public.rstrip("="),
            secret=secret.rstrip("="),
            since=self._clock.wall(),
        )
        await in_thread(lambda: check(subscription), "push subscription")
        await self.subscriptions.add(subscription)

    async def unsubscribe(self, endpoint: str) -> bool:
        """Whether it was there; raises StoreError."""
        return await self.subscriptions.remove(endpoint)
