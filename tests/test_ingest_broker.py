"""The reference receiver as a service, against a real mosquitto."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from gateway.buses.mqtt import Broker, Link, Message
from gateway.clock import SystemClock
from gateway.store.receiver import Outcome, ReceiverFile, Row
from gateway.sync import protocol
from gateway.sync.ingest import Ingest, ingest
from tests.broker import Broker as Mosquitto
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S

GOLDEN = Path(__file__).parent / "golden"
INSTALL = "00112233445566778899aabbccddeeff"
BASE = "kg/v1/demo/gw/mapo_1/"
CLOCK = SystemClock(speed=20.0)  # so that the waits between attempts are short


class Killed(BaseException):
    """Stands for a SIGKILL at this very place."""


class DiesAfterCommit(ReceiverFile):
    def commit(self) -> None:
        super().commit()
        raise Killed


class TripsOverSeven(ReceiverFile):
    def add_telemetry(
        self, row: Row, readings: Iterable[tuple[object, ...]], received_at: int
    ) -> Outcome:
        if row.s == 7:
            raise RuntimeError("a bug of ours")
        return super().add_telemetry(row, readings, received_at)


class Gateway:
    """A gateway's side of the protocol, by hand."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._acknowledgements: asyncio.Queue[Message] = asyncio.Queue()
        link.on_message = self._acknowledgements.put_nowait

    def send(self, leaf: str, payload: bytes) -> None:
        self.link.publish(BASE + leaf, payload, retain=leaf in {"md", "st"})

    async def acknowledgement(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return protocol.unpack((await self._acknowledgements.get()).payload)


@contextlib.asynccontextmanager
async def gateway(broker: Mosquitto) -> AsyncIterator[Gateway]:
    link = Link(Broker.from_url(broker.url), "mapo_1", CLOCK)
    await link.connect()
    await link.subscribe([BASE + "ack"])
    yield Gateway(link)
    await link.close()


@contextlib.asynccontextmanager
async def receiving(broker: Mosquitto, path: Path) -> AsyncIterator[None]:
    """The receiver as the command runs it; ready when its first subscription stands."""
    stop = asyncio.Event()
    before = subscriptions(broker)
    task = asyncio.create_task(ingest(broker.url, path, CLOCK, stop))
    await until(lambda: subscriptions(broker) > before)
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await task


def subscriptions(broker: Mosquitto) -> int:
    return sum("Sending SUBACK to ingest-" in line for line in broker.log.splitlines())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await CLOCK.sleep(0.1)


def row(s: int) -> bytes:
    columns = ([0], [0], [float(s)])
    return protocol.telemetry_row(s, epoch=1, dictionary=0, t0=s, columns=columns, quality={})


def message(*numbers: int) -> bytes:
    return protocol.envelope(INSTALL, [row(s) for s in numbers], historical=False)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def stored(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        return [s for (s,) in connection.execute("SELECT s FROM rows ORDER BY s")]
    finally:
        connection.close()


async def test_golden_envelopes_come_back_as_golden_acknowledgements(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    path = tmp_path / "cloud.db"
    async with receiving(broker, path), gateway(broker) as ours:
        ours.send("md", golden("dictionary.json"))
        ours.send("st", golden("status_online.json"))
        ours.send("tm", golden("envelope_tm_historical.zlib"))
        assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 4]]}
        ours.send("ev", golden("envelope_ev_historical.json"))
        assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "ev": [[1, 3]]}
    assert stored(path) == [1, 1, 2, 2, 3, 3, 4]


async def test_poison_of_every_kind_does_not_hold_up_the_sound_messages(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    async with receiving(broker, tmp_path / "cloud.db"), gateway(broker) as ours:
        for number in range(60):  # more than the broker leaves without a PUBACK
            ours.send("tm", b"\x78broken %d" % number)
            ours.send("tm", bytes(protocol.WIRE_MAX + 1 + number))
        ours.send("st", b"")
        ours.send("tm", bytes(300_000))
        ours.send("tm", message(1))
        assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 1]]}


async def test_what_was_sent_while_the_receiver_was_away_is_received_later(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    path = tmp_path / "cloud.db"
    async with receiving(broker, path):
        pass
    async with gateway(broker) as ours:
        ours.send("tm", message(1, 2))
        async with receiving(broker, path):
            assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 2]]}


async def test_a_receiver_killed_between_commit_and_acknowledgement_catches_up(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    path = tmp_path / "cloud.db"
    dying = DiesAfterCommit(path)
    task = asyncio.create_task(
        Ingest(Broker.from_url(broker.url), dying, CLOCK)._connection(asyncio.Event())
    )
    await until(lambda: subscriptions(broker) == 1)
    async with gateway(broker) as ours:
        ours.send("tm", message(1, 2, 3))
        with pytest.raises(Killed):
            await asyncio.wait_for(task, PATIENCE_S)
        dying.close()
        assert stored(path) == [1, 2, 3]
        async with receiving(broker, path):
            assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 3]]}
    assert stored(path) == [1, 2, 3]


async def test_a_broker_killed_and_started_empty_is_found_again(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    path = tmp_path / "cloud.db"
    async with receiving(broker, path):
        async with gateway(broker) as ours:
            ours.send("tm", message(1))
            await ours.acknowledgement()
        before = subscriptions(broker)
        broker.kill()
        broker.forget()
        broker.start()
        await until(lambda: subscriptions(broker) > before)
        async with gateway(broker) as ours:
            ours.send("tm", message(1, 2))
            assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 2]]}
    assert stored(path) == [1, 2]


async def test_a_full_disk_acknowledges_nothing_and_is_waited_for(
    mosquitto: BrokerFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    path = tmp_path / "cloud.db"
    file = ReceiverFile(path)
    (pages,) = file._connection.execute("PRAGMA page_count").fetchone()
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    stop = asyncio.Event()
    running = Ingest(Broker.from_url(broker.url), file, CLOCK)
    task = asyncio.create_task(running.run(stop))
    await until(lambda: subscriptions(broker) == 1)
    text = "x" * 60_000
    body = protocol.telemetry_row(
        1, epoch=1, dictionary=0, t0=0, columns=([0], [0], [text]), quality={}
    )
    async with gateway(broker) as ours:
        ours.send("tm", protocol.envelope(INSTALL, [body], historical=False))
        await until(lambda: "full" in caplog.text)
        assert running.counters.rows == 0
        file._connection.execute("PRAGMA max_page_count = 1000000")
        assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[1, 1]]}
    stop.set()
    await asyncio.wait_for(task, PATIENCE_S)
    file.close()
    assert running.counters.rows == 1
    assert stored(path) == [1]


async def test_a_message_that_trips_us_up_is_refused_and_the_next_one_received(
    mosquitto: BrokerFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    file = TripsOverSeven(tmp_path / "cloud.db")
    stop = asyncio.Event()
    running = Ingest(Broker.from_url(broker.url), file, CLOCK)
    task = asyncio.create_task(running.run(stop))
    await until(lambda: subscriptions(broker) == 1)
    async with gateway(broker) as ours:
        for _ in range(30):
            ours.send("tm", message(7))
        ours.send("tm", message(8))
        assert json.loads(await ours.acknowledgement()) == {"in": INSTALL, "tm": [[8, 8]]}
    stop.set()
    await asyncio.wait_for(task, PATIENCE_S)
    file.close()
    assert running.counters.refused == 30
    assert "a bug of ours" in caplog.text


async def test_stopping_ends_the_wait_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(
        ingest("mqtt://127.0.0.1:1", tmp_path / "cloud.db", SystemClock(), stop)
    )
    asyncio.get_running_loop().call_later(0.2, stop.set)
    await asyncio.wait_for(task, PATIENCE_S)
