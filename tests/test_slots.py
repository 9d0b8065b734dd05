"""The priority slots and the guards of the fail-safe contract."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from rules.slots import (
    EVERY_MS,
    LIFE_SLOTS,
    SWITCHES,
    Contract,
    Occupant,
    Output,
    occupy,
    renew,
    settle,
    winner,
)
from tests.kitchen_rules import GAPS, GRID_MS, contract, contracts

ON, OFF = Occupant(True, "on"), Occupant(False, "off")
LONG_AGO = -1_000_000


@dataclass
class Bench:
    """One output; timers fire when they are due."""

    contract: Contract
    output: Output = field(init=False)
    now: int = 0
    switched: list[tuple[int, bool, int | None, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.output = Output({}, self.contract.safe, LONG_AGO)

    def occupy(self, slot: int, occupant: Occupant | None) -> bool:
        self._settle(occupy(self.output, slot, occupant))
        return self.output.value

    def pass_time(self, ms: int) -> bool:
        end = self.now + ms
        while self.output.due is not None and self.output.due <= end:
            self.now = self.output.due
            self._settle(self.output)
        self.now = end
        return self.output.value

    def _settle(self, arbitrated: Output) -> None:
        before = self.output
        self.output = settle(arbitrated, self.contract, self.now)
        assert settle(self.output, self.contract, self.now) is self.output, "settling again"
        assert self.output.due is None or self.output.due > self.now
        if self.output.value is not before.value:
            ran_out = self.output.ran_out_slot is not None
            slot = winner(self.output.slots)
            self.switched.append((self.now, self.output.value, slot, ran_out))


def test_the_lowest_numbered_slot_wins_and_with_none_the_safe_state() -> None:
    fan = Bench(contract(safe=True))
    assert fan.output.value is True
    assert fan.occupy(10, OFF) is False
    assert fan.occupy(8, ON) is True
    assert fan.occupy(2, OFF) is False
    assert fan.occupy(2, None) is True
    assert fan.occupy(8, None) is False
    assert fan.occupy(10, None) is True
    assert fan.output.slots == {}


def test_occupying_a_slot_the_same_way_again_changes_nothing() -> None:
    output = Output({10: ON}, True, 0)
    assert occupy(output, 10, ON) is output
    assert occupy(output, 11, None) is output
    assert list(occupy(output, 2, OFF).slots) == [2, 10]


def test_a_minimum_off_time_delays_and_life_safety_does_not_wait() -> None:
    fan = Bench(contract(min_off_ms=1_000))
    fan.occupy(10, ON)
    fan.pass_time(10)
    assert fan.occupy(10, None) is False
    fan.pass_time(10)
    assert fan.occupy(10, ON) is False
    assert fan.output.due == 1_010
    assert fan.pass_time(989) is False
    assert fan.pass_time(1) is True
    fan.occupy(10, None)
    assert fan.occupy(10, ON) is False
    assert fan.occupy(2, ON) is True


OCCUPANTS = st.sampled_from([ON, OFF, None])


def switch_often(output: Bench, times: int) -> list[bool]:
    """Switch it on and off so often; whether it came on each time."""
    came_on = []
    for _ in range(times):
        came_on.append(output.occupy(10, ON))
        output.occupy(10, None)
        output.pass_time(10)
    return came_on


def test_an_output_that_is_switched_too_often_waits_and_is_made_safe_at_once_all_the_same() -> None:
    siren = Bench(contract())
    assert switch_often(siren, SWITCHES) == [True] * SWITCHES
    assert switch_often(siren, 5) == [False] * 5
    siren.occupy(10, ON)
    assert siren.output.held == "pace"
    assert siren.output.due == EVERY_MS
    assert siren.pass_time(EVERY_MS) is True
    assert siren.occupy(10, None) is False


def test_life_safety_does_not_wait_for_an_output_that_was_switched_too_often() -> None:
    siren = Bench(contract())
    switch_often(siren, SWITCHES + 1)
    assert siren.occupy(2, ON) is True


def test_an_output_is_tired_until_half_of_its_allowance_has_come_back() -> None:
    siren = Bench(contract())
    switch_often(siren, SWITCHES)
    tired = [siren.output.tired]
    siren.occupy(10, ON)
    tired.append(siren.output.tired)
    siren.occupy(10, None)
    for ms in (SWITCHES * EVERY_MS // 2 - SWITCHES * 10 - 1, 1):
        siren.pass_time(ms)
        tired.append(siren.output.tired)
    assert tired == [False, True, True, False]
    assert siren.output.due is None


def test_an_output_rests_in_a_lockout_too() -> None:
    siren = Bench(contract())
    switch_often(siren, SWITCHES + 1)
    siren.occupy(10, ON)
    rested = siren.output.spent_until - SWITCHES * EVERY_MS // 2
    for now, tired, due in ((rested - 1, True, rested), (rested, False, None)):
        locked = settle(siren.output, siren.contract, now, "lockout/gas")
        assert (locked.held, locked.tired, locked.due) == ("lockout/gas", tired, due)


@given(st.lists(st.tuples(st.integers(0, 3 * EVERY_MS), OCCUPANTS), min_size=80, max_size=150))
def test_no_hour_has_more_switchings_than_the_allowance_and_what_comes_back(
    moves: list[tuple[int, Occupant | None]],
) -> None:
    output = Bench(contract())
    for gap, occupant in moves:
        output.pass_time(gap // 20)
        output.occupy(10, occupant)
    on = [at for at, value, _, _ in output.switched if value]
    for begin in on:
        within = [at for at in on if begin <= at < begin + 60 * EVERY_MS]
        assert len(within) <= SWITCHES + 60


def test_a_minimum_on_time_holds_after_the_command_is_gone() -> None:
    fan = Bench(contract(min_on_ms=1_000))
    fan.occupy(10, ON)
    assert fan.occupy(10, None) is True
    assert fan.pass_time(999) is True
    assert fan.pass_time(1) is False
    assert fan.switched == [(0, True, 10, False), (1_000, False, None, False)]


def test_life_safety_switches_off_within_the_minimum_on_time() -> None:
    fan = Bench(contract(min_on_ms=1_000))
    fan.occupy(10, ON)
    assert fan.occupy(1, OFF) is False


def test_a_change_of_mind_within_the_guard_never_reaches_the_output() -> None:
    fan = Bench(contract(min_on_ms=1_000))
    fan.occupy(10, ON)
    fan.occupy(10, OFF)
    fan.occupy(10, ON)
    assert fan.pass_time(5_000) is True
    assert len(fan.switched) == 1


def test_the_maximum_run_time_ends_the_run_until_the_command_is_renewed() -> None:
    siren = Bench(contract(max_on_ms=600))
    siren.occupy(10, ON)
    assert siren.pass_time(599) is True
    assert siren.pass_time(1) is False
    assert siren.switched[-1] == (600, False, 10, True)
    assert siren.pass_time(10_000) is False
    assert siren.occupy(11, ON) is False, "a less urgent slot is no new run"
    siren.occupy(11, None)
    siren.occupy(10, None)
    assert siren.occupy(10, ON) is True
    assert siren.pass_time(600) is False


def test_a_more_urgent_slot_starts_a_new_run_after_one_that_was_ended() -> None:
    """A fan that has run long enough for comfort still runs for carbon monoxide."""
    fan = Bench(contract(max_on_ms=600, min_off_ms=5_000))
    fan.occupy(10, ON)
    assert fan.pass_time(700) is False
    assert fan.occupy(2, ON) is True
    assert fan.pass_time(60_000) is True
    assert fan.occupy(2, None) is False


def test_life_safety_runs_on_and_what_it_leaves_behind_has_had_its_time() -> None:
    siren = Bench(contract(max_on_ms=600))
    siren.occupy(10, ON)
    siren.pass_time(500)
    assert siren.occupy(2, ON) is True
    assert siren.pass_time(60_000) is True
    assert siren.occupy(2, None) is False
    assert siren.switched[-1][3] is True
    assert siren.pass_time(60_000) is False


def test_a_run_that_was_ended_is_renewed_for_what_is_at_least_as_urgent() -> None:
    siren = Bench(contract(max_on_ms=600))
    siren.occupy(10, ON)
    assert renew(siren.output, 10) is siren.output
    siren.pass_time(600)
    assert renew(siren.output, 11) is siren.output
    for slot in (8, 10):
        assert settle(renew(siren.output, slot), siren.contract, 700).value is True


def test_an_output_whose_safe_state_is_on_has_no_maximum_run_time() -> None:
    compressor = Bench(contract(safe=True, max_on_ms=600))
    compressor.occupy(10, ON)
    assert compressor.pass_time(100_000) is True


MOVES = st.lists(st.tuples(GAPS, st.sampled_from([1, 2, 8, 10, 16]), OCCUPANTS), max_size=30)
ORDINARY = st.lists(st.tuples(GAPS, st.sampled_from([8, 10, 16]), OCCUPANTS), max_size=30)


@given(contracts(), st.one_of(MOVES, ORDINARY))
def test_no_sequence_of_commands_breaks_the_contract(
    guards: Contract, moves: list[tuple[int, int, Occupant | None]]
) -> None:
    output = Bench(guards)
    for gap, slot, occupant in moves:
        output.pass_time(gap)
        output.occupy(slot, occupant)
        output.pass_time(0)
    output.pass_time(100 * GRID_MS)

    since, value = LONG_AGO, guards.safe
    limited = guards.max_on_ms and not guards.safe
    limited = limited and not any(slot in LIFE_SLOTS for _, slot, _ in moves)
    for at, switched_to, by, ran_out in output.switched:
        assert switched_to is not value
        least = guards.min_on_ms if value else guards.min_off_ms
        assert at - since >= least or by in LIFE_SLOTS or ran_out
        if value and limited:
            assert at - since <= guards.max_on_ms
        since, value = at, switched_to
    if value and limited:
        assert output.now - since < guards.max_on_ms
    assert (output.output.value, output.output.since) == (value, since)
    if output.output.ran_out_slot is None:
        first = winner(output.output.slots)
        assert value is (guards.safe if first is None else output.output.slots[first].value)


@given(contracts(), MOVES, st.data())
def test_how_often_the_time_is_looked_at_makes_no_difference(
    guards: Contract, moves: list[tuple[int, int, Occupant | None]], data: st.DataObject
) -> None:
    coarse, fine = Bench(guards), Bench(guards)
    for gap, slot, occupant in moves:
        coarse.pass_time(gap)
        first = data.draw(st.integers(0, gap))
        fine.pass_time(first)
        fine.pass_time(gap - first)
        coarse.occupy(slot, occupant)
        fine.occupy(slot, occupant)
        assert coarse.output == fine.output
