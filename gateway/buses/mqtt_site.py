"""The site's MQTT broker as a bus: devices publish, actuators take commands.

A message is acknowledged only after the commit that holds its readings, and its commands go out
before. What was heard but not acknowledged when a connection broke is not heard again: the broker
says so (DUP) and the number is remembered. After `kill -9` it is stored once more.
"""

import logging
import random
import secrets
from asyncio import Event
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drivers.base import BusError, CorruptData
from gateway.buses.mqtt_dial import Broker, LinkError
from gateway.buses.mqtt_session import RECEIVE_MAX, SessionLink
from gateway.buses.mqtt_tap import Published
from gateway.buses.site import Audience, Commits, Site
from gateway.clock import Clock
from gateway.config.secret import Secret, SecretError

logger = logging.getLogger(__name__)

AWAY_S = 5.0  # so long may the broker be away before its devices are without communication
_STEADY_S = 60.0  # a connection that lasted this long starts the back-off afresh
_BACK_OFF_S = (0.5, 15.0)
_DOUBLINGS = 8
_HALF_OF_OLD = 10  # mosquitto sends a client of MQTT 3.1.1 at most 20 without a PUBACK
_FOREIGN_MAX = 1_000  # topics remembered because nobody here wants them


class _Nothing:
    """Commits for one who keeps nothing."""

    dropped = 0

    def __init__(self) -> None:
        self.on_durable: list[Callable[[int], None]] = []

    def await_commit(self) -> int:
        return 0

    def press(self) -> None:
        """Whoever looks does not look for long."""


class SiteBroker(Site):
    """A `Site` over a real broker; `run` is a task for ever."""

    def __init__(self, broker: Broker, password: Secret | None, clock: Clock) -> None:
        super().__init__(str(broker))
        self.trouble: str | None = None  # why it is away
        self._broker = broker
        self._password = password
        self._clock = clock
        self._commits: Commits | None = None
        self._client_id = ""
        self._passing = False
        self._refusals: dict[str, str] = {}  # by topic of a command, while it is refused
        self._commands: dict[int, str] = {}  # topics by packet identifier, without a PUBACK yet
        # The last command of each topic for which the broker has no room just now.
        self._queued: dict[str, tuple[bytes, bool]] = {}
        self._foreign: set[bytes] = set()
        self._waiting: deque[tuple[int, bytes]] = deque()  # commit and identifier, in order
        self._taken: set[bytes] = set()  # heard on an earlier connection, not acknowledged there
        self._link: SessionLink | None = None
        self._up = False
        self._tried = False  # a first attempt has succeeded or failed
        self._away_since: int | None = clock.now()
        self._dark = False
        self._dropped = 0  # readings the log had no room for, when last looked at
        self._half = _HALF_OF_OLD  # of what the broker sends without a PUBACK
        self._lost = Event()
        self._loss: LinkError | None = None

    def join(self, commits: Commits, client_id: str, name: str) -> None:
        self._commits = commits
        self._client_id = client_id
        self.name = name
        commits.on_durable.append(self.durable)

    def overhear(self, name: str) -> None:
        self._passing = True  # a session of its own, which leaves nothing behind
        self.join(_Nothing(), f"kg-look-{secrets.token_hex(8)}", name)

    def listen(self, options: Any, audience: Audience) -> None:  # noqa: ANN401 - its driver's own
        super().listen(options, audience)
        self._foreign.clear()
        self._lost.set()

    def leave(self, audience: object) -> None:
        super().leave(audience)
        self._lost.set()

    def close(self) -> None:
        if self._commits is not None and self.durable in self._commits.on_durable:
            self._commits.on_durable.remove(self.durable)

    @property
    def connected(self) -> bool:
        """Whether devices are heard and commands taken."""
        return self._up

    @property
    def tried(self) -> bool:
        return self._tried

    @property
    def unacknowledged(self) -> int:
        return len(self._waiting)

    def troubles(self) -> list[str]:
        away = [f"bus {self.name}: {self.trouble}"] if self.trouble else []
        return [*away, *self._refusals.values()]

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        if self._link is None or not self._up:
            raise BusError(f"bus {self.name}: {self.trouble or 'not connected yet'}")
        self.counters.commands += 1
        if self._queued or len(self._commands) >= self._link.receive_maximum:
            self._queued.pop(topic, None)  # what it should have done before is of no interest
            self._queued[topic] = (payload, retain)
            return
        try:
            self._send(self._link, topic, payload, retain=retain)
        except LinkError as error:
            raise BusError(f"bus {self.name}: {error}") from error

    def _send(self, link: SessionLink, topic: str, payload: bytes, *, retain: bool) -> None:
        self._commands[link.publish(topic, payload, 1, retain)] = topic

    def _send_queued(self) -> None:
        """The broker has room for another command."""
        link = self._link
        while link is not None and self._queued and len(self._commands) < link.receive_maximum:
            topic = next(iter(self._queued))
            payload, retain = self._queued.pop(topic)
            try:
                self._send(link, topic, payload, retain=retain)
            except LinkError as error:  # lost: at the next connection all are told anew
                logger.debug("bus %s: %s", self.name, error)
                return

    def check(self) -> None:
        if self._dark:
            raise BusError(f"bus {self.name}: {self.trouble}")

    def durable(self, number: int) -> None:
        """Acknowledge what that commit and those before it hold."""
        waiting = self._waiting
        done: list[bytes] = []
        while waiting and waiting[0][0] <= number:
            done.append(waiting.popleft()[1])
        if done and self._link is not None:
            self._link.acknowledge_all(done)

    def look(self, now: int) -> None:
        """Once the broker has been away for AWAY_S, its devices are without communication."""
        since = self._away_since
        if since is None or self._dark or not self._tried:
            return
        if now - since > AWAY_S * 1000 * self._clock.speed:
            self._dark = True
            self._cut_off(f"bus {self.name}: {self.trouble}")

    def _cut_off(self, why: str) -> None:
        for audience in self._everybody:
            audience.cut_off(BusError(why))

    async def run(self) -> None:
        """Connect, hear, and connect again with a jittered back-off; for ever."""
        attempt = 0
        while True:
            began = self._clock.now()
            try:
                await self._live()
            except LinkError as error:
                self._away(str(error))
            steady_ms = _STEADY_S * 1000 * self._clock.speed
            attempt = 0 if self._clock.now() - began > steady_ms else attempt + 1
            low, high = _BACK_OFF_S
            most = min(high, low * 2 ** min(attempt, _DOUBLINGS))
            pause_s = random.uniform(low / 2, most)  # noqa: S311
            await self._clock.sleep(pause_s * self._clock.speed)

    async def farewell(self) -> None:
        link, self._link, self._up = self._link, None, False
        if link is not None:
            link.on_lost = lambda _error: None
            await link.close()

    async def _live(self) -> None:
        """One connection, up to its end; raises LinkError."""
        link = SessionLink(
            self._login(), self._client_id, self._clock, keep_session=not self._passing
        )
        link.on_published = self._published
        link.on_too_large = self._too_large
        link.on_puback = self._puback
        link.on_refused = self._refused
        link.on_lost = self._on_lost
        self._lost.clear()
        self._loss = None
        self._link = link  # what the broker kept comes right behind its greeting
        try:
            await link.connect()
            self._greeted(link)
            subscribed = set(self._audiences)
            await link.subscribe_all(sorted(topic.decode() for topic in subscribed))
            self._come_up()
            while self._loss is None:
                await self._lost.wait()
                self._lost.clear()  # or somebody new listens
                subscribed &= self._audiences.keys()
                fresh = self._audiences.keys() - subscribed
                if fresh and self._loss is None:
                    await link.subscribe_all(sorted(topic.decode() for topic in fresh))
                subscribed |= fresh
            raise self._loss
        finally:
            self._go_down()
            await link.close()

    def _login(self) -> Broker:
        if self._password is None:
            return self._broker
        try:
            return replace(self._broker, password=self._password.read())
        except SecretError as error:
            raise LinkError(f"password: {error}") from error

    def _greeted(self, link: SessionLink) -> None:
        self._dropped = self._commits.dropped if self._commits is not None else 0
        self._half = RECEIVE_MAX // 2 if link.protocol == "5" else _HALF_OF_OLD
        if link.session_present:
            return
        self._taken.clear()
        if self.counters.connects:
            self.counters.sessions_lost += 1
            logger.warning(
                "bus %s: the broker has forgotten our session; what was published while we "
                "were away is lost: let it persist (mosquitto: persistence true)",
                self.name,
            )

    def _come_up(self) -> None:
        self.counters.connects += 1
        self._up = self._tried = True
        if self._dark:
            self._cut_off(f"bus {self.name}: not heard of since its broker is back")
        self._away_since, self._dark = None, False
        if self.trouble is not None:
            logger.warning("bus %s: back", self.name)
        else:
            logger.info("bus %s: connected to %s", self.name, self._broker)
        self.trouble = None
        self.on_up()

    def _away(self, why: str) -> None:
        """Say once that the broker is away."""
        if self._away_since is None:
            self._away_since = self._clock.now()
        self._tried = True
        if self.trouble is None:
            logger.warning("bus %s: lost: %s", self.name, why)
        self.trouble = why

    def _go_down(self) -> None:
        self._up = False
        self._link = None
        self._commands.clear()
        self._queued.clear()
        self._refusals.clear()
        self._taken.update(identifier for _, identifier in self._waiting)
        self._waiting.clear()

    def _on_lost(self, error: LinkError) -> None:
        self._loss = error
        self._lost.set()

    def _published(self, message: Published) -> None:
        """Have a message heard, at once; it is acknowledged when it is durable."""
        commits, link = self._commits, self._link
        if commits is None or link is None or self._loss is not None:
            return
        self.counters.messages += 1
        identifier = message.identifier
        if identifier in self._taken:
            self._taken.discard(identifier)
            if message.duplicate and link.session_present:
                self.counters.repeated += 1
                self._await(commits, identifier)
                return
        audiences = self._audiences.get(message.topic)
        if audiences is None:
            self._spare(link, message.topic)
        else:
            heard = (message.payload, message.retain)
            for audience in audiences:
                try:
                    audience.hear(heard)
                except Exception:  # a bug in one driver must not hold up the others
                    logger.exception("bus %s: %r could not be taken", self.name, message.topic)
                    audience.fail(CorruptData("its driver failed: see the log"))
        if commits.dropped != self._dropped:
            self._dropped = commits.dropped
            self._on_lost(LinkError("the store has no room; messages wait at the broker"))
        elif identifier:
            self._await(commits, identifier)

    def _await(self, commits: Commits, identifier: bytes) -> None:
        """Acknowledge a message when all that came so far is durable."""
        self._waiting.append((commits.await_commit(), identifier))
        if len(self._waiting) >= self._half:
            commits.press()

    def _too_large(self, message: Published) -> None:
        """A message beyond all bounds is nothing that could ever be taken: its device is BAD."""
        self.counters.oversized += 1
        for audience in self._audiences.get(message.topic, ()):
            audience.fail(CorruptData("a message too large for any device"))
        if message.identifier and self._commits is not None:
            self._await(self._commits, message.identifier)

    def _spare(self, link: SessionLink, topic: bytes) -> None:
        """Of a topic an older configuration subscribed to, the broker is told to stop."""
        self.counters.foreign += 1
        if topic in self._foreign or len(self._foreign) >= _FOREIGN_MAX or not link.connected:
            return
        self._foreign.add(topic)
        name = topic.decode(errors="replace")
        logger.info("bus %s: nobody listens to %r any more", self.name, name)
        link.unsubscribe(name)

    def _puback(self, mid: int) -> None:
        topic = self._commands.pop(mid, None)
        if topic is not None:
            self._refusals.pop(topic, None)
        self._send_queued()

    def _refused(self, mid: int, code: int) -> None:
        """A command the broker did not take, or that nobody hears; said once."""
        topic = self._commands.pop(mid, None)
        self._send_queued()
        self.counters.unheard += 1
        if topic is None:
            return
        if code == SessionLink.NO_LISTENER:
            text = f"bus {self.name}: nobody listens to {topic}: is the device on the network?"
        else:
            text = f"bus {self.name}: the broker refuses {topic}: its access list must allow it"
        if self._refusals.get(topic) != text:
            logger.warning("%s", text)
        self._refusals[topic] = text
