"""The reference receiver: gateways' messages into one SQLite file, every row once, then `ack`.

Written against `docs/protocol.md` alone. Decoding and storing happen in the call that brings the
message, so a slow disk holds the broker back instead of filling the memory.
"""

import asyncio
import dataclasses
import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.buses.mqtt import Broker, Link, LinkError, Message
from gateway.clock import Clock
from gateway.store.errors import StoreError
from gateway.store.receiver import Event, Outcome, PointColumns, ReceiverFile, Row
from gateway.sync import decode
from gateway.sync.protocol import RANGES_MAX, STREAMS, Range, Stream, document, topic

logger = logging.getLogger(__name__)

TOPICS = tuple(f"kg/v1/+/gw/+/{leaf}" for leaf in ("tm", "ev", "st", "md"))
_BATCH_S = 0.05
_BATCH_MESSAGES = 200
_BATCH_BYTES = 8_388_608  # after decompression
_BACKOFF_FIRST_S = 1.0
_BACKOFF_LAST_S = 60.0
_REPORT_S = 60.0


@dataclass
class Counters:
    """What has happened since the receiver started."""

    messages: int = 0
    rows: int = 0  # new ones
    readings: int = 0  # of new rows
    duplicates: int = 0
    conflicts: int = 0
    refused: int = 0  # messages, or single rows of one
    foreign: int = 0  # messages on topics that are not of `kg/v1`
    oversized: int = 0  # messages too large to be taken from the broker at all
    dropped: int = 0  # old refusals and conflicts that made room for newer ones
    commits: int = 0
    acknowledgements: int = 0
    connections: int = 0

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)

    def add(self, others: "Counters") -> None:
        for name, count in others.as_dict().items():
            setattr(self, name, getattr(self, name) + count)


class Receiver:
    """Judges and stores messages; knows nothing of how they came. StoreError is the caller's."""

    def __init__(self, file: ReceiverFile, clock: Clock, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self._file = file
        self._clock = clock
        self._batch = Counters()  # counts once the batch is durable
        self._bytes = 0
        self._kept: dict[tuple[str, str, str], dict[Stream, set[int]]] = {}

    @property
    def full(self) -> bool:
        """Whether `commit` is due before more is taken."""
        return self._batch.messages >= _BATCH_MESSAGES or self._bytes >= _BATCH_BYTES

    def take(self, topic: str, payload: bytes) -> None:
        """Store what is sound in a message and remember the rest as refused."""
        self._batch.messages += 1
        self._bytes += len(payload)
        try:
            address = decode.address(topic)
        except decode.Refused as refusal:
            self._batch.foreign += 1
            self._file.refuse(topic, str(refusal), payload, self._clock.wall())
            return
        try:
            text = decode.plain(payload)
            self._bytes += len(text)
            self._take(topic, address, text)
        except decode.Refused as refusal:
            self.refuse(topic, str(refusal), payload)

    def commit(self) -> list[tuple[str, bytes]]:
        """Make the batch durable; returns the `ack` messages now due, as topic and payload."""
        self._file.commit()
        due = [
            (topic(tenant, gateway, "ack"), payload)
            for (tenant, gateway, install), kept in self._kept.items()
            for payload in acknowledgements(install, kept)
        ]
        self._batch.commits, self._batch.acknowledgements = 1, len(due)
        self.counters.add(self._batch)
        self.counters.dropped = self._file.dropped
        self._forget()
        return due

    def rollback(self) -> None:
        """Give up the batch; the broker still has every message of it."""
        self._forget()
        self._file.rollback()

    def _forget(self) -> None:
        self._batch = Counters()
        self._bytes = 0
        self._kept = {}

    def _take(self, topic: str, address: decode.Address, text: bytes) -> None:
        if address.leaf == "st":
            self._take_status(address, text)
        elif address.leaf == "md":
            self._take_dictionary(topic, address, text)
        else:
            self._take_rows(topic, address, text, "tm" if address.leaf == "tm" else "ev")

    def _take_rows(self, topic: str, address: decode.Address, text: bytes, stream: Stream) -> None:
        envelope = decode.envelope(text)
        source = self._file.source(address.tenant, address.gateway, envelope.install)
        key = (address.tenant, address.gateway, envelope.install)
        for raw in envelope.rows:
            body = bytes(raw)
            try:
                row = decode.row(stream, raw)
            except decode.Refused as refusal:
                self.refuse(topic, str(refusal), body)
                continue
            historical = bool(envelope.h)
            identity = Row(source, stream, row.s, row.e, row.t0, historical, body)
            self._count(self._store(identity, row), row)
            self._kept.setdefault(key, {}).setdefault(stream, set()).add(row.s)

    def _store(self, identity: Row, row: decode.TelemetryRow | decode.EventRow) -> Outcome:
        now = self._clock.wall()
        if isinstance(row, decode.TelemetryRow):
            return self._file.add_telemetry(identity, row.readings(), now)
        return self._file.add_event(identity, Event(row.k, bytes(row.d).decode()), now)

    def _count(self, outcome: Outcome, row: decode.TelemetryRow | decode.EventRow) -> None:
        if outcome is Outcome.NEW:
            self._batch.rows += 1
            self._batch.readings += len(row.c) if isinstance(row, decode.TelemetryRow) else 0
        elif outcome is Outcome.DUPLICATE:
            self._batch.duplicates += 1
        else:
            self._batch.conflicts += 1

    def _take_status(self, address: decode.Address, text: bytes) -> None:
        status = decode.status(text)
        source = self._file.source(address.tenant, address.gateway, status.install)
        now = self._clock.wall()
        self._file.set_status(source, status.epoch, text, now, online=status.online)

    def _take_dictionary(self, topic: str, address: decode.Address, text: bytes) -> None:
        found = decode.dictionary(text)
        source = self._file.source(address.tenant, address.gateway, found.install)
        points = [PointColumns(*msgspec.structs.astuple(channel)) for channel in found.ch]
        now = self._clock.wall()
        if not self._file.add_dictionary(source, found.ver, text, points, now):
            self._batch.conflicts += 1
            self._file.refuse(topic, "contradicts an earlier dictionary", text, now)

    def refuse(self, topic: str, reason: str, payload: bytes) -> None:
        """Remember what is not accepted, for a person to look at."""
        self._batch.refused += 1
        self._file.refuse(topic, reason, payload, self._clock.wall())


def acknowledgements(install: str, kept: dict[Stream, set[int]]) -> list[bytes]:
    """The `ack` payloads for these rows: exact ranges, at most RANGES_MAX in each payload."""
    ranges = [(stream, each) for stream in STREAMS for each in _ranges(kept.get(stream, ()))]
    payloads = []
    for start in range(0, len(ranges), RANGES_MAX):
        body: dict[str, object] = {"in": install}
        part = ranges[start : start + RANGES_MAX]
        for stream in STREAMS:
            of_stream = [each for name, each in part if name == stream]
            if of_stream:
                body[stream] = of_stream
        payloads.append(document(body))
    return payloads


def _ranges(numbers: Iterable[int]) -> list[Range]:
    found: list[Range] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


class _Session:
    """One connection: what is pending on it, and how it ended."""

    def __init__(self, link: Link, receiver: Receiver, clock: Clock) -> None:
        self._link = link
        self._receiver = receiver
        self._clock = clock
        self._pending: list[Message] = []
        self._arrived = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        link.on_message = self._take
        link.on_lost = self._end

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until `stop`; raises LinkError or StoreError."""
        stopping = asyncio.create_task(stop.wait(), name="ingest-stop")
        committing = asyncio.create_task(self._commit_often(), name="ingest-commit")
        try:
            await self._link.connect()
            await self._link.subscribe(TOPICS)
            ends: set[asyncio.Future[Any]] = {self._ended, stopping, committing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if committing.done():
                committing.result()
            if self._ended.done():
                self._ended.result()
            self._flush()
        finally:
            await _cancel(stopping, committing)
            if not self._ended.cancel():
                self._ended.exception()  # seen, whatever ended us first
            try:
                self._receiver.rollback()
            finally:
                await self._link.close()

    def _end(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    def _take(self, message: Message) -> None:
        if self._ended.done():
            return
        try:
            self._judge(message)
            self._pending.append(message)
            if self._receiver.full:
                self._flush()
        except (LinkError, StoreError) as error:
            self._end(error)
        else:
            self._arrived.set()

    def _judge(self, message: Message) -> None:
        try:
            self._receiver.take(message.topic, message.payload)
        except StoreError:
            raise
        except Exception:  # or the broker would bring the same message for ever
            logger.exception("ingest: our own fault with a message on %s", message.topic)
            self._receiver.refuse(message.topic, "fault of the receiver", message.payload)

    async def _commit_often(self) -> None:
        while True:
            await self._arrived.wait()
            await self._clock.sleep(_BATCH_S)
            self._arrived.clear()
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        acknowledgements = self._receiver.commit()
        pending, self._pending = self._pending, []
        for ack_topic, payload in acknowledgements:
            self._link.publish(ack_topic, payload)
        for message in pending:
            self._link.acknowledge(message)


class Ingest:
    """The receiver as a service: connects for ever, reports once a minute."""

    def __init__(self, broker: Broker, file: ReceiverFile, clock: Clock) -> None:
        self.counters = Counters()
        self._broker = broker
        self._file = file
        self._clock = clock
        self._jitter = random.SystemRandom()

    async def run(self, stop: asyncio.Event) -> None:
        """Return soon after `stop` is set; a lost broker or a full disk is waited for."""
        reporting = asyncio.create_task(self._report(), name="ingest-report")
        failures = 0
        try:
            while not stop.is_set():
                started = self._clock.monotonic_ms()
                try:
                    await self._connection(stop)
                except (LinkError, StoreError) as error:
                    logger.warning("ingest: %s", error)
                    long = self._clock.monotonic_ms() - started >= _BACKOFF_LAST_S * 1000
                    failures = 1 if long else failures + 1
                    await self._wait(stop, failures)
        finally:
            await _cancel(reporting)
            logger.info("ingest: stopped, %s", self.counters.as_dict())

    async def _connection(self, stop: asyncio.Event) -> None:
        link = Link(self._broker, self._file.name, self._clock, keep_session=True, manual_ack=True)
        self.counters.connections += 1
        oversized = self.counters.oversized
        try:
            receiver = Receiver(self._file, self._clock, self.counters)
            await _Session(link, receiver, self._clock).run(stop)
        finally:
            self.counters.oversized = oversized + link.oversized

    async def _wait(self, stop: asyncio.Event, failures: int) -> None:
        most = min(_BACKOFF_LAST_S, _BACKOFF_FIRST_S * 2 ** min(failures, 10))
        waits = (
            asyncio.create_task(stop.wait(), name="ingest-stop"),
            asyncio.create_task(
                self._clock.sleep(self._jitter.uniform(_BACKOFF_FIRST_S, most)),
                name="ingest-backoff",
            ),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(*waits)

    async def _report(self) -> None:
        said = self.counters.as_dict()
        while True:
            await self._clock.sleep(_REPORT_S)
            now = self.counters.as_dict()
            if now != said:
                logger.info("ingest: %s", now)
            said = now


async def ingest(broker: Broker | str, path: Path, clock: Clock, stop: asyncio.Event) -> None:
    """Receive into the file at `path` until `stop`; raises StoreError when it cannot be used."""
    where = Broker.from_url(broker) if isinstance(broker, str) else broker
    file = ReceiverFile(path)
    try:
        await Ingest(where, file, clock).run(stop)
    finally:
        file.close()


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
