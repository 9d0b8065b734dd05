"""The site's broker: what it was acknowledged is durable, and what broke off is heard once."""

import asyncio
import contextlib
import dataclasses
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from drivers.base import BusError, DriverError
from drivers.mqtt import Field, Options
from gateway.buses.mqtt import Broker as Address
from gateway.buses.mqtt import Link, Message
from gateway.buses.mqtt_site import AWAY_S, SiteBroker
from gateway.clock import SystemClock
from gateway.config.secret import Secret
from gateway.store.log import unpacked
from tests import certificates
from tests.broker import Broker, Settings, Tls
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S
from tests.processes import Daemon, wait_for
from tests.store_files import until

CLOCK = SystemClock()


class Commits:
    """A log whose commits happen when the test says so."""

    def __init__(self) -> None:
        self.on_durable: list[Callable[[int], None]] = []
        self.number = 0
        self.dropped = 0
        self.pressed = 0

    def await_commit(self) -> int:
        return self.number

    def press(self) -> None:
        self.pressed += 1

    def commit(self) -> None:
        number, self.number = self.number, self.number + 1
        for durable in self.on_durable:
            durable(number)


class Ears:
    """What was heard on a topic."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, bool]] = []
        self.failures: list[str] = []
        self.cut: list[str] = []
        self.bug = False

    def hear(self, message: tuple[bytes, bool]) -> None:
        if self.bug:
            raise LookupError("a bug")
        self.heard.append(message)

    def fail(self, error: DriverError) -> None:
        self.failures.append(str(error))

    def cut_off(self, error: DriverError) -> None:
        self.cut.append(str(error))

    @property
    def payloads(self) -> list[bytes]:
        return [payload for payload, _ in self.heard]


class Bench:
    """One site over a real broker, with a device's ears on `k/1/r`."""

    def __init__(self, broker: Broker, *, name: str = "site") -> None:
        self.broker = broker
        self.commits = Commits()
        self.ears = Ears()
        self.ups = 0
        self.site = SiteBroker(Address.from_url(broker.url), None, CLOCK)
        self.listen("k/1/r", self.ears)
        self.site.join(self.commits, f"kg-test-{name}", name)
        self.site.on_up = self._up
        self._task: asyncio.Task[None] | None = None

    def listen(self, topic: str, ears: Ears) -> None:
        self.site.listen(Options(topic=topic, metrics={"v": Field()}), ears)

    def _up(self) -> None:
        self.ups += 1

    async def start(self) -> None:
        self._task = asyncio.create_task(self.site.run())
        await until(lambda: self.site.connected)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def publish(self, *payloads: bytes, topic: str = "k/1/r", retain: bool = False) -> None:
        link = Link(Address.from_url(self.broker.url), "device", CLOCK)
        done: list[int] = []
        link.on_puback = done.append
        link.on_refused = lambda mid, _code: done.append(mid)
        await link.connect()
        for payload in payloads:
            link.publish(topic, payload, retain=retain)
        await until(lambda: len(done) == len(payloads))
        await link.close()


@contextlib.asynccontextmanager
async def running(broker: Broker, *, name: str = "site") -> AsyncIterator[Bench]:
    bench = Bench(broker, name=name)
    await bench.start()
    try:
        yield bench
    finally:
        await bench.stop()


async def test_a_message_is_kept_by_the_broker_until_its_commit(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        await bench.publish(b"1", b"2")
        await until(lambda: len(bench.ears.heard) == 2)
        bench.commits.commit()
        await bench.publish(b"3")
        await until(lambda: len(bench.ears.heard) == 3)
    async with running(broker) as again:  # another process: it remembers nothing
        await until(lambda: again.ears.payloads == [b"3"])
        assert again.site.counters.repeated == 0


async def test_what_was_heard_before_the_connection_broke_is_not_heard_again(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        await bench.publish(b"1", b"2")
        await until(lambda: len(bench.ears.heard) == 2)
        broker.stop()
        broker.start()
        await until(lambda: bench.site.counters.repeated == 2)
        await bench.publish(b"3")
        await until(lambda: len(bench.ears.heard) == 3)
        assert bench.ears.payloads == [b"1", b"2", b"3"]
        bench.commits.commit()
        await bench.publish(b"4")  # its PUBACK is behind ours on no wire, but the broker is done
        await until(lambda: len(bench.ears.heard) == 4)
        bench.commits.commit()
        await bench.site.farewell()
    async with running(broker) as again:
        await again.publish(b"5")
        await until(lambda: again.ears.payloads == [b"5"])


async def test_nothing_the_broker_kept_is_lost_while_we_are_away(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        await bench.site.farewell()
    await bench.publish(*(str(number).encode() for number in range(300)))
    async with running(broker) as again:
        async with asyncio.timeout(PATIENCE_S):
            while len(again.ears.heard) < 300:
                again.commits.commit()
                await asyncio.sleep(0.01)
        assert again.ears.payloads == [str(number).encode() for number in range(300)]


async def test_unacknowledged_messages_are_bounded_and_then_press_for_a_commit(
    mosquitto: BrokerFactory,
) -> None:
    async with running(mosquitto()) as bench:
        await bench.publish(*(b"x" for _ in range(400)))
        await until(lambda: len(bench.ears.heard) == 256)
        assert bench.site.unacknowledged == 256
        assert bench.commits.pressed
        bench.commits.commit()
        await until(lambda: len(bench.ears.heard) == 400)


async def test_a_retained_message_is_told_apart(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    bench = Bench(broker)
    await bench.publish(b"old", retain=True)
    await bench.start()
    await until(lambda: bench.ears.heard == [(b"old", True)])
    await bench.publish(b"new", retain=True)
    await until(lambda: bench.ears.heard[1:] == [(b"new", False)])
    await bench.stop()


async def test_a_message_on_a_topic_of_nobody_is_acknowledged_and_the_broker_told(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    old = Bench(broker)
    old.listen("k/2/r", Ears())
    await old.start()
    await old.stop()
    async with running(broker) as bench:
        await bench.publish(b"1", topic="k/2/r")
        await until(lambda: bench.site.counters.foreign == 1)
        bench.commits.commit()
        await until(lambda: "UNSUBSCRIBE" in broker.log)
        await bench.publish(b"2", topic="k/2/r")
        await bench.publish(b"3")
        await until(lambda: bench.ears.payloads == [b"3"])
        assert bench.site.counters.foreign == 1


async def test_an_oversized_message_is_a_failure_of_its_device_and_does_not_come_again(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        await bench.publish(b"x" * 300_000)
        await until(lambda: len(bench.ears.failures) == 1)
        await bench.publish(b"1")
        await until(lambda: bench.ears.payloads == [b"1"])
        bench.commits.commit()
        await bench.site.farewell()
    async with running(broker) as again:
        await again.publish(b"2")
        await until(lambda: again.ears.payloads == [b"2"])
        assert again.ears.failures == []


async def test_a_bug_in_one_driver_is_a_failure_of_its_device_alone(
    mosquitto: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(mosquitto()) as bench:
        bench.ears.bug = True
        await bench.publish(b"1")
        await until(lambda: bench.ears.failures == ["its driver failed: see the log"])
        bench.ears.bug = False
        await bench.publish(b"2")
        await until(lambda: bench.ears.payloads == [b"2"])
    assert "could not be taken" in caplog.text


async def test_what_finds_no_room_in_the_log_stays_with_the_broker(
    mosquitto: BrokerFactory,
) -> None:
    async with running(mosquitto()) as bench:
        bench.commits.dropped = 1  # this one and those before it
        await bench.publish(b"1")
        await until(lambda: bench.ups == 2)
        await until(lambda: bench.ears.payloads == [b"1", b"1"])
        assert bench.site.counters.repeated == 0


async def test_a_broker_that_is_away_for_long_cuts_its_devices_off_once(
    mosquitto: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        broker.kill()
        await until(lambda: not bench.site.connected)
        bench.site.look(CLOCK.now())
        assert bench.ears.cut == []
        bench.site.check()
        await until(lambda: bench.site.troubles() != [])
        for _ in range(2):
            bench.site.look(CLOCK.now() + int(AWAY_S * 1000) + 1)
        assert len(bench.ears.cut) == 1
        with pytest.raises(BusError, match="bus site:"):
            bench.site.check()
        with pytest.raises(BusError, match="bus site:"):
            bench.site.publish("k/1/c", b"ON", retain=False)
        broker.start()
        await until(lambda: bench.site.connected)
        bench.site.check()
        assert bench.site.troubles() == []
    assert len(re.findall("bus site: lost", caplog.text)) == 1
    assert "bus site: back" in caplog.text


async def test_a_broker_that_forgot_our_session_is_said_and_counted(
    mosquitto: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto(Settings(persistence=False))
    async with running(broker) as bench:
        broker.kill()
        broker.start()
        await until(lambda: bench.ups == 2)
        assert bench.site.counters.sessions_lost == 1
        await bench.publish(b"1")
        await until(lambda: bench.ears.payloads == [b"1"])
    assert "has forgotten our session" in caplog.text


async def test_a_command_goes_out_and_one_that_nobody_hears_is_said_once(
    mosquitto: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        bench.site.publish("k/1/c", b"ON", retain=False)
        bench.site.publish("k/1/c", b"OFF", retain=False)
        await until(lambda: bench.site.counters.unheard == 2)
        assert ["nobody listens to k/1/c" in text for text in bench.site.troubles()] == [True]
        device = Link(Address.from_url(broker.url), "switch", CLOCK)
        told: list[Message] = []
        device.on_message = told.append
        await device.connect()
        await device.subscribe(["k/1/c"])
        bench.site.publish("k/1/c", b"ON", retain=False)
        await until(lambda: [message.payload for message in told] == [b"ON"])
        await until(lambda: bench.site.troubles() == [])
        await device.close()
    assert caplog.text.count("nobody listens to k/1/c") == 1


async def test_a_command_leaves_before_the_puback_of_what_caused_it(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        hear = bench.ears.hear

        def react(message: tuple[bytes, bool]) -> None:
            hear(message)
            bench.site.publish("k/1/c", b"ON", retain=False)
            asyncio.get_running_loop().call_soon(bench.commits.commit)  # as early as can be

        bench.ears.hear = react  # type: ignore[method-assign]
        await bench.publish(b"9")
        await until(lambda: "PUBACK from kg-test-site" in broker.log)
        log = broker.log
        command = log.index("Received PUBLISH from kg-test-site")
        assert command < log.index("Received PUBACK from kg-test-site")


async def test_a_frozen_broker_is_noticed(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    async with running(broker) as bench:
        link = bench.site._link
        assert link is not None
        assert link._client is not None
        link._client._keepalive = 1  # instead of the ten seconds the house has
        broker.freeze()
        await until(lambda: not bench.site.connected)
        broker.thaw()
        await until(lambda: bench.site.connected)


# The whole daemon

KITCHEN = """
site: {{label: test, zone: Asia/Seoul}}
buses: {{lan: {{kind: mqtt, url: "{url}"}}}}
devices:
  fridge:
    driver: mqtt
    bus: lan
    topic: k/1/r
    metrics: {{v: {{path: $.v, unit: Cel}}, seq: {{path: $.seq, precision: 0}}}}
actuators:
  plug:
    driver: mqtt_switch
    bus: lan
    topic: k/1/c
    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 0s}}
rules:
  warm: {{kind: limit, point: fridge/v, raise_above: 8 °C, clear_below: 6 °C, on_bad: hold,
         priority: high, then: [{{command: plug, value: on}}]}}
web: {{listen: 127.0.0.1}}
"""


def stored(database: Path, point: str) -> list[float]:
    """The committed values of a point, in their order."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        (index,) = store.execute("SELECT i FROM points WHERE id = ?", (point,)).fetchone()
        rows = [msgspec.json.decode(unpacked(body))
                for (body,) in store.execute("SELECT body FROM tm ORDER BY s")]  # fmt: skip
    return [
        value
        for row in rows
        for at, value in zip(row["c"], row["x"], strict=True)
        if at == index and value is not None
    ]


@pytest.mark.timeout(1_200)
async def test_after_kill_9_with_messages_in_flight_every_one_of_them_is_stored(
    tmp_path: Path, mosquitto: BrokerFactory
) -> None:
    broker = mosquitto(Settings(extra=("max_queued_messages 100000",)))
    device = Link(Address.from_url(broker.url), "device", CLOCK)
    told: list[bytes] = []
    device.on_message = lambda message: told.append(message.payload)
    await device.connect()
    await device.subscribe(["k/1/c"])
    sent = 0
    daemon = Daemon(tmp_path, KITCHEN.format(url=broker.url))
    try:
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(daemon.wait_line, "bus lan: connected")
        for _ in range(3):
            for burst in range(20):
                for _ in range(10):
                    sent += 1
                    device.publish("k/1/r", b'{"v":%d,"seq":%d}' % (burst % 3 * 4 + 1, sent))
                await asyncio.sleep(0.005)
            daemon.kill()
            await asyncio.sleep(0)
            daemon.start(ready=False)

        def complete() -> bool:
            return daemon.database.exists() and set(stored(daemon.database, "fridge/seq")) == set(
                range(1, sent + 1)
            )

        async with asyncio.timeout(PATIENCE_S):
            while not complete():
                await asyncio.sleep(0.1)
        await asyncio.to_thread(daemon.wait_ready)
        assert await asyncio.to_thread(daemon.stop) == 0
    finally:
        daemon.kill()
    await until(lambda: b"ON" in told and told[-1] == b"OFF")  # the stop made it safe
    await device.close()


@pytest.mark.timeout(1_200)
def test_the_daemon_says_that_the_broker_is_away_and_goes_on(
    tmp_path: Path, mosquitto: BrokerFactory
) -> None:
    broker = mosquitto()
    with Daemon(tmp_path, KITCHEN.format(url=broker.url)) as daemon:
        daemon.wait_line("bus lan: connected")
        broker.kill()
        daemon.wait_line("bus lan: lost")
        wait_for(lambda: any("bus lan" in text for text in daemon.health()["troubles"]))
        token = daemon.create_token()

        def reasons() -> list[str] | None:
            status, body = daemon.get("/api/v1/points", token)
            if status != 200:
                return None
            found = {point["id"]: point["reason"] for point in body["points"]}
            names = ["fridge/v", "plug/state"]
            return names if all(found[name] == "no_communication" for name in names) else None

        daemon.wait_until(reasons)
        broker.start()
        daemon.wait_line("bus lan: back")
        daemon.terminate()
        assert daemon.wait_exit() == 0


async def test_no_more_commands_are_on_their_way_than_the_broker_takes(
    mosquitto: BrokerFactory,
) -> None:
    broker = mosquitto(Settings(extra=("max_inflight_messages 3",)))
    switch = Link(Address.from_url(broker.url), "switch", CLOCK)
    told: list[tuple[str, bytes]] = []
    switch.on_message = lambda message: told.append((message.topic, message.payload))
    await switch.connect()
    await switch.subscribe(["k/+/c"])
    async with running(broker) as bench:
        for word in (b"ON", b"OFF"):
            for number in range(20):
                bench.site.publish(f"k/{number}/c", word, retain=False)
                assert len(bench.site._commands) <= 3
        await until(lambda: {topic for topic, word in told if word == b"OFF"} >= {
            f"k/{number}/c" for number in range(20)
        })  # fmt: skip
    last = dict(told)
    assert set(last.values()) == {b"OFF"}
    await switch.close()


async def test_a_broker_with_tls_and_a_login_is_used_like_any_other(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    authority = certificates.authority(tmp_path)
    certificate = authority.issue("broker", "IP:127.0.0.1")
    tls = Tls(certificate=certificate.certificate, key=certificate.key,
              authority=certificate.certificate)  # fmt: skip
    broker = mosquitto(
        Settings(tls=tls, users={"gateway": "secret"}, extra=("max_queued_messages 9000",))
    )
    secret = tmp_path / "secrets" / "site"
    secret.parent.mkdir()
    secret.write_text("secret\n")
    secret.chmod(0o600)
    address = Address.from_url(broker.url, ca_file=str(authority.certificate), username="gateway")
    site = SiteBroker(address, Secret("site", tmp_path), CLOCK)
    ears, commits = Ears(), Commits()
    site.listen(Options(topic="k/1/r", metrics={"v": Field()}), ears)
    site.join(commits, "kg-test", "site")
    task = asyncio.create_task(site.run())
    await until(lambda: site.connected)
    device = Link(dataclasses.replace(address, password="secret"), "device", CLOCK)
    await device.connect()
    for number in range(2_000):  # more than the socket hands over at once
        device.publish("k/1/r", b"%d" % number + b" " * 100)

    def all_heard() -> bool:
        commits.commit()
        return len(ears.heard) == 2_000

    await until(all_heard)
    await device.close()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
