"""`/api/v1/push`: which browsers are told of alarms while no page is open in them."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.notify.subscribing import Subscribing, UnknownPerson
from gateway.notify.subscription import Subscription, TooMany
from gateway.notify.vapid import KeyDamaged
from gateway.store.errors import StoreError
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response

Wanted = TypeVar("Wanted")


class Keys(msgspec.Struct):
    """What a message to the browser is encrypted with."""

    p256dh: str
    auth: str


class Browser(msgspec.Struct):
    """What `PushSubscription.toJSON()` gives; what else stands in it is not looked at."""

    endpoint: str
    keys: Keys


class Wish(msgspec.Struct):
    """Which browser tells whom."""

    person: str
    subscription: Browser


class Endpoint(msgspec.Struct):
    """The address of a browser that is to be told no more."""

    endpoint: str


class SubscriptionView(msgspec.Struct):
    """One browser; `since` in UTC ms."""

    person: str
    service: str
    since: int


class Subscribed(msgspec.Struct):
    """Who has subscribed a browser."""

    subscriptions: Sequence[SubscriptionView]


class Offered(Subscribed):
    """The key a browser subscribes to, and who has."""

    key: str


async def show(request: web.Request) -> web.Response:
    """The key to subscribe to, and who has; the addresses themselves are secrets."""
    subscribing = _subscribing(request)
    try:
        key = await subscribing.key()
    except (KeyDamaged, OSError) as error:
        raise Problem(503, "no-push-key", f"{error}.") from None
    return json_response(Offered(key=key, subscriptions=_listed(subscribing)))


async def subscribe(request: web.Request) -> web.Response:
    """Subscribe a browser, once that is stored; again, it replaces what it had said."""
    wish = _decoded(await request.read(), Wish)
    subscribing, browser = _subscribing(request), wish.subscription
    user = request[USER]
    if wish.person != user.name and not user.role.covers(Role.MANAGER):
        detail = f"{user.name} subscribes for {user.name}; for others a manager does."
        raise Problem(403, "no-permission", detail)
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
    return json_response(Subscribed(_listed(subscribing)), status=201)


async def unsubscribe(request: web.Request) -> web.Response:
    """Tell a browser nothing more; who is left."""
    wish = _decoded(await request.read(), Endpoint)
    subscribing = _subscribing(request)
    try:
        removed = await subscribing.unsubscribe(wish.endpoint)
    except StoreError as error:
        raise Problem(503, "not-stored", f"It could not be removed: {error}. Repeat.") from None
    if not removed:
        raise Problem(404, "unknown-subscription", "That browser is not subscribed.")
    return json_response(Subscribed(_listed(subscribing)))


def _subscribing(request: web.Request) -> Subscribing:
    subscribing = request.app[KITCHEN].subscribing()
    if subscribing is None:
        detail = "No channel of kind webpush is configured under notifications.channels."
        raise Problem(409, "no-push", detail)
    return subscribing


def _listed(subscribing: Subscribing) -> list[SubscriptionView]:
    def shown(each: Subscription) -> SubscriptionView:
        return SubscriptionView(each.person, each.service, each.since)

    return [shown(each) for each in subscribing.subscriptions.all()]


def _decoded(body: bytes, kind: type[Wanted]) -> Wanted:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Problem(400, "not-understood", f"{error}.") from None


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/push/subscriptions",
        handler=show,
        role=Role.STAFF,
        answer=Offered,
    ),
    Route(
        method="POST",
        path="/api/v1/push/subscriptions",
        handler=subscribe,
        role=Role.STAFF,
        body=Wish,
        answer=Subscribed,
        statuses=(201,),
    ),
    Route(
        method="DELETE",
        path="/api/v1/push/subscriptions",
        handler=unsubscribe,
        role=Role.STAFF,
        body=Endpoint,
        answer=Subscribed,
    ),
)
