"""`/api/v1/people`: accounts, by a manager or an admin who has just given the password."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.access import Person, Reach, Role
from gateway.web import record
from gateway.web.refusals import body_of, refusals
from gateway.web.route import ACCESS, USER, Route, json_response

_ONE = "/api/v1/people/{id}"


class PersonView(msgspec.Struct, frozen=True):
    """Somebody with an account; `wait_s` until the next PIN counts."""

    id: str
    label: str
    role: Role
    password: bool
    pin: bool
    reach: Reach
    wait_s: float


class PeopleView(msgspec.Struct, frozen=True):
    """Everybody with an account."""

    people: Sequence[PersonView]


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new account; without a password only a paired tablet lets in, without a PIN none does."""

    id: str
    label: str
    role: Role
    password: str = ""
    pin: str = ""
    reach: Reach = Reach()


class ChangedPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another; what is left out stays. An empty PIN is none."""

    label: str | None = None
    role: Role | None = None
    reach: Reach | None = None
    password: str | None = None
    pin: str | None = None


async def everybody(request: web.Request) -> web.Response:
    """Everybody with an account, by id."""
    people = request.app[ACCESS].people.all()
    return json_response(PeopleView([_view(request, person) for person in people]))


async def add(request: web.Request) -> web.Response:
    """Make an account; 403 for a role or reach beyond one's own."""
    asked = await body_of(request, NewPerson)
    with refusals():
        person = await request.app[ACCESS].people.add(
            request[USER], asked.id, asked.label, asked.role,
            password=asked.password, pin=asked.pin, reach=asked.reach,
        )  # fmt: skip
    return json_response(_view(request, person), HTTPStatus.CREATED)


async def change(request: web.Request) -> web.Response:
    """Change an account; a role, password or PIN logs out who is in with the old."""
    asked, by, access = await body_of(request, ChangedPerson), request[USER], request.app[ACCESS]
    person_id = request.match_info["id"]
    with refusals():
        access.check_stands(by)
        person = await access.people.change(
            by, person_id, label=asked.label, role=asked.role, reach=asked.reach,
            password=asked.password, pin=asked.pin,
        )  # fmt: skip
        # A session lasts as long as the role it was opened with may.
        if asked.role is not None or asked.password is not None:
            await access.log_out_everywhere(person_id, but=by.digest)
        elif asked.pin is not None:
            await access.log_out_of_tablets(person_id, but=by.digest)
    return json_response(_view(request, person))


async def remove(request: web.Request) -> web.Response:
    """Remove an account; whoever is logged in with it no longer is."""
    person_id, access = request.match_info["id"], request.app[ACCESS]
    with refusals():
        await access.people.remove(request[USER], person_id)
        await access.log_out_everywhere(person_id)
    return await everybody(request)


async def unlock(request: web.Request) -> web.Response:
    """End the wait of a person after wrong tries."""
    person_id, access = request.match_info["id"], request.app[ACCESS]
    with refusals():
        await access.people.unlock(request[USER], person_id)
    await record.deed(request, "unlock", person_id)
    return await everybody(request)


async def log_out(request: web.Request) -> web.Response:
    """End all sessions of a person."""
    person_id, access = request.match_info["id"], request.app[ACCESS]
    with refusals():
        access.people.check_may_change(request[USER], person_id)
        ended = await access.log_out_everywhere(person_id)
    await record.deed(request, "log_out_everywhere", person_id, {"ended": ended})
    return await everybody(request)


def _view(request: web.Request, person: Person) -> PersonView:
    return PersonView(
        id=person.id,
        label=person.label,
        role=person.role,
        password=bool(person.password),
        pin=bool(person.pin),
        reach=person.reach,
        wait_s=request.app[ACCESS].people.locked_s(person.id),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/people",
        handler=everybody,
        role=Role.MANAGER,
        answer=PeopleView,
    ),
    Route(
        method="POST",
        path="/api/v1/people",
        handler=add,
        role=Role.MANAGER,
        proof=True,
        body=NewPerson,
        answer=PersonView,
        statuses=(201,),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=change,
        role=Role.MANAGER,
        proof=True,
        body=ChangedPerson,
        answer=PersonView,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=remove,
        role=Role.MANAGER,
        proof=True,
        answer=PeopleView,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/unlock",
        handler=unlock,
        role=Role.MANAGER,
        proof=True,
        answer=PeopleView,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/log-out",
        handler=log_out,
        role=Role.MANAGER,
        proof=True,
        answer=PeopleView,
    ),
)
