"""`/api/v1/tokens`: what lets programs in, with a role, a reach and an end."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.access import Reach, Role, TokenRow
from gateway.access.giving import check_may_give
from gateway.access.person import check_reach
from gateway.web.refusals import body_of, refusals
from gateway.web.route import ACCESS, CLOCK, USER, Problem, Route, json_response

_DAY_S = 86_400.0


class TokenView(msgspec.Struct, frozen=True):
    """A token without its secret; `left_s` until it ends, null for never."""

    id: str
    name: str
    role: Role
    reach: Reach
    left_s: float | None


class TokensView(msgspec.Struct, frozen=True):
    """Every token, the oldest first."""

    tokens: Sequence[TokenView]


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who it is for, what it may do, where, and for how long."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    role: Role = Role.VIEWER
    reach: Reach = Reach()
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class CreatedToken(msgspec.Struct, frozen=True):
    """The secret; it is shown this once."""

    token: str


async def everyone(request: web.Request) -> web.Response:
    """Every token, without its secret."""
    return json_response(_all(request))


async def create(request: web.Request) -> web.Response:
    """Make a token; 403 for a reach beyond one's own."""
    asked, speed = await body_of(request, NewToken), request.app[CLOCK].speed
    life_s = None if asked.days is None else asked.days * _DAY_S * speed
    with refusals():
        check_reach(asked.reach)
        check_may_give(request[USER], asked.role, asked.reach)
        access = request.app[ACCESS]
        secret = await access.create_token(asked.name, asked.role, life_s, asked.reach)
    return json_response(CreatedToken(secret), HTTPStatus.CREATED)


async def withdraw(request: web.Request) -> web.Response:
    """End a token."""
    with refusals():
        known = await request.app[ACCESS].withdraw_token(request.match_info["id"])
    if not known:
        raise Problem(404, "unknown-token", "There is no such token.")
    return json_response(_all(request))


def _all(request: web.Request) -> TokensView:
    now = request.app[CLOCK].now()
    return TokensView([_view(row, now) for row in request.app[ACCESS].tokens()])


def _view(row: TokenRow, now: int) -> TokenView:
    left_s = None if row.expires is None else max(0, row.expires - now) / 1000
    return TokenView(row.id, row.user, row.role, row.reach, left_s)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/tokens",
        handler=everyone,
        role=Role.ADMIN,
        answer=TokensView,
    ),
    Route(
        method="POST",
        path="/api/v1/tokens",
        handler=create,
        role=Role.ADMIN,
        proof=True,
        secret=True,
        body=NewToken,
        answer=CreatedToken,
        statuses=(201,),
    ),
    Route(
        method="DELETE",
        path="/api/v1/tokens/{id}",
        handler=withdraw,
        role=Role.ADMIN,
        proof=True,
        answer=TokensView,
    ),
)
