"""The one place that knows what time it is.

Kitchen time (`now`) is what rules, durations and readings are measured in: whole milliseconds on
a line that never steps back, not even over a restart or a reboot. Wall time is only what a person
or the cloud is shown, and comes with a word on how far it may be trusted.
"""

import asyncio
import ctypes
import functools
import logging
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

logger = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RTC = Path("/sys/class/rtc/rtc0")
_STA_UNSYNC = 0x0040  # adjtimex(2)
_BUILT_MS = 1_790_000_000_000  # 2026-09-21; a wall clock before this has never been set


class Trust(StrEnum):
    """How far the wall clock may be believed."""

    NTP = "ntp"
    RTC = "rtc"
    UNSYNCED = "unsynced"


class Boot:
    """Where an earlier process left the clocks: the last row of the `boots` table."""

    __slots__ = ("boot_id", "kitchen_ms", "monotonic_ms", "wall_ms")

    def __init__(self, boot_id: str, monotonic_ms: int, wall_ms: int, kitchen_ms: int) -> None:
        self.boot_id = boot_id
        self.monotonic_ms = monotonic_ms
        self.wall_ms = wall_ms
        self.kitchen_ms = kitchen_ms


class Clock(Protocol):
    """What the rest of the program sees of time; tests bring their own."""

    boot_id: str
    speed: float  # how many kitchen seconds pass in a real one

    def now(self) -> int:
        """Kitchen time in ms; never decreases within an installation."""

    def monotonic_ms(self) -> int:
        """Milliseconds since the machine booted, as the kernel counts them."""

    def wall(self) -> int:
        """UTC in ms since 1970; may jump."""

    def trust(self) -> Trust:
        """How far `wall` may be believed just now."""

    def resume(self, last: Boot | None) -> None:
        """Continue kitchen time where an earlier process left it."""

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many kitchen seconds."""

    def pause(self, seconds: float) -> None:
        """Block the calling bus thread; never call it on the loop."""


class SystemClock:
    """The machine's clocks, optionally running `speed` times faster for a demonstration."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
        self._monotonic_start = time.monotonic()
        self._wall_start = time.time()
        self._offset_ms = 0

    def monotonic_ms(self) -> int:
        if self.speed == 1.0:
            return int(time.monotonic() * 1000)
        return int((self._monotonic_start + self._elapsed_s()) * 1000)

    def now(self) -> int:
        if self.speed == 1.0:  # asked for each reading
            return int(time.monotonic() * 1000) + self._offset_ms
        return self.monotonic_ms() + self._offset_ms

    def wall(self) -> int:
        if self.speed == 1.0:
            return int(time.time() * 1000)
        return int((self._wall_start + self._elapsed_s()) * 1000)

    def trust(self) -> Trust:
        if self.wall() < _BUILT_MS:
            return Trust.UNSYNCED
        if _kernel_synchronised():
            return Trust.NTP
        return Trust.RTC if _RTC.exists() else Trust.UNSYNCED

    def resume(self, last: Boot | None) -> None:
        self._offset_ms = kitchen_offset_ms(last, self.boot_id, self.monotonic_ms(), self.wall())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def pause(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self.speed)

    def _elapsed_s(self) -> float:
        """Kitchen seconds since this clock was made."""
        return (time.monotonic() - self._monotonic_start) * self.speed


class PacedClock(SystemClock):
    """A fast clock that waits for the loop: what takes long costs speed, not kitchen time.

    In one turn of the loop at most `AHEAD_S` of kitchen time pass. Without that bound an import
    that takes a second would, at 1,000 times, be a quarter of an hour in which no sensor was read
    and no door was seen to close. Threads may ask it at any time.
    """

    AHEAD_S = 5.0
    TOLD_AFTER_S = 10.0  # of real time, once the speed can be told
    STOPPED_S = 1.0  # of real time, after which a loop does not turn any more
    _SHORT_OF = 0.8
    _LEAST_S = 0.0002

    def __init__(self, speed: float) -> None:
        super().__init__(speed)
        self._mark = (self._monotonic_start, 0.0)  # real second, kitchen seconds up to it
        self._turning = False
        self._told = False

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if not self._turning:  # once a turn, however many wake in it
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def pause(self, seconds: float) -> None:
        """As everywhere, and until that much kitchen time has passed; a stopped loop is left."""
        until_s = self._elapsed_s() + seconds
        gives_up_s = time.monotonic() + seconds / self.speed + self.STOPPED_S
        while (left_s := until_s - self._elapsed_s()) > 0.0 and time.monotonic() < gives_up_s:
            time.sleep(max(left_s / self.speed, self._LEAST_S))

    def _turn(self) -> None:
        self._turning = False
        now = time.monotonic()
        self._mark = (now, self._at(now))
        real_s = now - self._monotonic_start
        if not self._told and real_s >= self.TOLD_AFTER_S:
            self._told = True
            reached = self._mark[1] / real_s
            if reached < self.speed * self._SHORT_OF:
                logger.warning(
                    "the kitchen runs %.0f times faster, not %g: this computer can do no more",
                    reached,
                    self.speed,
                )

    def _elapsed_s(self) -> float:
        return self._at(time.monotonic())

    def _at(self, monotonic_s: float) -> float:
        marked_s, elapsed_s = self._mark
        return elapsed_s + min((monotonic_s - marked_s) * self.speed, self.AHEAD_S)


def kitchen_offset_ms(last: Boot | None, boot_id: str, monotonic_ms: int, wall_ms: int) -> int:
    """What to add to the kernel's monotonic time so that kitchen time goes on without a step back.

    Within one boot the kernel's own clock is exact. Over a reboot only the wall clocks can tell
    how long the gateway was away; one that went backwards counts as no time at all.
    """
    if last is None:
        return 0
    if last.boot_id == boot_id and monotonic_ms >= last.monotonic_ms:
        return last.kitchen_ms - last.monotonic_ms
    away_ms = max(0, wall_ms - last.wall_ms)
    return last.kitchen_ms + away_ms - monotonic_ms


def local_hour(wall_ms: int, zone: str) -> float:
    """Hour of the day in an IANA zone, 0 to 24."""
    local = datetime.fromtimestamp(wall_ms / 1000, ZoneInfo(zone))
    return local.hour + local.minute / 60


def stopwatch_s() -> float:
    """Seconds of real time for measuring how long our own code took; no decision hangs on it."""
    return time.perf_counter()


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("reserved", ctypes.c_byte * 256),
    )


@functools.cache
def _libc() -> ctypes.CDLL:
    # Never by ctypes.util.find_library: it starts ldconfig, and who asks is on the loop.
    return ctypes.CDLL(None, use_errno=True)


def _kernel_synchronised() -> bool:
    timex = _Timex()
    return _libc().adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & _STA_UNSYNC
