"""What waits for one channel: most urgent first, bounded, and never shortened by life safety."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.notify.breaker import Breaker
from gateway.notify.delivery import Delivery
from rules.base import Priority

WAITING_MAX = 200
_URGENCY = {priority: rank for rank, priority in enumerate(Priority)}


@dataclass(slots=True)
class Counters:
    """What one channel has done since the start."""

    attempts: int = 0
    handed_over: int = 0
    unreachable: int = 0
    failed: int = 0
    given_up: int = 0
    passed_on: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Lane:
    """One channel's queue; at most one ordinary message and one of life safety are on their way."""

    channel: str
    breaker: Breaker
    waiting: dict[str, Delivery] = field(default_factory=dict)
    busy: dict[str, bool] = field(default_factory=dict)  # key -> whether it is life safety
    counters: Counters = field(default_factory=Counters)
    error: str = ""  # of the last attempt that failed; empty once one has succeeded
    handed_over_at: int | None = None  # UTC ms of the last one

    def add(self, delivery: Delivery) -> list[Delivery]:
        """Let it wait; gives those for which there is no room any more, perhaps itself.

        The least urgent goes first, the oldest of them. Life safety has room always: an older
        message goes only for a newer one that says the same of the same alarm.
        """
        self.waiting[delivery.key] = delivery
        if len(self.waiting) <= WAITING_MAX:
            return []
        victim = self._least(delivery)
        if victim is None:
            return []
        del self.waiting[victim.key]
        return [victim]

    def take(self, now: int) -> Delivery | None:
        """The next one to be handed over now, which is then busy until `settle`."""
        seats = {life for life in (True, False) if life not in self.busy.values()}
        if not seats:
            return None
        may_try = self.breaker.allows(now)
        ready = [
            delivery
            for delivery in self.idle()
            if delivery.due <= now and delivery.notice.life in seats
            and (may_try or delivery.notice.life)
        ]  # fmt: skip
        if not ready:
            return None
        delivery = min(ready, key=_order)
        self.busy[delivery.key] = delivery.notice.life
        return delivery

    def settle(self, key: str) -> None:
        """A hand-over has ended, whatever came of it."""
        self.busy.pop(key, None)

    def next_at(self, now: int) -> int | None:
        """When to look again; None while nothing waits that is not on its way."""
        resting = not self.breaker.allows(now)
        times = [
            max(delivery.due, self.breaker.again_at if resting and not delivery.notice.life else 0)
            for delivery in self.idle()
            if delivery.notice.life not in self.busy.values()
        ]
        return min(times, default=None)

    def idle(self) -> Iterator[Delivery]:
        """Those that wait and are not on their way."""
        return (delivery for key, delivery in self.waiting.items() if key not in self.busy)

    def _least(self, new: Delivery) -> Delivery | None:
        ordinary = [delivery for delivery in self.idle() if not delivery.notice.life]
        if ordinary:
            return min(ordinary, key=lambda it: (-_URGENCY[it.notice.priority], it.since))
        about = _about(new)
        older = (it for it in self.idle() if it is not new and _about(it) == about)
        return min(older, key=lambda it: it.since, default=None)


def _order(delivery: Delivery) -> tuple[int, int]:
    return _URGENCY[delivery.notice.priority], delivery.since


def _about(delivery: Delivery) -> tuple[object, ...]:
    return delivery.notice.alarm, delivery.notice.verb, delivery.people
