"""Kitchen time never steps back, and the wall clock is believed only as far as it may be."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Boot, SystemClock, Trust, kitchen_offset_ms
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
