"""What a start says of itself: when it was, how far its clock is trusted, and what it missed."""

from collections.abc import Callable

from gateway.clock import Clock, Trust
from gateway.store.file import Identity
from gateway.store.log import Log

_TRUST_S = 30.0


class Presence:
    """Writes `boot` and `gap` events; `announce` is called when the trust in the clock changes."""

    def __init__(self, identity: Identity, log: Log, clock: Clock) -> None:
        self.trust: Trust | None = None  # None until the start is written down
        self.announce: Callable[[], None] = lambda: None
        self._identity = identity
        self._log = log
        self._clock = clock

    async def follow_trust(self) -> None:
        """Write down when the trust in the clock changes, for ever."""
        while True:
            await self._clock.sleep(_TRUST_S)
            self.watch_trust()

    def watch_trust(self) -> None:
        """Write down how far the clock is trusted, at the start and whenever that changes."""
        clock, trust = self._clock, self._clock.trust()
        if trust is self.trust:
            return
        self.trust = trust
        data = {
            "epoch": self._identity.epoch,
            "boot_id": clock.boot_id,
            "mono": clock.monotonic_ms(),
            "wall": clock.wall(),
            "trust": trust.value,
        }
        self._log.event("boot", data, clock.now())
        self.announce()

    def record_what_is_missing(self) -> None:
        """The time in which nobody collected is said, not left out."""
        left_at, left_trust = self._identity.left_at, self._identity.left_trust
        if left_at is None:
            return
        trust = self._clock.trust()
        if left_trust is Trust.UNSYNCED:
            trust = left_trust
        data: dict[str, object] = {
            "from": left_at,
            "to": max(left_at, self._clock.wall()),
            "cause": "not running",
            "trust": trust.value,
        }
        self._log.event("gap", data, self._clock.now())
