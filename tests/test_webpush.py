"""Web push against a real HTTP server as push service, and browsers that come and go."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)

from gateway.access import Role
from gateway.notify.channel import Means, Recipient, Refused, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.outbound import Outbound
from gateway.notify.push_encryption import TEXT_MAX, point, to_text
from gateway.notify.subscribing import Subscribing, UnknownPerson
from gateway.notify.subscription import PER_PERSON_MAX, Subscription, TooMany
from gateway.notify.vapid import NAME
from gateway.notify.webpush import Options, WebPush, open_channel, shown
from gateway.store.push_subscriptions import StoredSubscriptions
from rules.base import Priority
from tests.fakes import ManualClock
from tests.store_files import open_store
from tests.test_push_encryption import SECRET, opened, verify
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


async def test_one_person_cannot_fill_the_list(tmp_path: Path) -> None:
    store = open_store(tmp_path, clock=ManualClock(wall_ms=WALL_MS))
    book: StoredSubscriptions = store.push_subscriptions
    for number in range(PER_PERSON_MAX):
        await book.add(Browser(f"https://push.example/{number}").subscription)
    with pytest.raises(TooMany, match="unsubscribe one"):
        await book.add(Browser("https://push.example/more").subscription)
    await book.add(Browser("https://push.example/0").subscription)  # the same one again
    await book.add(Browser("https://push.example/other", "lee").subscription)
    store.close()


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
        answer = await site.client.get(PATH, headers=staff)
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
        shown_list = await (await site.client.get(PATH, headers=staff)).text()
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
