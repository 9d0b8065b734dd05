"""The recovery ladder: what to do about a device, or a whole bus, that no longer answers.

Retry in the same tick, then begin anew with a driver that identifies and configures its device
again (and, where nothing on the bus answers, with a bus that was opened again), then rest and try
now and then until it answers. Pure: it is told what happened and at which kitchen time.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from drivers.base import BusError, DriverError, WrongDevice

RETRIES = 2  # in the tick in which a device fails first
REST_MAX_MS = 60_000  # a device that is mended is seen within this
TRY_SHARE = 10  # a try that took long is followed by so many times the rest: others need the bus
BUS_PATIENCE_MS = 30_000  # so long without any answer counts as a silent bus, whoever was not asked
_NEVER = 1 << 62


class Step(StrEnum):
    """What the next tick of a device is for."""

    READ = "read"
    REINITIALISE = "reinitialise"  # read with a new driver
    REOPEN = "reopen"  # open the bus again, then likewise
    REST = "rest"  # leave the bus to the others


@dataclass(slots=True)
class BusLadder:
    """What the devices of one bus know together: whether it is one of them, or the bus."""

    reopened: int = 0
    told: bool = False  # that it was opened again, in this outage
    _silent: dict[str, bool] = field(default_factory=dict)  # by device
    _since: int = _NEVER  # the first failure after the last answer
    _due: int = 0  # when it may be opened again
    _rest_ms: int = 0
    _tried_anew_at: int = -1  # when whoever rests had a reason to try at once

    def join(self, device: str) -> None:
        """Count with a device, which nobody has asked yet."""
        self._silent[device] = False

    def leave(self, device: str) -> None:
        """Count without a device that is no longer on this bus."""
        self._silent.pop(device, None)
        if not self._silent:
            self._since = _NEVER

    def answered(self, device: str, now: int) -> None:
        """Something came back from a device, be it nonsense; the bus works."""
        if self.silent(now):
            self._tried_anew_at = now  # the others may be back as well
        self._silent[device] = False
        self._since = _NEVER
        self._due = self._rest_ms = 0
        self.told = False

    def failed(self, device: str, now: int) -> None:
        """A device did not answer."""
        self._silent[device] = True
        self._since = min(self._since, now)

    def silent(self, now: int) -> bool:
        """Whether nothing on this bus answers."""
        return self._since != _NEVER and (
            all(self._silent.values()) or now - self._since >= BUS_PATIENCE_MS
        )

    def trouble(self, now: int) -> str | None:
        """In words, while several devices share a silent bus: each says so for itself."""
        if len(self._silent) < 2 or not self.silent(now):  # noqa: PLR2004
            return None
        return f"nothing on it answers; opened again {self.reopened} times"

    def reopens(self, now: int) -> bool:
        """Whether who asks is to open the bus again: one of all its devices, now and then."""
        if now < self._due or not self.silent(now):
            return False
        self._rest_ms = min(max(2 * self._rest_ms, 10_000), REST_MAX_MS)
        self._due = now + self._rest_ms
        self._tried_anew_at = now
        self.reopened += 1
        return True

    def tried_anew_since(self, at: int) -> bool:
        """Whether the bus was opened again, or came back, after `at`."""
        return self._tried_anew_at > at


class Ladder:
    """Where one polled device stands; asked at each tick, told of each outcome."""

    def __init__(
        self, device: str, bus: BusLadder, *, period_ms: int, stale_after_ms: int | None = None
    ) -> None:
        self.bus = bus
        self.down = False  # the breaker is open
        self.rest_ms = 0
        self._device = device
        self._period_ms = period_ms
        within_ms = REST_MAX_MS if stale_after_ms is None else min(REST_MAX_MS, stale_after_ms)
        self._longest_ms = max(period_ms, within_ms)
        self._failures = 0  # ticks in a row
        self._tick_at = 0
        self._due = 0
        bus.join(device)

    def next(self, now: int, *, forced: bool = False) -> Step:
        """What this tick is for; anything but REST is answered by `answered` or `failed`.

        `forced`: a person waits for it, so that it cannot be REST.
        """
        resting = self.down and now < self._due and not self.bus.tried_anew_since(self._tick_at)
        if resting and not forced:
            return Step.REST
        self._tick_at = now
        if not self._failures:
            return Step.READ
        return Step.REOPEN if self.bus.reopens(now) else Step.REINITIALISE

    def retries(self, error: DriverError, tries: int, took_ms: float, left_ms: float) -> bool:
        """Whether to try once more in this tick, after so many tries of which the last took so."""
        first = not self._failures and tries <= RETRIES
        return first and not isinstance(error, WrongDevice) and took_ms < left_ms

    def answered(self, now: int) -> None:
        """A good read: the breaker closes."""
        self.down, self.rest_ms, self._failures = False, 0, 0
        self.bus.answered(self._device, now)

    def failed(self, error: DriverError, now: int, took_ms: float) -> None:
        """All tries of a tick were in vain and took so long together."""
        if isinstance(error, BusError):
            self.bus.failed(self._device, now)
        else:
            self.bus.answered(self._device, now)
        self._failures += 1
        wrong = isinstance(error, WrongDevice)
        if self._failures == 1 and not wrong:
            return
        self.down = True
        self.rest_ms = self._rest(took_ms, wrong=wrong)
        # Half a period early, so that a tick that wakes in time is not taken for too soon.
        self._due = self._tick_at + self.rest_ms - self._period_ms // 2

    def _rest(self, took_ms: float, *, wrong: bool) -> int:
        bound_ms = max(self._period_ms, REST_MAX_MS)
        if wrong:  # a person has to mend it first
            return bound_ms
        doubled_ms = min(2 * max(self.rest_ms, self._period_ms), self._longest_ms)
        return min(max(doubled_ms, round(took_ms * TRY_SHARE)), bound_ms)
