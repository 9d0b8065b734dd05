"""The book of deliveries: who takes over, what is dropped, and that nothing is forgotten."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.notifications import Channel, Notifications, Person
from gateway.notify.breaker import FAILURES, REST_MAX_MS, Breaker
from gateway.notify.delivery import (
    DEADLINE_MS,
    LONGEST_PAUSE_LIFE_MS,
    LONGEST_PAUSE_MS,
    UNSTORED_MS,
    Status,
    pause_ms,
)
from gateway.notify.lane import WAITING_MAX, Lane
from gateway.notify.ledger import ENDED_MAX, GONE, JOIN_MS, PASS_ON_MS, Ledger
from gateway.notify.notice import Notice
from rules.base import Priority
from tests.notices import notice

PEOPLE = {
    "kim": Person(role="manager", email="kim@example.com"),
    "lee": Person(role="cook", email="lee@example.com"),
    "park": Person(role="cook"),
}


def told(*channels: str) -> Notifications:
    """These channels; those whose name begins with "mail" need an address."""
    return Notifications(
        channels={
            name: Channel(kind="email" if name.startswith("mail") else "webhook", options=None)
            for name in channels
        },
        people=PEOPLE,
    )


class Book:
    """A ledger, its rows, and hand-overs whose outcome the test chooses."""

    def __init__(self, *channels: str) -> None:
        self.rows: dict[str, str] = {}
        self.lost: list[tuple[str, str | None]] = []
        self.now = 0
        self.ledger = self._begin(*channels)

    def again(self, *channels: str) -> None:
        """As after kill -9: only the rows are left."""
        self.ledger = self._begin(*channels)

    def begin(self, about: Notice, people: tuple[str, ...], *by: str) -> list[str]:
        keys = self.ledger.begin(about, people, by, self.now)
        self.ledger.stored(keys, self.now)
        return keys

    def take(self, channel: str) -> str | None:
        found = self.ledger.lanes[channel].take(self.now)
        return None if found is None else found.key

    def fail(self, channel: str, *, refused: bool = False) -> str:
        """The next message of a channel is not taken."""
        lane, key = self.ledger.lanes[channel], self.take(channel)
        assert key is not None
        if refused:
            self.ledger.refused(lane, key, "no such user", self.now)
        else:
            self.ledger.unreachable(lane, key, "no route", self.now)
        return key

    def succeed(self, channel: str) -> str:
        lane, key = self.ledger.lanes[channel], self.take(channel)
        assert key is not None
        self.ledger.handed_over(lane, key, self.now)
        return key

    def kill_channel(self, channel: str) -> None:
        """Let it fail until its breaker opens."""
        while self.ledger.lanes[channel].breaker.opened_at is None:
            self.ledger.lanes[channel].breaker.failed(self.now)

    def status(self, key: str) -> Status | None:
        found = self.ledger.find(key)
        return None if found is None else found.status

    def _begin(self, *channels: str) -> Ledger:
        ledger = Ledger(self._write, Random(1))
        ledger.on_lost = lambda about, person, why: self.lost.append((about.id, person))
        ledger.restore(dict(self.rows))
        ledger.use(told(*channels), self.now)
        return ledger

    def _write(self, key: str, body: str | None) -> None:
        if body is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = body


def test_a_message_waits_for_its_commit_but_not_for_long() -> None:
    book = Book("mail")
    keys = book.ledger.begin(notice(), ("kim",), ("mail",), 0)
    assert book.take("mail") is None
    book.ledger.stored(keys, 10)
    book.now = 10
    assert book.succeed("mail") == keys[0]
    book.ledger.begin(notice(), ("kim",), ("mail",), book.now)
    book.now += UNSTORED_MS
    assert book.take("mail") is not None, "a disk that refuses keeps nobody from being told"


def test_the_most_urgent_goes_first_and_danger_has_a_seat_of_its_own() -> None:
    book = Book("mail")
    low, high, life = (
        book.begin(notice(priority), ("kim",), "mail")[0]
        for priority in (Priority.LOW, Priority.HIGH, Priority.LIFE)
    )
    book.begin(notice(Priority.LIFE), ("kim",), "mail")
    assert [book.take("mail"), book.take("mail"), book.take("mail")] == [life, high, None]
    book.ledger.handed_over(book.ledger.lanes["mail"], high, book.now)
    assert book.take("mail") == low


def test_people_are_told_each_by_the_first_channel_that_has_their_address() -> None:
    book = Book("mail", "hook")
    about = notice()
    keys = book.begin(about, ("kim", "lee", "park"), "mail", "hook")
    assert keys == [f"{about.id}/mail/kim", f"{about.id}/mail/lee", f"{about.id}/hook/"]


def test_two_who_end_at_one_destination_make_one_message() -> None:
    book = Book("mail", "hook")
    about = notice()
    book.begin(about, ("kim", "lee"), "mail", "hook")
    assert book.fail("mail", refused=True).endswith("kim")
    assert book.fail("mail", refused=True).endswith("lee")
    found = book.ledger.find(f"{about.id}/hook/")
    assert found is not None
    assert found.people == ("kim", "lee")
    assert book.succeed("hook") == f"{about.id}/hook/"
    assert book.take("hook") is None
    assert book.lost == []


def test_who_is_refused_by_every_channel_is_lost_and_said_so() -> None:
    book = Book("mail", "hook")
    about = notice()
    book.begin(about, ("kim",), "mail", "hook")
    book.fail("mail", refused=True)
    assert book.lost == []
    book.fail("hook", refused=True)
    assert book.lost == [(about.id, "kim")]
    assert book.ledger.lost == 1


def test_somebody_whom_no_channel_reaches_is_lost_at_once() -> None:
    book = Book("mail")
    about = notice()
    assert book.begin(about, ("park",), "mail") == []
    assert book.lost == [(about.id, "park")]


def test_a_channel_that_does_not_answer_is_tried_again_with_longer_pauses() -> None:
    book = Book("mail")
    key = book.begin(notice(), ("kim",), "mail")[0]
    waited = []
    for _ in range(2):
        book.fail("mail")
        found = book.ledger.find(key)
        assert found is not None
        waited.append(found.due - book.now)
        book.now = found.due
    assert 1_000 <= waited[0] <= 2_000 <= waited[1] <= 4_000
    book.succeed("mail")
    assert book.status(key) is Status.HANDED_OVER
    assert book.ledger.lanes["mail"].error == ""


@pytest.mark.parametrize(
    ("life", "longest"), [(True, LONGEST_PAUSE_LIFE_MS), (False, LONGEST_PAUSE_MS)]
)
def test_pauses_double_with_jitter_and_are_bounded(life: bool, longest: int) -> None:
    pauses = [pause_ms(attempt, life=life, random=Random(attempt)) for attempt in range(1, 5_000)]
    assert max(pauses) <= longest
    assert min(pauses[20:]) >= longest / 2
    assert len(set(pauses[20:])) > 100, "all gateways of a chain would knock at once"


def test_a_breaker_opens_rests_longer_each_time_and_closes_with_an_answer() -> None:
    breaker, now, rests = Breaker(Random(1)), 0, []
    for _ in range(FAILURES - 1):
        breaker.failed(now)
    assert breaker.allows(now)
    for _ in range(20):
        breaker.failed(now)
        assert not breaker.allows(now)
        rests.append(breaker.again_at - now)
        now = breaker.again_at
        assert breaker.allows(now)
    assert rests[0] < rests[3] < max(rests) <= REST_MAX_MS
    assert breaker.open_for(now) == now
    breaker.succeeded()
    assert breaker.allows(now)
    assert breaker.open_for(now) == 0


def test_danger_to_people_asks_a_channel_that_rests_and_nothing_else_does() -> None:
    book = Book("mail")
    book.kill_channel("mail")
    book.begin(notice(), ("kim",), "mail")
    life = book.begin(notice(Priority.LIFE), ("kim",), "mail")[0]
    assert [book.take("mail"), book.take("mail")] == [life, None]


def test_a_dead_channel_has_its_messages_taken_over_and_comes_back_last() -> None:
    book = Book("mail", "hook")
    about = notice()
    key = book.begin(about, ("kim",), "mail", "hook")[0]
    book.kill_channel("mail")
    book.now += PASS_ON_MS - 1
    book.ledger.review(book.now)
    assert book.status(key) is Status.WAITING
    assert book.ledger.next_at(book.now) == PASS_ON_MS
    book.now += 1
    book.ledger.review(book.now)
    assert book.status(key) is Status.PASSED_ON
    over = book.ledger.find(f"{about.id}/hook/")
    assert over is not None
    assert over.then == ("mail",)
    book.ledger.lanes["mail"].breaker.succeeded()
    book.fail("hook", refused=True)
    assert book.succeed("mail") == key
    assert book.lost == []


def test_where_every_channel_is_dead_the_message_stays_where_it_is() -> None:
    book = Book("mail", "hook")
    key = book.begin(notice(), ("kim",), "mail", "hook")[0]
    for channel in ("mail", "hook"):
        book.kill_channel(channel)
    book.now += 2 * PASS_ON_MS
    book.ledger.review(book.now)
    assert book.status(key) is Status.WAITING


def test_danger_to_people_is_told_by_the_next_channel_too_within_seconds() -> None:
    book = Book("mail", "hook")
    about = notice(Priority.LIFE)
    key = book.begin(about, ("kim",), "mail", "hook")[0]
    assert book.take("mail") == key
    assert book.ledger.next_at(book.now) == JOIN_MS
    book.now += JOIN_MS
    book.ledger.review(book.now)
    assert book.succeed("hook") == f"{about.id}/hook/"
    book.ledger.unreachable(book.ledger.lanes["mail"], key, "no route", book.now)
    assert book.status(key) is Status.WAITING, "the first one goes on trying"
    book.now += LONGEST_PAUSE_LIFE_MS
    book.ledger.review(book.now)
    assert book.take("hook") is None
    assert book.succeed("mail") == key


@pytest.mark.parametrize("priority", Priority)
def test_a_message_nobody_can_use_any_more_is_given_up(priority: Priority) -> None:
    book = Book("mail")
    about = notice(priority)
    key = book.begin(about, ("kim",), "mail")[0]
    book.fail("mail")
    book.now += DEADLINE_MS[priority]
    book.ledger.review(book.now)
    assert book.status(key) is Status.GIVEN_UP
    found = book.ledger.find(key)
    assert found is not None
    assert "no route" in found.error
    assert book.lost == [(about.id, "kim")]


def test_a_full_lane_drops_the_least_urgent_and_oldest_and_counts_it() -> None:
    book = Book("mail")
    first = book.begin(notice(Priority.MEDIUM), ("kim",), "mail")[0]
    for _ in range(WAITING_MAX - 2):
        book.begin(notice(Priority.HIGH), ("kim",), "mail")
    second = book.begin(notice(Priority.MEDIUM), ("kim",), "mail")[0]
    for dropped in (first, second):
        book.begin(notice(Priority.LIFE), ("kim",), "mail")
        assert book.status(dropped) is Status.DROPPED
    lane = book.ledger.lanes["mail"]
    assert (len(lane.waiting), lane.counters.dropped, len(book.lost)) == (WAITING_MAX, 2, 2)


def test_danger_to_people_is_never_dropped_but_for_the_same_said_anew() -> None:
    book = Book("mail")
    lane = book.ledger.lanes["mail"]
    keys = [
        book.begin(notice(Priority.LIFE, alarm=f"gas_{number}"), ("kim",), "mail")[0]
        for number in range(WAITING_MAX + 50)
    ]
    assert len(lane.waiting) == WAITING_MAX + 50
    for _ in range(100):
        book.begin(notice(Priority.LIFE, alarm="gas_7"), ("kim",), "mail")
    assert len(lane.waiting) == WAITING_MAX + 50
    assert book.status(keys[7]) is Status.DROPPED
    assert {it.notice.alarm for it in lane.waiting.values()} == {
        f"gas_{number}" for number in range(WAITING_MAX + 50)
    }
    assert book.lost == [], "somebody is told of each"


def test_what_has_ended_is_kept_for_a_while_and_no_longer() -> None:
    book = Book("mail")
    keys = []
    for _ in range(ENDED_MAX + 20):
        keys += book.begin(notice(), ("kim",), "mail")
        book.succeed("mail")
    assert len(book.rows) == len(book.ledger.ended) == ENDED_MAX
    assert keys[-1] in book.rows
    assert keys[0] not in book.rows


def test_a_channel_that_is_taken_out_has_its_messages_moved_on() -> None:
    book = Book("mail", "hook")
    about, other = notice(), notice()
    book.begin(about, ("kim",), "mail", "hook")
    book.begin(other, ("kim",), "mail")
    book.ledger.use(told("hook"), book.now)
    assert book.succeed("hook") == f"{about.id}/hook/"
    found = book.ledger.find(f"{other.id}/mail/kim")
    assert found is not None
    assert (found.status, found.error) == (Status.GIVEN_UP, GONE)
    assert book.lost == [(other.id, "kim")]


def test_a_hand_over_whose_channel_goes_away_meanwhile_changes_nothing() -> None:
    book = Book("mail", "hook")
    lane = book.ledger.lanes["mail"]
    key = book.begin(notice(), ("kim",), "mail", "hook")[0]
    assert book.take("mail") == key
    book.ledger.use(told("hook"), book.now)
    book.ledger.handed_over(lane, key, book.now)
    assert book.status(key) is Status.GIVEN_UP
    assert book.succeed("hook")


def test_everything_goes_on_after_a_restart_with_the_same_ids() -> None:
    book = Book("mail", "hook")
    about = notice()
    key = book.begin(about, ("kim",), "mail", "hook")[0]
    book.fail("mail")
    done = book.begin(notice(), ("lee",), "hook")[0]
    book.succeed("hook")
    book.again("mail", "hook")
    assert book.status(done) is Status.HANDED_OVER
    found = book.ledger.find(key)
    assert found is not None
    assert (found.attempts, found.error, found.notice) == (1, "no route", about)
    book.now = found.due
    assert book.succeed("mail") == key


def test_a_row_nobody_can_read_is_said_and_forgotten() -> None:
    book = Book("mail")
    book.rows["x/mail/kim"] = '{"kept":"as it was"}'
    ledger = Ledger(book._write, Random(1))
    assert ledger.restore(dict(book.rows)) == ["x/mail/kim"]
    assert book.rows == {}


OUTCOMES = st.sampled_from(["taken", "unreachable", "refused", "killed"])
PRIORITIES = st.sampled_from(Priority)
WHOM = st.lists(st.sampled_from(["kim", "lee", "park"]), max_size=3, unique=True)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), PRIORITIES, WHOM),
        st.tuples(st.just("attempt"), st.sampled_from(["mail", "mail_2", "hook"]), OUTCOMES),
        st.tuples(st.just("wait"), st.sampled_from([1_000, 20_000, 90_000]), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_everybody_is_told_waited_for_or_counted_as_lost(
    steps: list[tuple[str, object, object]],
) -> None:
    channels = ("mail", "mail_2", "hook")
    book = Book(*channels)
    promised: list[tuple[Notice, str | None]] = []
    for what, first, second in steps:
        if what == "begin":
            assert isinstance(first, Priority)
            assert isinstance(second, list)
            about = notice(first, alarm=f"alarm_{len(promised)}")
            promised += [(about, person) for person in second or [None]]
            book.begin(about, tuple(second), *channels)
        elif what == "wait":
            assert isinstance(first, int)
            book.now += first
            book.ledger.review(book.now)
        elif second == "killed":
            book.again(*channels)
        else:
            lane = book.ledger.lanes[str(first)]
            found = lane.take(book.now)
            if found is None:
                continue
            if second == "taken":
                book.ledger.handed_over(lane, found.key, book.now)
            elif second == "refused":
                book.ledger.refused(lane, found.key, "no", book.now)
            else:
                book.ledger.unreachable(lane, found.key, "no route", book.now)
        _assert_kept(book, promised)


def _assert_kept(book: Book, promised: list[tuple[Notice, str | None]]) -> None:
    lost = Counter(book.lost)
    assert max(lost.values(), default=1) == 1
    for about, person in promised:
        served = book.ledger._served(about, person)
        assert served != ((about.id, person) in lost), (about.id, person)
    waiting = {it.key for lane in book.ledger.lanes.values() for it in lane.waiting.values()}
    assert waiting | book.ledger.ended.keys() == book.rows.keys()
    assert all(isinstance(lane, Lane) for lane in book.ledger.lanes.values())
