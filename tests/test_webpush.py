"""Web push against a real HTTP server as push service, and browsers that come and go."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Role
from gateway.notify.channel import Means, Recipient, Refused, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.outbound import Outbound
from gateway.notify.push_encryption import TEXT_MAX, point, to_text
from gateway.notify.subscribing import Subscribing, UnknownPerson
from gateway.notify.subscription import (
    ALL_MAX,
    PER_PERSON_MAX,
    Outcome,
    Subscription,
    TooMany,
    making_room,
)
from gateway.notify.vapid import NAME
from gateway.notify.webpush import Options, WebPush, open_channel, shown
from rules.base import Priority
from tests.fakes import ManualClock
from tests.store_files import open_store
from tests.test_push_encryption import SECRET, opened, verify
from tests.web_client import Web
from tests.web_client import web as page

KIM = Recipient("kim", "kim", "Kim")
WALL_MS = 1_800_000_000_000
HERE = ("127.0.0.1/32",)


def notice(priority: Priority = Priority.LIFE, text: str = "가스 누출 · Gas leak") -> Notice:
    return Notice(
        id="0123456789abcdef01234567", alarm="gas", verb="raise", priority=priority,
        title="위험 · DANGER", text=text, at=WALL_MS,
    )  # fmt: skip


class Browser:
    """What subscribed: a key pair, and an address at the push service."""

    def __init__(self, endpoint: str, person: str = "kim") -> None:
        self.key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        self.public = point(self.key.public_key())
        self.subscription = Subscription(
            endpoint=endpoint,
            person=person,
            public=to_text(self.public),
            secret=to_text(SECRET),
            since=WALL_MS,
        )

    def read(self, body: bytes) -> dict[str, object]:
        private = self.key.private_numbers().private_value.to_bytes(32, "big")
        found = json.loads(opened(body, private, self.public, SECRET))
        assert isinstance(found, dict)
        return found


class Service:
    """A push service that answers what it is told to, by the path of the browser."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    async def push(self, request: web.Request) -> web.Response:
        status = self.answers.get(request.path, 201)
        if status == 201:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.taken.append((request.path, headers, await request.read()))
        return web.Response(status=status, text="said by the service")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Service"]:
        app = web.Application()
        app.router.add_post("/{browser}", self.push)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()


class Kitchen:
    """A channel, its store and the push service."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.service = service
        self.clock = ManualClock(wall_ms=WALL_MS)
        self.store = open_store(folder, clock=self.clock)
        self.subscriptions = self.store.push_subscriptions
        self.outbound = Outbound(self.clock, Random(1))
        means = Means(self.clock, self.outbound, folder, True, self.subscriptions)
        options = Options(contact="mailto:owner@example.com", addresses=HERE)
        self.channel = open_channel(options, means)
        assert isinstance(self.channel, WebPush)

    async def subscribe(self, name: str, person: str = "kim") -> Browser:
        browser = Browser(f"{self.service.url}/{name}", person)
        await self.subscriptions.add(browser.subscription)
        return browser

    async def tell(self, told: Notice | None = None) -> None:
        handing = asyncio.create_task(self.channel.hand_over(told or notice(), KIM))
        while not handing.done():  # the client's own retries wait for the clock
            await self.clock.advance(500)
            await asyncio.sleep(0.005)
        await handing


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[Kitchen]:
    async with Service().listening() as service:
        kitchen = Kitchen(tmp_path, service)
        yield kitchen
        await kitchen.outbound.close()
        kitchen.store.close()


async def test_only_the_browser_reads_it_and_the_service_knows_who_we_are(kitchen: Kitchen) -> None:
    browser = await kitchen.subscribe("a")
    await kitchen.subscribe("other", person="lee")
    await kitchen.tell()
    ((path, headers, body),) = kitchen.service.taken
    assert path == "/a"
    assert browser.read(body) == {
        "id": notice().id, "alarm": "gas", "priority": "life", "title": "위험 · DANGER",
        "text": "가스 누출 · Gas leak", "at": WALL_MS,
    }  # fmt: skip
    assert (headers["content-encoding"], headers["ttl"]) == ("aes128gcm", "86400")
    assert (headers["urgency"], headers["topic"]) == ("high", notice().id)
    word, public = headers["authorization"].removeprefix("vapid t=").split(", k=")
    verify(word, public)
    assert "누출".encode() not in body


async def test_browsers_that_have_gone_are_forgotten_and_the_others_told(kitchen: Kitchen) -> None:
    for name in ("a", "b", "c"):
        await kitchen.subscribe(name)
    kitchen.service.answers |= {"/a": 404, "/b": 410}
    await kitchen.tell()
    assert [path for path, _, _ in kitchen.service.taken] == ["/c"]
    assert [each.endpoint[-2:] for each in kitchen.subscriptions.of("kim")] == ["/c"]
    assert kitchen.channel.removed == 2


async def test_without_a_browser_left_it_says_who_must_act(kitchen: Kitchen) -> None:
    with pytest.raises(Refused, match="no browser of Kim is subscribed"):
        await kitchen.tell()
    await kitchen.subscribe("a")
    kitchen.service.answers["/a"] = 410
    with pytest.raises(Refused, match="no browser of Kim is subscribed"):
        await kitchen.tell()


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ((503, 503), Unreachable),
        ((413, 503), Unreachable),
        ((400, 403), Refused),
        ((201, 503), None),
    ],
)
async def test_one_browser_told_is_enough_and_what_may_pass_is_tried_again(
    kitchen: Kitchen, statuses: tuple[int, int], error: type[Exception] | None
) -> None:
    for name, status in zip(("a", "b"), statuses, strict=True):
        await kitchen.subscribe(name)
        kitchen.service.answers[f"/{name}"] = status
    if error is None:
        await kitchen.tell()
        return
    with pytest.raises(error, match="answers"):
        await kitchen.tell()
    assert len(kitchen.subscriptions.of("kim")) == 2


async def test_a_damaged_key_waits_for_whoever_can_mend_it(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    await kitchen.subscribe("a")
    (tmp_path / NAME).write_text("broken")
    with pytest.raises(Unreachable, match="take it from a backup"):
        await kitchen.tell()


@pytest.mark.parametrize("text", ["x" * 10_000, "가" * 5_000, "\x01" * 3_000, '"\\' * 3_000])
def test_a_long_text_is_cut_to_what_one_message_holds(text: str) -> None:
    body = json.loads(shown(notice(text=text)))
    assert len(shown(notice(text=text))) <= TEXT_MAX
    assert text.startswith(body["text"])
    assert body["title"] == "위험 · DANGER"


def test_a_contact_nobody_can_write_to_is_refused() -> None:
    with pytest.raises(ValueError, match="mailto:"):
        Options(contact="owner@example.com")


async def test_subscriptions_are_there_again_after_a_restart(tmp_path: Path) -> None:
    browser = Browser("https://push.example/a")
    for number in range(3):
        store = open_store(tmp_path, clock=ManualClock(wall_ms=WALL_MS))
        assert len(store.push_subscriptions.all()) == (number > 0)
        await store.push_subscriptions.add(browser.subscription)
        store.close()
    store = open_store(tmp_path, clock=ManualClock(wall_ms=WALL_MS))
    assert await store.push_subscriptions.remove(browser.subscription.endpoint)
    assert not await store.push_subscriptions.remove(browser.subscription.endpoint)
    store.close()


async def test_a_subscription_nobody_can_read_does_not_stop_the_kitchen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_store(tmp_path, clock=ManualClock()).close()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection, connection:
        connection.execute("INSERT INTO push_subscriptions VALUES ('https://a', '{')")
    store = open_store(tmp_path, clock=ManualClock())
    assert not store.push_subscriptions.all()
    assert "has to subscribe anew" in caplog.text
    store.close()


def places(*people: str) -> list[Subscription]:
    """One browser of each, the oldest first."""
    blank = Subscription(endpoint="", person="", public="", secret="", since=0)
    return [
        msgspec.structs.replace(blank, endpoint=f"https://push.example/{at}", person=person)
        for at, person in enumerate(people)
    ]


def newcomer(person: str) -> Subscription:
    return msgspec.structs.replace(places(person)[0], endpoint="https://push.example/new")


def test_of_a_person_with_all_their_places_taken_their_own_oldest_goes() -> None:
    known = places("lee", *["kim"] * PER_PERSON_MAX)
    assert making_room(known, newcomer("kim"), ("kim", "lee")) == [known[1]]
    assert making_room(known, newcomer("lee"), ("kim", "lee")) == ()
    again = msgspec.structs.replace(known[3], since=7)  # the same one once more
    assert making_room(known, again, ("kim", "lee")) == ()


def test_nobodys_only_browser_goes_for_that_of_somebody_else() -> None:
    few = [f"cook_{number}" for number in range(ALL_MAX)]
    with pytest.raises(TooMany, match="one browser each"):
        making_room(places(*few), newcomer("kim"), [*few, "kim"])
    known = places("lee", *few[2:], "lee")
    assert making_room(known, newcomer("kim"), [*few, "lee", "kim"]) == [known[0]]


def test_browsers_of_people_who_are_told_nothing_any_more_go_first() -> None:
    known = places(*["kim"] * 5, "gone", "left", *[f"cook_{it}" for it in range(ALL_MAX - 7)])
    people = {"kim", "lee", *(each.person for each in known[7:])}
    assert making_room(known, newcomer("lee"), people) == known[5:7]


@given(st.lists(st.sampled_from(["kim", "lee", *map(str, range(250))]), max_size=600))
def test_no_order_of_newcomers_breaks_a_bound_or_silences_anybody(order: list[str]) -> None:
    known: list[Subscription] = []
    for at, person in enumerate(order):
        new = msgspec.structs.replace(newcomer(person), endpoint=f"https://push.example/n{at}")
        before = {each.person for each in known}
        try:
            gone = making_room(known, new, set(order))
        except TooMany:
            continue
        known = [each for each in known if each not in gone] + [new]
        assert before <= {each.person for each in known}
        assert len(known) <= ALL_MAX
        assert max(Counter(each.person for each in known).values()) <= PER_PERSON_MAX


async def test_what_goes_and_what_comes_is_one_commit(tmp_path: Path) -> None:
    store = open_store(tmp_path, clock=ManualClock(wall_ms=WALL_MS))
    subscribing = Subscribing(store.push_subscriptions, tmp_path, ManualClock(wall_ms=WALL_MS))
    subscribing.people = ("kim",)
    browsers = [Browser(f"https://push.example/{it}") for it in range(PER_PERSON_MAX + 3)]
    await asyncio.gather(
        *(
            subscribing.subscribe("kim", it.endpoint, it.public, it.secret)
            for it in (browser.subscription for browser in browsers)
        )
    )
    assert subscribing.made_room == 3
    kept = [each.endpoint for each in store.push_subscriptions.of("kim")]
    store.close()
    store = open_store(tmp_path, clock=ManualClock(wall_ms=WALL_MS))
    assert len(kept) == PER_PERSON_MAX
    assert {each.endpoint for each in store.push_subscriptions.all()} == set(kept)
    store.close()


async def test_it_is_known_of_each_browser_how_it_last_went(kitchen: Kitchen) -> None:
    for name in ("a", "b"):
        await kitchen.subscribe(name)
    kitchen.service.answers["/b"] = 403
    await kitchen.tell()
    a, b = (kitchen.subscriptions.outcome(it.endpoint) for it in kitchen.subscriptions.of("kim"))
    assert (a.handed_over_at is not None, a.failed_at, a.error) == (True, None, "")
    assert (b.handed_over_at, b.failed_at is not None) == (None, True)
    assert "answers 403" in b.error
    (_, second) = kitchen.subscriptions.of("kim")
    kitchen.service.answers["/b"] = 410
    await kitchen.tell()
    assert kitchen.subscriptions.outcome(second.endpoint) == Outcome()  # it has gone


def wish(browser: Browser, person: str = "kim", **instead: str) -> dict[str, object]:
    """What a page sends: its person, and what its browser made."""
    said = browser.subscription
    keys = {"p256dh": instead.get("p256dh", said.public), "auth": instead.get("auth", said.secret)}
    endpoint = instead.get("endpoint", said.endpoint)
    return {
        "person": person,
        "subscription": {"endpoint": endpoint, "expirationTime": None, "keys": keys},
    }


PATH = "/api/v1/push/subscriptions"


async def test_a_browser_subscribes_and_unsubscribes_through_the_api(tmp_path: Path) -> None:
    async with page() as site:
        staff = await site.headers(Role.STAFF)
        none = await site.client.get(PATH, headers=staff)
        assert await none.json() == {"key": None, "subscriptions": []}
        answer = await site.client.post(PATH, headers=staff, json={})
        assert answer.status == 400
        answer = await site.client.delete(f"{PATH}/x", headers=staff)
        assert answer.status == 409
        assert "webpush" in (await answer.json(content_type="application/problem+json"))["detail"]
        store = open_store(tmp_path, clock=site.clock)
        subscribing = Subscribing(store.push_subscriptions, tmp_path, site.clock)
        subscribing.people = ("kim",)
        site.kitchen.browsers = subscribing
        browser = Browser("https://push.example/secret-address")
        other = await site.client.post(PATH, json=wish(browser), headers=staff)
        assert other.status == 403  # messages for kim are nobody else's
        manager = await site.headers(Role.MANAGER)
        answer = await site.client.post(PATH, json=wish(browser), headers=manager)
        assert answer.status == 201
        shown_list = await (await site.client.get(PATH, headers=manager)).text()
        assert "push.example" in shown_list
        assert "secret-address" not in shown_list
        assert json.loads(shown_list)["key"] == await subscribing.key()
        (stored,) = store.push_subscriptions.of("kim")
        assert stored.public == browser.subscription.public
        gone = {"endpoint": browser.subscription.endpoint}
        for status in (200, 404):
            answer = await site.client.delete(PATH, json=gone, headers=staff)
            assert answer.status == status
        store.close()


@pytest.mark.parametrize(
    ("instead", "person", "status", "word"),
    [
        ({}, "nobody", 404, "notifications.people has kim"),
        ({"endpoint": "http://push.example/a"}, "kim", 422, "https:"),
        ({"endpoint": "https://me@push.example/a"}, "kim", 422, "https:"),
        ({"endpoint": "https://push.example/" + "a" * 2_000}, "kim", 422, "longer"),
        ({"p256dh": "AAAA"}, "kim", 422, "P-256"),
        ({"auth": "AAAA"}, "kim", 422, "16 octets"),
        ({"auth": "+/+/"}, "kim", 422, "base64"),
    ],
)
async def test_what_no_browser_sends_is_refused(
    tmp_path: Path, instead: dict[str, str], person: str, status: int, word: str
) -> None:
    async with page() as site:
        store = open_store(tmp_path, clock=site.clock)
        subscribing = Subscribing(store.push_subscriptions, tmp_path, site.clock)
        subscribing.people = ("kim",)
        site.kitchen.browsers = subscribing
        body = wish(Browser("https://push.example/a"), person, **instead)
        answer = await site.client.post(PATH, json=body, headers=await site.headers(Role.MANAGER))
        assert answer.status == status
        assert word in (await answer.json(content_type="application/problem+json"))["detail"]
        assert not store.push_subscriptions.all()
        store.close()


async def test_a_person_nobody_knows_is_not_stored(tmp_path: Path) -> None:
    store = open_store(tmp_path, clock=ManualClock())
    subscribing = Subscribing(store.push_subscriptions, tmp_path, ManualClock())
    with pytest.raises(UnknownPerson):
        await subscribing.subscribe("kim", "https://push.example/a", "", "")
    store.close()


@asynccontextmanager
async def subscribed(folder: Path) -> AsyncIterator[tuple[Web, Subscribing]]:
    """A kitchen whose page knows a browser of kim and one of lee."""
    async with page() as site:
        store = open_store(folder, clock=site.clock)
        subscribing = Subscribing(store.push_subscriptions, folder, site.clock)
        subscribing.people = ("kim", "lee")
        site.kitchen.browsers = subscribing
        for person in subscribing.people:
            said = Browser(f"https://push.example/secret-{person}", person).subscription
            await subscribing.subscribe(person, said.endpoint, said.public, said.secret)
        yield site, subscribing
        store.close()


async def listed(site: Web, headers: dict[str, str]) -> list[tuple[str, str]]:
    answer = await site.client.get(PATH, headers=headers)
    assert "secret" not in await answer.text()
    return [(it["person"], it["id"]) for it in (await answer.json())["subscriptions"]]


async def test_a_person_sees_their_own_browsers_and_a_manager_all(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (site, _):
        kim = await site.headers_of("kim", Role.STAFF)
        manager = await site.headers_of("boss", Role.MANAGER)
        assert [person for person, _ in await listed(site, kim)] == ["kim"]
        assert [person for person, _ in await listed(site, manager)] == ["kim", "lee"]
        assert await listed(site, await site.headers(Role.STAFF)) == []


async def test_a_browser_is_taken_away_by_its_id_and_that_is_taken_down(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (site, subscribing):
        kim = await site.headers_of("kim", Role.STAFF)
        boss = await site.headers_of("boss", Role.MANAGER)
        (own, others) = (it.id for it in subscribing.subscriptions.all())
        for headers, which, status in (
            (kim, others, 404),  # lee's is none of kim's business
            (kim, own, 200),
            (kim, own, 404),
            (boss, others, 200),
            (boss, "nothing", 404),
        ):
            answer = await site.client.delete(f"{PATH}/{which}", headers=headers)
            assert answer.status == status
        assert not subscribing.subscriptions.all()
        told = [it for it in site.kitchen.entries if it.action == "unsubscribe_browser"]
        assert [(it.by, it.about, it.detail) for it in told] == [
            ("kim", "kim", {"id": own, "service": "push.example"}),
            ("boss", "lee", {"id": others, "service": "push.example"}),
        ]
        assert "secret" not in str(site.kitchen.entries)


async def test_what_made_room_is_taken_down_too(tmp_path: Path) -> None:
    async with subscribed(tmp_path) as (site, subscribing):
        kim = await site.headers_of("kim", Role.STAFF)
        (first, _) = subscribing.subscriptions.all()
        for number in range(PER_PERSON_MAX):
            body = wish(Browser(f"https://push.example/{number}"))
            assert (await site.client.post(PATH, json=body, headers=kim)).status == 201
        told = [(it.action, it.about) for it in site.kitchen.entries if "browser" in it.action]
        assert told[-2:] == [("unsubscribe_browser", "kim"), ("subscribe_browser", "kim")]
        (gone,) = (it for it in site.kitchen.entries if it.action == "unsubscribe_browser")
        assert gone.detail == {"id": first.id, "service": "push.example", "why": "made room"}
        assert len(subscribing.subscriptions.of("lee")) == 1
