"""The latest value of every point, and the only way a reading gets anywhere."""

from collections.abc import Callable
from typing import Protocol

from gateway.reading import Reading

Watcher = Callable[[Reading], None]


class Judge(Protocol):
    """Judges a reading, in this turn of the loop."""

    def __call__(self, reading: Reading, *, keep: bool) -> bool:
        """Whether it decided something; `keep`: it is stored in any case."""


class Keep(Protocol):
    """Puts a reading where it lasts."""

    def __call__(self, reading: Reading, *, decided: bool) -> None:
        """`decided`: the state of judging hangs on it."""


def _forget(reading: Reading, *, decided: bool) -> None:
    del reading, decided


def _pass(reading: Reading, *, keep: bool) -> bool:
    del reading, keep
    return False


class Hub:
    """Fans a reading out by plain calls, in the same turn of the loop: judging comes first."""

    def __init__(self, floor: int) -> None:
        self.latest: dict[str, Reading] = {}
        self._good_before: dict[str, Reading] = {}  # of points that are BAD now
        self.published = 0
        self._floor = floor
        self.judge: Judge = _pass
        self.store: Keep = _forget
        self.show: Watcher = lambda reading: None
        self.watchers: dict[str, list[Watcher]] = {}

    def publish(self, reading: Reading, *, keep: bool = True) -> None:
        """Judge, store and show one reading; one that decided something is always stored.

        Readings of different buses can arrive a few milliseconds out of order; time never steps
        back here, because the order of the log is the order in which was judged.
        """
        if reading.at < self._floor:
            reading = Reading(
                reading.point, reading.value, reading.quality, self._floor, reading.raw
            )
        self._floor = reading.at
        self.published += 1
        point_id = reading.point.id
        if reading.value is None:
            before = self.latest.get(point_id)
            if before is not None and before.value is not None:
                self._good_before[point_id] = before
        self.latest[point_id] = reading
        if self.judge(reading, keep=keep):
            self.store(reading, decided=True)
        elif keep:
            self.store(reading, decided=False)
        self.show(reading)
        if point_id in self.watchers:
            for watcher in self.watchers[point_id]:
                watcher(reading)

    def last_good(self, point_id: str) -> Reading | None:
        """The last reading of a point that had a value."""
        latest = self.latest.get(point_id)
        if latest is not None and latest.value is not None:
            return latest
        return self._good_before.get(point_id)

    def watch(self, point_id: str, watcher: Watcher) -> None:
        """Have `watcher` called with every later reading of a point."""
        self.watchers.setdefault(point_id, []).append(watcher)

    def unwatch(self, point_id: str, watcher: Watcher) -> None:
        """Call that watcher no more."""
        left = [each for each in self.watchers.get(point_id, ()) if each != watcher]
        self.watchers[point_id] = left
        if not left:
            del self.watchers[point_id]

    def forget(self, point_id: str) -> None:
        """A point is no longer part of this kitchen."""
        for kept in (self.latest, self._good_before):
            kept.pop(point_id, None)

    def pass_time(self, now: int) -> int:
        """Kitchen time for an input that is not a reading; later readings are not before it."""
        self._floor = max(self._floor, now)
        return self._floor
