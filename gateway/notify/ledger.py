"""The book of all deliveries: which channel has which message, what became of it, who takes over.

Pure bookkeeping: it is told what happened and at which kitchen time, and hands out rows to keep.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from random import Random

import msgspec

from gateway.config.notifications import Notifications
from gateway.notify.breaker import Breaker
from gateway.notify.delivery import DEADLINE_MS, UNSTORED_MS, Delivery, Status, decode, pause_ms
from gateway.notify.lane import Lane
from gateway.notify.notice import Notice

ENDED_MAX = 200  # kept to be shown
PASS_ON_MS = 60_000  # a channel that rests for so long has its messages taken over
JOIN_MS = 3_000  # danger to people does not wait for that: the next channel joins in
GONE = "the channel is no longer configured"
_TELLS = (Status.WAITING, Status.HANDED_OVER)
_replace = msgspec.structs.replace


class Ledger:
    """All lanes, and what has ended lately; `write` keeps a row, or with None forgets it."""

    def __init__(
        self, write: Callable[[str, str | None], None], random: Random, speed: float = 1.0
    ) -> None:
        self.lanes: dict[str, Lane] = {}
        self.ended: dict[str, Delivery] = {}
        self.lost = 0  # people, or destinations, whom no channel could tell
        self.on_lost: Callable[[Notice, str | None, str], None] = lambda notice, person, why: None
        self._told = Notifications()
        self._channels: set[str] = set()  # all there have been
        self._homeless: list[Delivery] = []  # wait for a channel that is not there
        self._write = write
        self._random = random
        self._speed = speed

    def restore(self, rows: Mapping[str, str]) -> list[str]:
        """Take what an earlier start left; gives the keys of rows nobody can read."""
        unread: list[str] = []
        ended: list[Delivery] = []
        for key, body in rows.items():
            try:
                delivery = decode(body)
            except msgspec.DecodeError:
                unread.append(key)
                self._write(key, None)
                continue
            (self._homeless if delivery.status is Status.WAITING else ended).append(delivery)
        self.ended = {it.key: it for it in sorted(ended, key=lambda it: it.ended or 0)}
        self._channels |= {it.channel for it in ended}
        return unread

    def use(self, told: Notifications, now: int) -> None:
        """Go by these channels and people; what waits for a channel that is gone moves on."""
        self._told = told
        self._channels |= told.channels.keys()
        for name in told.channels:
            if name not in self.lanes:
                self.lanes[name] = Lane(name, Breaker(self._random, self._speed))
        for name in self.lanes.keys() - told.channels.keys():
            self._homeless += self.lanes.pop(name).waiting.values()
        homeless = sorted(self._homeless, key=lambda it: it.since)
        self._homeless = []
        for delivery in homeless:
            lane = self.lanes.get(delivery.channel)
            if lane is not None:
                self._overflow(lane.add(delivery), now)
        for delivery in homeless:
            if delivery.channel not in self.lanes:
                self._finish(delivery, Status.GIVEN_UP, GONE, now)

    def begin(
        self, notice: Notice, people: Collection[str], channels: Sequence[str], now: int
    ) -> list[str]:
        """Have each of these people told, or without any the destinations themselves.

        Gives the keys of their rows, which go out once they are said to be `stored`, or soon after.
        """
        keys = []
        deadline = now + round(DEADLINE_MS[notice.priority] * self._speed)
        due = now + round(UNSTORED_MS * self._speed)
        for person in people or (None,):
            key = self._start(notice, person, channels, now, deadline, due)
            if key is None:
                self._lose(notice, person, "no channel reaches them")
            else:
                keys.append(key)
        return keys

    def stored(self, keys: Iterable[str], now: int) -> None:
        """The rows of these are committed: they need not wait any more."""
        for key in keys:
            lane = self.lanes.get(key.split("/")[1])
            delivery = None if lane is None else lane.waiting.get(key)
            if lane is not None and delivery is not None and not delivery.attempts:
                lane.waiting[key] = _replace(delivery, due=min(delivery.due, now))

    def handed_over(self, lane: Lane, key: str, now: int) -> None:
        """The channel has taken it."""
        lane.breaker.succeeded()
        lane.error = ""
        delivery = self._settled(lane, key)
        if delivery is not None:
            self._end(lane, delivery, Status.HANDED_OVER, "", now)

    def refused(self, lane: Lane, key: str, why: str, now: int) -> None:
        """The channel will never take it like this."""
        lane.breaker.succeeded()
        lane.error = why
        delivery = self._settled(lane, key)
        if delivery is not None:
            self._end(lane, delivery, Status.FAILED, why, now)

    def unreachable(self, lane: Lane, key: str, why: str, now: int, after_s: float = 0.0) -> None:
        """The channel did not take it this time."""
        lane.breaker.failed(now)
        lane.error = why
        lane.counters.unreachable += 1
        delivery = self._settled(lane, key)
        if delivery is None:
            return
        attempts = delivery.attempts + 1
        pause = pause_ms(attempts, life=delivery.notice.life, random=self._random)
        due = now + round(max(pause, after_s * 1000) * self._speed)
        self._change(lane, _replace(delivery, attempts=attempts, due=due, error=why))

    def postpone(self, lane: Lane, key: str, wait_ms: int, now: int) -> None:
        """Not yet: whom it is for is not to be disturbed for so long."""
        delivery = self._settled(lane, key)
        if delivery is not None:
            deadline = now + wait_ms + round(DEADLINE_MS[delivery.notice.priority] * self._speed)
            self._change(lane, _replace(delivery, due=now + wait_ms, deadline=deadline))

    def review(self, now: int) -> None:
        """Give up what is too late, and let other channels take over from one that is dead."""
        for lane in list(self.lanes.values()):
            for delivery in list(lane.waiting.values()):
                if delivery.key not in lane.busy and delivery.deadline <= now:
                    why = delivery.error or "it was never tried"
                    self._end(lane, delivery, Status.GIVEN_UP, f"too late: {why}", now)
                elif delivery.notice.life:
                    self._join(lane, delivery, now)
                elif delivery.key not in lane.busy:
                    self._pass_on(lane, delivery, now)

    def next_at(self, now: int) -> int | None:
        """When something is to be done without anything happening; None: never."""
        times: list[int] = []
        for lane in self.lanes.values():
            times += [at for at in [lane.next_at(now)] if at is not None]
            for delivery in lane.waiting.values():
                times.append(delivery.deadline)
                if delivery.then and delivery.notice.life:
                    times.append(self._joins_at(delivery))
                elif delivery.then and lane.breaker.opened_at is not None:
                    times.append(lane.breaker.opened_at + round(PASS_ON_MS * self._speed))
        return min((at for at in times if at > now), default=None)

    def all(self) -> Iterator[Delivery]:
        """Every delivery that waits or has ended lately."""
        for lane in self.lanes.values():
            yield from lane.waiting.values()
        yield from self.ended.values()

    def find(self, key: str) -> Delivery | None:
        """One of them."""
        lane = self.lanes.get(key.split("/")[1])
        return (lane.waiting.get(key) if lane else None) or self.ended.get(key)

    def _start(
        self,
        notice: Notice,
        person: str | None,
        channels: Sequence[str],
        now: int,
        deadline: int,
        due: int,
    ) -> str | None:
        """Let the first channel that reaches the person have it; gives the key, or None."""
        for index, name in enumerate(channels):
            lane = self.lanes.get(name)
            address = None if lane is None else self._told.address(name, person or "")
            if lane is None or address is None:
                continue
            delivery = Delivery(
                notice=notice,
                channel=name,
                people=() if person is None else (person,),
                shared=not self._told.channels[name].address,
                then=tuple(channels[index + 1 :]),
                since=now,
                due=due,
                deadline=deadline,
            )
            if self._put(lane, delivery, now):
                return delivery.key
        return None

    def _put(self, lane: Lane, delivery: Delivery, now: int) -> bool:
        """Let it wait, unless this very message waits or was taken there; False: it failed."""
        key = delivery.key
        before = self.find(key)
        if before is None or before.status is Status.PASSED_ON:
            self.ended.pop(key, None)
            self._write(key, delivery.encoded())
            self._overflow(lane.add(delivery), now)
            return True
        if before.status is Status.WAITING:
            people = dict.fromkeys((*before.people, *delivery.people))
            then = dict.fromkeys((*before.then, *delivery.then))
            self._change(lane, _replace(before, people=tuple(people), then=tuple(then)))
        return before.status in _TELLS

    def _overflow(self, victims: Iterable[Delivery], now: int) -> None:
        for victim in victims:
            self.lanes[victim.channel].counters.dropped += 1
            if victim.notice.life:
                self._keep(victim, Status.DROPPED, "a newer message says the same", now)
            else:
                self._finish(victim, Status.DROPPED, "too many messages waited", now)

    def _join(self, lane: Lane, delivery: Delivery, now: int) -> None:
        """Danger to people: the next channel tells of it as well, and this one goes on trying."""
        if not delivery.then or now < self._joins_at(delivery):
            return
        self._change(lane, _replace(delivery, then=()))
        for person in delivery.people or (None,):
            self._start(delivery.notice, person, delivery.then, now, delivery.deadline, now)

    def _pass_on(self, lane: Lane, delivery: Delivery, now: int) -> None:
        """Let a channel that is well take over from one that has been dead for long."""
        if lane.breaker.open_for(now) < PASS_ON_MS * self._speed:
            return
        well = [
            name for name in delivery.then
            if name in self.lanes and self.lanes[name].breaker.opened_at is None
            and all(self._told.address(name, person) is not None for person in delivery.people)
        ]  # fmt: skip
        if well:
            rest = [name for name in delivery.then if name not in well]
            chain = (*well, *rest, delivery.channel)
            self._end(lane, _replace(delivery, then=chain), Status.PASSED_ON, delivery.error, now)

    def _settled(self, lane: Lane, key: str) -> Delivery | None:
        """What a hand-over was about, unless its channel went away meanwhile."""
        lane.settle(key)
        lane.counters.attempts += 1
        return lane.waiting.get(key) if self.lanes.get(lane.channel) is lane else None

    def _change(self, lane: Lane, delivery: Delivery) -> None:
        lane.waiting[delivery.key] = delivery
        self._write(delivery.key, delivery.encoded())

    def _end(self, lane: Lane, delivery: Delivery, status: Status, why: str, now: int) -> None:
        """It no longer waits in its lane."""
        del lane.waiting[delivery.key]
        name = status.value
        setattr(lane.counters, name, getattr(lane.counters, name) + 1)
        if status is Status.HANDED_OVER:
            done = _replace(delivery, attempts=delivery.attempts + 1)
            self._keep(done, status, why, now)
        else:
            self._finish(delivery, status, why, now)

    def _finish(self, delivery: Delivery, status: Status, why: str, now: int) -> None:
        """It ends without having been taken: the channels after it take over, or it is lost."""
        self._keep(delivery, status, why, now)
        notice = delivery.notice
        for person in delivery.people or (None,):
            chain, deadline = delivery.then, delivery.deadline
            begun = self._start(notice, person, chain, now, deadline, now) if chain else None
            if begun is None and not self._served(notice, person):
                self._lose(notice, person, why)

    def _keep(self, delivery: Delivery, status: Status, why: str, now: int) -> None:
        """Remember how it ended, for some time."""
        ended = _replace(delivery, status=status, error=why, ended=now)
        self.ended.pop(ended.key, None)
        self.ended[ended.key] = ended
        self._write(ended.key, ended.encoded())
        while len(self.ended) > ENDED_MAX:
            oldest = next(iter(self.ended))
            del self.ended[oldest]
            self._write(oldest, None)

    def _served(self, notice: Notice, person: str | None) -> bool:
        """Whether another delivery tells this person, or may yet."""
        whom = {person or "", ""}
        found = (self.find(f"{notice.id}/{name}/{one}") for name in self._channels for one in whom)
        return any(it is not None and it.status in _TELLS for it in found)

    def _lose(self, notice: Notice, person: str | None, why: str) -> None:
        self.lost += 1
        self.on_lost(notice, person, why)

    def _joins_at(self, delivery: Delivery) -> int:
        return delivery.since + round(JOIN_MS * self._speed)
