"""A span of the day as a condition: open between two times, on the days on which it begins."""

from dataclasses import dataclass

from rules.local_time import DAY_MS
from rules.occurrences import ClockTime, Occurrence, Trigger, latest

_LOOK_BACK_MS = 400 * DAY_MS  # a polar night is one long span


@dataclass(frozen=True, kw_only=True)
class Window:
    """From each occurrence of `begin` to the next of `end`; `end` is no part of it."""

    begin: Trigger
    end: Trigger

    def holds(self, utc_ms: int) -> bool:
        """Whether an instant lies in it."""
        begun = self._begun(utc_ms)
        if begun is None:
            return False
        ended = self._ended(begun)
        return ended is None or utc_ms < ended

    def next_change(self, utc_ms: int) -> int | None:
        """The first instant strictly after this one at which `holds` is another."""
        begun = self._begun(utc_ms)
        if begun is not None:
            ended = self._ended(begun)
            if ended is None or utc_ms < ended:
                return ended
        following = self.begin.after(self.begin.order_at(utc_ms))
        while following is not None and self._ended(following) == following.at:
            following = self.begin.after(following.order)  # all of it is left out by summer time
        return None if following is None else following.at

    def _begun(self, utc_ms: int) -> Occurrence | None:
        return latest(self.begin, self.begin.order_at(utc_ms - _LOOK_BACK_MS), utc_ms)

    def _ended(self, begun: Occurrence) -> int | None:
        """When what has begun ends; clock times are compared as the clock shows them."""
        labels = isinstance(self.begin, ClockTime) and isinstance(self.end, ClockTime)
        order = begun.order if labels else self.end.order_at(begun.at)
        found = self.end.after(order)
        return None if found is None else found.at
