"""What the page is told of who is logged in."""

import msgspec
from aiohttp import web

from gateway.access import Reach, Role, User
from gateway.web.route import ACCESS


class SessionView(msgspec.Struct, frozen=True):
    """Who is logged in; `own_role` is what the password would make of a session with a PIN."""

    user: str
    role: Role
    kind: str
    label: str
    own_role: Role
    proven: bool  # settings may be changed without giving the password again
    tablet: str
    reach: Reach


def session_view(request: web.Request, user: User) -> SessionView:
    """That user as the page sees them."""
    access = request.app[ACCESS]
    person = access.people.find(user.person) if user.person else None
    return SessionView(
        user=user.name,
        role=user.role,
        kind=user.kind,
        label=person.label if person else user.name,
        own_role=user.own_role or user.role,
        proven=access.proven(user),
        tablet=user.tablet,
        reach=user.reach,
    )
