"""A place for people with nobody in it: where only tokens and codes let in."""

from gateway.access.errors import Unfit
from gateway.access.person import Edit, Lock, Person


class Nobody:
    """A `PeopleStore` that stays empty."""

    def person(self, person_id: str) -> Person | None:
        del person_id
        return None

    def people(self) -> list[Person]:
        return []

    def lock(self, key: str) -> Lock | None:
        del key
        return None

    async def edit(self, person_id: str, edit: Edit, action: str = "") -> None:
        del action
        if edit({}) is not None:
            raise Unfit(f"{person_id} cannot be kept here: there is no store of people")

    async def keep_lock(self, key: str, lock: Lock | None) -> None:
        del key, lock
