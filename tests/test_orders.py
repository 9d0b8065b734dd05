"""Orders in the reducer: refused with a reason, begun once they are rows, confirmed, and ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judging import decode
from rules.base import Priority
from rules.events import (
    Begun,
    Drive,
    Elapsed,
    Ordered,
    ReadBack,
    Record,
    Relinquished,
    Started,
)
from rules.judge import Judge
from rules.order import KEEP_MAX, KEEP_MS, Order, OrderState
from rules.slots import Contract, Occupant
from tests.kitchen_rules import (
    ACTUATORS,
    GAPS,
    GRID_MS,
    POINTS,
    Bench,
    contract,
    contracts,
    decided,
    judges,
    rule,
    stored,
)

MINUTE = 60_000
FAR = 1 << 50


def ordered(  # noqa: PLR0913 - what a test wants to be different
    order_id: str = "first",
    *,
    actuator: str = "fan",
    value: bool = True,
    slot: int = 8,
    until: int | None = 30 * MINUTE,
    expires: int = FAR,
    refused: str = "",
) -> Ordered:
    return Ordered(
        order_id, actuator, value, slot, until, "mina", "staff", "page", expires, refused
    )


def relinquished(order_id: str = "back", actuator: str = "fan", slot: int = 8) -> Relinquished:
    return Relinquished(order_id, actuator, slot, "mina", "staff", "page", FAR)


class Kitchen(Bench):
    """A bench with orders."""

    def order(self, event: Ordered | Relinquished, now: int, *, read: bool = True) -> Order:
        """Take down, commit, begin, and read back as driven."""
        self.feed(event, now)
        self.feed(Begun(event.id), now)
        if read and event.actuator in self.judge.contracts:
            self.feed(ReadBack(event.actuator, self.output(event.actuator).value), now)
        return self.found(event.id)

    def found(self, order_id: str = "first") -> Order:
        order = self.state.entries[f"order/{order_id}"]
        assert isinstance(order, Order)
        return order


def kitchen(fan: Contract | None = None, siren: Contract | None = None) -> Kitchen:
    hot = rule("hot", commands=[("fan", True, 10)])
    fire = rule("fire", point=POINTS[1], priority=Priority.LIFE, commands=[("fan", False, 2)])
    return Kitchen(Judge([hot, fire], {"fan": fan or contract(), "siren": siren or contract()}))


def test_an_order_is_a_row_before_it_acts_and_has_succeeded_once_it_is_read_back() -> None:
    room = kitchen()
    taken = room.feed(ordered(), 0)
    assert decided(taken, Drive) == []
    assert room.found().state is OrderState.ACCEPTED
    begun = room.feed(Begun("first"), 10)
    assert [drive.value for drive in decided(begun, Drive)] == [True]
    assert room.found().state is OrderState.RUNNING
    room.feed(ReadBack("fan", value=True), 20)
    assert room.found().state is OrderState.SUCCEEDED
    told = [it.data for it in decided([e for _, e in room.effects], Record) if it.kind == "order"]
    assert [data["state"] for data in told] == ["accepted", "running", "succeeded"]


def test_the_change_it_makes_is_written_with_who_ordered_it_and_for_how_long() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    effects = room.feed(Begun("first"), MINUTE)
    (told,) = (it.data for it in decided(effects, Record) if it.kind == "command")
    assert told == {
        "actuator": "fan",
        "value": True,
        "slot": 8,
        "cause": "order/first",
        "order": "first",
        "by": "mina",
        "role": "staff",
        "origin": "page",
        "for_ms": 29 * MINUTE,
    }


def test_an_override_ends_at_its_own_instant_and_the_rules_have_the_output_again() -> None:
    room = kitchen()
    room.see(9.0, 0)
    room.order(ordered(value=False), MINUTE)
    assert room.output("fan").value is False
    room.feed(Elapsed(), 30 * MINUTE - 1)
    assert room.output("fan").value is False
    room.feed(Elapsed(), 90 * MINUTE)
    assert (room.output("fan").value, room.output("fan").since) == (True, 30 * MINUTE)


def test_an_order_for_what_is_so_already_is_driven_and_read_back_all_the_same() -> None:
    room = kitchen()
    room.feed(ordered(value=False), 0)
    assert decided(room.feed(Begun("first"), 0), Drive) == [
        Drive("fan", False, 8, "order/first"),
    ]
    room.feed(ReadBack("fan", value=False), 1)
    assert room.found().state is OrderState.SUCCEEDED


def test_taking_back_gives_the_output_to_the_rules_and_what_nobody_holds_cannot_be_taken() -> None:
    room = kitchen()
    room.see(9.0, 0)
    assert room.order(relinquished("none"), 1).code == "not_held"
    room.order(ordered(value=False), 2)
    assert room.order(relinquished(), 3).state is OrderState.SUCCEEDED
    assert room.output("fan").value is True
    assert room.order(relinquished("hot", slot=10), 4).code == "not_held", "a rule's is its own"


@pytest.mark.parametrize(
    ("event", "state", "code", "about"),
    [
        (ordered(actuator="fun"), OrderState.REJECTED, "unknown_actuator", ""),
        (ordered(refused="role/manager"), OrderState.REJECTED, "role", "manager"),
        (ordered(expires=500), OrderState.EXPIRED, "expired", ""),
        (ordered(value=True), OrderState.REJECTED, "overridden", "rule/fire"),
    ],
)
def test_an_order_that_may_not_act_is_refused_with_its_reason_and_is_a_row(
    event: Ordered, state: OrderState, code: str, about: str
) -> None:
    room = kitchen()
    room.see(9.0, 0, point=POINTS[1])  # fire: fan off
    effects = room.feed(event, 1_000)
    assert decided(effects, Drive) == []
    order = room.found()
    assert (order.state, order.code, order.about) == (state, code, about)
    assert decided(room.feed(Begun("first"), 1_001), Drive) == []
    assert [it.kind for it in decided(effects, Record)] == ["order"]


def test_an_id_that_is_known_changes_nothing() -> None:
    room = kitchen()
    room.order(ordered(), 0)
    before = dict(room.state.entries)
    assert room.feed(ordered(value=False), 10) == []
    assert room.feed(Begun("first"), 20) == []
    assert room.state.entries == before


def test_an_order_that_waits_too_long_for_its_row_is_never_done() -> None:
    room = kitchen()
    room.feed(ordered(expires=30_000), 0)
    room.feed(Elapsed(), 40_000)
    assert room.found().state is OrderState.EXPIRED
    assert decided(room.feed(Begun("first"), 40_001), Drive) == []


def test_what_is_not_confirmed_has_failed_and_no_longer_acts() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    room.feed(Begun("first"), 0)
    room.feed(ReadBack("fan", value=False), 10)
    room.feed(Elapsed(), 10_000)
    assert (room.found().state, room.found().code) == (OrderState.FAILED, "unconfirmed")
    assert room.output("fan").value is False
    assert room.alarm("system.mismatch.fan") is None, "it is off, and wanted off again"


def test_a_device_that_cannot_tell_is_believed_at_the_end_and_said_so() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    room.feed(Begun("first"), 0)
    room.feed(ReadBack("fan", value=True, assumed=True), 10)
    assert room.found().state is OrderState.RUNNING
    room.feed(Elapsed(), 2_000)
    assert (room.found().state, room.found().code) == (OrderState.SUCCEEDED, "assumed")


def test_a_minimum_time_is_waited_for_and_then_it_succeeds() -> None:
    room = kitchen(fan=contract(min_off_ms=5 * MINUTE))
    room.order(ordered("on"), 0)
    room.order(relinquished(), MINUTE)
    room.feed(ordered("again"), 2 * MINUTE)
    room.feed(Begun("again"), 2 * MINUTE)
    assert room.output("fan").held == "min_off"
    room.feed(Elapsed(), 5 * MINUTE)
    assert room.found("again").state is OrderState.RUNNING
    room.feed(Elapsed(), 6 * MINUTE)
    assert room.output("fan").value is True
    room.feed(ReadBack("fan", value=True), 6 * MINUTE + 10)
    assert room.found("again").state is OrderState.SUCCEEDED


def test_life_safety_ends_an_order_that_was_on_its_way() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    room.feed(Begun("first"), 0)
    room.see(9.0, 1, point=POINTS[1])
    room.feed(Elapsed(), 10_000)
    assert (room.found().state, room.found().code) == (OrderState.FAILED, "overridden")
    assert 8 not in room.output("fan").slots


def test_a_later_order_takes_the_slot_of_one_that_is_on_its_way() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    room.feed(Begun("first"), 0)
    room.order(ordered("second", value=False), 10)
    assert (room.found().state, room.found().about) == (OrderState.FAILED, "second")
    assert room.output("fan").slots[8] == Occupant(False, "order/second", 30 * MINUTE)


@pytest.mark.parametrize("begun", [False, True])
def test_what_was_on_its_way_at_a_crash_is_unknown_and_not_done_again(*, begun: bool) -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    if begun:
        room.feed(Begun("first"), 0)
    after = Kitchen(room.judge, decode(stored(room.state.entries)))
    drives = decided(after.feed(Started(), 10), Drive)
    assert {drive.actuator: drive.value for drive in drives}["fan"] is False
    assert (after.found().state, after.found().code) == (OrderState.FAILED, "unknown")
    assert after.feed(ordered(), 20) == [], "nor when it comes once more"


def test_what_had_succeeded_goes_on_over_a_restart_for_the_time_that_is_left() -> None:
    room = kitchen()
    room.order(ordered(), 0)
    after = Kitchen(room.judge, decode(stored(room.state.entries)))
    after.feed(Started(), 10 * MINUTE)
    assert after.output("fan").value is True
    after.feed(Elapsed(), 30 * MINUTE)
    assert after.output("fan").value is False


def test_a_reload_that_keeps_the_actuator_lets_an_order_go_on() -> None:
    room = kitchen()
    room.feed(ordered(), 0)
    room.feed(Begun("first"), 0)
    room.feed(Started(["fan"]), 10)
    assert room.found().state is OrderState.RUNNING


def test_manual_life_safety_stays_until_it_is_taken_back() -> None:
    room = kitchen()
    room.see(9.0, 0)
    room.feed(ordered(value=False, slot=1, until=None), 1)
    room.feed(Begun("first"), 1)
    after = Kitchen(room.judge, decode(stored(room.state.entries)))
    after.feed(Started(), 2)
    assert after.found().code == "unknown"
    after.feed(Elapsed(), 10_000 * MINUTE)
    assert after.output("fan").value is False
    assert after.order(relinquished(slot=1), 10_001 * MINUTE).state is OrderState.SUCCEEDED
    assert after.output("fan").value is True


def test_what_became_of_orders_is_forgotten_after_a_week_and_beyond_so_many() -> None:
    room = kitchen()
    room.order(ordered("holds", until=None), 0)
    for number in range(KEEP_MAX + 20):
        room.feed(ordered(f"n{number}", actuator="nobody"), number)
    known = [key for key in room.state.entries if key.startswith("order/")]
    assert len(known) == KEEP_MAX
    assert "order/holds" in known, "who holds a slot is known"
    assert "order/n0" not in known
    room.feed(ordered("late", actuator="nobody"), KEEP_MS + 1_000)
    left = {key for key in room.state.entries if key.startswith("order/")}
    assert left == {"order/holds", "order/late"}


ORDERS = st.tuples(
    st.sampled_from(["order", "back"]),
    st.sampled_from(ACTUATORS),
    st.booleans(),
    st.sampled_from([1, 8]),
    st.sampled_from([None, 3 * GRID_MS, 20 * GRID_MS]),
)
HAPPENINGS = st.lists(
    st.tuples(
        GAPS,
        st.one_of(
            ORDERS,
            st.tuples(st.just("read"), st.sampled_from(ACTUATORS), st.booleans()),
            st.tuples(st.just("see"), st.sampled_from([4.0, 8.5, 30.0, None])),
            st.tuples(st.sampled_from(["restart", "tick"])),
        ),
    ),
    max_size=25,
)


def _happen(room: Kitchen, what: tuple[object, ...], number: int, now: int) -> Kitchen:
    match what:
        case ("order", str(actuator), bool(value), int(slot), until):
            end = now + until if isinstance(until, int) else None
            room.order(
                ordered(f"o{number}", actuator=actuator, value=value, slot=slot, until=end),
                now,
                read=number % 3 > 0,
            )
        case ("back", str(actuator), _, int(slot), _):
            room.order(relinquished(f"o{number}", actuator, slot), now)
        case ("read", str(actuator), bool(value)):
            room.feed(ReadBack(actuator, value), now)
        case ("see", value):
            assert value is None or isinstance(value, float)
            room.see(value, now, good=value is not None)
        case ("restart",):
            room = Kitchen(room.judge, decode(stored(room.state.entries)))
            room.feed(Started(), now)
        case _:
            room.feed(Elapsed(), now)
    return room


@given(judges(), HAPPENINGS)
def test_whatever_is_ordered_the_lowest_slot_wins_and_nothing_stays_past_its_time(
    judge: Judge, happenings: list[tuple[int, tuple[object, ...]]]
) -> None:
    room, now = Kitchen(judge), 0
    for number, (gap, what) in enumerate(happenings):
        now += gap
        room = _happen(room, what, number, now)
        for actuator in ACTUATORS:
            output = room.output(actuator)
            assert all(it.until is None or it.until > now for it in output.slots.values())
            first = min(output.slots, default=None)
            if first in (1, 2) and not output.held:
                assert output.value is output.slots[first].value
            if not output.held:
                safe = judge.contracts[actuator].safe
                assert output.value is (safe if first is None else output.slots[first].value)
        assert room.state.next_due > now


@given(contracts(), HAPPENINGS)
def test_every_order_ends_by_itself(
    guards: Contract, happenings: list[tuple[int, tuple[object, ...]]]
) -> None:
    judge = Judge([rule(commands=[("fan", True, 10)])], dict.fromkeys(ACTUATORS, guards))
    room, now = Kitchen(judge), 0
    for number, (gap, what) in enumerate(happenings):
        now += gap
        room = _happen(room, what, number, now)
    room.feed(Elapsed(), now + 10 * MINUTE)
    for key, entry in room.state.entries.items():
        if isinstance(entry, Order):
            assert not entry.in_flight, key
