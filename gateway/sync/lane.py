"""One stream of the outbox: which rows are acknowledged, lost, on their way, or wait."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.store.log import Row
from gateway.sync.protocol import Stream
from gateway.sync.ranges import RangeSet

POSTPONED_MAX = 10_000


@dataclass(slots=True)
class Sending:
    """One message on its way."""

    stream: Stream
    numbers: Sequence[int]
    sent_at: int  # kitchen ms
    open: int  # rows without acknowledgement

    @property
    def untouched(self) -> bool:
        """Whether the receiver has not been seen to take any of it."""
        return self.open == len(self.numbers)


class Lane:
    """One stream: what is committed, acknowledged, in flight, and fresh."""

    def __init__(
        self,
        stream: Stream,
        passed: Iterable[tuple[int, int]],
        last: int,
        lost: Iterable[tuple[int, int]] = (),
    ) -> None:
        self.stream: Stream = stream
        self.passed = RangeSet(passed)  # acknowledged or lost: the cursor
        self.lost = RangeSet(lost)  # gone from the log, or too large for any message
        self.acknowledged = RangeSet(
            gap for start, end in self.passed.ranges for gap in self.lost.gaps(end, start)
        )
        self.last = last  # highest committed `s`
        self.sent = RangeSet()  # since the start, ever: nothing else can be acknowledged
        self.fresh: deque[Row] = deque()
        self.flying: dict[int, int] = {}  # row number -> message number
        # Sent in vain, tried again after all others, longest ago first; with the kitchen ms of
        # the first sending, while that says how long the receiver takes.
        self.postponed: dict[int, int | None] = {}
        self.held = RangeSet()  # too large for this broker: not before the next link

    def waiting(self) -> int:
        """Committed rows the cloud has not acknowledged and that can still be sent."""
        return self.last - len(self.passed)

    def missing(self) -> Iterator[int]:
        """Rows of the outage that were not sent yet, oldest first."""
        fresh_from = self.fresh[0].s if self.fresh else self.last + 1
        for start, end in self.passed.gaps(fresh_from - 1):
            for s in range(start, end + 1):
                if s not in self.flying and s not in self.postponed and s not in self.held:
                    yield s

    def again(self) -> Iterator[int]:
        """Rows that were sent in vain and are not on their way, longest ago first."""
        return (s for s in self.postponed if s not in self.flying and s not in self.held)

    def outstanding(self, named: RangeSet) -> list[tuple[int, int]]:
        """The named rows that were sent and not acknowledged; cheap whatever a sender claims."""
        return [
            gap
            for start, end in self.sent.common(named)
            for gap in self.acknowledged.gaps(end, start)
        ]  # fmt: skip

    def acknowledge(self, start: int, end: int) -> None:
        """The receiver has these rows."""
        self.acknowledged.add(start, end)
        self.passed.add(start, end)
        self.lost.discard(start, end)

    def lose(self, start: int, end: int) -> None:
        """These rows cannot be sent any more: those that have not passed are lost."""
        for first, last in list(self.passed.gaps(end, start)):
            self.lost.add(first, last)
            self.passed.add(first, last)
            for s in range(first, last + 1):
                self.postponed.pop(s, None)

    def postpone(self, numbers: Iterable[int], sent_at: int) -> int:
        """Take rows back that were sent in vain; gives for how many it was the first time."""
        if len(self.postponed) > POSTPONED_MAX:
            self.postponed.clear()
        before = len(self.postponed)
        for s in numbers:
            if self.flying.pop(s, None) is not None and s not in self.passed:
                self.postponed[s] = self.postponed.pop(s, sent_at)
        return len(self.postponed) - before

    def unlink(self) -> None:
        """Nothing is on its way any more; what was sent in vain stays last."""
        self.flying.clear()
        self.fresh.clear()
        self.held = RangeSet()
        self.postponed = dict.fromkeys(self.postponed)
