"""The latest value of every point, and the only way a reading gets anywhere."""

from collections.abc import Callable
from typing import Protocol

from gateway.reading import Reading, Value

Watcher = Callable[[Reading], None]


class Keep(Protocol):
    """Puts a reading where it lasts."""

    def __call__(self, reading: Reading, *, decided: bool) -> None:
        """`decided`: the state of judging hangs on it."""


def _forget(reading: Reading, *, decided: bool) -> None:
    del reading, decided


class Hub:
    """Fans a reading out by plain calls, in the same turn of the loop: judging comes first."""

    def __init__(self, floor: int) -> None:
        self.latest: dict[str, Reading] = {}
        self.last_good: dict[str, Value] = {}
        self.last_good_at: dict[str, int] = {}
        self.published = 0
        self._floor = floor
        self.judge: Callable[[Reading], bool] = lambda reading: False
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
        self.latest[point_id] = reading
        if reading.value is not None:
            self.last_good[point_id] = reading.value
            self.last_good_at[point_id] = reading.at
        if self.judge(reading):
            self.store(reading, decided=True)
        elif keep:
            self.store(reading, decided=False)
        self.show(reading)
        for watcher in self.watchers.get(point_id, ()):
            watcher(reading)

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
        for kept in (self.latest, self.last_good, self.last_good_at):
            kept.pop(point_id, None)

    def pass_time(self, now: int) -> int:
        """Kitchen time for an input that is not a reading; later readings are not before it."""
        self._floor = max(self._floor, now)
        return self._floor
