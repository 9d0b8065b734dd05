"""Roll-ups count good values only, say how long nothing was known, and add up."""

import math

from hypothesis import given
from hypothesis import strategies as some

from gateway.reading import Quality, Value
from gateway.store.block import Columns
from gateway.store.rollup import (
    HOUR_MS,
    MINUTE_MS,
    MINUTES,
    UNKNOWN,
    Rollup,
    Standing,
    empty,
    merge,
    pack_minutes,
    roll,
    unpack_minutes,
)

STALE, BROKEN, OVERDUE = (
    quality.code for quality in (Quality.STALE, Quality.SENSOR_FAILURE, Quality.CALIBRATION_OVERDUE)
)
GOOD = Standing(4.0, 0)


def one(readings: list[tuple[int, Value, int]], standing: Standing = GOOD) -> Rollup:
    at, values, codes = zip(*readings, strict=True) if readings else ((), (), ())
    return roll(Columns(at, values, bytes(codes)), standing, [0, MINUTE_MS])[0]


def test_good_values_make_least_most_and_mean() -> None:
    found = one([(1_000, 4.0, 0), (2_000, 5.5, 0), (3_000, 3.1, 0)])
    assert (found.low, found.high, found.mean(MINUTE_MS), found.count) == (3.1, 5.5, 4.2, 3)
    assert (found.last, found.gap_ms, found.worst) == (3.1, 0, 0)


def test_a_bad_reading_is_a_gap_until_the_next_good_one_and_no_number() -> None:
    found = one([(10_000, None, BROKEN), (15_000, None, STALE), (40_000, 6.0, 0)])
    assert (found.low, found.high, found.count) == (6.0, 6.0, 1)
    assert (found.gap_ms, found.worst) == (30_000, BROKEN)


def test_a_gap_that_came_before_goes_on_and_says_why() -> None:
    found = one([(20_000, 6.0, 0)], Standing(None, STALE))
    assert (found.gap_ms, found.worst) == (20_000, STALE)


def test_nothing_at_all_is_a_gap_of_the_whole_time() -> None:
    found = one([], UNKNOWN)
    assert (found.gap_ms, found.count, found.low, found.last) == (MINUTE_MS, 0, None, None)
    assert found.mean(MINUTE_MS) is None


def test_an_uncertain_value_counts_and_is_told() -> None:
    found = one([(0, 6.0, OVERDUE)])
    assert (found.count, found.low, found.gap_ms, found.worst) == (1, 6.0, 0, OVERDUE)


def test_the_mean_of_a_switch_is_the_share_of_the_known_time_it_was_on() -> None:
    found = one([(15_000, True, 0), (45_000, None, BROKEN)], Standing(False, 0))
    assert (found.gap_ms, found.mean(MINUTE_MS)) == (15_000, round(30 / 45, 6))
    assert empty(Standing(True, 0), MINUTE_MS).mean(MINUTE_MS) == 1.0


def test_a_text_has_a_last_value_and_no_mean() -> None:
    found = one([(0, "low", 0), (1, "high", 0)])
    assert (found.last, found.low, found.mean(MINUTE_MS), found.count) == ("high", None, None, 2)


def test_the_mean_is_never_beyond_least_and_most() -> None:
    found = one([(0, 1_234_567.891_234, 0)])
    assert found.low == found.high == found.mean(MINUTE_MS)


values = some.one_of(some.none(), some.decimals(-50, 300, places=2).map(float))


@given(some.lists(some.tuples(some.integers(0, HOUR_MS - 1), values), max_size=80))
def test_the_minutes_of_an_hour_add_up_to_it(found: list[tuple[int, float | None]]) -> None:
    found.sort(key=lambda reading: reading[0])
    columns = Columns(
        [at for at, _ in found],
        [value for _, value in found],
        bytes(0 if value is not None else STALE for _, value in found),
    )
    minutes = roll(columns, UNKNOWN, MINUTES)
    whole = roll(columns, UNKNOWN, [0, HOUR_MS])[0]
    added = merge(minutes)
    assert (added.count, added.low, added.high) == (whole.count, whole.low, whole.high)
    assert (added.last, added.gap_ms) == (whole.last, whole.gap_ms)
    assert math.isclose(added.total, whole.total, abs_tol=1e-6)
    assert unpack_minutes(pack_minutes(minutes)) == minutes
