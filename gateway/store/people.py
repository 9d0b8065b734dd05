"""The people who may log in, and who has to wait: in memory to ask, in `gateway.db` to last."""

import contextlib
import logging
import sqlite3
from typing import NamedTuple

import msgspec

from gateway.access.person import Edit, Lock, Person
from gateway.audit.entry import Detail
from gateway.clock import Clock
from gateway.store.deed import Deed, Witness
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

    def __init__(
        self, writer: StoreWorker, reader: StoreWorker, witness: Witness | None = None
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._witness = witness
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
                logger.error("the account %s cannot be read: add it anew", name)
            if self._changes == before:  # else it may have been read too early
                self._found = found

    def person(self, person_id: str) -> Person | None:
        return self._found.people.get(person_id)

    def people(self) -> list[Person]:
        return sorted(self._found.people.values(), key=lambda person: person.id)

    def lock(self, key: str) -> Lock | None:
        return self._found.locks.get(key)

    async def edit(self, person_id: str, edit: Edit, action: str = "") -> None:
        """One transaction around reading, deciding, writing and taking down."""
        deed = None if self._witness is None else self._witness.deed()
        people = await self._writer.call(
            lambda connection: edited(connection, person_id, edit, deed, action)
        )
        if deed is not None:
            deed.done()
        self._found = self._found._replace(people=people)
        self._changes += 1

    async def keep_lock(self, key: str, lock: Lock | None) -> None:
        query, values = "DELETE FROM locks WHERE key = ?", [key]
        if lock is not None:
            query = "INSERT OR REPLACE INTO locks VALUES (?, ?)"
            values.append(msgspec.json.encode(lock).decode())
        await self._writer.call(lambda connection: connection.execute(query, values).rowcount)
        self._found.locks.pop(key, None)
        if lock is not None:
            self._found.locks[key] = lock
        self._changes += 1


def edited(
    connection: sqlite3.Connection, person_id: str, edit: Edit, deed: Deed | None, action: str
) -> dict[str, Person]:
    """Everybody after that change, which is committed; what `edit` raises undoes it."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        people = read(connection).people
        before, person = people.get(person_id), edit(people)
        if person is None:
            connection.execute("DELETE FROM people WHERE id = ?", (person_id,))
            people.pop(person_id, None)
        elif person != before:
            # An account that cannot be read is nobody's: it makes room.
            body = msgspec.json.encode(person).decode()
            connection.execute("INSERT OR REPLACE INTO people VALUES (?, ?)", (person_id, body))
            people[person_id] = person
        if deed is not None and person != before:
            named = action or _action(before, person)
            by = person_id if action else ""  # who pairs is nobody before
            deed.enter(connection, named, person_id, told(before, person), by=by)
        return people


def told(before: Person | None, after: Person | None) -> dict[str, Detail]:
    """What of an account is another; of a new or a removed one, what it may do."""
    known = after or before
    if known is None:
        return {}
    if before is None or after is None:
        return {"role": known.role.value, "reach": str(known.reach)}
    detail: dict[str, Detail] = {}
    if after.label != before.label:
        detail["label"] = after.label
    if after.role is not before.role:
        detail |= {"role": after.role.value, "role_before": before.role.value}
    if after.reach != before.reach:
        detail |= {"reach": str(after.reach), "reach_before": str(before.reach)}
    if after.password != before.password:
        detail |= {"password": "new"}
    if after.pin != before.pin:
        detail["pin"] = "new" if after.pin else "none"
    return detail


def _action(before: Person | None, after: Person | None) -> str:
    if before is None:
        return "add_person"
    return "remove_person" if after is None else "change_person"


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
