"""The outbox: nothing is lost, and nothing is let go that was not sent and acknowledged."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.store.log import Row
from gateway.sync.lane import POSTPONED_MAX, Lane
from gateway.sync.outbox import (
    KEPT_RANGES,
    LIVE_WAITING,
    WINDOW_FIRST,
    WINDOW_MAX,
    Outbox,
    outbox_of,
    runs,
)
from gateway.sync.pace import BATCH_MAX, Delay
from gateway.sync.protocol import STREAMS, Cursor, Stream

TOGETHER = 7  # rows of the outage in one message, few enough for a test to fill many
BOTH = st.sampled_from(STREAMS)


def rows(stream: Stream, first: int, last: int) -> list[Row]:
    return [Row(stream, s, 0, b"{}") for s in range(first, last + 1)]


def outbox(tm: int = 0, ev: int = 0) -> Outbox:
    """With so many committed rows, none of them acknowledged."""
    return Outbox({"tm": Lane("tm", [], tm), "ev": Lane("ev", [], ev)})


def send_next(box: Outbox, now: int) -> tuple[Stream, list[int]] | None:
    """Send what comes next, as the uplink does; None if nothing waits."""
    choice = box.following(TOGETHER)
    if choice is None:
        return None
    box.send(choice.stream, choice.numbers, now)
    return choice.stream, list(choice.numbers)


def fill(box: Outbox, now: int) -> Iterator[tuple[Stream, list[int]]]:
    while box.has_room() and (sent := send_next(box, now)):
        yield sent


class OutboxMachine(RuleBasedStateMachine):
    """Against plain sets: what was committed, sent, is in flight, what the cloud has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.box = outbox()
        self.last: dict[Stream, int] = {"tm": 0, "ev": 0}
        self.flying: dict[Stream, set[int]] = {"tm": set(), "ev": set()}
        self.sent: dict[Stream, set[int]] = {"tm": set(), "ev": set()}
        self.acknowledged: dict[Stream, set[int]] = {"tm": set(), "ev": set()}
        self.kept: dict[Cursor, list[tuple[int, int]]] = {"tm": [], "ev": []}
        self.linked = False
        self.now = 0

    @rule(stream=BOTH, count=st.one_of(st.integers(1, 5), st.just(LIVE_WAITING + 9)))
    def commit(self, stream: Stream, count: int) -> None:
        first = self.last[stream] + 1
        self.last[stream] += count
        self.box.committed(rows(stream, first, self.last[stream]), linked=self.linked)

    @precondition(lambda self: not self.linked)
    @rule()
    def link(self) -> None:
        self.linked = True

    @precondition(lambda self: self.linked)
    @rule()
    def unlink(self) -> None:
        self.linked = False
        self.box.unlink(next(iter(self.box.messages), None))
        for flying in self.flying.values():
            flying.clear()

    @precondition(lambda self: self.linked)
    @rule(most=st.integers(1, 30))
    def send(self, most: int) -> None:
        for stream, numbers in islice(fill(self.box, self.now), most):
            assert not self.flying[stream] & set(numbers), "already on its way"
            assert not self.acknowledged[stream] & set(numbers)
            self.flying[stream] |= set(numbers)
            self.sent[stream] |= set(numbers)

    @rule(
        stream=BOTH,
        ranges=st.lists(
            st.one_of(
                st.tuples(st.integers(-5, 90), st.integers(-5, 90)),
                st.just((1, 2**70)),
                st.just((-(2**70), 3)),
            ),
            max_size=6,
        ),
    )
    def acknowledge(self, stream: Stream, ranges: list[tuple[int, int]]) -> None:
        sent = self.sent[stream] - self.acknowledged[stream]
        named = {s for s in sent if any(start <= s <= end for start, end in ranges)}
        assert self.box.acknowledge(stream, ranges, self.now) == len(named)
        self._taken(stream, named)

    @precondition(lambda self: self.box.messages)
    @rule(data=st.data())
    def land(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.box.messages)))
        sending = self.box.messages[number]
        named = set(sending.numbers) - self.acknowledged[sending.stream]
        assert self.box.land(number) == len(named)
        assert self.box.land(number) == 0
        self._taken(sending.stream, named)

    def _taken(self, stream: Stream, named: Collection[int]) -> None:
        self.flying[stream] -= set(named)
        self.acknowledged[stream] |= set(named)

    @rule(passed=st.integers(0, 3))
    def give_up(self, passed: int) -> None:
        self.now += passed
        late = [sending for sending in self.box.messages.values() if sending.sent_at < self.now]
        assert self.box.give_up(self.now) == len(late)
        for sending in late:
            self.flying[sending.stream] -= set(sending.numbers)

    @rule()
    def keep(self) -> None:
        for stream, ranges in self.box.cursors().items():
            assert len(ranges) <= KEPT_RANGES
            self.kept[stream] = ranges
        assert not self.box.cursors()

    @rule()
    def restart(self) -> None:
        """Rows whose acknowledgement was not kept are sent again; none is skipped."""
        self.linked = False
        self.box = Outbox(
            {stream: Lane(stream, self.kept[stream], self.last[stream]) for stream in STREAMS}
        )
        for stream in STREAMS:
            self.flying[stream].clear()
            self.sent[stream].clear()
            kept = {s for start, end in self.kept[stream] for s in range(start, end + 1)}
            assert kept <= self.acknowledged[stream]
            self.acknowledged[stream] = kept

    @invariant()
    def every_row_is_in_exactly_one_place(self) -> None:
        for stream, lane in self.box.lanes.items():
            fresh, missing = [row.s for row in lane.fresh], list(lane.missing())
            places = [*fresh, *missing, *lane.again(), *lane.flying, *self.acknowledged[stream]]
            assert sorted(places) == list(range(1, self.last[stream] + 1))
            assert set(lane.flying) == self.flying[stream]
            assert lane.waiting() == self.last[stream] - len(self.acknowledged[stream])

    @invariant()
    def oldest_first(self) -> None:
        for lane in self.box.lanes.values():
            waiting = list(lane.missing())
            assert waiting == sorted(waiting)

    @invariant()
    def everything_is_bounded(self) -> None:
        assert 1 <= self.box.window <= WINDOW_MAX
        assert len(self.box.messages) <= WINDOW_MAX
        assert sum(sending.open for sending in self.box.messages.values()) == sum(
            len(lane.flying) for lane in self.box.lanes.values()
        )
        assert all(sending.open > 0 for sending in self.box.messages.values())
        assert all(len(lane.fresh) <= LIVE_WAITING for lane in self.box.lanes.values())

    def teardown(self) -> None:
        """From wherever this ended, an honest receiver gets everything."""
        self.box.give_up(self.now + 1)
        for _ in range(10_000):
            sent = send_next(self.box, self.now)
            if sent is None:
                break
            self.box.acknowledge(sent[0], list(runs(sorted(sent[1]))))
        assert self.box.waiting() == 0


TestOutboxKeepsWhatItPromises = OutboxMachine.TestCase
TestOutboxKeepsWhatItPromises.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)


def test_events_go_first_then_live_rows_then_the_outage_oldest_first() -> None:
    box = outbox(tm=9, ev=2)
    box.committed(rows("tm", 10, 11) + rows("ev", 3, 3), linked=True)
    assert list(fill(box, 0)) == [
        ("ev", [1, 2]),
        ("ev", [3]),
        ("tm", [10, 11]),
        ("tm", [1, 2, 3, 4, 5, 6, 7]),
        ("tm", [8, 9]),
    ]


def test_an_event_that_happens_now_overtakes_the_outage() -> None:
    box = outbox(tm=1_000)
    assert next(fill(box, 0)) == ("tm", [1, 2, 3, 4, 5, 6, 7])
    box.committed(rows("ev", 1, 1), linked=True)
    assert next(fill(box, 0)) == ("ev", [1])


def test_live_rows_that_pile_up_become_part_of_the_outage() -> None:
    box = outbox()
    box.committed(rows("tm", 1, LIVE_WAITING + 3), linked=True)
    assert list(box.lanes["tm"].missing()) == [1, 2, 3]
    assert [row.s for row in box.lanes["tm"].fresh][:2] == [4, 5]


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [(1, 2**70)],
        [(-(2**70), 2**70)],
        [(4, 4)],
        [(3, 1)],
        [(100, 200), (0, 0)],
    ],
)
def test_a_forged_acknowledgement_frees_nothing_that_was_not_sent(
    ranges: Sequence[tuple[int, int]],
) -> None:
    box = outbox(tm=10)
    box.send("tm", [1, 2, 3], 0)
    forged = [(max(start, 4), end) for start, end in ranges]
    assert box.acknowledge("tm", forged) == 0
    assert box.acknowledge("ev", ranges) == 0
    assert box.foreign == 2
    assert box.waiting() == 10
    assert box.cursors() == {}


def test_ranges_that_overlap_count_once() -> None:
    box = outbox(tm=10)
    box.send("tm", [1, 2, 3, 4], 0)
    assert box.acknowledge("tm", [(2, 3), (1, 3), (3, 4), (2, 2)]) == 4
    assert box.messages == {}
    assert box.cursors() == {"tm": [(1, 4)], "tm.lost": []}


def test_an_acknowledgement_counts_however_late_it_comes() -> None:
    box = outbox(tm=6)
    number = box.send("tm", [1, 2, 3], 0)
    assert box.give_up(1) == 1
    assert box.land(number) == 0
    assert list(box.lanes["tm"].again()) == [1, 2, 3]
    assert box.acknowledge("tm", [(1, 1)]) == 1, "given up"
    box.send("tm", [2, 4], 2)
    assert box.acknowledge("tm", [(2, 2)]) == 1, "on its way for the second time"
    box.unlink()
    assert box.acknowledge("tm", [(1, 9)]) == 2, "sent over a link that is lost"
    assert list(box.lanes["tm"].missing()) == [5, 6]
    assert (box.batch.rows, list(box.lanes["tm"].again())) == (BATCH_MAX, [])


@pytest.mark.parametrize("learning", [True, False])
def test_a_backlog_drains_through_a_receiver_that_takes_longer_than_the_patience(
    *, learning: bool
) -> None:
    box, answers = outbox(tm=20_000), deque[tuple[int, Stream, list[int]]]()
    given_up = 0
    for now in range(0, 7_200_000, 1_000):
        while answers and answers[0][0] <= now:
            _, stream, numbers = answers.popleft()
            box.acknowledge(stream, list(runs(numbers)), now if learning else None)
        given_up += box.give_up(now - box.delay.deadline_ms(10_000, 120_000))
        while box.has_room() and (choice := box.following(BATCH_MAX)):
            box.send(choice.stream, choice.numbers, now)
            answers.append((now + 12_000, choice.stream, sorted(choice.numbers)))
        if not box.waiting():
            break
    assert box.waiting() == 0
    assert not learning or given_up <= 2 * WINDOW_FIRST, "then it was known to be slow"


def test_the_patience_goes_up_at_once_and_comes_down_little_by_little() -> None:
    delay = Delay()
    assert delay.deadline_ms(10, 120) == 10
    delay.observe(40)
    assert delay.deadline_ms(10, 120) == 80
    delay.observe(1_000_000)
    assert delay.deadline_ms(10, 120) == 120
    seen = []
    for _ in range(200):
        delay.observe(1)
        seen.append(delay.deadline_ms(10, 120))
    assert seen == sorted(seen, reverse=True)
    assert (seen[0], seen[-1]) == (120, 10)


def test_messages_shrink_to_a_row_while_links_end_with_them_and_grow_when_they_arrive() -> None:
    box, sizes = outbox(tm=100_000), list[int]()
    while not sizes or sizes[-1] > 1:
        choice = box.following(BATCH_MAX)
        assert choice is not None
        assert choice.numbers[0] == 1, "the oldest stay first"
        sizes.append(len(choice.numbers))
        box.unlink(box.send(choice.stream, choice.numbers, 0))
    assert sizes == [250, 125, 62, 31, 15, 7, 3, 1]
    for _ in range(600):
        choice = box.following(BATCH_MAX)
        assert choice is not None
        box.send(choice.stream, choice.numbers, 0)
        box.acknowledge(choice.stream, list(runs(choice.numbers)))
    assert box.batch.rows == BATCH_MAX


def test_a_row_the_broker_hangs_up_on_goes_last_after_two_links() -> None:
    box = outbox(tm=3)
    box.batch.rows = 1
    for _ in range(2):
        assert send_next(box, 0) == ("tm", [1])
        number = next(iter(box.messages))
        send_next(box, 0)
        box.unlink(number)
    assert list(fill(box, 0)) == [("tm", [2]), ("tm", [3]), ("tm", [1])]


def test_a_message_too_large_for_the_broker_is_sent_in_parts_and_a_row_is_kept_back() -> None:
    box = outbox(tm=8)
    box.too_large(box.send("tm", range(1, 9), 0))
    assert box.following(BATCH_MAX) == ("tm", (), [1, 2, 3, 4])
    box.too_large(box.send("tm", [1], 0))
    assert list(box.lanes["tm"].missing())[:2] == [2, 3]
    assert (box.waiting(), box.held_rows()) == (8, 1)
    box.unlink()
    assert list(box.lanes["tm"].missing())[:2] == [1, 2], "the next broker may take it"


def test_rows_that_are_lost_are_neither_waiting_nor_acknowledged() -> None:
    box = outbox(tm=10)
    number = box.send("tm", [1, 2, 3], 0)
    box.acknowledge("tm", [(1, 1)])
    box.forget("tm", 1, 4)
    assert (box.waiting(), box.acknowledged_rows(), box.lost_rows()) == (6, 1, 3)
    assert list(box.lanes["tm"].missing()) == [5, 6, 7, 8, 9, 10]
    assert box.cursors() == {"tm": [(1, 4)], "tm.lost": [(2, 4)]}
    assert box.acknowledge("tm", [(2, 2)]) == 1, "it had arrived after all"
    assert (box.waiting(), box.acknowledged_rows(), box.lost_rows()) == (6, 2, 2)
    assert number in box.messages
    box.give_up(1)
    assert list(box.lanes["tm"].again()) == [], "what is lost is not tried again"
    found = outbox_of({"tm": [(1, 4)], "ev": []}, {"tm": 11, "ev": 1}, {"tm": [(3, 4)]})
    assert (found.waiting(), found.acknowledged_rows(), found.lost_rows()) == (6, 2, 2)


def test_the_window_halves_when_acknowledgements_are_late_and_grows_back_one_by_one() -> None:
    box = outbox(tm=10_000)
    for now in range(10):
        assert len(list(fill(box, now))) == box.window
        box.give_up(now + 1)
    assert box.window == 1
    for _ in range(3 * WINDOW_MAX):
        (stream, numbers), *_rest = fill(box, 20)
        box.acknowledge(stream, runs(numbers))
    assert box.window == WINDOW_MAX
    box.unlink()
    assert box.window == WINDOW_FIRST


def deliver(box: Outbox, now: int, refused: Collection[tuple[Stream, int]]) -> set[int]:
    """Ten seconds with a receiver that takes all but some rows; gives the telemetry it took."""
    taken: set[int] = set()
    for stream, numbers in fill(box, now):
        good = [s for s in numbers if (stream, s) not in refused]
        box.acknowledge(stream, runs(good))
        taken |= set(good) if stream == "tm" else set()
    box.give_up(now + 1)
    return taken


@pytest.mark.parametrize(
    "poison",
    [[("tm", 3)], [("ev", 1)], [("tm", s) for s in range(1, 60)], [("ev", 1), ("tm", 1)]],
    ids=["a reading", "an event", "many readings", "one of each"],
)
def test_rows_the_receiver_cannot_take_do_not_hold_up_the_others(
    poison: list[tuple[Stream, int]],
) -> None:
    box = outbox(tm=400, ev=5)
    refused = set(poison)
    for now in range(60):
        deliver(box, now, refused)
        assert box.window > 1, "a row that is never acknowledged is no reason to slow down"
    assert box.waiting() == len(poison)

    for now in range(60, 90):
        live, event = (box.lanes[stream].last + 1 for stream in STREAMS)
        box.committed(rows("tm", live, live) + rows("ev", event, event), linked=True)
        assert live in deliver(box, now, refused), "a live row goes out in the same turn"

    for now in range(100, 105):
        deliver(box, now, set())
    assert box.waiting() == 0, "they were tried again to the end"


def test_what_was_sent_in_vain_is_remembered_only_up_to_a_bound() -> None:
    lane = Lane("tm", [], 50_000)
    for first in range(1, 50_000, 1_000):
        numbers = range(first, first + 1_000)
        lane.flying.update(dict.fromkeys(numbers, 1))
        lane.postpone(numbers, 0)
        assert len(lane.postponed) <= POSTPONED_MAX + 1_000
    assert sorted([*lane.missing(), *lane.again()]) == list(range(1, 50_001))


def test_a_huge_acknowledgement_is_cheap() -> None:
    box = outbox(tm=30_000)
    box.send("tm", range(1, 25_001), 0)
    wide = [(1, 2**60 + number) for number in range(1_000)]
    assert box.acknowledge("tm", wide) == 25_000


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([1, 2, 3], [(1, 3)]),
        ([1, 2, 2, 4, 5, 9], [(1, 2), (4, 5), (9, 9)]),
    ],
)
def test_neighbours_become_one_range(
    numbers: Iterable[int], expected: list[tuple[int, int]]
) -> None:
    assert list(runs(numbers)) == expected


def test_an_event_nobody_takes_holds_up_neither_later_events_nor_telemetry() -> None:
    box = outbox(tm=2, ev=1)
    assert send_next(box, 0) == ("ev", [1])
    box.give_up(1)
    box.committed(rows("ev", 2, 2), linked=True)
    assert [send_next(box, 2) for _ in range(4)] == [
        ("ev", [2]), ("tm", [1, 2]), ("ev", [1]), None,
    ]  # fmt: skip
