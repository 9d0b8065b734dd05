"""Commands of the cloud: who may, when and from whom; then they are orders like those of people.

The signature is what counts: a broker's access list alone would make the broker a manager here.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from gateway.access import Role
from gateway.buses.mqtt import Message
from gateway.clock import Clock, Trust
from gateway.loading import in_thread
from gateway.orders import BadWish, Orders, TooManyOrders, Wish
from gateway.store.log import Log
from gateway.sync import commands
from gateway.sync.commands import Command, Refused, Sealed
from rules.order import Order

logger = logging.getLogger(__name__)

ORIGIN = "cloud"
IN_HAND_MAX = 16  # commands whose signature is being looked at
REFUSALS_MAX = 60  # answered in a minute; more are only counted
AHEAD_MS = 60_000  # so far may the cloud's clock be before ours
TOLD_AGAIN_MS = 3_600_000  # what ended so long before a start is answered once more
DETAILS = {
    "expired": "it came too late, or could not be stored in time",
    "no_clock": "the gateway does not know the time, so it cannot tell what has expired",
    "condition": "the configuration is another one by now",
    "wrong_slot": "slots 8 and, for manual life safety, 1 can be ordered",
    "unknown_actuator": "there is no such actuator",
    "role": "this needs the role named in the detail",
    "lockout": "there may be gas: nothing is switched in that zone",
    "needs": "it may be on only while another output is",
    "overridden": "something more urgent holds it",
    "not_held": "nobody holds that slot",
    "superseded": "a later order has taken its slot",
    "lapsed": "its time was over before it was confirmed",
    "unconfirmed": "the output did not do it",
    "unknown": "the gateway was stopped in between: look before you repeat it",
    "assumed": "the device cannot tell; the command was handed over",
}


class Remote:
    """What comes as `cmd` of one cloud; `answer` takes the payloads of `res`."""

    def __init__(
        self, address: str, key: bytes | None, orders: Orders, log: Log, clock: Clock
    ) -> None:
        self._address = address  # "tenant/gateway"
        self._key = key
        self._orders = orders
        self._log = log
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()  # of two orders the later one counts
        self._pending: list[bytes] = []
        self._answering = False
        self._minute, self._of_minute = clock.now(), 0  # refusals without a row
        self.install = ""
        self.received = 0
        self.refused = 0
        self.repeated = 0
        self.answer: Callable[[bytes], None] = lambda payload: None
        self.denied: Callable[[str, str], None] = lambda command_id, code: None
        self.clear: Callable[[], None] = lambda: None  # the retained message on our topic
        self.configuration: Callable[[], str | None] = lambda: None
        orders.changed = self._changed

    def recover(self, known: Mapping[str, Order]) -> None:
        """Say again how the orders of the last hour have ended: who asked may have missed it."""
        since = self._clock.now() - TOLD_AGAIN_MS
        for order_id, order in known.items():
            if order.origin == ORIGIN and order.ended is not None and order.ended >= since:
                self._tell(order_id, order, dup=True)

    def receive(self, message: Message) -> None:
        """Take a message of our topic; returns at once."""
        if not message.payload:
            return  # a retained command that was cleared
        self.received += 1
        if message.retain:
            self._refuse("", "retained", "a command must not be retained")
            self.clear()
            return
        if len(self._tasks) >= IN_HAND_MAX:
            self._refuse("", "busy", "too many commands at once")
            return
        work = self._handle(message.payload)
        task = asyncio.get_running_loop().create_task(work, name="command")
        self._tasks.add(task)
        task.add_done_callback(self._handled)

    def close(self) -> None:
        """Another cloud takes over."""
        self._orders.changed = lambda order_id, told: None
        for task in self._tasks:
            task.cancel()

    async def _handle(self, payload: bytes) -> None:
        try:
            sealed = commands.parse(payload)
            async with self._in_turn:
                await self._prove(sealed)
                self._place(sealed.command)
        except Refused as refusal:
            self._refuse(refusal.id, refusal.code, refusal.detail)

    async def _prove(self, sealed: Sealed) -> None:
        command, key = sealed.command, self._key
        if key is None:
            why = "cloud.command_key is not set in config.yaml, so nothing can be ordered"
            raise Refused("no_key", why, command.id)
        # In a thread: the first one loads the library.
        signed = await in_thread(partial(commands.is_signed, sealed, key), "command signature")
        if not signed:
            raise Refused("signature", "not signed with the key this gateway trusts", command.id)
        if command.to != self._address:
            raise Refused("wrong_gateway", f"it is for {command.to}", command.id)

    def _place(self, command: Command) -> None:
        try:
            taken = self._orders.place(self._wish(command))
        except BadWish as error:
            raise Refused("malformed", str(error), command.id) from None
        except TooManyOrders:
            raise Refused("busy", "too many orders are on their way", command.id) from None
        if not taken:
            self.repeated += 1
            order = self._orders.find(command.id)
            if order is not None:
                self._tell(command.id, order, dup=True)

    def _wish(self, command: Command) -> Wish:
        wall = self._clock.wall()
        refused = ""
        if self._clock.trust() is Trust.UNSYNCED:
            refused = "no_clock"
        elif command.ts > wall + AHEAD_MS:
            refused = "too_early"
        elif command.condition.cfg not in (None, self.configuration()):
            refused = "condition"
        for_s = command.args.for_s
        return Wish(
            id=command.id,
            actuator=command.dev,
            value=command.args.value,
            by=command.by,
            role=Role(command.role),
            origin=ORIGIN,
            slot=command.args.slot,
            for_s=None if for_s is None else float(for_s),
            expires_s=(command.expires - wall) / 1000 / self._clock.speed,
            refused=refused,
        )

    def _refuse(self, command_id: str, code: str, detail: str) -> None:
        """Say no; the first one is logged. Without an id there is nobody to tell."""
        self.refused += 1
        self.denied(command_id, code)
        if self.refused == 1:
            logger.warning("cloud: command refused: %s: %s", code, detail)
        now = self._clock.now()
        if now - self._minute > 60_000 * self._clock.speed:
            self._minute, self._of_minute = now, 0
        self._of_minute += 1
        if command_id and self._of_minute <= REFUSALS_MAX:
            self.answer(self._document(command_id, "rejected", code, detail, dup=False))

    def _changed(self, order_id: str, told: Mapping[str, object]) -> None:
        if told["origin"] != ORIGIN:
            return
        order = self._orders.find(order_id)
        if order is not None:
            self.refused += order.state in ("rejected", "expired")
            self._tell(order_id, order, dup=False)

    def _tell(self, order_id: str, order: Order, *, dup: bool) -> None:
        detail = ": ".join(text for text in (DETAILS.get(order.code, ""), order.about) if text)
        self._send(order_id, order.state.value, order.code, detail, dup=dup)

    def _send(self, command_id: str, state: str, code: str, detail: str, *, dup: bool) -> None:
        """Answer once all that led to it is stored."""
        self._pending.append(self._document(command_id, state, code, detail, dup=dup))
        if not self._answering:
            self._answering = True
            task = asyncio.get_running_loop().create_task(self._answer(), name="command answers")
            self._tasks.add(task)
            task.add_done_callback(self._handled)

    def _document(self, command_id: str, state: str, code: str, detail: str, *, dup: bool) -> bytes:
        at = self._clock.wall()
        return commands.answer(
            self.install, command_id, state, at=at, code=code, detail=detail, dup=dup
        )

    async def _answer(self) -> None:
        try:
            while self._pending:
                payloads, self._pending = self._pending, []
                await self._log.durable()
                for payload in payloads:
                    self.answer(payload)
        finally:
            self._answering = False

    def _handled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            context = {"message": "a command failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)
