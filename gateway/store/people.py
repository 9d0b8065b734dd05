"""The people who may log in, and who has to wait: in memory to ask, in `gateway.db` to last."""

import contextlib
import logging
import sqlite3
from typing import NamedTuple

import msgspec

from gateway.access.person import Lock, Person
from gateway.clock import Clock
from gateway.store.errors import StoreError
from gateway.store.tokens import REFRESH_S
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """What the file holds."""

    people: dict[str, Person]
    locks: dict[str, Lock]
    damaged: frozenset[str] = frozenset()  # accounts that cannot be read


class StoredPeople:
    """`gateway.access.person.PeopleStore`; changes return once committed."""

    def __init__(self, writer: StoreWorker, reader: StoreWorker) -> None:
        self._writer = writer
        self._reader = reader
        self._found = Found({}, {})
        self._changes = 0
        self._readable = True

    async def refresh(self, clock: Clock) -> None:
        """Take over what another process changed, for ever."""
        while True:
            await self.load()
            await clock.sleep(REFRESH_S * clock.speed)

    async def load(self) -> None:
        """Read what is stored; those known stay while it cannot be read."""
        before = self._changes
        try:
            found = await self._reader.call(read)
        except StoreError as error:
            if self._readable:
                logger.error("people cannot be read, those known stay: %s", error)
            self._readable = False
        else:
            self._readable = True
            for name in sorted(found.damaged - self._found.damaged):
                logger.error("the account %s cannot be read: remove and add it anew", name)
            if self._changes == before:  # else it may have been read too early
                self._found = found

    def person(self, person_id: str) -> Person | None:
        return self._found.people.get(person_id)

    def people(self) -> list[Person]:
        return sorted(self._found.people.values(), key=lambda person: person.id)

    def lock(self, key: str) -> Lock | None:
        return self._found.locks.get(key)

    async def keep(self, person: Person) -> None:
        await self._put("people", person.id, person)
        self._found.people[person.id] = person
        self._changes += 1

    async def forget(self, person_id: str) -> bool:
        removed = await self._delete("people", person_id)
        self._found.people.pop(person_id, None)
        self._changes += 1
        return removed

    async def keep_lock(self, key: str, lock: Lock | None) -> None:
        if lock is None:
            await self._delete("locks", key)
            self._found.locks.pop(key, None)
        else:
            await self._put("locks", key, lock)
            self._found.locks[key] = lock
        self._changes += 1

    async def _put(self, table: str, key: str, body: Person | Lock) -> None:
        text = msgspec.json.encode(body).decode()
        query = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608 - one of our two
        await self._writer.call(lambda connection: connection.execute(query, (key, text)).rowcount)

    async def _delete(self, table: str, key: str) -> bool:
        column = "id" if table == "people" else "key"
        query = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608 - one of our two
        return await self._writer.call(
            lambda connection: connection.execute(query, (key,)).rowcount == 1
        )


def read(connection: sqlite3.Connection) -> Found:
    """All of both tables; a wait that cannot be read is over."""
    people, locks, damaged = {}, {}, set()
    for key, body in connection.execute("SELECT id, body FROM people"):
        try:
            people[key] = msgspec.json.decode(body, type=Person)
        except msgspec.DecodeError:
            damaged.add(key)
    for key, body in connection.execute("SELECT key, body FROM locks"):
        with contextlib.suppress(msgspec.DecodeError):
            locks[key] = msgspec.json.decode(body, type=Lock)
    return Found(people, locks, frozenset(damaged))
