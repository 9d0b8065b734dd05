"""Tells people outside: what an event has to be told becomes rows, and rows become messages.

Each channel has a lane of its own, so that one which is dead holds up nobody else. A message waits
for the commit of its row, so that a repeat after a crash has the same id; it does not wait long.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from gateway.clock import Clock, Trust
from gateway.config import notifications as settings
from gateway.config.schema import Config
from gateway.loading import in_thread
from gateway.notify import kinds
from gateway.notify.channel import Channel, Means, Recipient, Refused, Tended, Unreachable
from gateway.notify.delivery import Delivery, Status
from gateway.notify.lane import Lane
from gateway.notify.ledger import Ledger
from gateway.notify.notice import Notice
from gateway.notify.outbound import Outbound
from gateway.notify.quiet import quiet_until
from gateway.notify.subscription import Subscriptions
from gateway.notify.words import Words
from gateway.reading import Point
from gateway.store.log import Log
from rules.alarm import Verb
from rules.events import Tell
from rules.shift import ON_DUTY

logger = logging.getLogger(__name__)

HAND_OVER_S = 30.0
LOOK_S = 300.0
UNSTORED_MAX = 1_000  # that are told at once of their commit
GOODBYE_S = 1.0
_LEAST_REST_S = 0.02


class NoSuchChannel(LookupError):
    """No channel of this name is configured."""


class Nobody(LookupError):
    """The channel reaches none of those who were named."""


@dataclass(slots=True)
class _Open:
    """A channel as configured, and what was opened of it."""

    settings: settings.Channel
    channel: Channel | None = None
    users: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Notifying:
    """The channels of one kitchen, and everything that waits for them."""

    def __init__(
        self,
        found: Mapping[str, str],
        log: Log,
        clock: Clock,
        folder: Path,
        subscriptions: Subscriptions | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._folder = folder
        self._subscriptions = subscriptions
        self._random = Random()  # noqa: S311 - jitter
        self.outbound = Outbound(clock, self._random)
        self.ledger = Ledger(log.notice, self._random, clock.speed)
        self.ledger.on_lost = self._lost
        for key in self.ledger.restore(found):
            logger.error("notifications: what an other version left as %s cannot be read", key)
        self._told = settings.Notifications()
        self._words = Words("", "UTC", (), (), {})
        self._zone = "UTC"
        self._emulated = False
        self._open: dict[str, _Open] = {}
        self._left: list[_Open] = []
        self._unstored: dict[int, list[str]] = {}
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._onlookers: list[asyncio.Future[None]] = []
        self.bugs = 0  # events nothing could be said about
        log.on_durable.append(self._stored)

    def use(self, config: Config, points: Mapping[str, Point]) -> None:
        """Go by this configuration; a channel that stands in it as before is not touched."""
        told = config.notifications or settings.Notifications()
        site = config.site
        self._words = Words(site.label, site.zone, told.languages, config.rules, points)
        self._zone = site.zone
        emulated = config.emulation is not None
        if (told, emulated) == (self._told, self._emulated) and self._open:
            return
        for name, opened in list(self._open.items()):
            if told.channels.get(name) != opened.settings or emulated != self._emulated:
                self._left.append(self._open.pop(name))
        for name, channel in told.channels.items():
            self._open.setdefault(name, _Open(channel))
        self._told, self._emulated = told, emulated
        self.outbound.forget()
        self.ledger.use(told, self._clock.now())
        self._wake.set()

    def on_event(self, data: Mapping[str, object], at: int) -> None:
        """Have everybody told who is to know of this event of an alarm; never raises.

        A raise that is not `announced` is told by an `announce` of its own, later or to others.
        """
        verb = Verb.RAISE if data.get("verb") == Verb.ANNOUNCE else data.get("verb")
        routes = [
            route for route in self._told.routes
            if verb in route.verbs and data.get("priority") in route.priorities
        ]  # fmt: skip
        if not (routes or data.get("to")) or data.get("announced") is False:
            return
        try:
            notice = self._words.of_alarm(data, at + self._clock.wall() - self._clock.now())
            if data.get("to") and self._tell_named(notice, data, routes):
                return
            for route in routes:
                self._begin(notice, self._told.named(route.to), route.by)
        except Exception:
            # Judging calls this: it must go on guarding, whatever cannot be said about it.
            self.bugs += 1
            logger.exception("notifications: nothing could be said of %s", data.get("id"))

    def _tell_named(
        self, notice: Notice, data: Mapping[str, object], routes: Sequence[settings.Route]
    ) -> bool:
        """Tell those on a ladder's step; False when nobody is known by that name or role."""
        role = str(data["to"]).removeprefix(ON_DUTY)
        people = data.get("people")
        wanted = [str(name) for name in people] if isinstance(people, list) else []
        named = self._told.named(wanted) or self._told.named([role])
        if not named:
            logger.error("notifications: nobody is %s; the routes are told: see people", role)
            return False
        by = tuple(dict.fromkeys(name for route in routes for name in route.by))
        self._begin(notice, named, by or tuple(self._told.channels))
        return True

    def on_notice(self, tell: Tell, at: int) -> None:
        """Have people told what a rule wants them to know; never raises.

        Without a role: those who are told of an alarm of the rule's priority.
        """
        try:
            notice = self._words.of_rule(tell, at + self._clock.wall() - self._clock.now())
            if tell.to:
                self.enqueue(notice, [tell.to])
                return
            for route in self._told.routes:
                if "raise" in route.verbs and tell.priority in route.priorities:
                    self._begin(notice, self._told.named(route.to), route.by)
        except Exception:
            self.bugs += 1
            logger.exception("notifications: nothing could be said for %s", tell.rule)

    def enqueue(self, notice: Notice, to: Iterable[str], by: Sequence[str] = ()) -> list[str]:
        """Have these people and roles told by the first of these channels that can, else the next.

        Without `by`: by any, in the order of the configuration. Gives the keys of the deliveries,
        whose rows are in the batch that is gathering.
        """
        return self._begin(notice, self._told.named(to), by or tuple(self._told.channels))

    def begin_test(self, channel: str, to: Sequence[str], by: str) -> list[str]:
        """Send a test message through a channel, without `to` to everybody whom it reaches.

        Gives the keys of its deliveries; raises NoSuchChannel or Nobody.
        """
        if channel not in self._told.channels:
            raise NoSuchChannel(channel)
        people = self._told.named(to) if to else list(self._told.people)
        reached = [name for name in people if self._told.address(channel, name) is not None]
        if self._told.channels[channel].address and not reached:
            raise Nobody(channel)
        notice = self._words.of_test(by, self._clock.wall())
        keys = self._begin(notice, reached, (channel,))
        self._log.commit_soon()
        return keys

    async def tried(self, keys: Iterable[str]) -> None:
        """Return once each of these has been tried."""
        while any(_untried(self.ledger.find(key)) for key in keys):
            seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._onlookers.append(seen)
            await seen

    async def run(self) -> None:
        """Hand over what waits, for ever."""
        try:
            while True:
                self._wake.clear()
                await self._let_go()
                self._look()
                await self._rest()
        finally:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await asyncio.gather(*self._running, return_exceptions=True)
                    await self._close()

    async def tend(self) -> None:
        """Look after channels with hardware, for ever: a dead one is known before it is needed."""
        while True:
            for name, opened in list(self._open.items()):
                if opened.settings.kind in kinds.TENDED:
                    await self._look_after(name, opened)
            await self._clock.sleep(LOOK_S * self._clock.speed)

    def tended(self) -> dict[str, Tended]:
        """The channels with hardware that have been opened."""
        found: dict[str, Tended] = {}
        for name, opened in self._open.items():
            channel: object = opened.channel
            if isinstance(channel, Tended):
                found[name] = channel
        return found

    def troubles(self) -> list[str]:
        """The channels that do not answer, each with its reason."""
        down = {
            lane.channel: lane.error
            for lane in self.ledger.lanes.values()
            if lane.breaker.opened_at is not None
        }
        for name, channel in self.tended().items():
            if channel.trouble is not None:
                down.setdefault(name, channel.trouble)
        return [f"notifications by {name}: {why}" for name, why in down.items()]

    def _begin(self, notice: Notice, people: Sequence[str], by: Sequence[str]) -> list[str]:
        keys = self.ledger.begin(notice, people, by, self._clock.now())
        if keys:
            waiting = self._unstored.setdefault(self._log.await_commit(), [])
            waiting += keys[: max(0, UNSTORED_MAX - len(waiting))]  # the others go a little later
            self._wake.set()
        return keys

    def _stored(self, number: int) -> None:
        keys = self._unstored.pop(number, None)
        if keys:
            self.ledger.stored(keys, self._clock.now())
            self._wake.set()

    def _look(self) -> None:
        """Begin every hand-over whose time has come."""
        now = self._clock.now()
        self.ledger.review(now)
        for lane in self.ledger.lanes.values():
            while (delivery := lane.take(now)) is not None:
                wait_ms = self._quiet_ms(delivery)
                if wait_ms:
                    self.ledger.postpone(lane, delivery.key, wait_ms, now)
                    continue
                self._open[lane.channel].users += 1
                task = asyncio.get_running_loop().create_task(
                    self._hand_over(lane, delivery, self._open[lane.channel]),
                    name=f"notify {delivery.key}",
                )
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _rest(self) -> None:
        """Until something happens, or the time for something has come."""
        now = self._clock.now()
        at = self.ledger.next_at(now)
        if at is None:
            await self._wake.wait()
            return
        seconds = max(_LEAST_REST_S * self._clock.speed, (at - now) / 1000)
        timer = asyncio.get_running_loop().create_task(
            self._clock.sleep(seconds), name="notifications rest"
        )
        timer.add_done_callback(lambda done: None if done.cancelled() else self._wake.set())
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _hand_over(self, lane: Lane, delivery: Delivery, opened: _Open) -> None:
        """One attempt; whatever goes wrong in it is that channel's own trouble."""
        ledger, key = self.ledger, delivery.key
        was_well = lane.breaker.opened_at is None
        try:
            recipient = self._recipient(delivery)
            async with asyncio.timeout(HAND_OVER_S):
                channel = await self._channel(lane.channel, opened)
                await channel.hand_over(delivery.notice, recipient)
        except Refused as error:
            logger.error("notifications by %s: %s", lane.channel, error)
            ledger.refused(lane, key, str(error), self._clock.now())
        except Unreachable as error:
            ledger.unreachable(lane, key, str(error), self._clock.now(), error.after_s)
        except TimeoutError:
            why = f"it took longer than {HAND_OVER_S:g} s"
            ledger.unreachable(lane, key, why, self._clock.now())
        except Exception as error:
            logger.exception("notifications by %s: a bug", lane.channel)
            ledger.unreachable(lane, key, f"a bug: {type(error).__name__}", self._clock.now())
        else:
            lane.handed_over_at = self._clock.wall()
            ledger.handed_over(lane, key, self._clock.now())
            self._log.commit_soon()
        finally:
            lane.settle(key)
            opened.users -= 1
            self._wake.set()
            self._let_onlookers_see()
        self._say(lane, was_well=was_well)

    def _say(self, lane: Lane, *, was_well: bool) -> None:
        """A channel that is lost is one line, and so is its return."""
        is_well = lane.breaker.opened_at is None
        if was_well and not is_well:
            logger.error("notifications by %s: %s; tried again later", lane.channel, lane.error)
        elif is_well and not was_well:
            logger.warning("notifications by %s: works again", lane.channel)

    async def _channel(self, name: str, opened: _Open) -> Channel:
        """The channel, opened at its first use: loading its library takes long."""
        async with opened.turn:
            if opened.channel is None:
                kind = kinds.kind(opened.settings.kind)
                means = Means(
                    self._clock, self.outbound, self._folder, self._emulated, self._subscriptions
                )
                opened.channel = await in_thread(
                    partial(kind.open_channel, opened.settings.options, means), f"open {name}"
                )
            return opened.channel

    async def _look_after(self, name: str, opened: _Open) -> None:
        opened.users += 1
        try:
            channel = await self._channel(name, opened)
            if isinstance(channel, Tended):
                await channel.look()
        finally:
            opened.users -= 1
            self._wake.set()

    def _recipient(self, delivery: Delivery) -> Recipient:
        """Whom it is for, as configured now; raises Refused for somebody who is gone."""
        if delivery.shared:
            return Recipient("")
        person = delivery.people[0]
        address = self._told.address(delivery.channel, person)
        if address is None:
            raise Refused(f"{person} has no address any more; see people in the configuration")
        return Recipient(person, address, self._told.people[person].label)

    def _quiet_ms(self, delivery: Delivery) -> int:
        """How long its person is not to be disturbed by it; 0 where the hour is not known."""
        if delivery.shared or delivery.notice.verb == "test" or delivery.notice.life:
            return 0
        person = self._told.people.get(delivery.people[0])
        quiet = None if person is None else person.quiet
        if quiet is None or delivery.notice.priority not in quiet.holds:
            return 0
        if self._clock.trust() is Trust.UNSYNCED:
            return 0
        wall = self._clock.wall()
        until = quiet_until(quiet.start, quiet.end, wall, self._zone)
        return 0 if until is None else until - wall

    def _let_onlookers_see(self) -> None:
        onlookers, self._onlookers = self._onlookers, []
        for seen in onlookers:
            if not seen.done():
                seen.set_result(None)

    async def _let_go(self) -> None:
        """Close channels the configuration has left, once nobody uses them."""
        for opened in [it for it in self._left if not it.users]:
            self._left.remove(opened)
            if opened.channel is not None:
                await opened.channel.close()

    async def _close(self) -> None:
        for opened in [*self._open.values(), *self._left]:
            channel, opened.channel = opened.channel, None
            if channel is not None:
                await channel.close()
        await self.outbound.close()

    def _lost(self, notice: Notice, person: str | None, why: str) -> None:
        """Nobody could tell them: the log, the cloud and the counters say so."""
        whom = person or "anybody"
        logger.error("notifications: %s could not be told of %s: %s", whom, notice.alarm, why)
        data = {"code": "not_told", "notice": notice.id, "alarm": notice.alarm, "verb": notice.verb,
                "person": person, "why": why[:200]}  # fmt: skip
        self._log.event("system", data, self._clock.now())


def _untried(delivery: Delivery | None) -> bool:
    return delivery is not None and delivery.status is Status.WAITING and not delivery.attempts
