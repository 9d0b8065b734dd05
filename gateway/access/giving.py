"""Nobody gives away more than they have, and somebody always stays who may give everything."""

from collections.abc import Mapping

import msgspec

from gateway.access.caller import User
from gateway.access.errors import NotAllowed
from gateway.access.person import Person, Reach
from gateway.access.role import Role


def check_may_give(by: User, role: Role, reach: Reach) -> None:
    """An admin may give any role, a manager those beneath; neither more reach than their own."""
    if by.role is not Role.ADMIN and (by.role is not Role.MANAGER or role.covers(Role.MANAGER)):
        raise NotAllowed(f"only an admin may do this to somebody with the role {role}", "role")
    if not reach.within(by.reach):
        message = "this reaches further than your own rights: ask an admin without limits"
        raise NotAllowed(message, "beyond")


def as_of_now(by: User, people: Mapping[str, Person]) -> User:
    """Who asks, with what their account may do at this moment; raises NotAllowed."""
    if not by.person:
        return by
    person = people.get(by.person)
    if person is None:
        raise NotAllowed(f"{by.person} has no account any more: ask an admin", "role")
    return msgspec.structs.replace(by, role=by.role.at_most(person.role), reach=person.reach)


def for_change(by: User, person_id: str, people: Mapping[str, Person]) -> Person:
    """Whom `by` wants to change; raises KeyError, or NotAllowed beyond their rights."""
    person = people.get(person_id)
    if person is None:
        raise KeyError(person_id)
    if by.person != person_id:
        check_may_give(by, person.role, person.reach)
    return person


def check_not_the_last(
    person: Person, changed: Person | None, people: Mapping[str, Person]
) -> None:
    """Raise NotAllowed where this would leave no admin, or none without limits."""
    others = [each for each in people.values() if each.id != person.id]
    for test, called in ((_is_admin, "only admin"), (_is_owner, "only admin without limits")):
        stays = changed is not None and test(changed)
        if test(person) and not stays and not any(test(each) for each in others):
            message = f"{person.id} is the {called}: make another one first"
            raise NotAllowed(message, "last_admin")


def _is_admin(person: Person) -> bool:
    return person.role is Role.ADMIN


def _is_owner(person: Person) -> bool:
    return person.role is Role.ADMIN and person.reach.everywhere
