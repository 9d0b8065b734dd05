"""A clock that only moves when it is told to, and time-outs of the loop that end when told to."""

import asyncio
import heapq
import itertools
import threading

from gateway.clock import Boot, Trust, kitchen_offset_ms

_START_WALL_MS = 1_800_000_000_000  # 2027-01-15T08:00Z
_TURNS = 20  # of the loop, for a woken task to do what it was waiting to do


class ManualClock:
    """A `gateway.clock.Clock` for tests; `wall_ms` and `trusted` may be set at will."""

    def __init__(
        self,
        *,
        wall_ms: int = _START_WALL_MS,
        monotonic_ms: int = 1_000_000,
        boot_id: str = "00000000-0000-4000-8000-000000000001",
        trusted: Trust = Trust.NTP,
    ) -> None:
        self.boot_id = boot_id
        self.speed = 1.0
        self.wall_ms = wall_ms
        self.trusted = trusted
        self.paused_s: list[float] = []  # what bus threads asked to be paused for
        self._monotonic_ms = monotonic_ms
        self._offset_ms = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._guard = threading.Lock()

    def now(self) -> int:
        return self._monotonic_ms + self._offset_ms

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    def wall(self) -> int:
        return self.wall_ms

    def trust(self) -> Trust:
        return self.trusted

    def resume(self, last: Boot | None) -> None:
        self._offset_ms = kitchen_offset_ms(last, self.boot_id, self._monotonic_ms, self.wall_ms)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        due = self._monotonic_ms + max(1, round(seconds * 1000))
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        await woken

    def pause(self, seconds: float) -> None:
        """Note the pause and move on, so that a conversion takes its time without taking ours."""
        with self._guard:
            self.paused_s.append(seconds)
            self._move(self._monotonic_ms + max(0, round(seconds * 1000)))

    async def advance(self, ms: int) -> None:
        """Let `ms` pass; each sleeper wakes at its own moment, earliest first, and runs on."""
        end = self._monotonic_ms + ms
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._move(max(due, self._monotonic_ms))
            if not woken.done():
                woken.set_result(None)
                await self.settle()
        self._move(max(end, self._monotonic_ms))
        await self.settle()

    async def leap(self, ms: int) -> None:
        """Let `ms` pass at once, as on a machine that was suspended: who is due wakes only now."""
        end = self._monotonic_ms + ms
        await self.settle()
        self._move(end)
        while self._sleepers and self._sleepers[0][0] <= end:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
        await self.settle()

    @property
    def sleeping(self) -> int:
        """How many tasks are asleep on this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def settle(self) -> None:
        """Let every task that can run do so, while no time passes."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _move(self, monotonic_ms: int) -> None:
        self.wall_ms += monotonic_ms - self._monotonic_ms
        self._monotonic_ms = monotonic_ms


def run_out(seconds: float) -> None:
    """Let so much of every time-out of the running loop be over, in this test.

    What hangs is then given a long deadline and waited for until it does hang: no machine is so
    loaded that it would take what works for what hangs.
    """
    loop = asyncio.get_running_loop()
    before = loop.time
    setattr(loop, "time", lambda: before() + seconds)  # noqa: B010 - not a method of ours
