"""`/api/v1/push`: which browsers are told of alarms while no page is open in them."""

from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.notify.subscribing import Subscribing, UnknownPerson
from gateway.notify.subscription import Subscription, TooMany
from gateway.notify.vapid import KeyDamaged
from gateway.store.errors import StoreError
from gateway.web.route import KITCHEN, Problem, Route, json_response

Wanted = TypeVar("Wanted")


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Browser(msgspec.Struct):
    """What `PushSubscription.toJSON()` gives; what else stands in it is not looked at."""

    endpoint: str
    keys: _Keys


class _Wish(msgspec.Struct):
    person: str
    subscription: _Browser


class _Endpoint(msgspec.Struct):
    endpoint: str


class _Shown(msgspec.Struct):
    person: str
    service: str
    since: int


async def show(request: web.Request) -> web.Response:
    """The key to subscribe to, and who has; the addresses themselves are secrets."""
    subscribing = _subscribing(request)
    try:
        key = await subscribing.key()
    except (KeyDamaged, OSError) as error:
        raise Problem(503, "no-push-key", f"{error}.") from None
    return json_response({"key": key, "subscriptions": _listed(subscribing)})


async def subscribe(request: web.Request) -> web.Response:
    """Answers once it is stored; the same browser again only replaces what it had said."""
    wish = _decoded(await request.read(), _Wish)
    subscribing, browser = _subscribing(request), wish.subscription
    try:
        await subscribing.subscribe(
            wish.person, browser.endpoint, browser.keys.p256dh, browser.keys.auth
        )
    except UnknownPerson:
        known = ", ".join(subscribing.people)
        detail = f"Nobody {wish.person} is told here; notifications.people has {known}."
        raise Problem(404, "unknown-person", detail) from None
    except ValueError as error:
        raise Problem(422, "no-subscription", f"{error}.") from None
    except TooMany as error:
        raise Problem(409, "too-many-browsers", f"{error}.") from None
    except StoreError as error:
        raise Problem(503, "not-stored", f"It could not be stored: {error}. Repeat.") from None
    return json_response({"subscriptions": _listed(subscribing)}, status=201)


async def unsubscribe(request: web.Request) -> web.Response:
    wish = _decoded(await request.read(), _Endpoint)
    subscribing = _subscribing(request)
    try:
        removed = await subscribing.unsubscribe(wish.endpoint)
    except StoreError as error:
        raise Problem(503, "not-stored", f"It could not be removed: {error}. Repeat.") from None
    if not removed:
        raise Problem(404, "unknown-subscription", "That browser is not subscribed.")
    return json_response({"subscriptions": _listed(subscribing)})


def _subscribing(request: web.Request) -> Subscribing:
    subscribing = request.app[KITCHEN].subscribing()
    if subscribing is None:
        detail = "No channel of kind webpush is configured under notifications.channels."
        raise Problem(409, "no-push", detail)
    return subscribing


def _listed(subscribing: Subscribing) -> list[_Shown]:
    def shown(each: Subscription) -> _Shown:
        return _Shown(each.person, each.service, each.since)

    return [shown(each) for each in subscribing.subscriptions.all()]


def _decoded(body: bytes, kind: type[Wanted]) -> Wanted:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Problem(400, "not-understood", f"{error}.") from None


ROUTES = (
    Route(method="GET", path="/api/v1/push/subscriptions", handler=show, role=Role.STAFF),
    Route(method="POST", path="/api/v1/push/subscriptions", handler=subscribe, role=Role.STAFF),
    Route(method="DELETE", path="/api/v1/push/subscriptions", handler=unsubscribe, role=Role.STAFF),
)
