"""The people with accounts: made, changed and removed, and whether they are who they say."""

import asyncio

import msgspec

from gateway.access.caller import User
from gateway.access.errors import Locked, NotAllowed, Refused, Unfit
from gateway.access.lock import PASSWORD_WAITS, PIN_WAITS, Waits, forgiven, one_more, wait_ms
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
    """Accounts in a store. A try is counted before it is made, so that no kill gives one back."""

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
        password: str = "", pin: str = "", reach: Reach = EVERYWHERE,
    ) -> Person:  # fmt: skip
        """A new account, once stored; raises Unfit or NotAllowed."""
        check_names(person_id, label)
        check_reach(reach)
        _check_may_give(by, role, reach)
        if self.find(person_id) is not None:
            raise Unfit(f"there is a {person_id} already", "known")
        if len(self.all()) >= PEOPLE_MAX:
            raise Unfit(f"there are {PEOPLE_MAX} people: remove one who has left", "full")
        if password:
            check_password(password, person_id, label)
        if pin:
            check_pin(pin)
        person = Person(
            id=person_id,
            label=label,
            role=role,
            created=self._clock.now(),
            password=await self.passwords.hash(password) if password else "",
            pin=await self.passwords.hash(pin) if pin else "",
            reach=reach,
        )
        if self.find(person_id) is not None:  # while it was hashed
            raise Unfit(f"there is a {person_id} already", "known")
        await self._store.keep(person)
        return person

    async def change(
        self, by: User, person_id: str, *,
        label: str | None = None, role: Role | None = None, reach: Reach | None = None,
    ) -> Person:  # fmt: skip
        """Another label, role or reach, once stored; raises Unfit, NotAllowed or KeyError."""
        person = self._for_change(by, person_id)
        changed = msgspec.structs.replace(
            person,
            label=person.label if label is None else label,
            role=person.role if role is None else role,
            reach=person.reach if reach is None else reach,
        )
        check_names(person_id, changed.label)
        check_reach(changed.reach)
        _check_may_give(by, changed.role, changed.reach)
        if changed.role is not Role.ADMIN:
            self._check_not_the_last(person)
        await self._store.keep(changed)
        return changed

    async def remove(self, by: User, person_id: str) -> None:
        """Raises NotAllowed or KeyError."""
        person = self._for_change(by, person_id)
        self._check_not_the_last(person)
        await self._store.forget(person_id)
        await self._unlock(person_id)

    async def set_password(self, by: User, person_id: str, password: str) -> None:
        """A new password, which ends every wait; raises Unfit, NotAllowed, Overrun or KeyError."""
        person = self._for_change(by, person_id)
        check_password(password, person.id, person.label)
        hashed = await self.passwords.hash(password)
        person = self._for_change(by, person_id)
        await self._store.keep(msgspec.structs.replace(person, password=hashed))
        await self._unlock(person_id)

    async def set_pin(self, by: User, person_id: str, pin: str) -> None:
        """A new PIN, or with an empty one none; raises as `set_password` does."""
        self._for_change(by, person_id)
        hashed = ""
        if pin:
            check_pin(pin)
            hashed = await self.passwords.hash(pin)
        person = self._for_change(by, person_id)
        await self._store.keep(msgspec.structs.replace(person, pin=hashed))
        await self._unlock(person_id)

    async def unlock(self, by: User, person_id: str) -> None:
        """End every wait of a person; raises NotAllowed or KeyError."""
        self._for_change(by, person_id)
        await self._unlock(person_id)

    async def check_password(self, name: str, password: str) -> Person:
        """Who has that id or label and this password; raises Refused, Locked or Overrun.

        Somebody who does not exist takes as long as somebody who does.
        """
        person = self._named(name)
        if person is None:
            await self.passwords.matches("", password)
            raise Refused
        key = f"password/{person.id}"
        await self._count_try([key], PASSWORD_WAITS)
        if not await self.passwords.matches(person.password, password):
            raise Refused
        await self._store.keep_lock(key, None)
        return person

    async def check_pin(self, person_id: str, pin: str, tablet: str) -> Person:
        """Who tapped that tile on that tablet and knows the PIN; raises like `check_password`."""
        person = self.find(person_id)
        own, shared = f"pin/{person_id}", f"tablet/{tablet}"
        await self._count_try([shared] if person is None else [own, shared], PIN_WAITS)
        known = "" if person is None else person.pin
        if not await self.passwords.matches(known, pin) or person is None:
            raise Refused
        async with self._counting:
            before = self._store.lock(own)
            tries = 1 if before is None else before.wrong
            mended = forgiven(self._store.lock(shared), tries, self._clock.now())
            await self._store.keep_lock(own, None)
            await self._store.keep_lock(shared, mended)
        return person

    def check_may_change(self, by: User, person_id: str) -> Person:
        """Who is to be changed; raises NotAllowed or KeyError."""
        return self._for_change(by, person_id)

    def locked_s(self, person_id: str) -> float:
        """How long this person's PIN is not tried."""
        return self._wait_s(f"pin/{person_id}")

    def tablet_locked_s(self, tablet: str) -> float:
        """How long no PIN is tried on that tablet."""
        return self._wait_s(f"tablet/{tablet}")

    async def unlock_tablet(self, tablet: str) -> None:
        """End the wait of a tablet."""
        await self._store.keep_lock(f"tablet/{tablet}", None)

    async def _count_try(self, keys: list[str], waits: Waits) -> None:
        async with self._counting:
            now = self._clock.now()
            longest = max(wait_ms(self._store.lock(key), now, waits) for key in keys)
            if longest > 0:
                raise Locked(longest / 1000)
            for key in keys:
                await self._store.keep_lock(key, one_more(self._store.lock(key), now))

    def _wait_s(self, key: str) -> float:
        return wait_ms(self._store.lock(key), self._clock.now(), PIN_WAITS) / 1000

    async def _unlock(self, person_id: str) -> None:
        for key in (f"password/{person_id}", f"pin/{person_id}"):
            if self._store.lock(key) is not None:
                await self._store.keep_lock(key, None)

    def _named(self, name: str) -> Person | None:
        wanted = name.strip()
        found = self.find(wanted.lower())
        labelled = [person for person in self.all() if person.label == wanted]
        return found or (labelled[0] if len(labelled) == 1 else None)

    def _for_change(self, by: User, person_id: str) -> Person:
        person = self.find(person_id)
        if person is None:
            raise KeyError(person_id)
        if by.person != person_id:
            _check_may_give(by, person.role, person.reach)
        return person

    def _check_not_the_last(self, person: Person) -> None:
        others = [each for each in self.all() if each.role is Role.ADMIN and each.id != person.id]
        if person.role is Role.ADMIN and not others:
            message = f"{person.id} is the only admin: make another one first"
            raise NotAllowed(message, "last_admin")


def _check_may_give(by: User, role: Role, reach: Reach) -> None:
    """An admin may give any role; a manager those beneath, and no more reach than their own."""
    if by.role is Role.ADMIN:
        return
    if by.role is not Role.MANAGER or role.covers(Role.MANAGER):
        raise NotAllowed(f"only an admin may do this to somebody with the role {role}", "role")
    if not reach.within(by.reach):
        raise NotAllowed("this reaches further than your own rights: ask an admin", "beyond")
