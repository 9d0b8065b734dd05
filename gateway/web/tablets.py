"""`/api/v1/tablets`: the browsers that hang in this kitchen, paired by a manager at the tablet."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.access import Access, Role
from gateway.web import cookies, record
from gateway.web.reach import check_everywhere
from gateway.web.refusals import body_of, refusals
from gateway.web.route import ACCESS, USER, Problem, Route, json_response


class TabletView(msgspec.Struct, frozen=True):
    """A paired tablet; `here` is the one that asks."""

    id: str
    label: str
    here: bool
    wait_s: float


class TabletsView(msgspec.Struct, frozen=True):
    """Every paired tablet, the oldest first."""

    tablets: Sequence[TabletView]


class NewTablet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this tablet is called in records."""

    label: str


async def everyone(request: web.Request) -> web.Response:
    """Every paired tablet."""
    return json_response(_all(request))


async def pair(request: web.Request) -> web.Response:
    """Pair the very browser that asks, by cookie, and log its manager out of it."""
    asked, access, user = await body_of(request, NewTablet), request.app[ACCESS], request[USER]
    check_everywhere(request, "A tablet of the whole kitchen")
    _check_label(access, asked.label)
    if user.kind != "session":
        detail = "Log in on the tablet itself: it is the browser that asks which is paired."
        raise Problem(409, "no-browser", detail)
    with refusals():
        secret = await access.tablets.pair(asked.label)
        await access.log_out(user)
    response = json_response(_all(request), HTTPStatus.CREATED)
    cookies.give(request, response, cookies.TABLET, secret)
    cookies.take_back(request, response, cookies.SESSION)
    return response


async def take_back(request: web.Request) -> web.Response:
    """Pair a tablet no longer; whoever is logged in on it no longer is."""
    check_everywhere(request, "A tablet of the whole kitchen")
    with refusals():
        known = await request.app[ACCESS].take_back_tablet(request.match_info["id"])
    if not known:
        raise Problem(404, "unknown-tablet", "There is no such tablet.")
    return json_response(_all(request))


async def unlock(request: web.Request) -> web.Response:
    """End the wait of a tablet after wrong PINs."""
    access, tablet_id = request.app[ACCESS], request.match_info["id"]
    check_everywhere(request, "A tablet of the whole kitchen")
    label = next((row.user for row in access.tablets.all() if row.id == tablet_id), None)
    if label is None:
        raise Problem(404, "unknown-tablet", "There is no such tablet.")
    with refusals():
        await access.people.unlock_tablet(tablet_id)
    await record.deed(request, "unlock_tablet", label, {"id": tablet_id})
    return json_response(_all(request))


def _check_label(access: Access, label: str) -> None:
    """What a tablet does is recorded under its label, so that may be nobody's name."""
    taken = {name.casefold() for it in access.people.all() for name in (it.id, it.label)}
    if label.strip().casefold() in taken:
        detail = f"{label} is a person here, and records tell a tablet by its name: choose another."
        raise Problem(422, "unfit", detail)


def _all(request: web.Request) -> TabletsView:
    access = request.app[ACCESS]
    here = access.tablets.of(cookies.read(request, cookies.TABLET))
    return TabletsView(
        [
            TabletView(row.id, row.user, row == here, access.people.tablet_locked_s(row.id))
            for row in access.tablets.all()
        ]
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/tablets",
        handler=everyone,
        role=Role.MANAGER,
        answer=TabletsView,
    ),
    Route(
        method="POST",
        path="/api/v1/tablets",
        handler=pair,
        role=Role.MANAGER,
        proof=True,
        body=NewTablet,
        answer=TabletsView,
        statuses=(201,),
    ),
    Route(
        method="DELETE",
        path="/api/v1/tablets/{id}",
        handler=take_back,
        role=Role.MANAGER,
        proof=True,
        answer=TabletsView,
    ),
    Route(
        method="POST",
        path="/api/v1/tablets/{id}/unlock",
        handler=unlock,
        role=Role.MANAGER,
        proof=True,
        answer=TabletsView,
    ),
)
