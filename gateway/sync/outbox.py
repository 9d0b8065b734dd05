"""What still has to reach the cloud, and in which order: events, live rows, then the outage.

Pure bookkeeping: no socket, no file, no clock. Rows that were committed while the link was up are
offered from memory; older ones are named by range and fetched from the log by the caller.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from gateway.store.log import Row
from gateway.sync.protocol import STREAMS, Stream
from gateway.sync.ranges import RangeSet

LIVE_WAITING = 64  # rows of one stream kept in memory; older ones become part of the outage
WINDOW_FIRST, WINDOW_MAX = 20, 100
KEPT_RANGES = 64
POSTPONED_MAX = 10_000


@dataclass(slots=True)
class Sending:
    """One message on its way."""

    stream: Stream
    numbers: Sequence[int]
    sent_at: int  # kitchen ms
    open: int  # rows without acknowledgement


class Lane:
    """One stream: what is committed, acknowledged, in flight, and fresh."""

    def __init__(self, stream: Stream, acknowledged: Iterable[tuple[int, int]], last: int) -> None:
        self.stream: Stream = stream
        self.acknowledged = RangeSet(acknowledged)
        self.last = last  # highest committed `s`
        self.fresh: deque[Row] = deque()
        self.flying: dict[int, int] = {}  # row number -> message number
        self.postponed: set[int] = set()  # sent in vain: tried again after all others

    def waiting(self) -> int:
        """Committed rows the cloud has not acknowledged."""
        return self.last - len(self.acknowledged)

    def missing(self) -> Iterator[int]:
        """Rows of the outage that were not sent yet, oldest first."""
        fresh_from = self.fresh[0].s if self.fresh else self.last + 1
        for start, end in self.acknowledged.gaps(fresh_from - 1):
            for s in range(start, end + 1):
                if s not in self.flying and s not in self.postponed:
                    yield s

    def again(self) -> Iterator[int]:
        """Rows that were sent in vain and are not on their way, oldest first."""
        return iter(sorted(s for s in self.postponed if s not in self.flying))

    def postpone(self, numbers: Iterable[int]) -> int:
        """Take rows back that were sent in vain; gives for how many it was the first time."""
        if len(self.postponed) > POSTPONED_MAX:
            self.postponed.clear()
        before = len(self.postponed)
        for s in numbers:
            if self.flying.pop(s, None) is not None:
                self.postponed.add(s)
        return len(self.postponed) - before


class Choice(NamedTuple):
    """What goes next: one row from memory, or numbers to be fetched from the log."""

    stream: Stream
    fresh: Row | None
    numbers: Sequence[int]


def _fresh(lane: Lane) -> Choice | None:
    if not lane.fresh:
        return None
    row = lane.fresh.popleft()
    return Choice(lane.stream, row, [row.s])


def _numbered(lane: Lane, numbers: Iterator[int], most: int) -> Choice | None:
    wanted = list(islice(numbers, most))
    return Choice(lane.stream, None, wanted) if wanted else None


class Outbox:
    """Both lanes and the window of messages that wait for their acknowledgement."""

    def __init__(self, lanes: dict[Stream, Lane]) -> None:
        self.lanes = lanes
        self.messages: dict[int, Sending] = {}  # by our own message number
        self.window = WINDOW_FIRST
        self.window_max = WINDOW_MAX  # less where the broker allows less
        self.changed: set[Stream] = set()  # streams whose cursor moved since it was last kept
        self.foreign = 0  # acknowledgements that named no row in flight
        self._number = 0

    def committed(self, rows: Iterable[Row], *, linked: bool) -> None:
        """Take in rows just committed; without a link they are part of the outage."""
        for row in rows:
            lane = self.lanes[row.stream]
            lane.last = row.s
            if linked:
                lane.fresh.append(row)
                if len(lane.fresh) > LIVE_WAITING:
                    lane.fresh.popleft()

    def has_room(self) -> bool:
        """Whether another message may be sent."""
        return len(self.messages) < min(self.window, self.window_max)

    def following(self, most: int) -> Choice | None:
        """What to send next, at most so many rows; taken out of the fresh ones when it is one.

        Events first, live rows, then the outage, oldest first. What was sent in vain comes last:
        one row the receiver cannot take does not hold up the others.
        """
        events, telemetry = self.lanes["ev"], self.lanes["tm"]
        return (
            _numbered(events, events.missing(), most)
            or _fresh(events)
            or _fresh(telemetry)
            or _numbered(telemetry, telemetry.missing(), most)
            or _numbered(events, events.again(), most)
            or _numbered(telemetry, telemetry.again(), most)
        )

    def send(self, stream: Stream, numbers: Sequence[int], now: int) -> int:
        """Note a message as sent; gives its number."""
        self._number += 1
        self.messages[self._number] = Sending(stream, numbers, now, len(numbers))
        self.lanes[stream].flying.update(dict.fromkeys(numbers, self._number))
        return self._number

    def acknowledge(self, stream: Stream, ranges: Iterable[tuple[int, int]]) -> int:
        """Free rows the receiver has; only what is in flight counts. Gives how many."""
        lane = self.lanes[stream]
        freed = _flying(lane, RangeSet(ranges))
        if not freed:
            self.foreign += 1
            return 0
        self.changed.add(stream)
        for start, end in runs(freed):
            lane.acknowledged.add(start, end)
        lane.postponed.difference_update(freed)
        for s in freed:
            self._land(lane.flying.pop(s))
        return len(freed)

    def land(self, number: int) -> int:
        """A whole message counts as acknowledged; gives how many rows that frees."""
        sending = self.messages.get(number)
        if sending is None:
            return 0
        return self.acknowledge(sending.stream, list(runs(sorted(sending.numbers))))

    def _land(self, number: int) -> None:
        sending = self.messages[number]
        sending.open -= 1
        if not sending.open:
            del self.messages[number]
            self.window = min(self.window_max, self.window + 1)

    def give_up(self, before: int) -> int:
        """Rows sent before that moment go back to be sent again, and the window shrinks by half.

        Not for rows that were late before: one that is never acknowledged says nothing about how
        much the receiver can take.
        """
        late = [number for number, sending in self.messages.items() if sending.sent_at < before]
        first_time = 0
        for number in late:
            sending = self.messages.pop(number)
            first_time += self.lanes[sending.stream].postpone(sending.numbers)
        if first_time:
            self.window = max(1, self.window // 2)
        return len(late)

    def unlink(self) -> None:
        """The link is gone: everything not acknowledged is part of the outage."""
        self.messages.clear()
        self.window = WINDOW_FIRST
        for lane in self.lanes.values():
            lane.flying.clear()
            lane.fresh.clear()
            lane.postponed.clear()

    def cursors(self) -> dict[Stream, list[tuple[int, int]]]:
        """The cursors that moved since the last call, bounded."""
        moved = {
            stream: self.lanes[stream].acknowledged.oldest(KEPT_RANGES) for stream in self.changed
        }
        self.changed.clear()
        return moved

    def committed_rows(self) -> int:
        """Rows this installation has ever committed, of both streams."""
        return sum(lane.last for lane in self.lanes.values())

    def waiting(self) -> int:
        """Rows not yet acknowledged, of both streams."""
        return sum(self.lanes[stream].waiting() for stream in STREAMS)


def outbox_of(
    acknowledged: Mapping[Stream, list[tuple[int, int]]], following: Mapping[Stream, int]
) -> Outbox:
    """The outbox of a log as it was found at the start: all that is not acknowledged waits."""
    return Outbox(
        {stream: Lane(stream, acknowledged[stream], following[stream] - 1) for stream in STREAMS}
    )


def _flying(lane: Lane, named: RangeSet) -> list[int]:
    """The rows in flight that are named, sorted; cheap whatever a sender may claim."""
    total = sum(end - start + 1 for start, end in named.ranges)  # len() stops at 2**63 - 1
    if total > len(lane.flying):
        return sorted(s for s in lane.flying if s in named)
    return [s for start, end in named.ranges for s in range(start, end + 1) if s in lane.flying]


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Sorted numbers as closed ranges of neighbours."""
    start = end = None
    for number in numbers:
        if start is None or end is None:
            start = end = number
        elif number <= end + 1:
            end = number
        else:
            yield start, end
            start = end = number
    if start is not None and end is not None:
        yield start, end
