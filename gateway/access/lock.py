"""How long one has to wait after wrong tries: the longer, the more of them there were."""

from typing import NamedTuple

from gateway.access.person import Lock

_DAY_MS = 86_400_000


class Waits(NamedTuple):
    """So many tries are free; then one waits, twice as long each time, up to the longest."""

    free: int
    first_ms: int
    longest_ms: int


# Some 32 tries on the first day, 24 on any later one: of six digits, 1 in 30,000.
PIN_WAITS = Waits(3, 60_000, 3_600_000)
# A password is not guessed at this pace; nobody shall be locked out of one for long.
PASSWORD_WAITS = Waits(10, 60_000, 900_000)


def wait_ms(lock: Lock | None, now: int, waits: Waits) -> int:
    """How much longer nothing is tried; 0: the next try counts."""
    if lock is None or lock.wrong < waits.free or forgotten(lock, now):
        return 0
    doublings = min(lock.wrong - waits.free, 32)
    return max(0, lock.last + min(waits.first_ms << doublings, waits.longest_ms) - now)


def one_more(lock: Lock | None, now: int) -> Lock:
    """After one more wrong try."""
    before = 0 if lock is None or forgotten(lock, now) else lock.wrong
    return Lock(before + 1, now)


def forgiven(lock: Lock | None, tries: int, now: int) -> Lock | None:
    """After the owner of so many wrong tries turned out to be who they said."""
    if lock is None or forgotten(lock, now) or lock.wrong <= tries:
        return None
    return Lock(lock.wrong - tries, lock.last)


def forgotten(lock: Lock, now: int) -> bool:
    """Whether a day has gone by without one."""
    return now - lock.last >= _DAY_MS
