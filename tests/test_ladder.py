"""The recovery ladder: each step in its order, bounded, and back up at the first answer."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import BusError, CorruptData, DriverError, WrongDevice
from gateway.buses.ladder import (
    BUS_PATIENCE_MS,
    REST_MAX_MS,
    RETRIES,
    TRY_SHARE,
    BusLadder,
    Ladder,
    Step,
)

PERIOD_MS = 5_000
SILENT = BusError("nobody there")
CORRUPT = CorruptData("wrong checksum")


class Device:
    """A device that is asked on the grid of its period and fails as `fails` says."""

    def __init__(
        self,
        bus: BusLadder,
        name: str = "cold",
        *,
        period_ms: int = PERIOD_MS,
        stale_after_ms: int | None = None,
    ) -> None:
        self.ladder = Ladder(name, bus, period_ms=period_ms, stale_after_ms=stale_after_ms)
        self.fails: DriverError | None = None
        self.took_ms = 10.0
        self.steps: list[tuple[int, Step]] = []

    def tick(self, now: int) -> Step:
        step = self.ladder.next(now)
        self.steps.append((now, step))
        if step is not Step.REST:
            if self.fails is None:
                self.ladder.answered(now)
            else:
                self.ladder.failed(self.fails, now, self.took_ms)
        return step

    def ticks(self, count: int, begin: int = 0) -> list[Step]:
        return [self.tick(begin + number * PERIOD_MS) for number in range(count)]

    @property
    def is_down(self) -> bool:
        return self.ladder.down

    @property
    def tried_at(self) -> list[int]:
        return [at for at, step in self.steps if step is not Step.REST]


def beside(bus: BusLadder) -> Device:
    """A neighbour that answers, so that the bus is not to blame."""
    neighbour = Device(bus, "neighbour")
    neighbour.tick(0)
    return neighbour


def test_a_device_goes_down_step_by_step_and_up_at_its_first_answer() -> None:
    device = Device(BusLadder())
    device.fails = CORRUPT
    assert device.ticks(6) == [
        Step.READ, Step.REINITIALISE, Step.REST, Step.REINITIALISE, Step.REST, Step.REST,
    ]  # fmt: skip
    went_down, device.fails = device.is_down, None
    assert device.tick(7 * PERIOD_MS) is Step.REINITIALISE
    assert (went_down, device.is_down) == (True, False)
    assert device.tick(8 * PERIOD_MS) is Step.READ


def test_the_rest_doubles_up_to_a_minute() -> None:
    device = Device(BusLadder())
    device.fails = CORRUPT
    device.ticks(60)
    rests = [after - before for before, after in pairwise(device.tried_at)]
    assert rests[:5] == [5_000, 10_000, 20_000, 40_000, 60_000]
    assert set(rests[4:]) == {REST_MAX_MS}


def test_the_rest_is_no_longer_than_what_makes_a_point_stale() -> None:
    device = Device(BusLadder(), stale_after_ms=3 * PERIOD_MS)
    device.fails = CORRUPT
    device.ticks(60)
    rests = {after - before for before, after in pairwise(device.tried_at)}
    assert max(rests) == 3 * PERIOD_MS


def test_a_device_that_is_seldom_read_is_tried_at_each_of_its_ticks() -> None:
    period_ms = 600_000
    device = Device(BusLadder(), period_ms=period_ms, stale_after_ms=3 * period_ms)
    device.fails = SILENT
    assert Step.REST not in [device.tick(number * period_ms) for number in range(10)]


def test_a_try_that_takes_long_leaves_the_bus_to_the_others_for_ten_times_as_long() -> None:
    bus = BusLadder()
    device = Device(bus, stale_after_ms=3 * PERIOD_MS)
    device.fails, device.took_ms = SILENT, 2_000.0
    neighbour = beside(bus)
    for number in range(120):
        device.tick(number * PERIOD_MS)
        neighbour.tick(number * PERIOD_MS)
    held_ms = len(device.tried_at) * device.took_ms
    assert held_ms <= 120 * PERIOD_MS / TRY_SHARE + 3 * device.took_ms


@pytest.mark.parametrize("lateness_ms", [0, 1, 40])
def test_a_tick_that_wakes_a_little_early_or_late_is_not_one_too_soon(lateness_ms: int) -> None:
    device = Device(BusLadder())
    device.fails = CORRUPT
    for number in range(8):
        device.tick(number * PERIOD_MS + (lateness_ms if number % 2 else 0))
    assert [round(at / PERIOD_MS) for at in device.tried_at] == [0, 1, 3, 7]


def test_only_the_first_tick_retries_and_only_what_may_pass() -> None:
    device = Device(BusLadder())
    retries = device.ladder.retries
    assert [retries(CORRUPT, tries, 10, 1_000) for tries in range(1, 5)] == [
        tries <= RETRIES for tries in range(1, 5)
    ]
    assert retries(SILENT, 1, 10, 1_000)
    assert not retries(SILENT, 1, 1_000, 900), "there is no time for another"
    assert not retries(WrongDevice("no SHT3x"), 1, 10, 1_000)
    device.fails = CORRUPT
    device.tick(0)
    assert not retries(CORRUPT, 1, 10, 1_000)


def test_a_wrong_device_is_not_asked_for_a_minute_and_then_once() -> None:
    device = Device(BusLadder(), stale_after_ms=3 * PERIOD_MS)
    device.fails = WrongDevice("no SHT3x")
    device.ticks(25)
    assert device.tried_at == [0, 60_000, 120_000]


def test_a_person_who_asks_does_not_wait_for_the_rest_to_end() -> None:
    device = Device(BusLadder())
    device.fails = CORRUPT
    device.ticks(10)
    assert device.ladder.next(10 * PERIOD_MS) is Step.REST
    assert device.ladder.next(10 * PERIOD_MS, forced=True) is Step.REINITIALISE


def test_one_silent_device_does_not_have_the_bus_of_others_opened_again() -> None:
    bus = BusLadder()
    device, neighbour = Device(bus), beside(bus)
    device.fails = SILENT
    for number in range(1, 100):
        device.tick(number * PERIOD_MS)
        neighbour.tick(number * PERIOD_MS + 1)
    assert bus.reopened == 0


def test_nonsense_is_an_answer_of_the_bus() -> None:
    bus = BusLadder()
    device = Device(bus)
    device.fails = CORRUPT
    device.ticks(100)
    assert bus.reopened == 0


def test_a_silent_bus_is_opened_again_by_one_of_its_devices_for_all() -> None:
    bus = BusLadder()
    devices = [Device(bus, f"d{number}") for number in range(3)]
    for device in devices:
        device.tick(0)
        device.fails = SILENT
    assert [device.tick(PERIOD_MS) for device in devices] == [Step.READ] * 3
    steps = [device.tick(2 * PERIOD_MS + turn) for turn, device in enumerate(devices)]
    assert steps == [Step.REOPEN, Step.REINITIALISE, Step.REINITIALISE]
    assert bus.reopened == 1


def test_the_neighbours_are_tried_as_soon_as_one_of_a_silent_bus_is_back() -> None:
    bus = BusLadder()
    one, two = Device(bus, "one"), Device(bus, "two")
    one.fails = two.fails = SILENT
    for number in range(20):
        one.tick(number * PERIOD_MS)
        two.tick(number * PERIOD_MS + 1)
    one.fails = two.fails = None
    number = 20
    while one.tick(number * PERIOD_MS) is Step.REST:
        number += 1
    assert two.tick(number * PERIOD_MS + 1) is not Step.REST
    assert not two.ladder.down


def test_a_bus_that_stays_silent_is_opened_again_less_and_less_often() -> None:
    bus = BusLadder()
    device = Device(bus, stale_after_ms=3 * PERIOD_MS)
    device.fails = SILENT
    device.ticks(720)  # an hour
    assert 60 <= bus.reopened <= 66


def test_a_device_that_is_hardly_ever_asked_does_not_hide_a_silent_bus() -> None:
    bus = BusLadder()
    seldom, often = Device(bus, "seldom"), Device(bus, "often")
    seldom.tick(0)
    often.tick(0)
    often.fails = SILENT
    for number in range(1, 1 + BUS_PATIENCE_MS // PERIOD_MS):
        often.tick(number * PERIOD_MS)
    assert bus.reopened == 0
    for number in range(1 + BUS_PATIENCE_MS // PERIOD_MS, 20):
        often.tick(number * PERIOD_MS)
    assert bus.reopened >= 1


@given(st.integers(0, 1_000), st.integers(100, 300_000), st.booleans())
def test_whatever_happens_a_mended_device_is_seen_within_a_minute_or_its_period(
    seed: int, period_ms: int, lonely: bool
) -> None:
    chance, bus = random.Random(seed), BusLadder()
    device = Device(bus, period_ms=period_ms, stale_after_ms=3 * period_ms)
    if not lonely:
        beside(bus)
    now = 0
    for _ in range(60):
        device.fails = chance.choice([None, SILENT, CORRUPT, WrongDevice("no SHT3x")])
        device.took_ms = chance.choice([1.0, 500.0, 100_000.0])
        device.tick(now)
        now += period_ms
    device.fails, mended_at = None, now
    while device.tick(now) is Step.REST:
        now += period_ms
    assert now - mended_at <= max(period_ms, REST_MAX_MS)
