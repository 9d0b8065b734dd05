"""What the page needs so that a browser can be pushed to: our key, and a place in the list."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from gateway.clock import Clock
from gateway.loading import in_thread
from gateway.notify.subscription import Subscription, Subscriptions, check, making_room
from gateway.notify.vapid import Vapid, own_key


class UnknownPerson(Exception):
    """Nobody of that id is told anything here."""


class Subscribing:
    """Takes browsers in and out; `people` are those the configuration in force names."""

    def __init__(self, subscriptions: Subscriptions, folder: Path, clock: Clock) -> None:
        self.people: Collection[str] = ()
        self.subscriptions = subscriptions
        self.made_room = 0  # browsers that went for newer ones
        self._folder = folder
        self._clock = clock
        self._key: str | None = None
        self._changing = asyncio.Lock()

    async def key(self) -> str:
        """The public key a browser subscribes to; raises KeyDamaged and OSError."""
        if self._key is None:
            private = await in_thread(lambda: own_key(self._folder), "push key")
            self._key = Vapid(private, "").public
        return self._key

    async def subscribe(
        self, person: str, endpoint: str, public: str, secret: str
    ) -> tuple[Subscription, Sequence[Subscription]]:
        """What is stored, and which made room for it.

        Raises UnknownPerson, ValueError, TooMany and StoreError.
        """
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
        async with self._changing:
            gone = making_room(self.subscriptions.all(), subscription, self.people)
            await self.subscriptions.add(subscription, gone)
        self.made_room += len(gone)
        return subscription, gone

    async def unsubscribe(self, subscription: Subscription) -> bool:
        """Whether it was still there; raises StoreError."""
        async with self._changing:
            return await self.subscriptions.remove(subscription.endpoint)
