"""Logging in as a person: by password, by PIN on a paired tablet, or as the first admin."""

import logging

import msgspec
from aiohttp import web

from gateway.access import Role, User
from gateway.web import cookies, record
from gateway.web.guard import caller_of
from gateway.web.record import attempt, entered
from gateway.web.refusals import body_of, refusals
from gateway.web.route import ACCESS, USER, Problem, Route, json_response
from gateway.web.session import SessionView, session_view

logger = logging.getLogger(__name__)


class Tile(msgspec.Struct, frozen=True):
    """Somebody who may log in with a PIN; `wait_s` until the next try counts."""

    id: str
    label: str
    wait_s: float


class Ways(msgspec.Struct, frozen=True):
    """How this browser may log in: `pairing` makes the first admin, `people` only on a tablet.

    `unclaimed`: there is no admin yet; without `pairing` its code is used up, and a new one is due.
    """

    pairing: bool
    unclaimed: bool
    tablet: str | None
    people: list[Tile]


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either name and password, or person and PIN, or a token or code."""

    name: str = ""
    password: str = ""
    person: str = ""
    pin: str = ""
    secret: str = ""


class NewAdmin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pairing code, and who the first admin is."""

    code: str
    id: str
    label: str
    password: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password, given again."""

    password: str


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another password of one's own."""

    old: str
    new: str


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


async def ways(request: web.Request) -> web.Response:
    """How this browser may log in; the names of people are for paired tablets alone."""
    access = request.app[ACCESS]
    tablet = access.tablets.of(cookies.read(request, cookies.TABLET))
    people = access.people
    tiles = [Tile(it.id, it.label, people.locked_s(it.id)) for it in people.all() if it.pin]
    shown = [] if tablet is None else sorted(tiles, key=lambda tile: tile.label)
    unclaimed = not people.has_admin()
    label = tablet.user if tablet else None
    return json_response(Ways(access.can_pair(), unclaimed, label, shown))


async def log_in(request: web.Request) -> web.Response:
    """Open a session, whose cookie comes with the answer; 401 wrong, 429 with the time to wait."""
    asked, access, peer = await body_of(request, Login), request.app[ACCESS], _peer(request)
    tried = asked.person or asked.name
    known = tried if access.people.find(tried) else ""  # a password typed as a name is none
    tablet = cookies.read(request, cookies.TABLET)
    with attempt(request, "log_in", known), refusals():
        if asked.person:
            opened = await access.log_in_by_pin(asked.person, asked.pin, tablet)
        elif asked.name:
            opened = await access.log_in_by_password(asked.name, asked.password, peer, tablet)
        else:
            opened = await access.log_in(asked.secret, peer, tablet)
    return await _entered(request, *opened)


async def pair(request: web.Request) -> web.Response:
    """Make the first admin, who is then logged in; 403 once there is one."""
    asked = await body_of(request, NewAdmin)
    with attempt(request, "pair"), refusals():
        opened = await request.app[ACCESS].pair(
            asked.code, asked.id, asked.label, asked.password, _peer(request)
        )
    logger.info("the first admin is %s", asked.id)
    return await _entered(request, *opened)


async def prove(request: web.Request) -> web.Response:
    """Give the password again: settings may then be changed for ten minutes."""
    asked = await body_of(request, Proof)
    with attempt(request, "prove"), refusals():
        user = await request.app[ACCESS].prove(request[USER], asked.password)
    await record.deed(request, "prove", user.tablet)
    return json_response(session_view(request, user))


async def change_password(request: web.Request) -> web.Response:
    """Another password of one's own; all other sessions of the person end."""
    asked, user, access = await body_of(request, NewPassword), request[USER], request.app[ACCESS]
    with attempt(request, "prove"), refusals():
        await access.prove(user, asked.old)
    with refusals():
        access.check_stands(user)
        await access.people.set_password(user, user.person, asked.new)
        ended = await access.log_out_everywhere(user.person, but=user.digest)
    return json_response(Ended(ended))


async def end_all(request: web.Request) -> web.Response:
    """Log out on every other browser."""
    user = request[USER]
    if not user.person:
        raise Problem(403, "not-allowed", "This login is nobody's account: it ends by itself.")
    with refusals():
        ended = await request.app[ACCESS].log_out_everywhere(user.person, but=user.digest)
    await record.deed(request, "log_out_everywhere", user.person, {"ended": ended})
    return json_response(Ended(ended))


async def _entered(request: web.Request, secret: str, user: User) -> web.Response:
    await entered(request, user)
    logger.info("%s logged in from %s as %s", user.name, _peer(request), user.role)
    response = json_response(session_view(request, user))
    cookies.give(request, response, cookies.SESSION, secret)
    return response


def _peer(request: web.Request) -> str:
    return caller_of(request).peer


ROUTES = (
    Route(method="GET", path="/api/v1/session/ways", handler=ways, role="anyone", answer=Ways),
    Route(
        method="POST",
        path="/api/v1/session",
        handler=log_in,
        role="anyone",
        body=Login,
        answer=SessionView,
    ),
    Route(
        method="POST",
        path="/api/v1/pairing",
        handler=pair,
        role="anyone",
        body=NewAdmin,
        answer=SessionView,
    ),
    Route(
        method="POST",
        path="/api/v1/session/proof",
        handler=prove,
        role=Role.VIEWER,
        body=Proof,
        answer=SessionView,
    ),
    Route(
        method="POST",
        path="/api/v1/session/password",
        handler=change_password,
        role=Role.VIEWER,
        body=NewPassword,
        answer=Ended,
    ),
    Route(
        method="POST",
        path="/api/v1/session/end-all",
        handler=end_all,
        role=Role.VIEWER,
        answer=Ended,
    ),
)
