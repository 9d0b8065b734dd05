"""The uplink against a real broker, with a receiver that answers as each test wants."""

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.buses.mqtt import Broker, Link, LinkError, Message
from gateway.clock import SystemClock
from gateway.config.secret import Secret
from gateway.reading import Point, Quality, Reading
from gateway.store.errors import StoreError
from gateway.store.log import Row
from gateway.store.opening import Store, _rows
from gateway.sync.outbox import outbox_of
from gateway.sync.protocol import WIRE_MAX, Stream, document, envelope, unpack
from gateway.sync.uplink import Destination, Patience, Uplink
from tests.broker import Settings
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S

# Nothing is sent twice because this machine is slow; what is to be sent again is, in a moment.
PLENTY = Patience(
    ack_s=PATIENCE_S, puback_s=PATIENCE_S, back_off_s=(0.05, 0.5), steady_s=3.0, status_s=PATIENCE_S
)
RESENDING = replace(PLENTY, ack_s=0.5)
POINT = Point(index=0, id="walk_in/temperature", label="", unit="Cel", kind="number")
GOLDEN = Path(__file__).parent / "golden"


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


class Receiver:
    """The far end: remembers what came, and acknowledges when `answering`."""

    def __init__(self, url: str, clock: SystemClock) -> None:
        self.link = Link(Broker.from_url(url), "receiver", clock)
        self.answering = True
        self.messages: list[tuple[str, dict[str, object]]] = []
        self.rows: dict[tuple[str, int], int] = {}
        self.order: list[tuple[str, int, int]] = []
        self.link.on_message = self._hear

    async def start(self) -> None:
        await self.link.connect()
        await self.link.subscribe(["kg/v1/demo/gw/one/#"])

    def _hear(self, message: Message) -> None:
        leaf = message.topic.rsplit("/", 1)[1]
        if leaf == "ack":
            return
        body = json.loads(unpack(message.payload))
        self.messages.append((leaf, body))
        if leaf not in ("tm", "ev"):
            return
        numbers = [row["s"] for row in body["rows"]]
        for s in numbers:
            self.rows[leaf, s] = self.rows.get((leaf, s), 0) + 1
            self.order.append((leaf, s, body["h"]))
        if self.answering:
            self.acknowledge(body["in"], leaf, [[s, s] for s in numbers])

    def acknowledge(self, install: object, leaf: str, ranges: list[list[int]]) -> None:
        self.say(document({"in": install, leaf: ranges}))

    def say(self, payload: bytes, *, retain: bool = False) -> None:
        self.link.publish("kg/v1/demo/gw/one/ack", payload, retain=retain)


class Site:
    """A store, its log and its uplink, without the rest of a gateway."""

    def __init__(
        self, data: Path, url: str, *, proven: bool = True, patience: Patience = PLENTY
    ) -> None:
        self.clock = SystemClock()
        self.store = Store(data, self.clock)
        self.point = self.store.register([POINT])[POINT.id]
        found = self.store.found
        self.outbox = outbox_of(found.passed, found.following, found.lost)
        destination = Destination(
            broker=Broker.from_url(url), tenant="demo", gateway="one", proven=proven
        )
        identity = self.store.identity
        self.uplink = Uplink(
            destination,
            identity.install,
            identity.epoch,
            self.outbox,
            self.store.log,
            self.clock,
            self.store.fetch,
            patience,
        )
        self.uplink.status = lambda: {"v": 1, "in": identity.install, "online": True}
        self.uplink.dictionary = lambda: {"v": 1, "in": identity.install, "ver": 1, "ch": []}
        self.store.log.on_committed = self.uplink.committed

    def append(self, *values: float) -> None:
        for value in values:
            reading = Reading(self.point, value, Quality.GOOD, self.clock.now())
            self.store.log.append(reading)

    async def commit(self, *values: float) -> None:
        for value in values:
            self.append(value)
            await self.store.log.commit()


@asynccontextmanager
async def site(
    data: Path, url: str, *, proven: bool = True, patience: Patience = PLENTY
) -> AsyncIterator[Site]:
    made = Site(data, url, proven=proven, patience=patience)
    running = asyncio.create_task(made.uplink.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})
        made.store.close()


@asynccontextmanager
async def receiver(url: str) -> AsyncIterator[Receiver]:
    made = Receiver(url, SystemClock())
    await made.start()
    try:
        yield made
    finally:
        await made.link.close()


async def test_every_committed_row_arrives_once_and_is_let_go(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url) as here:
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(*range(50))
        await until(lambda: here.outbox.waiting() == 0, "all acknowledged")
        assert [s for leaf, s, _ in far.order if leaf == "tm"] == list(range(1, 51))
        assert set(far.rows.values()) == {1}
        assert {h for _, _, h in far.order} == {0}
        assert [leaf for leaf, _ in far.messages[:2]] == ["md", "st"]


async def test_an_outage_is_delivered_as_historical_after_what_is_live(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with site(tmp_path, url) as here:
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(*range(300))
    async with receiver(url) as far, site(tmp_path, url) as here:
        await until(lambda: here.outbox.waiting() == 0, "all acknowledged")
        assert {s for leaf, s, h in far.order if leaf == "tm" and h == 1} == set(range(1, 301))
        sizes = [len(body["rows"]) for leaf, body in far.messages if leaf == "tm"]  # type: ignore[arg-type]
        assert max(sizes) > 100, "an outage goes in large messages"


async def test_rows_without_acknowledgement_are_sent_again_unchanged(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url, patience=RESENDING) as here:
        far.answering = False
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(1.5)
        await until(lambda: far.rows.get(("tm", 1), 0) >= 3, "sent again and again")
        bodies = [json.dumps(body["rows"]) for leaf, body in far.messages if leaf == "tm"]
        assert len(set(bodies)) == 1
        assert here.outbox.waiting() == 1
        far.answering = True
        await until(lambda: here.outbox.waiting() == 0, "acknowledged at last")


async def test_a_forged_acknowledgement_frees_nothing(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url) as here:
        far.answering = False
        await until(lambda: here.uplink.connected, "connected")
        install = here.store.identity.install
        await here.commit(1.0, 2.0)
        await until(lambda: ("tm", 2) in far.rows, "sent")
        for payload in (
            document({"in": "f" * 32, "tm": [[1, 2]]}),
            document({"in": install, "tm": [[3, 1_000_000_000]]}),
            document({"in": install, "ev": [[1, 9]]}),
            document({"in": install, "tm": [[2, 1]]}),
            b"",
            b"\xff\x00garbage",
            b"\x78\x9cbroken",
            b'{"in":' + b"[" * 100_000,
            json.dumps({"in": install, "tm": [[1, 2]] * 1_001}).encode(),
            json.dumps({"in": install, "tm": [["1", "2"]]}).encode(),
            json.dumps({"in": install, "tm": [[1, 1e300]]}).encode(),
        ):
            far.say(payload)
        far.say(document({"in": install, "tm": [[1, 1]]}))
        await until(lambda: here.outbox.waiting() == 1, "only the sound one counts")
        assert here.outbox.lanes["tm"].acknowledged.ranges == [(1, 1)]
        assert here.uplink.counters.refused >= 7
        assert here.uplink.connected


async def test_a_retained_acknowledgement_is_refused(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far:
        async with site(tmp_path, url) as here:
            install = here.store.identity.install
        far.say(document({"in": install, "tm": [[1, 1]]}), retain=True)
        far.answering = False
        async with site(tmp_path, url) as here:
            await until(lambda: here.uplink.counters.refused == 1, "seen and refused")


async def test_a_row_nobody_takes_does_not_hold_up_the_others(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url, patience=RESENDING) as here:
        far.answering = False
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(*range(30))
        install = here.store.identity.install
        hear = far.link.on_message

        def refuse_the_third(message: Message) -> None:
            hear(message)
            if message.topic.endswith("/tm"):
                rows = json.loads(unpack(message.payload))["rows"]
                ranges = [[row["s"], row["s"]] for row in rows if row["s"] != 3]
                if ranges:
                    far.acknowledge(install, "tm", ranges)

        far.link.on_message = refuse_the_third
        await until(lambda: here.outbox.waiting() == 1, "all but one")
        await here.commit(99.0)
        await until(lambda: here.outbox.lanes["tm"].acknowledged.ranges[-1][1] == 31, "goes on")
        assert here.outbox.waiting() == 1


async def test_what_was_acknowledged_is_not_sent_after_a_restart(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far:
        async with site(tmp_path, url) as here:
            await until(lambda: here.uplink.connected, "connected")
            await here.commit(1.0, 2.0, 3.0)
            await until(lambda: here.outbox.waiting() == 0, "acknowledged")
            here.store.log.close()
            await here.store.log.commit()
        async with site(tmp_path, url) as here:
            await until(lambda: here.uplink.connected, "connected again")
            await here.commit(4.0)
            await until(lambda: here.outbox.waiting() == 0, "acknowledged")
        assert {s: count for (leaf, s), count in far.rows.items() if leaf == "tm"} == {
            1: 1, 2: 1, 3: 1, 4: 1,
        }  # fmt: skip


async def test_a_frozen_broker_is_noticed_and_nothing_is_lost(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    hasty = replace(RESENDING, puback_s=2.0)
    async with (
        receiver(broker.url) as far,
        site(tmp_path, broker.url, patience=hasty) as here,
    ):
        await until(lambda: here.uplink.connected, "connected")
        broker.freeze()
        await here.commit(*range(5))
        await until(lambda: not here.uplink.connected, "noticed")
        broker.thaw()
        await until(lambda: here.outbox.waiting() == 0, "delivered")
        assert {s for leaf, s in far.rows if leaf == "tm"} == {1, 2, 3, 4, 5}


async def test_with_puback_as_confirmation_the_broker_alone_is_enough(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url, proven=False) as here:
        far.answering = False
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(1.0, 2.0)
        await until(lambda: here.outbox.waiting() == 0, "taken over by the broker")


async def test_what_nobody_listens_to_is_not_confirmed_by_a_puback(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with site(tmp_path, url, proven=False, patience=RESENDING) as here:
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(1.0)
        await until(lambda: "nobody listens" in (here.uplink.error or ""), "said")
        assert here.outbox.waiting() == 1
        async with receiver(url) as far:
            far.answering = False
            await until(lambda: here.outbox.waiting() == 0, "sent again and confirmed")
        assert here.uplink.error is None
        assert here.uplink.counters.connects == 1


@pytest.mark.parametrize("limit", ["max_packet_size 4000", "message_size_limit 4000"])
async def test_a_backlog_arrives_through_a_broker_that_takes_only_small_messages(
    limit: str, mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto(Settings(extra=(limit,))).url
    async with site(tmp_path / "data", url) as here, receiver(url) as far:
        here.store.log.on_committed = lambda rows: here.outbox.committed(rows, linked=False)
        for _ in range(200):
            here.append(*(random.random() for _ in range(10)))
            await here.store.log.commit()
        await until(lambda: here.outbox.waiting() == 0, "all of it")
        assert len(far.rows) == 200


async def test_a_row_too_large_for_the_broker_waits_and_does_not_hold_up_the_others(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto(Settings(extra=("max_packet_size 1000",))).url
    async with site(tmp_path / "data", url) as here, receiver(url) as far:
        here.append(*(random.random() for _ in range(300)))
        await here.store.log.commit()
        await here.commit(1.0, 2.0)
        await until(lambda: here.outbox.waiting() == 1, "the others")
        await until(lambda: here.outbox.held_rows() == 1, "kept back")
        assert "maximum packet size" in (here.uplink.error or "")
        assert ("tm", 1) not in far.rows
        assert here.uplink.counters.connects == 1


async def test_a_row_too_large_for_any_message_is_lost_and_an_event_says_so(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url) as far, site(tmp_path, url) as here:
        await until(lambda: here.uplink.connected, "connected")
        body = json.dumps({"s": 1, "x": random.randbytes(WIRE_MAX).hex()}).encode()
        here.uplink.committed([Row("tm", 1, 0, body)])
        await until(lambda: here.outbox.lost_rows() == 1, "counted")
        await here.store.log.commit()
        await until(lambda: ("ev", 1) in far.rows, "said")
        (event,) = [body["rows"][0] for leaf, body in far.messages if leaf == "ev"]  # type: ignore[index]
        assert event["d"] == {"code": "row_too_large", "stream": "tm", "from": 1, "to": 1}
        await until(lambda: here.outbox.waiting() == 0, "it waits no longer")
        assert here.outbox.lanes["tm"].acknowledged.ranges == []


async def test_rows_that_are_not_in_the_log_are_lost_and_not_acknowledged(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url), site(tmp_path, url) as here:
        here.outbox.lanes["tm"].last = 5
        await until(lambda: here.outbox.lost_rows() == 5, "noticed")
        assert (here.outbox.waiting(), here.outbox.acknowledged_rows()) == (0, 0)


async def test_a_refused_message_names_the_access_list_and_does_not_end_the_link(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read kg/#\ntopic write kg/v1/demo/gw/one/ack\n")
    rules.chmod(0o644)
    url = mosquitto(Settings(extra=(f"acl_file {rules}",))).url
    async with site(tmp_path / "data", url, patience=RESENDING) as here:
        await until(lambda: here.uplink.connected, "connected")
        await here.commit(1.0)
        await until(lambda: here.uplink.counters.resent > 1, "tried again")
        said = "the broker's access list must allow publishing to kg/v1/demo/gw/one/tm"
        assert here.uplink.error == said
        assert here.uplink.counters.rejected > 1
        assert here.uplink.counters.connects == 1


async def test_a_log_that_cannot_be_read_is_waited_for(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    url = mosquitto().url
    async with receiver(url), site(tmp_path, url) as here:
        fetch, failures = here.uplink._fetch, iter(range(4))

        async def broken(stream: Stream, numbers: Sequence[int]) -> list[Row]:
            if next(failures, None) is not None:
                raise StoreError("disk I/O error")
            return await fetch(stream, numbers)

        here.uplink._fetch = broken
        here.store.log.on_committed = lambda rows: here.outbox.committed(rows, linked=False)
        await here.commit(1.0, 2.0)
        await until(lambda: here.outbox.waiting() == 0, "delivered at last")


def test_the_back_off_is_bounded_however_long_an_outage_lasts() -> None:
    patience = Patience()
    assert all(0.5 <= patience.pause_s(attempt) <= 30 for attempt in range(5_000))


def test_the_password_is_all_but_the_end_of_the_line_and_a_bad_file_says_so(
    tmp_path: Path,
) -> None:
    file = tmp_path / "secrets" / "mqtt"
    file.parent.mkdir()
    broker = Broker(host="127.0.0.1", port=1883, username="gateway")
    destination = Destination(
        broker=broker, tenant="demo", gateway="one", password=Secret("mqtt", tmp_path)
    )
    with pytest.raises(LinkError, match=r"password: got no secret at .*mqtt"):
        destination.login()
    file.write_bytes(b" a b \r\n")
    file.chmod(0o600)
    assert destination.login().password == " a b "
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(LinkError, match="is not UTF-8"):
        destination.login()


async def test_rows_far_apart_are_fetched_without_reading_what_lies_between(
    tmp_path: Path,
) -> None:
    here = Site(tmp_path, "mqtt://127.0.0.1:1")
    await here.commit(*range(2_000))

    def steps(connection: sqlite3.Connection) -> tuple[list[int], int]:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        connection.set_progress_handler(step, 100)
        found = [row.s for row in _rows(connection, "tm", [2_000, 1, 2, 9_999])]
        connection.set_progress_handler(None, 100)
        return found, count

    found, hundreds = await here.store.reader.call(steps)
    here.store.close()
    assert found == [1, 2, 2_000]
    assert hundreds < 10


@pytest.mark.parametrize("stream", ["tm", "ev"])
def test_envelopes_are_the_golden_ones(stream: str) -> None:
    install = "00112233445566778899aabbccddeeff"
    for name, historical in (("live", False), ("historical", True)):
        golden = (GOLDEN / f"envelope_{stream}_{name}.json").read_bytes()
        rows = [
            json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
            for row in json.loads(golden)["rows"]
        ]
        assert unpack(envelope(install, rows, historical=historical)) == golden
