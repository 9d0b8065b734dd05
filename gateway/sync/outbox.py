"""What still has to reach the cloud, and in which order: events, live rows, then the outage.

Pure bookkeeping: no socket, no file, no clock. Rows that were committed while the link was up are
offered from memory; older ones are named by range and fetched from the log by the caller.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from gateway.store.log import Row
from gateway.sync.lane import Lane, Sending
from gateway.sync.pace import Batch, Delay
from gateway.sync.protocol import LOST, STREAMS, Cursor, Stream
from gateway.sync.ranges import Ranges, RangeSet

LIVE_WAITING = 64  # rows of one stream kept in memory; older ones become part of the outage
WINDOW_FIRST, WINDOW_MAX = 20, 100
FRESH_ROWS, FRESH_BYTES = 32, 8_192  # of live rows in one message
KEPT_RANGES = 64
_NONE: Mapping[Stream, Ranges] = MappingProxyType({})


class Choice(NamedTuple):
    """What goes next: rows from memory, or numbers to be fetched from the log."""

    stream: Stream
    fresh: Sequence[Row]
    numbers: Sequence[int]


def _fresh(lane: Lane) -> Choice | None:
    if not lane.fresh:
        return None
    rows = [lane.fresh.popleft()]
    size = len(rows[0].body)
    # Small rows of one moment, such as the events of one commit, share a message.
    while lane.fresh and len(rows) < FRESH_ROWS and size + len(lane.fresh[0].body) <= FRESH_BYTES:
        rows.append(lane.fresh.popleft())
        size += len(rows[-1].body)
    return Choice(lane.stream, rows, [row.s for row in rows])


def _numbered(lane: Lane, numbers: Iterator[int], most: int) -> Choice | None:
    wanted = list(islice(numbers, most))
    return Choice(lane.stream, (), wanted) if wanted else None


class Outbox:
    """Both lanes and the window of messages that wait for their acknowledgement."""

    def __init__(self, lanes: dict[Stream, Lane]) -> None:
        self.lanes = lanes
        self.messages: dict[int, Sending] = {}  # by our own message number
        self.window = WINDOW_FIRST
        self.window_max = WINDOW_MAX  # less where the broker allows less
        self.batch = Batch()
        self.delay = Delay()
        self.changed: set[Stream] = set()  # streams whose cursor moved since it was last kept
        self.foreign = 0  # acknowledgements that named no row that was sent and has not passed
        self._number = 0
        self._suspect: tuple[Stream, int] | None = None  # the row the last link ended with

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
        """What to send next, at most so many old rows; fresh ones are taken out of their lane.

        Events first, live rows, then the outage, oldest first. What was sent in vain comes last:
        one row the receiver cannot take does not hold up the others.
        """
        events, telemetry = self.lanes["ev"], self.lanes["tm"]
        most = min(most, self.batch.rows)
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
        lane = self.lanes[stream]
        lane.flying.update(dict.fromkeys(numbers, self._number))
        for start, end in runs(sorted(numbers)):
            lane.sent.add(start, end)
        return self._number

    def acknowledge(
        self, stream: Stream, ranges: Iterable[tuple[int, int]], now: int | None = None
    ) -> int:
        """Free rows the receiver has; only what was sent counts. Gives how many.

        However late: with `now`, in kitchen ms, it is learnt how long the receiver takes.
        """
        lane = self.lanes[stream]
        freed = lane.outstanding(RangeSet(ranges))
        if not freed:
            self.foreign += 1
            return 0
        first_sent = self._first_sent(lane, freed[0][0])
        if now is not None and first_sent is not None:
            self.delay.observe(now - first_sent)
        if first_sent is not None and freed[0][0] in lane.postponed:
            self.batch = Batch()  # it was late, and not too large
        self.changed.add(stream)
        for start, end in freed:
            lane.acknowledge(start, end)
            for s in range(start, end + 1):
                lane.postponed.pop(s, None)
                number = lane.flying.pop(s, None)
                if number is not None:
                    self._land(number)
        return sum(end - start + 1 for start, end in freed)

    def _first_sent(self, lane: Lane, s: int) -> int | None:
        number = lane.flying.get(s)
        if s in lane.postponed or number is None:
            return lane.postponed.get(s)
        return self.messages[number].sent_at

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
            self.batch.landed(len(sending.numbers))

    def give_up(self, before: int) -> int:
        """Rows sent before that moment go back to be sent again, and the window shrinks by half.

        Not for rows that were late before: one that is never acknowledged says nothing about how
        much the receiver can take.
        """
        late = [number for number, sending in self.messages.items() if sending.sent_at < before]
        first_time = 0
        for number in late:
            sending = self.messages.pop(number)
            first_time += self.lanes[sending.stream].postpone(sending.numbers, sending.sent_at)
            if sending.untouched:
                self.batch.failed(len(sending.numbers))
        if first_time:
            self.window = max(1, self.window // 2)
        return len(late)

    def too_large(self, number: int) -> None:
        """The broker has refused a message for its size: smaller ones, or one row is held back."""
        sending = self.messages.pop(number, None)
        if sending is None:
            return
        lane = self.lanes[sending.stream]
        for s in sending.numbers:
            lane.flying.pop(s, None)
        self.batch.failed(len(sending.numbers))
        if len(sending.numbers) == 1:
            self.hold(sending.stream, sending.numbers[0])

    def hold(self, stream: Stream, s: int) -> None:
        """Keep a row back that is too large for this broker, until there is another link."""
        self.lanes[stream].held.add(s, s)

    def forget(self, stream: Stream, first: int, last: int) -> None:
        """Rows that can never be sent again: neither waiting nor acknowledged from now on."""
        self.lanes[stream].lose(first, last)
        self.changed.add(stream)

    def unlink(self, unanswered: int | None = None) -> None:
        """The link is gone: everything not acknowledged is part of the outage.

        `unanswered` is the first message the broker did not answer, perhaps why it hung up: the
        next is half as large, and a single row with which two links ended goes last.
        """
        sending = None if unanswered is None else self.messages.get(unanswered)
        if sending is not None and sending.untouched:
            self.batch.failed(len(sending.numbers))
            self._suspected(sending)
        self.messages.clear()
        self.window = WINDOW_FIRST
        for lane in self.lanes.values():
            lane.unlink()

    def _suspected(self, sending: Sending) -> None:
        if len(sending.numbers) > 1:
            return
        lane, row = self.lanes[sending.stream], (sending.stream, sending.numbers[0])
        if row == self._suspect or row[1] in lane.postponed:
            lane.postpone(sending.numbers, sending.sent_at)
        self._suspect = row

    def cursors(self) -> dict[Cursor, list[tuple[int, int]]]:
        """The cursors that moved since the last call, bounded."""
        moved: dict[Cursor, list[tuple[int, int]]] = {}
        for stream in self.changed:
            lane = self.lanes[stream]
            moved[stream] = lane.passed.oldest(KEPT_RANGES)
            moved[LOST[stream]] = lane.lost.oldest(KEPT_RANGES)
        self.changed.clear()
        return moved

    def committed_rows(self) -> int:
        """Rows this installation has ever committed, of both streams."""
        return sum(lane.last for lane in self.lanes.values())

    def acknowledged_rows(self) -> int:
        """Rows the cloud has said to have, of both streams."""
        return sum(len(lane.acknowledged) for lane in self.lanes.values())

    def lost_rows(self) -> int:
        """Rows that can never reach the cloud, of both streams."""
        return sum(len(lane.lost) for lane in self.lanes.values())

    def held_rows(self) -> int:
        """Rows that wait for a broker that takes larger messages."""
        return sum(len(lane.held) for lane in self.lanes.values())

    def behind(self) -> bool:
        """Whether rows of an outage, or sent in vain, are still to be sent."""
        return any(
            lane.postponed or next(lane.missing(), None) is not None for lane in self.lanes.values()
        )

    def waiting(self) -> int:
        """Rows neither acknowledged nor lost, of both streams."""
        return sum(self.lanes[stream].waiting() for stream in STREAMS)


def outbox_of(
    passed: Mapping[Stream, Ranges],
    following: Mapping[Stream, int],
    lost: Mapping[Stream, Ranges] = _NONE,
) -> Outbox:
    """The outbox of a log as it was found at the start: all that has not passed waits."""
    return Outbox(
        {
            stream: Lane(stream, passed[stream], following[stream] - 1, lost.get(stream, ()))
            for stream in STREAMS
        }
    )


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
