"""Readings to one-minute means: the only history a forecast of the cold room needs."""

from collections import deque
from dataclasses import dataclass

MINUTE_MS = 60_000
_DOOR_KNOWN_MS = 30_000  # a door seen for less of a minute says nothing about it


@dataclass(frozen=True, slots=True)
class Minute:
    """One whole minute of kitchen time; None where nothing usable was read."""

    at_ms: int  # start of the minute
    temperature: float | None  # mean, Cel
    door_open: float | None  # share of the minute, 0 to 1; None when there is no door sensor


class MinuteLog:
    """The last `capacity` whole minutes of one cold room; older ones fall out.

    A reading of a minute that is already closed is left out and counted in `late`.
    """

    def __init__(self, capacity: int = 60) -> None:
        self.late = 0
        self._closed: deque[Minute] = deque(maxlen=capacity)
        self._minute: int | None = None
        self._sum = 0.0
        self._count = 0
        self._door: bool | None = None
        self._door_ms = 0  # until when the door is accounted for
        self._open_ms = 0
        self._known_ms = 0

    def temperature(self, at_ms: int, value: float | None) -> None:
        """Take one reading; None, a bad one, adds nothing."""
        if self._belongs(at_ms) and value is not None:
            self._sum += value
            self._count += 1

    def door(self, at_ms: int, is_open: bool | None) -> None:
        """Take the door's state, which holds until the next; None: it is not known."""
        if self._belongs(at_ms):
            self._account_door(at_ms)
            self._door = is_open

    def minutes(self, now_ms: int) -> tuple[Minute, ...]:
        """The whole minutes that ended by `now_ms`, oldest first, without holes."""
        if self._minute is not None:
            self._close_until(now_ms // MINUTE_MS)
        return tuple(self._closed)

    def _belongs(self, at_ms: int) -> bool:
        minute = at_ms // MINUTE_MS
        if self._minute is None:
            self._minute, self._door_ms = minute, at_ms
        if minute < self._minute:
            self.late += 1
            return False
        self._close_until(minute)
        return True

    def _close_until(self, minute: int) -> None:
        if self._minute is None or minute <= self._minute:
            return
        self._close()
        capacity = self._closed.maxlen or 0
        if minute - self._minute > capacity:  # only what can still be seen is worth filling
            self._minute = minute - capacity
            self._door_ms = self._minute * MINUTE_MS
        while self._minute < minute:
            self._close()

    def _close(self) -> None:
        start_ms = (self._minute or 0) * MINUTE_MS
        self._account_door(start_ms + MINUTE_MS)
        self._closed.append(
            Minute(
                at_ms=start_ms,
                temperature=self._sum / self._count if self._count else None,
                door_open=(
                    self._open_ms / self._known_ms if self._known_ms >= _DOOR_KNOWN_MS else None
                ),
            )
        )
        self._sum, self._count, self._open_ms, self._known_ms = 0.0, 0, 0, 0
        self._minute = (self._minute or 0) + 1

    def _account_door(self, until_ms: int) -> None:
        passed_ms = max(0, until_ms - self._door_ms)
        if self._door is not None:
            self._known_ms += passed_ms
            self._open_ms += passed_ms if self._door else 0
        self._door_ms += passed_ms
