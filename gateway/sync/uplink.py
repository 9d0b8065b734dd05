"""The uplink: committed rows become messages, and only the cloud's `ack` lets them go.

A PUBACK moves nothing but the proof that the broker is alive (unless `confirm: puback`): a broker
was measured to lose what it had acknowledged. What is not acknowledged in time is sent again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.buses.mqtt import Broker, Link, LinkError, Message, Will
from gateway.clock import Clock
from gateway.store.log import Log, Row
from gateway.sync.outbox import WINDOW_MAX, Lane, Outbox
from gateway.sync.protocol import (
    RANGES_MAX,
    ROWS_MAX,
    WIRE_MAX,
    Stream,
    document,
    envelope,
    topic,
    unpack,
)

logger = logging.getLogger(__name__)

HISTORICAL_ROWS = 250  # rows of the outage in one message
HISTORICAL_PLAIN = 120_000  # bytes of JSON in one message: below WIRE_MAX even uncompressed

Fetch = Callable[[Stream, Sequence[int]], Awaitable[list[Row]]]


class _Ack(msgspec.Struct):
    install: str = msgspec.field(name="in")
    tm: list[tuple[int, int]] = []
    ev: list[tuple[int, int]] = []


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the rows go, and what counts as proof that they arrived."""

    broker: Broker
    tenant: str
    gateway: str
    proven: bool = True  # `confirm: ack`

    def topic(self, leaf: str) -> str:
        """A topic of this gateway."""
        return topic(self.tenant, self.gateway, leaf)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the uplink waits, in real seconds: no network answers sooner for a demonstration."""

    ack_s: float = 10.0  # then a row is sent again
    puback_s: float = 10.0  # then the link is taken for dead
    steady_s: float = 60.0  # a link that lasted this long starts the back-off afresh
    back_off_s: tuple[float, float] = (1.0, 30.0)
    status_s: float = 60.0


@dataclass(slots=True)
class Counters:
    """What the uplink has done since the start."""

    connects: int = 0
    messages: int = 0
    rows: int = 0
    bytes: int = 0
    resent: int = 0
    acknowledged: int = 0
    refused: int = 0  # messages from the cloud that were malformed, foreign or too large
    lost_rows: int = 0  # rows of the outage that were no longer in the log


@dataclass(slots=True)
class _Pubacks:
    """Messages the broker has not yet taken over: MQTT's number -> (ours, sent at)."""

    open: dict[int, tuple[int, int]] = field(default_factory=dict)

    def oldest(self) -> int | None:
        return next(iter(self.open.values()))[1] if self.open else None


class Uplink:
    """One gateway's way to the cloud; survives anything but a bug."""

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        destination: Destination,
        install: str,
        epoch: int,
        outbox: Outbox,
        log: Log,
        clock: Clock,
        fetch: Fetch,
        patience: Patience = Patience(),
    ) -> None:
        self.destination = destination
        self.outbox = outbox
        self.counters = Counters()
        self.error: str | None = None
        self.last_acknowledged_at: int | None = None  # kitchen ms
        self.status: Callable[[], dict[str, object]] = dict
        self.dictionary: Callable[[], dict[str, object]] = dict
        self.changed: Callable[[], None] = lambda: None
        self._install = install
        self._epoch = epoch
        self._log = log
        self._clock = clock
        self._fetch = fetch
        self._patience = patience
        self._link: Link | None = None
        self._pubacks = _Pubacks()
        self._work = asyncio.Event()
        self._lost = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether rows are being sent as they happen."""
        return self._link is not None

    def committed(self, rows: Iterable[Row]) -> None:
        """Take in rows just committed."""
        self.outbox.committed(rows, linked=self.connected)
        self._work.set()

    def announce(self) -> None:
        """Publish dictionary and status again: a point was added, the clock is trusted now."""
        if self._link is not None:
            self._publish_documents(self._link)

    async def run(self) -> None:
        """Connect, send, and connect again with a jittered back-off; for ever."""
        attempt = 0
        while True:
            began = self._clock.now()
            try:
                await self._session()
            except LinkError as error:
                self._say(str(error))
            finally:
                self._unlink()
            lasted_ms = self._clock.now() - began
            attempt = 0 if lasted_ms > self._ms(self._patience.steady_s) else attempt + 1
            low, high = self._patience.back_off_s
            pause_s = random.uniform(low / 2, min(high, low * 2**attempt))  # noqa: S311
            await self._clock.sleep(pause_s * self._clock.speed)

    async def drain(self) -> None:
        """Return once nothing waits for the cloud, or there is no link; the caller bounds it."""
        while self.connected and self.outbox.waiting():
            await self._clock.sleep(0.02 * self._clock.speed)

    async def close(self) -> None:
        """Say goodbye in order, so that the cloud sees `offline` at once."""
        link, self._link = self._link, None
        if link is not None:
            link.on_lost = lambda _: None
            offline = {"v": 1, "in": self._install, "online": False, "epoch": self._epoch}
            try:
                link.publish(self.destination.topic("st"), document(offline), retain=True)
            except LinkError:
                return
            await link.close()

    async def _session(self) -> None:
        will = {"v": 1, "in": self._install, "online": False, "epoch": self._epoch}
        destination = self.destination
        link = Link(
            destination.broker,
            f"kg-{self._install}",
            self._clock,
            will=Will(destination.topic("st"), document(will)),
        )
        self._lost.clear()
        link.on_message = self._receive
        link.on_puback = self._puback
        link.on_lost = self._on_lost
        try:
            await link.connect()
            await link.subscribe([destination.topic("ack")])
            self._publish_documents(link)
            # Dictionary and status are messages too; the broker counts what it has not confirmed.
            self.outbox.window_max = max(1, min(WINDOW_MAX, link.receive_maximum - 2))
            self._link = link
            self.counters.connects += 1
            self._say(None)
            await self._send_until_lost(link)
        finally:
            self._unlink()
            await link.close()

    async def _send_until_lost(self, link: Link) -> None:
        patience = self._patience
        status_due = self._clock.now() + self._ms(patience.status_s)
        while not self._lost.is_set():
            self._work.clear()
            await self._fill(link)
            await self._wait()
            now = self._clock.now()
            self.counters.resent += self.outbox.give_up(now - self._ms(patience.ack_s))
            oldest = self._pubacks.oldest()
            if oldest is not None and now - oldest > self._ms(patience.puback_s):
                message = "the broker has stopped answering"
                raise LinkError(message)
            if now >= status_due:
                status_due = now + self._ms(patience.status_s)
                self._publish_documents(link, dictionary=False)
        raise LinkError(self.error or "connection lost")

    def _ms(self, seconds: float) -> int:
        """So many seconds of the network, in kitchen time."""
        return int(seconds * 1000 * self._clock.speed)

    async def _wait(self) -> None:
        """Until there is work, the link is lost, or a second has passed."""
        tasks = {
            asyncio.create_task(self._work.wait(), name="uplink work"),
            asyncio.create_task(self._clock.sleep(self._clock.speed), name="uplink second"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _fill(self, link: Link) -> None:
        """Send as much as the window allows."""
        while self.outbox.has_room() and not self._lost.is_set():
            choice = self.outbox.following(HISTORICAL_ROWS)
            if choice is None:
                return
            if choice.fresh is not None:
                self._send(link, choice.stream, [choice.fresh], historical=False)
                continue
            rows = await self._fetch(choice.stream, choice.numbers)
            if self._lost.is_set():
                return
            self._forget_unknown(self.outbox.lanes[choice.stream], choice.numbers, rows)
            if rows:
                self._send(link, choice.stream, _fitting(rows), historical=True)

    def _forget_unknown(self, lane: Lane, wanted: Sequence[int], rows: Sequence[Row]) -> None:
        """A row that is not in the log can never be sent; say so once and go on without it."""
        gone = sorted(set(wanted) - {row.s for row in rows})
        for s in gone:
            lane.acknowledged.add(s, s)
        if gone:
            self.counters.lost_rows += len(gone)
            logger.error("cloud: %d rows of %s are not in the log", len(gone), lane.stream)
            data = {"code": "rows_lost", "stream": lane.stream, "from": gone[0], "to": gone[-1]}
            self._log.event("system", data, self._clock.now())

    def _send(self, link: Link, stream: Stream, rows: list[Row], *, historical: bool) -> None:
        payload = envelope(self._install, (row.body for row in rows), historical=historical)
        if len(payload) > WIRE_MAX:
            logger.error("cloud: row %d of %s is too large to be sent", rows[0].s, stream)
        now = self._clock.now()
        number = self.outbox.send(stream, [row.s for row in rows], now)
        mid = link.publish(self.destination.topic(stream), payload)
        self._pubacks.open[mid] = (number, now)
        self.counters.messages += 1
        self.counters.rows += len(rows)
        self.counters.bytes += len(payload)

    def _publish_documents(self, link: Link, *, dictionary: bool = True) -> None:
        if dictionary:
            link.publish(self.destination.topic("md"), document(self.dictionary()), retain=True)
        link.publish(self.destination.topic("st"), document(self.status()), retain=True)

    def _receive(self, message: Message) -> None:
        try:
            ack = msgspec.json.decode(unpack(message.payload), type=_Ack)
        except (ValueError, msgspec.DecodeError, RecursionError):
            self.counters.refused += 1
            return
        if ack.install != self._install or message.retain or not _bounded(ack):
            self.counters.refused += 1
            return
        freed = self.outbox.acknowledge("tm", ack.tm) if ack.tm else 0
        freed += self.outbox.acknowledge("ev", ack.ev) if ack.ev else 0
        self._freed(freed)

    def _puback(self, mid: int) -> None:
        number, _ = self._pubacks.open.pop(mid, (0, 0))
        if not self.destination.proven and number:
            self._freed(self.outbox.land(number))

    def _freed(self, rows: int) -> None:
        if not rows:
            return
        self.counters.acknowledged += rows
        self.last_acknowledged_at = self._clock.now()
        for stream, ranges in self.outbox.cursors().items():
            self._log.move_cursor(stream, ranges)
        self._work.set()
        self.changed()

    def _on_lost(self, error: LinkError) -> None:
        self.error = str(error)
        self._lost.set()
        self._work.set()

    def _unlink(self) -> None:
        if self._link is not None:
            self._link = None
            self.changed()
        self._pubacks.open.clear()
        self.outbox.unlink()

    def _say(self, error: str | None) -> None:
        """Log the loss of the cloud once, and its return once."""
        if error is not None and self.error != error:
            logger.warning("cloud: %s; rows are kept and sent later", error)
        elif error is None:
            logger.info("cloud: connected, %d rows wait", self.outbox.waiting())
        self.error = error
        self.changed()


def _fitting(rows: list[Row]) -> list[Row]:
    """As many rows from the front as one message can hold; at least one."""
    size = 0
    for count, row in enumerate(rows[:ROWS_MAX]):
        size += len(row.body) + 1
        if count and size > HISTORICAL_PLAIN:
            return rows[:count]
    return rows[:ROWS_MAX]


def _bounded(ack: _Ack) -> bool:
    return len(ack.tm) <= RANGES_MAX and len(ack.ev) <= RANGES_MAX
