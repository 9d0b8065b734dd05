"""The browsers that are pushed to: in memory to ask, in `gateway.db` to last."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from gateway.notify.subscription import Outcome, Subscription
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)

_DELETE = "DELETE FROM push_subscriptions WHERE endpoint = ?"


class StoredSubscriptions:
    """`gateway.notify.subscription.Subscriptions`; changes return once committed."""

    def __init__(self, writer: StoreWorker, found: Mapping[str, Subscription]) -> None:
        self._writer = writer
        self._rows = dict(found)
        self._outcomes: dict[str, Outcome] = {}  # of those in `_rows`

    def all(self) -> Sequence[Subscription]:
        return list(self._rows.values())

    def of(self, person: str) -> Sequence[Subscription]:
        return [row for row in self._rows.values() if row.person == person]

    async def add(self, subscription: Subscription, gone: Sequence[Subscription] = ()) -> None:
        body = msgspec.json.encode(subscription).decode()

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for each in gone:
                    connection.execute(_DELETE, (each.endpoint,))
                query = "INSERT OR REPLACE INTO push_subscriptions VALUES (?, ?)"
                connection.execute(query, (subscription.endpoint, body))

        await self._writer.call(write)
        for each in (*gone, subscription):
            self._drop(each.endpoint)
        self._rows[subscription.endpoint] = subscription

    async def remove(self, endpoint: str) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            return connection.execute(_DELETE, (endpoint,)).rowcount == 1

        removed = await self._writer.call(delete)
        self._drop(endpoint)
        return removed

    def outcome(self, endpoint: str) -> Outcome:
        return self._outcomes.get(endpoint, Outcome())

    def note(self, endpoint: str, outcome: Outcome) -> None:
        if endpoint in self._rows:
            self._outcomes[endpoint] = outcome

    def _drop(self, endpoint: str) -> None:
        self._rows.pop(endpoint, None)
        self._outcomes.pop(endpoint, None)


def read(connection: sqlite3.Connection) -> dict[str, Subscription]:
    """All by endpoint, the oldest first."""
    found: list[Subscription] = []
    for (body,) in connection.execute("SELECT body FROM push_subscriptions"):
        try:
            found.append(msgspec.json.decode(body, type=Subscription))
        except msgspec.DecodeError:
            logger.error("a browser's subscription cannot be read: it has to subscribe anew")
    return {row.endpoint: row for row in sorted(found, key=lambda row: row.since)}
