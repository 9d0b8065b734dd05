"""The people with accounts: made, changed and removed, and whether they are who they say."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from gateway.access.caller import User
from gateway.access.errors import Locked, NotAllowed, Refused, Unfit
from gateway.access.giving import as_of_now, check_may_give, check_not_the_last, for_change
from gateway.access.lock import (
    PIN_WAITS,
    forgiven,
    one_more,
    one_more_at,
    right_at,
    wait_at_ms,
    wait_ms,
)
from gateway.access.password import Passwords
from gateway.access.person import (
    EVERYWHERE,
    PEOPLE_MAX,
    PeopleStore,
    Person,
    Reach,
    check_names,
    check_password,
    check_pin,
    check_reach,
)
from gateway.access.role import Role
from gateway.clock import Clock


class People:
    """Accounts in a store, which says who may still do what at the moment of each change.

    A try is counted before it is made, so that no kill gives one back.
    """

    def __init__(self, store: PeopleStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counting = asyncio.Lock()
        self.passwords = Passwords()

    def find(self, person_id: str) -> Person | None:
        return self._store.person(person_id)

    def all(self) -> list[Person]:
        return self._store.people()

    def has_admin(self) -> bool:
        return any(person.role is Role.ADMIN for person in self.all())

    async def add(  # noqa: PLR0913 - what is known of a person
        self, by: User, person_id: str, label: str, role: Role, *,
        password: str = "", pin: str = "", reach: Reach = EVERYWHERE, first: bool = False,
    ) -> Person:  # fmt: skip
        """A new account, once stored; `first`: as long as there is no admin.

        Raises Unfit, NotAllowed or Overrun.
        """
        check_names(person_id, label)
        check_reach(reach)
        if password:
            check_password(password, person_id, label)
        if pin:
            check_pin(pin)

        def check(people: Mapping[str, Person]) -> None:
            check_may_give(as_of_now(by, people), role, reach)
            if first and any(person.role is Role.ADMIN for person in people.values()):
                raise NotAllowed("there is an admin already: log in")
            if person_id in people:
                raise Unfit(f"there is a {person_id} already", "known")
            if len(people) >= PEOPLE_MAX:
                raise Unfit(f"there are {PEOPLE_MAX} people: remove one who has left", "full")

        check(self._known())  # before a hash is made for nothing
        person = Person(
            id=person_id,
            label=label,
            role=role,
            created=self._clock.now(),
            password=await self.passwords.hash(password) if password else "",
            pin=await self.passwords.hash(pin) if pin else "",
            reach=reach,
        )

        def edit(people: Mapping[str, Person]) -> Person:
            check(people)
            return person

        await self._store.edit(person_id, edit, "pair" if first else "")
        return person

    async def change(  # noqa: PLR0913 - what is known of a person
        self, by: User, person_id: str, *, label: str | None = None, role: Role | None = None,
        reach: Reach | None = None, password: str | None = None, pin: str | None = None,
    ) -> Person:  # fmt: skip
        """What is given is changed, all or nothing, once stored; an empty PIN is none.

        A new password or PIN ends every wait. Raises Unfit, NotAllowed, Overrun or KeyError.
        """
        person = self.check_may_change(by, person_id)
        given = {"label": label, "role": role, "reach": reach}
        fields = {name: value for name, value in given.items() if value is not None}
        check_names(person_id, person.label if label is None else label)
        check_reach(reach or person.reach)
        if password is not None:
            check_password(password, person_id, label or person.label)
        if pin:
            check_pin(pin)
        secrets = await self._hashed(password, pin)

        def edit(people: Mapping[str, Person]) -> Person:
            now = as_of_now(by, people)
            stored = for_change(now, person_id, people)
            if secrets and by.person == person_id and not _same_secrets(stored, person):
                raise NotAllowed("somebody else has changed it meanwhile: log in again")
            changed = msgspec.structs.replace(stored, **fields, **secrets)
            if (changed.role, changed.reach) != (stored.role, stored.reach):
                check_may_give(now, changed.role, changed.reach)
            check_not_the_last(stored, changed, people)
            own = by.digest if by.person == person_id else b""
            return msgspec.structs.replace(changed, spared=own) if secrets else changed

        await self._store.edit(person_id, edit)
        if secrets:
            await self._unlock(person_id)
        return self.find(person_id) or person

    async def remove(self, by: User, person_id: str) -> None:
        """Raises NotAllowed or KeyError."""

        def edit(people: Mapping[str, Person]) -> None:
            person = for_change(as_of_now(by, people), person_id, people)
            check_not_the_last(person, None, people)

        await self._store.edit(person_id, edit)
        await self._unlock(person_id)

    async def set_password(self, by: User, person_id: str, password: str) -> None:
        """A new password; raises as `change` does."""
        await self.change(by, person_id, password=password)

    async def set_pin(self, by: User, person_id: str, pin: str) -> None:
        """A new PIN, or with an empty one none; raises as `change` does."""
        await self.change(by, person_id, pin=pin)

    async def unlock(self, by: User, person_id: str) -> None:
        """End every wait of a person; raises NotAllowed or KeyError."""
        self.check_may_change(by, person_id)
        await self._unlock(person_id)

    async def check_password(
        self, name: str, password: str, place: str, *, proof: bool = False
    ) -> Person:
        """Who has that id or label and this password; raises Refused or Locked.

        Tries count for `place`: the address, or as a `proof` of who has logged in the session, so
        that strangers lock nobody out. Somebody who does not exist takes as long as others.
        """
        person = self._named(name)
        if person is None:
            await self.passwords.matches("", password)
            raise Refused
        key = f"{'proof' if proof else 'password'}/{person.id}"
        async with self._counting:
            before, now = self._store.lock(key), self._clock.now()
            if (waits_ms := wait_at_ms(before, place, now)) > 0:
                raise Locked(waits_ms / 1000)
            await self._store.keep_lock(key, one_more_at(before, place, now))
        if not await self.passwords.matches(person.password, password):
            raise Refused
        async with self._counting:
            await self._store.keep_lock(key, right_at(self._store.lock(key), place))
        return self._unchanged(person, lambda it: it.password)

    async def check_pin(self, person_id: str, pin: str, tablet: str) -> Person:
        """Who tapped that tile on that tablet and knows the PIN; raises like `check_password`."""
        person = self.find(person_id)
        own, shared = f"pin/{person_id}", f"tablet/{tablet}"
        await self._count_pins([shared] if person is None else [own, shared])
        known = "" if person is None else person.pin
        if not await self.passwords.matches(known, pin) or person is None:
            raise Refused
        async with self._counting:
            before = self._store.lock(own)
            tries = 1 if before is None else before.wrong
            mended = forgiven(self._store.lock(shared), tries, self._clock.now())
            await self._store.keep_lock(own, None)
            await self._store.keep_lock(shared, mended)
        return self._unchanged(person, lambda it: it.pin)

    def check_may_change(self, by: User, person_id: str) -> Person:
        """Who is to be changed; raises NotAllowed or KeyError."""
        people = self._known()
        return for_change(as_of_now(by, people), person_id, people)

    def locked_s(self, person_id: str) -> float:
        """How long this person's PIN is not tried."""
        return self._wait_s(f"pin/{person_id}")

    def tablet_locked_s(self, tablet: str) -> float:
        """How long no PIN is tried on that tablet."""
        return self._wait_s(f"tablet/{tablet}")

    async def unlock_tablet(self, tablet: str) -> None:
        """End the wait of a tablet."""
        await self._store.keep_lock(f"tablet/{tablet}", None)

    async def _count_pins(self, keys: list[str]) -> None:
        async with self._counting:
            now = self._clock.now()
            longest = max(wait_ms(self._store.lock(key), now, PIN_WAITS) for key in keys)
            if longest > 0:
                raise Locked(longest / 1000)
            for key in keys:
                await self._store.keep_lock(key, one_more(self._store.lock(key), now))

    def _wait_s(self, key: str) -> float:
        return wait_ms(self._store.lock(key), self._clock.now(), PIN_WAITS) / 1000

    async def _unlock(self, person_id: str) -> None:
        for key in (f"password/{person_id}", f"proof/{person_id}", f"pin/{person_id}"):
            if self._store.lock(key) is not None:
                await self._store.keep_lock(key, None)

    def _named(self, name: str) -> Person | None:
        wanted = name.strip()
        found = self.find(wanted.lower())
        labelled = [person for person in self.all() if person.label == wanted]
        return found or (labelled[0] if len(labelled) == 1 else None)

    async def _hashed(self, password: str | None, pin: str | None) -> dict[str, str]:
        """What is to be stored of those given; of an empty one nothing."""
        given = {"password": password, "pin": pin}
        return {
            name: await self.passwords.hash(secret) if secret else ""
            for name, secret in given.items()
            if secret is not None
        }

    def _unchanged(self, compared: Person, secret: Callable[[Person], str]) -> Person:
        """Who was compared, as they are now; comparing waits its turn, and secrets change."""
        now = self.find(compared.id)
        if now is None or secret(now) != secret(compared):
            raise Refused
        return now

    def _known(self) -> dict[str, Person]:
        return {person.id: person for person in self.all()}


def _same_secrets(one: Person, other: Person) -> bool:
    return (one.password, one.pin) == (other.password, other.pin)
