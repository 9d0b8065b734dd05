"""Readings to minutes: means, the door's share, holes, lateness and the bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.minutes import Minute, MinuteLog

_M = 60_000


def test_a_minute_is_the_mean_of_its_readings() -> None:
    log = MinuteLog()
    for at, value in ((0, 3.0), (20_000, 4.0), (40_000, 5.0), (_M, 9.0)):
        log.temperature(at, value)
    assert log.minutes(_M + 1) == (Minute(0, 4.0, None),)


def test_the_running_minute_is_not_given_away() -> None:
    log = MinuteLog()
    log.temperature(0, 3.0)
    assert log.minutes(_M - 1) == ()
    assert log.minutes(_M) == (Minute(0, 3.0, None),)


def test_a_bad_reading_is_no_number() -> None:
    log = MinuteLog()
    log.temperature(0, None)
    assert log.minutes(_M) == (Minute(0, None, None),)


def test_minutes_without_a_reading_are_holes_and_not_the_last_value() -> None:
    log = MinuteLog()
    log.temperature(0, 3.0)
    log.temperature(3 * _M, 5.0)
    assert [each.temperature for each in log.minutes(4 * _M)] == [3.0, None, None, 5.0]


def test_the_door_counts_by_time_and_holds_until_it_moves() -> None:
    log = MinuteLog()
    log.door(0, is_open=False)
    log.door(30_000, is_open=True)
    log.door(45_000, is_open=False)
    log.door(_M + 30_000, is_open=True)
    shares = [each.door_open for each in log.minutes(4 * _M)]
    assert shares == [0.25, 0.5, 1.0, 1.0]


def test_a_door_that_is_not_known_for_most_of_a_minute_is_none() -> None:
    log = MinuteLog()
    log.door(0, is_open=True)
    log.door(_M + 10_000, None)
    log.door(2 * _M + 20_000, is_open=False)
    assert [each.door_open for each in log.minutes(3 * _M)] == [1.0, None, 0.0]


def test_what_comes_after_its_minute_is_closed_is_left_out_and_counted() -> None:
    log = MinuteLog()
    log.temperature(_M, 3.0)
    log.temperature(2 * _M, 3.0)
    log.temperature(_M + 1, 99.0)
    assert log.late == 1
    assert log.minutes(2 * _M) == (Minute(_M, 3.0, None),)


def test_a_long_silence_is_filled_only_as_far_as_it_can_be_seen() -> None:
    log = MinuteLog()
    log.door(0, is_open=True)
    log.temperature(0, 3.0)
    log.temperature(10_000_000 * _M, 4.0)
    seen = log.minutes(10_000_001 * _M)
    assert len(seen) == 60
    assert seen[-1] == Minute(10_000_000 * _M, 4.0, 1.0)
    assert seen[-2] == Minute(9_999_999 * _M, None, 1.0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 600_000),
            st.one_of(st.none(), st.booleans(), st.floats(-50, 50)),
        ),
        max_size=60,
    )
)
def test_whatever_comes_the_minutes_are_bounded_whole_and_in_order(
    events: list[tuple[int, bool | float | None]],
) -> None:
    log = MinuteLog(capacity=5)
    now = 0
    for step, value in events:
        now += step
        if isinstance(value, float):
            log.temperature(now, value)
        else:
            log.door(now, value)
        seen = log.minutes(now)
        assert len(seen) <= 5
        starts = [each.at_ms for each in seen]
        if starts:
            assert starts == list(range(starts[0], starts[-1] + 1, _M))
            assert starts[-1] + _M <= now
        for each in seen:
            assert each.door_open is None or 0.0 <= each.door_open <= 1.0
            assert each.temperature is None or -50.0 <= each.temperature <= 50.0
    assert log.late == 0


def test_the_mean_is_exact_enough() -> None:
    log = MinuteLog()
    for number in range(6000):
        log.temperature(number * 10, 3.1)
    assert log.minutes(_M)[0].temperature == pytest.approx(3.1, abs=1e-9)
