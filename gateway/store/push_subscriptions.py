"""The browsers that are pushed to: in memory to ask, in `gateway.db` to last."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from gateway.notify.subscription import ALL_MAX, PER_PERSON_MAX, Subscription, TooMany
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)


class StoredSubscriptions:
    """`gateway.notify.subscription.Subscriptions`; changes return once committed."""

    def __init__(self, writer: StoreWorker, found: Mapping[str, Subscription]) -> None:
        self._writer = writer
        self._rows = dict(found)

    def all(self) -> Sequence[Subscription]:
        return list(self._rows.values())

    def of(self, person: str) -> Sequence[Subscription]:
        return [row for row in self._rows.values() if row.person == person]

    async def add(self, subscription: Subscription) -> None:
        self._check_room(subscription)
        body = msgspec.json.encode(subscription).decode()

        def write(connection: sqlite3.Connection) -> None:
            query = "INSERT OR REPLACE INTO push_subscriptions VALUES (?, ?)"
            connection.execute(query, (subscription.endpoint, body))

        await self._writer.call(write)
        self._rows.pop(subscription.endpoint, None)
        self._rows[subscription.endpoint] = subscription

    async def remove(self, endpoint: str) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            query = "DELETE FROM push_subscriptions WHERE endpoint = ?"
            return connection.execute(query, (endpoint,)).rowcount == 1

        removed = await self._writer.call(delete)
        self._rows.pop(endpoint, None)
        return removed

    def _check_room(self, subscription: Subscription) -> None:
        others = [row for row in self._rows.values() if row.endpoint != subscription.endpoint]
        if len(others) >= ALL_MAX:
            raise TooMany(f"{ALL_MAX} browsers are subscribed: have some unsubscribed")
        own = [row for row in others if row.person == subscription.person]
        if len(own) >= PER_PERSON_MAX:
            raise TooMany(
                f"{subscription.person} has {PER_PERSON_MAX} browsers subscribed: unsubscribe one"
            )


def read(connection: sqlite3.Connection) -> dict[str, Subscription]:
    """All by endpoint, the oldest first."""
    found: list[Subscription] = []
    for (body,) in connection.execute("SELECT body FROM push_subscriptions"):
        try:
            found.append(msgspec.json.decode(body, type=Subscription))
        except msgspec.DecodeError:
            logger.error("a browser's subscription cannot be read: it has to subscribe anew")
    return {row.endpoint: row for row in sorted(found, key=lambda row: row.since)}
