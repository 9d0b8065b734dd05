"""Kitchen time never steps back, and the wall clock is believed only as far as it may be."""

import asyncio
import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Boot, PacedClock, SystemClock, Trust, kitchen_offset_ms
from tests.fakes import ManualClock

MS = st.integers(min_value=0, max_value=10**13)


def test_a_first_start_counts_from_the_kernels_own_time() -> None:
    assert kitchen_offset_ms(None, "a", 5_000, 1_800_000_000_000) == 0


def test_a_restart_within_one_boot_loses_no_millisecond() -> None:
    last = Boot("a", monotonic_ms=1_000, wall_ms=50_000, kitchen_ms=9_000)
    assert kitchen_offset_ms(last, "a", 4_500, 0) + 4_500 == 12_500


def test_after_a_reboot_the_wall_clocks_tell_how_long_we_were_away() -> None:
    last = Boot("a", monotonic_ms=90_000_000, wall_ms=1_000_000, kitchen_ms=70_000)
    assert kitchen_offset_ms(last, "b", 12_000, 1_060_000) + 12_000 == 130_000


def test_a_wall_clock_that_went_back_counts_as_no_time_at_all() -> None:
    last = Boot("a", monotonic_ms=90_000_000, wall_ms=1_800_000_000_000, kitchen_ms=70_000)
    assert kitchen_offset_ms(last, "b", 12_000, 0) + 12_000 == 70_000


@given(st.booleans(), MS, MS, MS, MS, MS)
def test_kitchen_time_never_steps_back(
    same: bool, monotonic: int, wall: int, kitchen: int, later_monotonic: int, later_wall: int
) -> None:
    last = Boot("a", monotonic, wall, kitchen)
    boot = "a" if same else "b"
    offset = kitchen_offset_ms(last, boot, later_monotonic, later_wall)
    assert later_monotonic + offset >= kitchen


def test_a_wall_clock_that_jumps_leaves_kitchen_time_alone() -> None:
    clock = ManualClock()
    before = clock.now()
    clock.wall_ms -= 3_600_000 * 25
    assert clock.now() == before


def test_the_system_clock_runs_as_much_faster_as_it_is_told() -> None:
    clock = SystemClock(speed=100.0)
    start, wall = clock.now(), clock.wall()
    clock.pause(2.0)
    assert clock.now() - start >= 1_990
    assert math.isclose(clock.wall() - wall, clock.now() - start, abs_tol=50)


def test_the_system_clock_says_how_far_it_is_trusted() -> None:
    assert SystemClock().trust() in set(Trust)


def test_a_paced_clock_stands_while_the_loop_does_not_turn() -> None:
    clock = PacedClock(speed=100_000.0)
    start, wall = clock.now(), clock.wall()
    while time.monotonic() - clock._monotonic_start < 0.02:  # 2,000 s at full speed
        pass
    assert clock.now() - start <= 1_000 * PacedClock.AHEAD_S
    assert clock.wall() - wall <= 1_000 * PacedClock.AHEAD_S


async def test_a_paced_clock_goes_on_with_the_loop_and_never_back() -> None:
    clock = PacedClock(speed=100_000.0)
    seen = [clock.now()]
    while seen[-1] - seen[0] < 20_000:
        await clock.sleep(1.0)
        seen.append(clock.now())
    assert seen == sorted(seen)


async def test_a_pause_on_a_paced_clock_lasts_its_kitchen_time() -> None:
    clock = PacedClock(speed=100_000.0)
    lasted: list[int] = []

    def convert() -> None:
        before = clock.now()
        clock.pause(30.0)  # longer than the loop is allowed in one turn
        lasted.append(clock.now() - before)

    thread = threading.Thread(target=convert)
    thread.start()
    while not lasted:
        await clock.sleep(0.1)
    thread.join()
    assert lasted[0] >= 29_999


async def test_a_computer_that_cannot_keep_up_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacedClock, "TOLD_AFTER_S", 0.0)
    clock = PacedClock(speed=1e9)
    for _ in range(3):
        await clock.sleep(1.0)
        await asyncio.sleep(0)
    assert [record.message for record in caplog.records if "faster" in record.message] == [
        record.message for record in caplog.records
    ][:1]
