"""`/api/v1/notifications`: who was told of what, and a test message through a channel."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen_errors import NobodyReached, UnknownChannel
from gateway.web.notice_shapes import NoticeView, NotificationsView
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a test: a channel, and people or roles; without them all it reaches."""

    channel: str
    to: list[str] = []


class Tried(msgspec.Struct, frozen=True):
    """The messages of a test, as they stand after the first attempt."""

    notices: Sequence[NoticeView]


async def show(request: web.Request) -> web.Response:
    """Who was told, and who could not be; the newest message first."""
    return json_response(request.app[KITCHEN].notifications())


async def test(request: web.Request) -> web.Response:
    """Send a test message; it, as it stands after the first attempt."""
    try:
        wanted = msgspec.json.decode(await request.read(), type=Wanted)
    except msgspec.DecodeError as error:
        detail = f'{error}; send JSON such as {{"channel": "manager_mail", "to": ["manager"]}}.'
        raise Problem(400, "no-test", detail) from None
    kitchen, by = request.app[KITCHEN], request[USER].name
    try:
        notices = await kitchen.try_channel(wanted.channel, wanted.to, by)
    except UnknownChannel:
        detail = f"There is no channel {wanted.channel}; see /api/v1/notifications."
        raise Problem(404, "unknown-channel", detail) from None
    except NobodyReached:
        detail = f"{wanted.channel} has an address of none of them; see people in config.yaml."
        raise Problem(409, "nobody-reached", detail) from None
    to = {"to": ", ".join(wanted.to)} if wanted.to else None
    kitchen.record("test_channel", wanted.channel, detail=to)
    return json_response(Tried(notices), 202)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/notifications",
        handler=show,
        role=Role.STAFF,
        answer=NotificationsView,
    ),
    Route(
        method="POST",
        path="/api/v1/notifications/test",
        handler=test,
        role=Role.MANAGER,
        body=Wanted,
        answer=Tried,
        statuses=(202,),
    ),
)
