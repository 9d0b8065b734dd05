"""`/api/v1/push`: which browsers are told of alarms while no page is open in them."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.audit.entry import Detail
from gateway.notify.subscribing import Subscribing, UnknownPerson
from gateway.notify.subscription import Subscription, TooMany
from gateway.notify.vapid import KeyDamaged
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response

Wanted = TypeVar("Wanted")
_PATH = "/api/v1/push/subscriptions"


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
    """One browser; times are UTC ms, and what became of messages is known since the start."""

    id: str
    person: str
    service: str
    since: int
    handed_over_at: int | None
    failed_at: int | None
    error: str  # of the last failure
    public: str  # the browser's own key, by which it finds itself here


class Subscribed(msgspec.Struct):
    """The browsers there are; for somebody who is no manager only their own."""

    subscriptions: Sequence[SubscriptionView]


class Offered(Subscribed):
    """The key a browser subscribes to, none without a channel for it, and those that have."""

    key: str | None


async def show(request: web.Request) -> web.Response:
    """The key to subscribe to, and the browsers that have; their addresses are secrets."""
    subscribing = request.app[KITCHEN].subscribing()
    if subscribing is None:
        return json_response(Offered(key=None, subscriptions=()))
    try:
        key = await subscribing.key()
    except (KeyDamaged, OSError) as error:
        raise Problem(503, "no-push-key", f"{error}.") from None
    return json_response(Offered(key=key, subscriptions=_listed(request, subscribing)))


async def subscribe(request: web.Request) -> web.Response:
    """Subscribe a browser, once that is stored; again, it replaces what it had said."""
    wish = _decoded(await request.read(), Wish)
    subscribing, browser = _subscribing(request), wish.subscription
    user = request[USER]
    if wish.person != user.name and not user.role.covers(Role.MANAGER):
        detail = f"{user.name} subscribes for {user.name}; for others a manager does."
        raise Problem(403, "no-permission", detail)
    try:
        stored, gone = await subscribing.subscribe(
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
    for each in gone:  # perhaps many, and all of them in one commit with the last
        told = _told(each) | {"why": "made room"}
        request.app[KITCHEN].record("unsubscribe_browser", each.person, detail=told)
    await record.deed(request, "subscribe_browser", stored.person, _told(stored))
    return json_response(Subscribed(_listed(request, subscribing)), status=201)


async def unsubscribe(request: web.Request) -> web.Response:
    """Tell a browser nothing more; who is left."""
    wish = _decoded(await request.read(), Endpoint)
    known = _subscribing(request).subscriptions.all()
    return await _removed(request, [each for each in known if each.endpoint == wish.endpoint])


async def take_away(request: web.Request) -> web.Response:
    """Tell that browser nothing more, one's own or as a manager anybody's; which are left."""
    known = _visible(request, _subscribing(request))
    return await _removed(request, [each for each in known if each.id == request.match_info["id"]])


async def _removed(request: web.Request, found: Sequence[Subscription]) -> web.Response:
    subscribing = _subscribing(request)
    try:
        removed = bool(found) and await subscribing.unsubscribe(found[0])
    except StoreError as error:
        raise Problem(503, "not-stored", f"It could not be removed: {error}. Repeat.") from None
    if not removed:
        raise Problem(404, "unknown-subscription", "That browser is not subscribed.")
    await record.deed(request, "unsubscribe_browser", found[0].person, _told(found[0]))
    return json_response(Subscribed(_listed(request, subscribing)))


def _told(subscription: Subscription) -> dict[str, Detail]:
    return {"id": subscription.id, "service": subscription.service}


def _subscribing(request: web.Request) -> Subscribing:
    subscribing = request.app[KITCHEN].subscribing()
    if subscribing is None:
        detail = "No channel of kind webpush is configured under notifications.channels."
        raise Problem(409, "no-push", detail)
    return subscribing


def _visible(request: web.Request, subscribing: Subscribing) -> list[Subscription]:
    """Whose browsers are somebody's business: a manager's all, anybody else's their own."""
    user, known = request[USER], subscribing.subscriptions.all()
    everybody = user.role.covers(Role.MANAGER)
    return [each for each in known if everybody or each.person == user.name]


def _listed(request: web.Request, subscribing: Subscribing) -> list[SubscriptionView]:
    def shown(it: Subscription) -> SubscriptionView:
        last = subscribing.subscriptions.outcome(it.endpoint)
        return SubscriptionView(
            it.id, it.person, it.service, it.since,
            last.handed_over_at, last.failed_at, last.error, it.public,
        )  # fmt: skip

    return [shown(each) for each in _visible(request, subscribing)]


def _decoded(body: bytes, kind: type[Wanted]) -> Wanted:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Problem(400, "not-understood", f"{error}.") from None


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=show,
        role=Role.STAFF,
        answer=Offered,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=subscribe,
        role=Role.STAFF,
        body=Wish,
        answer=Subscribed,
        statuses=(201,),
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=unsubscribe,
        role=Role.STAFF,
        body=Endpoint,
        answer=Subscribed,
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        handler=take_away,
        role=Role.STAFF,
        answer=Subscribed,
    ),
)
