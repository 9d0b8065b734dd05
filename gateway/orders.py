"""Orders of people and the cloud: a row first, then the act, then what the read-back says of it.

An order that is a row but was not begun when the process ended is not done again: the next start
says that nobody knows what became of it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from gateway.access import Role
from gateway.clock import Clock
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.reading import Point, Reading
from gateway.store.log import Log
from rules.base import Priority
from rules.events import Ordered, ReadBack, Relinquished
from rules.judge import Judge
from rules.order import Order, too_many
from rules.slots import LIFE_SLOTS, MANUAL_SLOT

logger = logging.getLogger(__name__)

LIFE_SLOT = LIFE_SLOTS[0]  # manual life safety
ORDERED_SLOTS = (LIFE_SLOT, MANUAL_SLOT)
OVERRIDE_S = 1_800.0  # how long an override lasts where nobody says otherwise
OVERRIDE_LEAST_S, OVERRIDE_MOST_S = 1.0, 28_800.0
EXPIRY_S = 30.0  # how long an order may wait for the disk before it is too late to act


class BadWish(ValueError):
    """What is wanted can be no order; the message says what would be."""


class TooManyOrders(Exception):
    """So many orders are on their way already that another one has to wait."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants of an actuator; `value` None takes an override back.

    `for_s` None is OVERRIDE_S, or for manual life safety until it is taken back. `refused` is why
    it must not be done, where that was found out before.
    """

    id: str
    actuator: str
    value: bool | None
    by: str
    role: Role
    origin: str
    slot: int = MANUAL_SLOT
    for_s: float | None = None
    expires_s: float = EXPIRY_S
    refused: str = ""

    def __post_init__(self) -> None:
        if self.slot not in ORDERED_SLOTS:
            raise BadWish(f"slot {self.slot} is not for orders: {MANUAL_SLOT} or {LIFE_SLOT}")
        for_s = self.for_s
        if for_s is not None and not OVERRIDE_LEAST_S <= for_s <= OVERRIDE_MOST_S:
            raise BadWish(f"for {for_s:g} s: {OVERRIDE_LEAST_S:g} to {OVERRIDE_MOST_S:g}")


class Orders:
    """Takes orders, one row each, and begins them once they are stored."""

    def __init__(self, judging: Judging, log: Log, clock: Clock, hub: Hub) -> None:
        self._judging = judging
        self._log = log
        self._clock = clock
        self._hub = hub
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, list[asyncio.Future[None]]] = {}
        self._watched: dict[str, Callable[[Reading], None]] = {}  # points of actuators
        self._closed = False
        self.duplicates = 0
        self.refused_busy = 0
        self.ended: dict[str, int] = {}  # by state
        self.changed: Callable[[str, Mapping[str, object]], None] = lambda order_id, told: None
        # Whether what an actuator does is still our doing: not once it is let go of.
        self.driven: Callable[[str], bool] = lambda actuator: True
        judging.orders_changed = self._changed

    def follow(self, points: Mapping[str, Point], actuators: Iterable[str]) -> None:
        """Take what these actuators say of themselves as their read-back."""
        for point_id, watcher in self._watched.items():
            self._hub.unwatch(point_id, watcher)
        names = set(actuators)
        own = [it for it in points.values() if it.device in names and it.kind == "boolean"]
        self._watched = {point.id: partial(self._read_back, point.device) for point in own}
        for point_id, watcher in self._watched.items():
            self._hub.watch(point_id, watcher)

    def find(self, order_id: str) -> Order | None:
        """What is known of an order."""
        entry = self._judging.state.entries.get(f"order/{order_id}")
        return entry if isinstance(entry, Order) else None

    def place(self, wish: Wish) -> bool:
        """Take an order down; False for one whose id is known, which changes nothing.

        Returns in the same turn. It is begun once it is stored, whoever has gone away since; what
        becomes of it tells `find`. Raises TooManyOrders.
        """
        if self.find(wish.id) is not None:
            self.duplicates += 1
            return False
        if self._closed or too_many(self._judging.orders().values()):
            self.refused_busy += 1
            raise TooManyOrders
        now = self._clock.now()
        self._judging.order(self._event(wish, now), now)
        order = self.find(wish.id)
        if order is not None and order.in_flight:
            name = f"order {wish.id}"
            work = self._carry_out(wish.id, self._log.stored())
            task = asyncio.get_running_loop().create_task(work, name=name)
            self._tasks[wish.id] = task
            task.add_done_callback(partial(self._carried_out, wish.id))
        return True

    async def outcome(self, order_id: str) -> Order | None:
        """What became of an order, once it has ended and that is stored; the caller bounds it."""
        order = self.find(order_id)
        if order is not None and order.in_flight:
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._ending.setdefault(order_id, []).append(ended)
            try:
                await ended
            finally:
                self._forget_waiting(order_id, ended)
        await self._log.durable()
        return self.find(order_id)

    def close(self) -> None:
        """Begin nothing any more: outputs are being made safe."""
        self._closed = True

    def is_critical(self, actuator: str) -> bool:
        """Whether only a manager may override it: it is declared so, or guards people."""
        return is_critical(self._judging.judge, actuator)

    def _event(self, wish: Wish, now: int) -> Ordered | Relinquished:
        refused = wish.refused or self._not_allowed(wish)
        expires = now + self._ms(wish.expires_s)
        who = {"by": wish.by, "role": wish.role.value, "origin": wish.origin}
        if wish.value is None:
            return Relinquished(
                wish.id, wish.actuator, wish.slot, expires=expires, refused=refused, **who
            )
        for_s = wish.for_s
        if for_s is None and wish.slot == MANUAL_SLOT:
            for_s = OVERRIDE_S
        until = None if for_s is None else now + round(for_s * 1000)
        return Ordered(
            wish.id, wish.actuator, wish.value, wish.slot, until,
            expires=expires, refused=refused, **who,
        )  # fmt: skip

    def _not_allowed(self, wish: Wish) -> str:
        life = wish.slot in LIFE_SLOTS
        needed = Role.MANAGER if life or self.is_critical(wish.actuator) else Role.STAFF
        return "" if wish.role.covers(needed) else f"role/{needed.value}"

    async def _carry_out(self, order_id: str, stored: asyncio.Future[None]) -> None:
        await stored
        if not self._closed:
            self._judging.begin(order_id, self._clock.now())

    def _carried_out(self, order_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(order_id, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            context = {"message": f"order {order_id} failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)

    def _changed(self, told: Mapping[str, object]) -> None:
        order_id, state = str(told["id"]), str(told["state"])
        order = self.find(order_id)
        if order is None or not order.in_flight:
            self.ended[state] = self.ended.get(state, 0) + 1
            for ended in self._ending.pop(order_id, ()):
                if not ended.done():
                    ended.set_result(None)
        self.changed(order_id, told)

    def _forget_waiting(self, order_id: str, ended: asyncio.Future[None]) -> None:
        left = [each for each in self._ending.pop(order_id, ()) if each is not ended]
        if left:
            self._ending[order_id] = left

    def _read_back(self, actuator: str, reading: Reading) -> None:
        if self._closed or not self.driven(actuator):
            return
        value = reading.value if isinstance(reading.value, bool) else None
        assumed = value is not None and reading.quality.level != "good"
        self._judging.read_back(ReadBack(actuator, value, assumed), reading.at)

    def _ms(self, seconds: float) -> int:
        """So many seconds of whoever waits, in kitchen time."""
        return round(seconds * 1000 * self._clock.speed)


def is_critical(judge: Judge, actuator: str) -> bool:
    """Whether an actuator is declared critical, or a rule of priority life commands it."""
    contract = judge.contracts.get(actuator)
    if contract is None:
        return False
    return contract.critical or any(
        command.actuator == actuator
        for rule in judge.rules.values()
        if rule.priority is Priority.LIFE
        for command in rule.commands
    )
