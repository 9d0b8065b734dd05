"""Takes down who did what, in the commit of the deed itself, and has the chain signed.

Refusals come from anybody who can reach the page: of those a bounded number an hour is written
one by one, and the rest as their number, so that nobody can push out what happened before.
"""

import asyncio
import logging
from collections.abc import Mapping

from gateway.audit.entry import ACTOR, Actor, Detail, Entry, Origin, encoded
from gateway.clock import Clock, Trust
from gateway.loading import in_thread
from gateway.store.audit import Chain
from gateway.store.deed import Deed
from gateway.store.errors import StoreError
from gateway.store.log import Log
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)

SIGN_EVERY = 100  # entries
SIGN_AFTER_S = 600.0  # of the people's time, once there is an entry that is not signed
REFUSALS_AN_HOUR = 60
EVENT = "audit"
_HOUR_MS = 3_600_000
_AGAIN_S = 60.0  # after the disk refused a checkpoint


class Audit:
    """The record of one running gateway; `record` returns at once, the log commits it."""

    def __init__(self, chain: Chain, writer: StoreWorker, log: Log, clock: Clock) -> None:
        self._chain = chain
        self._writer = writer
        self._log = log
        self._clock = clock
        self._waits = asyncio.Event()  # an entry that is not signed
        self._many = asyncio.Event()
        self._unsigned = 0
        self._signing = asyncio.Lock()
        self._hour, self._refusals = clock.now(), 0
        self._unwritten = 0  # refusals of this hour beyond those
        self._dropped = 0  # entries that found no room, as far as that is written down
        self.checkpoints = 0
        self.failing: str | None = None

    def record(  # noqa: PLR0913 - one for each thing an entry tells
        self,
        action: str,
        about: str = "",
        *,
        by: str | None = None,
        role: str | None = None,
        origin: Origin | None = None,
        refused: str = "",
        detail: Mapping[str, Detail] | None = None,
    ) -> None:
        """Have an entry committed with whatever else this turn of the loop has caused.

        Who is behind it is taken from the request under way, as far as it is not said here.
        """
        actor = ACTOR.get() or Actor(origin="gateway")
        actor.recorded = True
        if refused and not self._room_for_refusal():
            return
        self._tell_of_unwritten()
        self._write(
            Entry(
                at=self._clock.wall(),
                by=actor.name if by is None else by,
                role=actor.role if role is None else role,
                origin=actor.origin if origin is None else origin,
                peer=actor.peer,
                action=action,
                about=about,
                refused=refused,
                clock=self._doubt(),
                detail=detail or {},
            )
        )

    def deed(self) -> Deed:
        """For what whoever is behind the request under way does in a transaction of its own."""
        actor = ACTOR.get() or Actor(origin="gateway")

        def done(entered: int) -> None:
            actor.recorded = True
            self._count(entered)

        self._tell_of_unwritten()
        entry = Entry(
            at=self._clock.wall(),
            by=actor.name,
            role=actor.role,
            origin=actor.origin,
            peer=actor.peer,
            action="",
            clock=self._doubt(),
        )
        return Deed(self._chain, entry, done)

    async def run(self) -> None:
        """Sign after SIGN_EVERY entries or SIGN_AFTER_S, for ever."""
        if self._chain.left:
            await self.sign()
        while True:
            await self._waits.wait()
            await self._enough()
            await self.sign()
            if self.failing is not None:
                await self._clock.sleep(_AGAIN_S * self._clock.speed)

    async def sign(self) -> None:
        """Sign all that is committed and tell the cloud; what cannot be is tried again."""
        self._tell_of_unwritten()
        async with self._signing:
            self._waits.clear()
            self._many.clear()
            unsigned, self._unsigned = self._unsigned, 0
            await self._log.durable()
            try:
                await self._sign()
            except StoreError as error:
                self._unsigned += unsigned
                self._waits.set()
                if self.failing is None:
                    logger.error("audit: cannot be signed, tried again: %s", error)
                self.failing = str(error)
            else:
                self.failing = None

    async def _sign(self) -> None:
        chain, call, wall = self._chain, self._writer.call, self._clock.wall()
        if not await call(chain.unsigned):
            return
        public = await in_thread(lambda: chain.key.public, "audit key")  # loads the library
        signed = await call(lambda connection: chain.sign(connection, wall))
        gone = await call(lambda connection: chain.let_go(connection, wall))
        if gone:
            logger.info("audit: %d of the oldest entries were let go of", gone)
        if signed is not None:
            self.checkpoints += 1
            data = {"n": signed.n, "hash": signed.hash, "checkpoint": signed.body.decode()}
            data |= {"sig": signed.signature.hex(), "key": public.hex()}
            self._log.event(EVENT, data, self._clock.now())

    async def _enough(self) -> None:
        late = asyncio.ensure_future(self._clock.sleep(SIGN_AFTER_S * self._clock.speed))
        many = asyncio.ensure_future(self._many.wait())
        try:
            await asyncio.wait({late, many}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            many.cancel()

    def _room_for_refusal(self) -> bool:
        if self._hour_is_over():
            self._hour, self._refusals = self._clock.now(), 0
        self._refusals += 1
        if self._refusals > REFUSALS_AN_HOUR:
            self._unwritten += 1
            return False
        return True

    def _tell_of_unwritten(self) -> None:
        """Say how many are missing here, once there is room for that."""
        if self._unwritten and (self._refusals <= 1 or self._hour_is_over()):
            more, self._unwritten = self._unwritten, 0
            self._write(self._own("refusals", more))
        dropped = self._log.counters.dropped_audit
        if dropped > self._dropped and not self._log.audit_full:
            self._write(self._own("lost", dropped - self._dropped))
            self._dropped = dropped

    def _hour_is_over(self) -> bool:
        return self._clock.now() - self._hour >= _HOUR_MS * self._clock.speed

    def _own(self, action: str, count: int) -> Entry:
        return Entry(
            at=self._clock.wall(),
            by="",
            action=action,
            origin="gateway",
            clock=self._doubt(),
            detail={"count": count},
        )

    def _write(self, entry: Entry) -> None:
        if self._log.audit(encoded(entry)):
            self._count(1)

    def _count(self, entered: int) -> None:
        self._unsigned += entered
        self._waits.set()
        if self._unsigned >= SIGN_EVERY:
            self._many.set()

    def _doubt(self) -> str:
        trust = self._clock.trust()
        return "" if trust is Trust.NTP else trust.value
