"""The uplink: committed rows become messages, and only the cloud's `ack` lets them go.

A PUBACK moves nothing but the proof that the broker is alive (unless `confirm: puback`): a broker
was measured to lose what it had acknowledged. What is not acknowledged in time is sent again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.buses.mqtt import Broker, Link, LinkError, Message, Will
from gateway.clock import Clock
from gateway.config.secret import Secret, SecretError
from gateway.store.errors import StoreError
from gateway.store.log import Log, Row
from gateway.sync.answers import Answers
from gateway.sync.outbox import WINDOW_MAX, Outbox, runs
from gateway.sync.pace import BATCH_MAX
from gateway.sync.protocol import (
    ROWS_MAX,
    WIRE_MAX,
    Stream,
    acknowledgement,
    document,
    envelope,
    topic,
)

logger = logging.getLogger(__name__)

HISTORICAL_ROWS = BATCH_MAX
HISTORICAL_PLAIN = 120_000  # bytes of JSON in one message: below WIRE_MAX even uncompressed
_HEAD = 70  # bytes of an envelope beside its rows
HASTE = 12  # so many turns of sending in a second; then GATHER_S apart
GATHER_S = 0.2
_DOUBLINGS = 16  # of the back-off; more could only overflow

Fetch = Callable[[Stream, Sequence[int]], Awaitable[list[Row]]]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the rows go, and what counts as proof that they arrived."""

    broker: Broker
    tenant: str
    gateway: str
    proven: bool = True  # `confirm: ack`
    password: Secret | None = None  # read for each connection

    def topic(self, leaf: str) -> str:
        """A topic of this gateway."""
        return topic(self.tenant, self.gateway, leaf)

    def login(self) -> Broker:
        """The broker with its password; raises LinkError when that cannot be had."""
        if self.password is None:
            return self.broker
        try:
            return replace(self.broker, password=self.password.read())
        except SecretError as error:
            raise LinkError(f"password: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the uplink waits, in real seconds: no network answers sooner for a demonstration."""

    ack_s: float = 10.0  # then a row is sent again
    ack_max_s: float = 120.0  # so long at most, for a receiver that was seen to be slow
    puback_s: float = 10.0  # then the link is taken for dead
    steady_s: float = 60.0  # a link that lasted this long starts the back-off afresh
    back_off_s: tuple[float, float] = (1.0, 30.0)
    status_s: float = 60.0

    def pause_s(self, attempt: int) -> float:
        """How long to wait before connecting again, after so many attempts in vain."""
        low, high = self.back_off_s
        return random.uniform(low / 2, min(high, low * 2 ** min(attempt, _DOUBLINGS)))  # noqa: S311


@dataclass(slots=True)
class Counters:
    """What the uplink has done since the start."""

    connects: int = 0
    messages: int = 0
    rows: int = 0
    bytes: int = 0
    resent: int = 0
    acknowledged: int = 0
    refused: int = 0  # messages from the cloud that were malformed or foreign
    oversized: int = 0  # messages from the cloud that were too large to be looked at
    rejected: int = 0  # messages of ours the broker refused
    unheard: int = 0  # messages of ours the broker took though nobody subscribes to them
    lost_rows: int = 0  # rows no longer in the log, or too large for any message


@dataclass(slots=True)
class _Pubacks:
    """Messages the broker has not yet taken over: MQTT's number -> (ours, sent at)."""

    open: dict[int, tuple[int, int]] = field(default_factory=dict)

    def oldest(self) -> int | None:
        return next(iter(self.open.values()))[1] if self.open else None

    def unanswered(self) -> int | None:
        """The first of our messages the broker has said nothing about."""
        return next(iter(self.open.values()))[0] if self.open else None


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
        self.answers = Answers()
        self.on_command: Callable[[Message], None] | None = None
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
        self._loss: LinkError | None = None
        self._second, self._of_second = clock.now(), 0  # since when, and turns of sending since
        self._troubles: dict[str, str] = {}  # of a link that stands, by what they hold up

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

    def answer(self, payload: bytes) -> None:
        """Publish an answer to a command; again over the next link until the broker has it."""
        self.answers.put(payload)
        self._work.set()

    def clear_command(self) -> None:
        """Have the broker forget the command it has kept for us."""
        if self._link is not None:
            with contextlib.suppress(LinkError):  # else the next link finds it again
                self._link.publish(self.destination.topic("cmd"), b"", retain=True)

    async def run(self) -> None:
        """Connect, send, and connect again with a jittered back-off; for ever."""
        attempt = 0
        while True:
            began = self._clock.now()
            try:
                await self._session()
            except (LinkError, StoreError) as error:
                self._say(str(error))
            finally:
                self._unlink()
            lasted_ms = self._clock.now() - began
            attempt = 0 if lasted_ms > self._ms(self._patience.steady_s) else attempt + 1
            await self._clock.sleep(self._patience.pause_s(attempt) * self._clock.speed)

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
            destination.login(),
            f"kg-{self._install}",
            self._clock,
            will=Will(destination.topic("st"), document(will)),
        )
        self._lost.clear()
        self._loss = None
        self._troubles.clear()
        link.on_message = self._receive
        link.on_puback = self._puback
        link.on_refused = self._refused
        link.on_oversized = self._oversized
        link.on_lost = self._on_lost
        try:
            await link.connect()
            await link.subscribe([destination.topic("ack")])
            await self._subscribe_to_commands(link)
            # Dictionary and status are messages too; the broker counts what it has not confirmed.
            self.outbox.window_max = max(1, min(WINDOW_MAX, link.receive_maximum - 2))
            self._link = link
            self.counters.connects += 1
            self._say(None)
            self._publish_documents(link)
            await self._send_until_lost(link)
        finally:
            self._unlink()
            await link.close()

    async def _subscribe_to_commands(self, link: Link) -> None:
        """Whoever may not order us still gets our rows."""
        if self.on_command is None:
            return
        try:
            await link.subscribe([self.destination.topic("cmd")])
        except LinkError as error:
            if not link.connected:
                raise
            self._trouble("cmd", str(error), "commands do not reach us")

    async def _send_until_lost(self, link: Link) -> None:
        patience = self._patience
        least, most = self._ms(patience.ack_s), self._ms(patience.ack_max_s)
        status_due = self._clock.now() + self._ms(patience.status_s)
        while not self._lost.is_set():
            self._work.clear()
            self._send_answers(link)
            await self._fill(link)
            await self._wait()
            await self._gather()
            now = self._clock.now()
            deadline = self.outbox.delay.deadline_ms(least, most)
            self.counters.resent += self.outbox.give_up(now - deadline)
            oldest = self._pubacks.oldest()
            if oldest is not None and now - oldest > self._ms(patience.puback_s):
                message = "the broker has stopped answering"
                raise LinkError(message)
            if now >= status_due:
                status_due = now + self._ms(patience.status_s)
                self._publish_documents(link, dictionary=False)
        raise self._loss or LinkError("connection lost")

    def _send_answers(self, link: Link) -> None:
        for number, payload in self.answers.unsent():
            self.answers.sent(number, link.publish(self.destination.topic("res"), payload))

    async def _gather(self) -> None:
        """In a storm of commits, let their rows share messages; an outage is sent at full speed."""
        now = self._clock.now()
        if now - self._second > self._ms(1.0):
            self._second, self._of_second = now, 0
        self._of_second += 1
        if self._of_second > HASTE and not self.outbox.behind():
            await self._clock.sleep(GATHER_S * self._clock.speed)

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
            room = link.room(self.destination.topic(choice.stream))
            if choice.fresh:  # what does not fit is missing then, and fetched like an outage
                self._send(link, choice.stream, _fitting([*choice.fresh], room), historical=False)
                continue
            rows = await self._fetch(choice.stream, choice.numbers)
            if self._lost.is_set():
                return
            passed = self.outbox.lanes[choice.stream].passed  # acknowledged in the meantime
            self._lose(
                choice.stream,
                {s for s in choice.numbers if s not in passed} - {row.s for row in rows},
                "rows_lost",
            )
            rows = [row for row in rows if row.s not in passed]
            if rows:
                self._send(link, choice.stream, _fitting(rows, room), historical=True)

    def _lose(self, stream: Stream, numbers: Collection[int], code: str) -> None:
        """Rows that can never be sent: say so once and go on without them."""
        if not numbers:
            return
        for first, last in runs(sorted(numbers)):
            self.outbox.forget(stream, first, last)
        self._log.move_cursors(self.outbox.cursors())
        self.counters.lost_rows += len(numbers)
        logger.error("cloud: %d rows of %s will never be sent: %s", len(numbers), stream, code)
        data = {"code": code, "stream": stream, "from": min(numbers), "to": max(numbers)}
        self._log.event("system", data, self._clock.now())

    def _send(self, link: Link, stream: Stream, rows: list[Row], *, historical: bool) -> None:
        leaf = self.destination.topic(stream)
        payload = envelope(self._install, (row.body for row in rows), historical=historical)
        if len(payload) > min(WIRE_MAX, link.room(leaf)):
            self._set_aside(stream, rows, len(payload), link.room(leaf))
            return
        now = self._clock.now()
        number = self.outbox.send(stream, [row.s for row in rows], now)
        mid = link.publish(leaf, payload)
        self._pubacks.open[mid] = (number, now)
        self.counters.messages += 1
        self.counters.rows += len(rows)
        self.counters.bytes += len(payload)

    def _set_aside(self, stream: Stream, rows: list[Row], size: int, room: int) -> None:
        """One row, since `_fitting` makes nothing larger of several, that no message can hold."""
        if size > WIRE_MAX:
            self._lose(stream, [row.s for row in rows], "row_too_large")
            return
        for row in rows:
            self.outbox.hold(stream, row.s)
        self._trouble(
            f"{stream} size",
            f"a row needs {size} bytes and the broker takes {room}: raise its maximum packet size",
        )

    def _publish_documents(self, link: Link, *, dictionary: bool = True) -> None:
        documents = {"md": self.dictionary} if dictionary else {}
        for leaf, body in {**documents, "st": self.status}.items():
            payload, room = document(body()), link.room(self.destination.topic(leaf))
            if len(payload) <= room:
                link.publish(self.destination.topic(leaf), payload, retain=True)
                continue
            self._trouble(
                leaf,
                f"{leaf} needs {len(payload)} bytes and the broker takes {room}: "
                "raise its maximum packet size",
            )

    def _receive(self, message: Message) -> None:
        if message.topic == self.destination.topic("cmd"):
            if self.on_command is not None:
                self.on_command(message)
            return
        try:
            ack = acknowledgement(message.payload)
        except ValueError:
            self.counters.refused += 1
            return
        if ack.install != self._install or message.retain:
            self.counters.refused += 1
            return
        now = self._clock.now()
        named: dict[Stream, list[tuple[int, int]]] = {"tm": ack.tm, "ev": ack.ev}
        for stream, ranges in named.items():
            if ranges:
                self._freed(stream, self.outbox.acknowledge(stream, ranges, now))

    def _puback(self, mid: int) -> None:
        if self.answers.ended(mid):
            return
        number, _ = self._pubacks.open.pop(mid, (0, 0))
        sending = self.outbox.messages.get(number)
        if not self.destination.proven and sending is not None:
            self._freed(sending.stream, self.outbox.land(number))

    def _refused(self, mid: int, code: int) -> None:
        """A message the broker did not take, or that nobody hears: its rows are tried again."""
        if self.answers.ended(mid):
            if code != Link.NO_LISTENER:
                self._trouble("res", f"the broker refuses our answers (reason code 0x{code:02x})",
                              "commands stay unanswered")  # fmt: skip
            return
        number, _ = self._pubacks.open.pop(mid, (0, 0))
        sending = self.outbox.messages.get(number)
        self.counters.unheard += code == Link.NO_LISTENER
        self.counters.rejected += code != Link.NO_LISTENER
        if sending is None:
            return
        if code == Link.TOO_LARGE:
            self.outbox.too_large(number)
            self._work.set()
            return
        # Not given up at once: what is refused would be sent again at once, and so for ever.
        leaf = self.destination.topic(sending.stream)
        if code == Link.NO_LISTENER:
            text = f"nobody listens: no receiver has subscribed to {leaf}"
        elif code == Link.NOT_AUTHORIZED:
            text = f"the broker's access list must allow publishing to {leaf}"
        else:
            text = f"the broker refuses what is published to {leaf} (reason code 0x{code:02x})"
        self._trouble(sending.stream, text)

    def _oversized(self) -> None:
        self.counters.oversized += 1

    def _freed(self, stream: Stream, rows: int) -> None:
        if not rows:
            return
        self.counters.acknowledged += rows
        self.last_acknowledged_at = self._clock.now()
        self._log.move_cursors(self.outbox.cursors())
        if self._troubles.pop(stream, None) is not None:
            self.error = next(iter(self._troubles.values()), None)
        self._work.set()
        self.changed()

    def _on_lost(self, error: LinkError) -> None:
        self._loss = error
        self._lost.set()
        self._work.set()

    def _unlink(self) -> None:
        if self._link is not None:
            self._link = None
            self.changed()
        unanswered = self._pubacks.unanswered()
        self._pubacks.open.clear()
        self.outbox.unlink(unanswered)
        self.answers.unlink()

    def _trouble(self, held_up: str, text: str, so: str = "rows are kept and sent later") -> None:
        """Say once what holds up rows though the link stands; `_freed` takes it back."""
        if self._troubles.get(held_up) == text:
            return
        self._troubles[held_up] = text
        logger.warning("cloud: %s; %s", text, so)
        self.error = text
        self.changed()

    def _say(self, error: str | None) -> None:
        """Log the loss of the cloud once, and its return once."""
        if error is not None and self.error != error:
            logger.warning("cloud: %s; rows are kept and sent later", error)
        elif error is None:
            logger.info("cloud: connected, %d rows wait", self.outbox.waiting())
        self.error = error
        self.changed()


def _fitting(rows: list[Row], room: int) -> list[Row]:
    """As many rows from the front as a message with so much room can hold; at least one."""
    most = min(HISTORICAL_PLAIN, room - _HEAD)
    size = 0
    for count, row in enumerate(rows[:ROWS_MAX]):
        size += len(row.body) + 1
        if count and size > most:
            return rows[:count]
    return rows[:ROWS_MAX]
