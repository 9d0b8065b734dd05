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
# Of a password, at one place: whoever knows a name shall lock nobody out elsewhere.
PASSWORD_WAITS = Waits(10, 60_000, 900_000)
# And at all places: one place alone, at its longest wait, holds up the others a minute in fifteen.
EVERYWHERE_WAITS = Waits(100, 60_000, 60_000)
PLACES_MAX = 16  # of one person; beyond that the place silent longest is forgotten


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


def wait_at_ms(lock: Lock | None, place: str, now: int) -> int:
    """How much longer no password of a person is tried at that place."""
    if lock is None:
        return 0
    here = wait_ms(lock.places.get(place), now, PASSWORD_WAITS)
    return max(here, wait_ms(lock, now, EVERYWHERE_WAITS))


def one_more_at(lock: Lock | None, place: str, now: int) -> Lock:
    """After one more wrong password at that place."""
    known = {} if lock is None else lock.places
    others = [item for item in known.items() if item[0] != place and not forgotten(item[1], now)]
    others.sort(key=lambda item: item[1].last)
    here = one_more(known.get(place), now)
    everywhere = one_more(lock, now)
    return Lock(everywhere.wrong, now, dict([*others[1 - PLACES_MAX :], (place, here)]))


def right_at(lock: Lock | None, place: str) -> Lock | None:
    """After the right password there: who was wrong elsewhere still waits, but there alone."""
    others = {} if lock is None else dict(lock.places)
    others.pop(place, None)
    return Lock(0, max(each.last for each in others.values()), others) if others else None


def forgotten(lock: Lock, now: int) -> bool:
    """Whether a day has gone by without one."""
    return now - lock.last >= _DAY_MS
