"""Nobody gives away more than they have, admins with limits included, over the API."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.access import Access, NotAllowed, Person, Reach, Role, User
from tests.fakes import ManualClock
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.web_client import OWNER, PASSWORD, Web, web

BAR = {"zones": ["bar"], "devices": []}
EVERYWHERE: dict[str, list[str]] = {"zones": [], "devices": []}


async def send(site: Web, method: str, path: str, headers: dict[str, str], body: object) -> Any:  # noqa: ANN401 - JSON
    data = json.dumps(body).encode()
    answer = await site.client.request(method, f"/api/v1/{path}", data=data, headers=headers)
    return answer.status, await answer.json(content_type=None)


async def limited(site: Web) -> dict[str, str]:
    """What the page sends of an admin of the bar alone, beside one of everywhere."""
    await site.access.people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
    headers = await site.headers_of("lee", Role.ADMIN)
    await site.access.people.change(OWNER, "lee", reach=Reach(("bar",)))
    return headers


async def test_an_admin_with_limits_cannot_lift_them_alone() -> None:
    async with web() as site:
        headers = await limited(site)
        for wide in ({}, EVERYWHERE, {"zones": ["bar", "kitchen"]}, {"devices": ["fryer"]}):
            status, told = await send(site, "PUT", "people/lee", headers, {"reach": wide})
            assert (status, told["why"]) == (403, "beyond"), wide
            token = {"name": "own", "role": "admin", "reach": wide}
            assert (await send(site, "POST", "tokens", headers, token))[0] == 403, wide
            person = {"id": "a", "label": "A", "role": "staff", "reach": wide}
            assert (await send(site, "POST", "people", headers, person))[0] == 403, wide
        token = {"name": "own", "role": "admin"}
        assert (await send(site, "POST", "tokens", headers, token))[0] == 403
        for path, body in (("people/boss", {"password": PASSWORD + "!"}), ("people/boss", {})):
            assert (await send(site, "PUT", path, headers, body))[0] == 403
        assert (await send(site, "DELETE", "people/boss", headers, {}))[0] == 403
        assert site.access.tokens() == []


async def test_an_admin_with_limits_does_what_an_admin_does_within_them() -> None:
    async with web() as site:
        headers = await limited(site)
        person = {"id": "a", "label": "A", "role": "admin", "reach": BAR}
        assert (await send(site, "POST", "people", headers, person))[0] == 201
        token = {"name": "pos", "role": "staff", "reach": BAR}
        assert (await send(site, "POST", "tokens", headers, token))[0] == 201
        for body in ({"label": "Lee"}, {"reach": BAR}, {"role": "admin"}, {"pin": "739102"}):
            assert (await send(site, "PUT", "people/lee", headers, body))[0] == 200, body


async def test_a_token_with_limits_makes_none_without() -> None:
    async with web() as site:
        secret = await site.access.create_token("bar", Role.ADMIN, reach=Reach(("bar",)))
        headers = {"Authorization": f"Bearer {secret}"}
        for role in ("viewer", "admin"):
            asked = {"name": "more", "role": role}
            assert (await send(site, "POST", "tokens", headers, asked))[0] == 403
        assert [row.user for row in site.access.tokens()] == ["bar"]


async def test_one_admin_without_limits_stays() -> None:
    access = Access(TokensInMemory(), ManualClock(), people=PeopleInMemory())
    await access.people.add(OWNER, "boss", "Boss", Role.ADMIN)
    await access.people.add(OWNER, "lee", "Lee", Role.ADMIN, reach=Reach(("bar",)))
    boss = User("boss", Role.ADMIN, "session", person="boss")
    for refused in (
        access.people.change(boss, "boss", reach=Reach(("bar",))),
        access.people.change(boss, "boss", role=Role.MANAGER),
        access.people.remove(boss, "boss"),
    ):
        with pytest.raises(NotAllowed, match="only admin without limits"):
            await refused
    await access.people.remove(boss, "lee")


async def test_a_manager_keeps_their_role_and_may_have_another_name_and_password() -> None:
    async with web() as site:
        headers = await site.headers_of("lee", Role.MANAGER)
        for body in ({"label": "Lee"}, {"role": "manager"}, {"password": PASSWORD + "!"}):
            assert (await send(site, "PUT", "people/lee", headers, body))[0] == 200, body
        for above in ({"role": "admin"}, {"reach": BAR}):
            assert (await send(site, "PUT", "people/lee", headers, above))[0] == 403, above


NAMES = ("a", "b", "c", "d")
ROLES = some.sampled_from(Role)
REACHES = some.sampled_from(
    [Reach(), Reach(("bar",)), Reach(("bar", "hall")), Reach((), ("oven",))]
)
STEPS = some.tuples(
    some.sampled_from(NAMES), some.sampled_from(NAMES), some.none() | some.tuples(ROLES, REACHES)
)


@given(some.lists(some.tuples(ROLES, REACHES), max_size=3), some.lists(STEPS, max_size=30))
@settings(max_examples=150, deadline=None)
def test_whatever_people_do_to_one_another_nobody_rises_above_who_let_them(
    others: list[tuple[Role, Reach]], steps: list[tuple[str, str, tuple[Role, Reach] | None]]
) -> None:
    """`a` begins as an admin without limits; None removes somebody."""

    async def course() -> None:
        access = Access(TokensInMemory(), ManualClock(), people=PeopleInMemory())
        people = access.people
        for name, (role, reach) in zip(NAMES, [(Role.ADMIN, Reach()), *others], strict=False):
            await people.add(OWNER, name, name, role, reach=reach)
        for by, about, right in steps:
            actor, before = people.find(by), people.find(about)
            if actor is None:
                continue
            user = User(by, actor.role, "session", reach=actor.reach, person=by)
            with contextlib.suppress(NotAllowed, KeyError):
                if right is None:
                    await people.remove(user, about)
                else:
                    await people.change(user, about, role=right[0], reach=right[1])
            after = people.find(about)
            if after is not None and after != before:
                assert actor.role.covers(after.role)
                assert after.reach.within(actor.reach)
            assert any(_owns(person) for person in people.all())

    asyncio.run(course())


def _owns(person: Person) -> bool:
    return person.role is Role.ADMIN and person.reach.everywhere
