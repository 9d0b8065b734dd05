"""The MQTT link against a real mosquitto, and against small broken brokers of our own."""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.buses import mqtt_dial
from gateway.buses.mqtt import PACKET_MAX, Broker, Link, LinkError, Message, Will
from gateway.clock import SystemClock, Trust
from tests import certificates
from tests.broker import Settings, Tls
from tests.conftest import BrokerFactory
from tests.fakes import ManualClock, run_out
from tests.patience import PATIENCE_S
from tests.ports import reserved_port

CLOCK = SystemClock()

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Item = TypeVar("Item", Message, LinkError, int, bytes)
Serve = Callable[[Handler], Awaitable[int]]


def at(port: int, **settings: str) -> Broker:
    return Broker(host="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]


async def arrived(queue: "asyncio.Queue[Item]") -> Item:
    async with asyncio.timeout(PATIENCE_S):
        return await queue.get()


@contextlib.asynccontextmanager
async def connected(link: Link) -> AsyncIterator[Link]:
    await link.connect()
    try:
        yield link
    finally:
        await link.close()


def inbox(link: Link) -> "asyncio.Queue[Message]":
    queue: asyncio.Queue[Message] = asyncio.Queue()
    link.on_message = queue.put_nowait
    return queue


def losses(link: Link) -> "asyncio.Queue[LinkError]":
    queue: asyncio.Queue[LinkError] = asyncio.Queue()
    link.on_lost = queue.put_nowait
    return queue


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a broker of our own for each handler; returns its port."""
    servers: list[asyncio.Server] = []

    async def start(handler: Handler) -> int:
        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(closing, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


async def packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One MQTT packet: its first byte and its body."""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, await reader.readexactly(length)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> certificates.Authority:
    return certificates.authority(tmp_path_factory.mktemp("pki"))


def tls(certificate: certificates.Certificate) -> Settings:
    return Settings(
        tls=Tls(
            certificate=certificate.certificate,
            key=certificate.key,
            authority=certificate.certificate,
        )
    )


# The url


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("mqtt://127.0.0.1:1884", "127.0.0.1", 1884, False),
        ("mqtt://broker.example", "broker.example", 1883, False),
        ("mqtts://broker.example", "broker.example", 8883, True),
        ("mqtts://[::1]:9999/", "::1", 9999, True),
    ],
)
def test_a_url_names_host_port_and_tls(url: str, host: str, port: int, *, secure: bool) -> None:
    broker = Broker.from_url(url)
    assert (broker.host, broker.port, broker.tls) == (host, port, secure)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://broker:99999",
        "mqtt://broker:x",
        "mqtt://broker:0",
        "mqtt://broker/path",
        "mqtt://broker?tls=0",
        "mqtt://broker#x",
    ],
)
def test_a_wrong_url_says_what_is_allowed(url: str) -> None:
    with pytest.raises(ValueError, match=r"mqtt://host:1883 or mqtts://host:8883"):
        Broker.from_url(url)


def test_a_password_is_neither_taken_from_the_url_nor_shown() -> None:
    with pytest.raises(ValueError, match="do not belong in the url") as raised:
        Broker.from_url("mqtt://user:secret@broker")
    assert "secret" not in str(raised.value)
    broker = Broker.from_url("mqtt://broker", username="user", password="secret")
    assert "secret" not in repr(broker)


def test_certificates_without_tls_are_refused_and_not_silently_ignored() -> None:
    with pytest.raises(ValueError, match="mqtts://"):
        Broker.from_url("mqtt://broker", ca_file="ca.pem")
    with pytest.raises(ValueError, match="certificate file"):
        Broker.from_url("mqtts://broker", key_file="key.pem")


# A real broker


async def test_a_message_goes_round_with_its_acknowledgement(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        messages = inbox(link)
        acknowledged: asyncio.Queue[int] = asyncio.Queue()
        link.on_puback = acknowledged.put_nowait
        await link.subscribe(["kitchen/+"])
        mid = link.publish("kitchen/door", b"open")
        assert await arrived(acknowledged) == mid
        message = await arrived(messages)
        assert (message.topic, message.payload, message.qos) == ("kitchen/door", b"open", 1)
        assert link.protocol == "5"


async def test_a_thousand_messages_arrive_in_order(mosquitto: BrokerFactory) -> None:
    broker = mosquitto(Settings(extra=("max_inflight_messages 0", "max_queued_messages 0")))
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        messages = inbox(link)
        await link.subscribe(["kitchen"])
        sent = [b"%d" % number for number in range(1000)]
        for payload in sent:
            link.publish("kitchen", payload)
        assert [(await arrived(messages)).payload for _ in sent] == sent


async def test_a_qos_0_message_is_never_taken_for_an_acknowledgement(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        messages = inbox(link)
        acknowledged: list[int] = []
        link.on_puback = acknowledged.append
        await link.subscribe(["kitchen"])
        link.publish("kitchen", b"x", qos=0)
        await arrived(messages)
        assert acknowledged == []


async def test_a_message_nobody_hears_and_one_the_broker_refuses_are_told_apart(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic write kitchen/door\n")
    rules.chmod(0o644)
    broker = mosquitto(Settings(extra=(f"acl_file {rules}",)))
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        answers: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        link.on_refused = lambda mid, code: answers.put_nowait((mid, code))
        link.on_puback = lambda mid: answers.put_nowait((mid, 0))
        sent = [link.publish(topic, b"x") for topic in ("kitchen/door", "kitchen/fan")]
        async with asyncio.timeout(PATIENCE_S):
            told = [await answers.get() for _ in sent]
        assert told == list(zip(sent, (Link.NO_LISTENER, Link.NOT_AUTHORIZED), strict=True))
        assert link.refused == 1


async def test_the_broker_says_how_much_it_takes_and_just_that_fits(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto(Settings(extra=("max_packet_size 4000",)))
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        messages = inbox(link)
        await link.subscribe(["kitchen"])
        room = link.room("kitchen")
        assert (link.maximum_packet, room) == (4_000, 3_983)
        link.publish("kitchen", bytes(room))
        assert len((await arrived(messages)).payload) == room


async def test_a_message_not_acknowledged_by_hand_comes_again(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()

    def ours() -> Link:
        return Link(at(broker.port), "keeper", CLOCK, keep_session=True, manual_ack=True)

    async with connected(ours()) as link:
        first = inbox(link)
        await link.subscribe(["kitchen"])
        link.publish("kitchen", b"once")
        assert (await arrived(first)).payload == b"once"
    link = ours()
    again = inbox(link)
    async with connected(link):
        message = await arrived(again)
        assert message.payload == b"once"
        link.acknowledge(message)
    link = ours()
    never = inbox(link)
    async with connected(link):
        await link.subscribe(["kitchen"])
        link.publish("kitchen", b"later")
        assert (await arrived(never)).payload == b"later"


async def test_a_receiver_that_fails_does_not_stop_the_link(
    mosquitto: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        good: asyncio.Queue[bytes] = asyncio.Queue()

        def receive(message: Message) -> None:
            if message.payload == b"bad":
                raise RuntimeError("a bug of ours")
            good.put_nowait(message.payload)

        link.on_message = receive
        await link.subscribe(["kitchen"])
        link.publish("kitchen", b"bad")
        link.publish("kitchen", b"good")
        assert await arrived(good) == b"good"
        assert "a bug of ours" in caplog.text


async def test_the_will_is_published_for_a_cut_and_not_for_a_farewell(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    async with connected(Link(at(broker.port), "witness", CLOCK)) as witness:
        messages = inbox(witness)
        await witness.subscribe(["will/+"])
        polite = Link(at(broker.port), "polite", CLOCK, will=Will("will/polite", b"dead"))
        await polite.connect()
        await polite.close()
        cut = Link(at(broker.port), "cut", CLOCK, will=Will("will/cut", b"dead"))
        await cut.connect()
        cut._release()
        assert (await arrived(messages)).topic == "will/cut"
        assert messages.empty()


async def test_a_killed_broker_is_told_once(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK)
    lost = losses(link)
    await link.connect()
    broker.kill()
    assert isinstance(await arrived(lost), LinkError)
    with pytest.raises(LinkError, match="not connected"):
        link.publish("kitchen", b"x")
    await link.close()
    assert lost.empty()


async def test_a_wanted_close_is_no_loss(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK)
    lost = losses(link)
    await link.connect()
    await link.close()
    await link.close()
    assert lost.empty()
    assert not link.connected


async def test_a_frozen_broker_ends_the_attempt_at_its_deadline(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    broker.freeze()
    link = Link(at(broker.port), "link", CLOCK)
    with pytest.raises(LinkError, match=r"did not answer within 0\.3 s"):
        await link.connect(deadline_s=0.3)
    broker.thaw()
    async with connected(Link(at(broker.port), "link", CLOCK)):
        pass


async def test_a_frozen_broker_is_noticed_by_the_keepalive(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK, keepalive_s=1)
    lost = losses(link)
    await link.connect()
    broker.freeze()
    assert "silent" in str(await arrived(lost))


async def test_closing_on_a_frozen_broker_ends_in_time(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK)
    await link.connect()
    broker.freeze()
    for _ in range(60):  # fill the socket, so that not even the farewell gets out
        link.publish("kitchen", bytes(200_000))
    await link.close(deadline_s=0.2)
    assert not link.connected


async def test_a_broker_that_takes_nothing_more_is_an_error_and_no_queue_without_end(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK)
    await link.connect()
    broker.freeze()

    def flood() -> None:
        for _ in range(200):
            link.publish("kitchen", bytes(200_000))

    with pytest.raises(LinkError, match="takes no more"):
        flood()
    await link.close(deadline_s=0.1)


async def test_a_wrong_password_says_who_must_look(mosquitto: BrokerFactory) -> None:
    broker = mosquitto(Settings(users={"mapo": "right"}))
    async with connected(
        Link(at(broker.port, username="mapo", password="right"), "link", CLOCK)
    ) as link:
        assert link.connected
    for login in ({"username": "mapo", "password": "wrong"}, {}):
        with pytest.raises(LinkError, match="check user name and password") as raised:
            await Link(at(broker.port, **login), "link", CLOCK).connect()
        assert "wrong" not in str(raised.value)


async def test_a_refused_subscription_names_the_topic(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.acl"
    rules.write_text("topic readwrite allowed/#\n")
    rules.chmod(0o600)
    broker = mosquitto(Settings(extra=(f"acl_file {rules}",)))
    async with connected(Link(at(broker.port), "link", CLOCK)) as link:
        acknowledged: asyncio.Queue[int] = asyncio.Queue()
        link.on_puback = acknowledged.put_nowait
        await link.subscribe(["allowed/#"])
        link.publish("forbidden", b"x")
        allowed = link.publish("allowed/x", b"x")
        assert await arrived(acknowledged) == allowed
        assert link.refused == 1


async def test_a_message_too_large_is_dropped_counted_and_not_sent_again(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    link = Link(at(broker.port), "link", CLOCK, manual_ack=True, keep_session=True)
    messages = inbox(link)
    async with connected(link):
        await link.subscribe(["kitchen"])
        for _ in range(25):  # more than the broker leaves without a PUBACK
            link.publish("kitchen", bytes(PACKET_MAX + 1))
        link.publish("kitchen", b"small")
        assert (await arrived(messages)).payload == b"small"
        assert link.oversized == 25


# TLS


async def test_the_right_authority_is_trusted(
    mosquitto: BrokerFactory, pki: certificates.Authority
) -> None:
    broker = mosquitto(tls(pki.issue("right", "IP:127.0.0.1")))
    trusting = Broker.from_url(broker.url, ca_file=str(pki.certificate))
    async with connected(Link(trusting, "link", CLOCK)) as link:
        messages = inbox(link)
        await link.subscribe(["kitchen"])
        sent = [bytes([number]) * 100_000 for number in range(10)]
        for payload in sent:
            link.publish("kitchen", payload)
        assert [(await arrived(messages)).payload for _ in sent] == sent


async def test_a_wrong_host_name_is_refused(
    mosquitto: BrokerFactory, pki: certificates.Authority
) -> None:
    broker = mosquitto(tls(pki.issue("elsewhere", "DNS:elsewhere.example")))
    trusting = Broker.from_url(broker.url, ca_file=str(pki.certificate))
    with pytest.raises(LinkError, match=r"certificate is not for 127\.0\.0\.1"):
        await Link(trusting, "link", CLOCK).connect()


async def test_an_expired_certificate_is_refused(
    mosquitto: BrokerFactory, pki: certificates.Authority
) -> None:
    broker = mosquitto(tls(pki.issue("old", "IP:127.0.0.1", days=-1)))
    trusting = Broker.from_url(broker.url, ca_file=str(pki.certificate))
    with pytest.raises(LinkError, match="certificate expired"):
        await Link(trusting, "link", ManualClock()).connect()
    lost_clock = ManualClock(trusted=Trust.UNSYNCED)
    with pytest.raises(LinkError, match=r"clock .* is not set"):
        await Link(trusting, "link", lost_clock).connect()


async def test_a_self_signed_or_foreign_certificate_is_refused(
    mosquitto: BrokerFactory, pki: certificates.Authority, tmp_path: Path
) -> None:
    lonely = mosquitto(tls(certificates.self_signed(tmp_path, "IP:127.0.0.1")))
    with pytest.raises(LinkError, match="set ca_file"):
        await Link(Broker.from_url(lonely.url), "link", CLOCK).connect()
    foreign = mosquitto(tls(pki.issue("foreign", "IP:127.0.0.1")))
    other = certificates.authority(tmp_path, "other")
    trusting = Broker.from_url(foreign.url, ca_file=str(other.certificate))
    with pytest.raises(LinkError, match="set ca_file"):
        await Link(trusting, "link", CLOCK).connect()


async def test_a_client_certificate_opens_the_door(
    mosquitto: BrokerFactory, pki: certificates.Authority
) -> None:
    settings = tls(pki.issue("strict", "IP:127.0.0.1"))
    extra = (f"cafile {pki.certificate}", "require_certificate true")
    broker = mosquitto(Settings(tls=settings.tls, extra=extra))
    ours = pki.issue("gateway", "DNS:mapo-1")
    authority, certificate = str(pki.certificate), str(ours.certificate)
    with pytest.raises(LinkError, match="client certificate"):
        await Link(Broker.from_url(broker.url, ca_file=authority), "link", CLOCK).connect()
    identified = Broker.from_url(
        broker.url, ca_file=authority, certificate_file=certificate, key_file=str(ours.key)
    )
    async with connected(Link(identified, "link", CLOCK)):
        pass


async def test_a_plain_broker_behind_mqtts_and_a_missing_file_say_what_to_check(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    with pytest.raises(LinkError, match="TLS port of the broker"):
        await Link(Broker.from_url(f"mqtts://127.0.0.1:{broker.port}"), "link", CLOCK).connect()
    missing = str(tmp_path / "none.pem")
    secure = Broker.from_url(f"mqtts://127.0.0.1:{broker.port}", ca_file=missing)
    with pytest.raises(LinkError, match=r"none\.pem"):
        await Link(secure, "link", CLOCK).connect()


# Brokers of our own


def version_311(refusal: bytes) -> Handler:
    """A broker that answers MQTT 5 with `refusal` and hangs up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, connect = await packet(reader)
        if connect[6] != 4:  # the protocol level, behind the six bytes of "MQTT"
            writer.write(refusal)
            return
        writer.write(b"\x20\x02\x00\x00")
        while True:
            first, body = await packet(reader)
            if first & 0xF0 == 0x80:
                writer.write(b"\x90\x03" + body[:2] + (b"\x80" if b"secret" in body else b"\x01"))
            elif first & 0xF0 == 0x30:
                end = 2 + int.from_bytes(body[:2])
                writer.write(b"\x40\x02" + body[end : end + 2])
            elif first == 0xE0:
                return

    return handle


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", b""])
async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(serve: Serve, refusal: bytes) -> None:
    port = await serve(version_311(refusal))
    link = Link(at(port), "link", CLOCK, keep_session=True)
    acknowledged: asyncio.Queue[int] = asyncio.Queue()
    link.on_puback = acknowledged.put_nowait
    async with connected(link):
        assert link.protocol == "3.1.1"
        mid = link.publish("kitchen", b"x")
        assert await arrived(acknowledged) == mid
        await link.subscribe(["open"])
        with pytest.raises(LinkError, match="subscribe to secret"):
            await link.subscribe(["secret"])


async def test_nobody_listening_is_said_plainly() -> None:
    with pytest.raises(LinkError, match="refuses connections"):
        await Link(at(reserved_port()), "link", CLOCK).connect()


async def test_a_host_nobody_knows_is_said_plainly() -> None:
    broker = Broker(host="kitchen.invalid", port=1883)
    with pytest.raises(LinkError, match="no such host"):
        await Link(broker, "link", CLOCK).connect()


async def test_a_broker_that_hangs_up_is_an_error_and_no_hang(serve: Serve) -> None:
    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await packet(reader)

    with pytest.raises(LinkError, match="hung up"):
        await Link(at(await serve(hang_up)), "link", CLOCK).connect()


async def test_a_second_client_of_the_same_name_is_named_as_the_cause(serve: Serve) -> None:
    async def take_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(b"\x20\x03\x00\x00\x00" + b"\xe0\x05\x8e\x03\x1f\x00\x00")

    link = Link(at(await serve(take_over)), "twin", CLOCK)
    lost = losses(link)
    await link.connect()
    assert "another client" in str(await arrived(lost))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


def dialling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("mqtt-dial")]


async def test_a_hung_handshake_leaves_no_thread_and_no_socket(silent: int) -> None:
    broker = Broker.from_url(f"mqtts://127.0.0.1:{silent}")
    for _ in range(6):
        with pytest.raises(LinkError, match="did not answer"):
            await Link(broker, "link", CLOCK).connect(deadline_s=0.05)
        for thread in dialling():
            await asyncio.to_thread(thread.join, PATIENCE_S)
        assert dialling() == []
    assert mqtt_dial._stuck[str(broker)] == 0


async def test_attempts_that_hang_in_the_resolver_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = threading.Event()

    def never(*_arguments: object, **_options: object) -> list[object]:
        answer.wait(PATIENCE_S)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    broker = Broker(host="slow.example", port=1883)
    for _ in range(4):
        with pytest.raises(LinkError, match="did not answer"):
            await Link(broker, "link", CLOCK).connect(deadline_s=0.02)
    with pytest.raises(LinkError, match="name resolver"):
        await Link(broker, "link", CLOCK).connect()
    assert len(dialling()) == 4
    answer.set()
    for thread in dialling():
        await asyncio.to_thread(thread.join, PATIENCE_S)
    assert mqtt_dial._stuck[str(broker)] == 0


@pytest.mark.parametrize("seed", range(40))
async def test_garbage_from_a_broker_ends_the_link_and_nothing_else(
    serve: Serve, seed: int
) -> None:
    noise = random.Random(seed)
    types = (0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0, 0xF0)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(b"\x20\x03\x00\x00\x00")
        for _ in range(50):
            body = noise.randbytes(noise.randrange(60))
            writer.write(bytes([noise.choice(types), len(body)]) + body)

    link = Link(at(await serve(babble)), "link", CLOCK)
    lost = losses(link)
    try:
        await link.connect()
        await arrived(lost)
    except LinkError:
        pass
    await link.close()
    assert lost.empty()


async def test_an_endless_control_packet_ends_the_link(serve: Serve) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(b"\x20\x03\x00\x00\x00" + b"\x90\xff\xff\xff\x7f" + bytes(1000))
        await reader.read()

    link = Link(at(await serve(flood)), "link", CLOCK)
    lost = losses(link)
    await link.connect()
    assert "control packet" in str(await arrived(lost))


async def test_a_broker_that_says_nothing_to_mqtt_5_is_spoken_to_in_the_older_version(
    serve: Serve,
) -> None:
    deadline_s = 900.0

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.readuntil(b"MQTT")
        version = (await reader.readexactly(1))[0]
        assert hello
        if version == 4:
            writer.write(b"\x20\x02\x00\x00")
        else:
            run_out(deadline_s / 2)
        await reader.read()

    link = Link(at(await serve(old)), "kitchen", CLOCK)
    await link.connect(deadline_s)
    assert link.protocol == "3.1.1"
    await link.close()
