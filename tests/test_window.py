"""Windows: what holds, what is a gap, and that a restart changes no answer."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.window import BUCKETS_MAX, SPAN_MOST_MS, Window
from tests.expression_world import Seen, Value

Steps = Sequence[tuple[int, float | None]]

MINUTE = 60_000
MEASURES = (Window.mean, Window.least, Window.most, Window.rate)


def window(readings: Steps, span_ms: int = MINUTE) -> Window:
    made = Window(span_ms)
    for at, value in readings:
        made.see(Seen(value, good=value is not None, at=at))
    return made


def test_the_average_weighs_a_value_by_how_long_it_held() -> None:
    # 45 s at 4 and 15 s at 8, the far end of the window being at a full second
    found = window([(0, 4.0), (46_000, 8.0)])
    assert found.mean(60_999) == pytest.approx((45 * 4.0 + 14.999 * 8.0) / 59.999)
    assert found.least(60_999) == 4.0
    assert found.most(60_999) == 8.0


def test_a_steady_rise_has_its_rate_per_minute() -> None:
    found = window([(second * 1000, 4.0 + second / 60 * 3.0) for second in range(300)], 2 * MINUTE)
    assert found.rate(299_000) == pytest.approx(3.0, rel=0.02)
    assert window([(0, 4.0)]).rate(50_000) == 0.0


def test_a_gap_is_in_no_average_and_half_a_window_must_be_covered() -> None:
    broken = [(0, 4.0), (20_000, None), (40_000, 10.0)]
    assert window(broken).mean(59_000) == pytest.approx((20 * 4.0 + 19 * 10.0) / 39)
    assert window(broken[:2]).mean(59_000) is None
    assert [measure(window(broken[:2]), 45_000) for measure in MEASURES] == [None] * 4
    assert window([(0, 4.0)]).mean(29_999) is None
    assert window([(0, 4.0)]).mean(30_000) == 4.0
    assert window([(0, 4.0), (31_000, None)]).most(50_000) == 4.0


def test_a_value_that_was_replaced_at_once_still_was_the_highest() -> None:
    found = window([(0, 4.0), (30_000, 90.0), (30_000, 4.0)])
    assert found.most(50_000) == 90.0
    assert found.mean(50_000) == 4.0
    assert found.most(95_000) == 4.0


def test_what_is_older_than_the_window_is_forgotten() -> None:
    found = window([(0, 90.0), (10_000, 4.0)])
    assert found.most(68_999) == 90.0
    assert found.most(69_000) == 4.0
    assert found.mean(10_000_000) == 4.0, "a value holds until the next reading"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "4", 10**400], ids=str)
def test_what_is_no_number_is_a_gap(value: Value) -> None:
    found = Window(MINUTE)
    found.see(Seen(4.0, at=0))
    found.see(Seen(value, at=10_000))
    assert found.mean(50_000) is None
    assert found.begun


def test_a_reading_of_bad_quality_is_a_gap_whatever_it_says() -> None:
    found = Window(MINUTE)
    found.see(Seen(4.0, at=0))
    found.see(Seen(99.0, good=False, at=40_000))
    assert found.most(59_000) == 4.0
    assert found.mean(59_000) == 4.0


def test_what_was_seen_before_an_interruption_held_no_longer() -> None:
    found = window([(0, 4.0), (10_000, 4.0)])
    found.interrupt()
    assert found.mean(59_000) is None, "nobody knows what was between 10 s and the next reading"
    found.see(Seen(8.0, at=50_000))
    assert found.mean(74_000) is None
    assert found.mean(80_000) == 8.0
    assert found.most(65_000) is None


@pytest.mark.parametrize("span_ms", [0, 9_999, SPAN_MOST_MS + 1])
def test_a_span_that_is_too_short_or_too_long_is_refused(span_ms: int) -> None:
    with pytest.raises(ValueError, match="10s to 1h"):
        Window(span_ms)


SPANS = st.sampled_from([10_000, 33_333, MINUTE, 77_777, 10 * MINUTE, SPAN_MOST_MS])
VALUES = st.one_of(st.none(), st.floats(-50, 300), st.sampled_from([4.0, 8.0]))
STEPS = st.one_of(st.integers(0, 3_000), st.sampled_from([0, 1000, 60_000, 700_000, 9_000_000]))
READINGS = st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=40)


def timed(steps: Steps) -> list[tuple[int, float | None]]:
    at, readings = 1_700_000_000_000, list[tuple[int, float | None]]()
    for step, value in steps:
        at += step
        readings.append((at, value))
    return readings


def answers(of: Window, now: int) -> list[float | None]:
    return [measure(of, now) for measure in MEASURES]


@given(SPANS, READINGS, STEPS)
@settings(max_examples=80, deadline=None)
def test_after_a_restart_the_last_readings_give_the_very_same_answers(
    span_ms: int, steps: Steps, wait: int
) -> None:
    readings = timed(steps)
    whole = window(readings, span_ms)
    now = readings[-1][0]
    begin = whole.begins(now)
    before = [index for index, (at, _) in enumerate(readings) if at < begin]
    again = window(readings[before[-1] if before else 0 :], span_ms)
    for later in (now, now + wait):
        assert answers(again, later) == answers(whole, later)


@given(SPANS, READINGS, st.lists(STEPS, max_size=5))
@settings(max_examples=40, deadline=None)
def test_asking_changes_nothing(span_ms: int, steps: Steps, asked: list[int]) -> None:
    readings = timed(steps)
    quiet, curious = Window(span_ms), Window(span_ms)
    for at, value in readings:
        for each in (quiet, curious):
            each.see(Seen(value, good=value is not None, at=at))
        for wait in asked:
            answers(curious, at + wait)
    assert answers(quiet, readings[-1][0]) == answers(curious, readings[-1][0])


@given(SPANS, READINGS, STEPS)
@settings(max_examples=80, deadline=None)
def test_a_window_answers_as_its_held_values_read_one_by_one(
    span_ms: int, steps: Steps, wait: int
) -> None:
    readings = timed(steps)
    found = window(readings, span_ms)
    now = readings[-1][0] + wait
    begin = found.begins(now)
    assert span_ms - found.width_ms <= now - begin < span_ms + found.width_ms
    held = [
        (max(at, begin), until, value)
        for (at, value), (until, _) in zip(readings, [*readings[1:], (now, None)], strict=True)
        if value is not None and (until > begin or at >= begin)
    ]
    covered = sum(until - start for start, until, _ in held)
    if 2 * covered < span_ms:
        assert answers(found, now) == [None] * 4
        return
    mean, least, most, rate = answers(found, now)
    area = math.fsum(value * (until - start) for start, until, value in held)
    assert mean == pytest.approx(area / covered, rel=1e-9, abs=1e-9)
    assert (least, most) == (min(value for *_, value in held), max(value for *_, value in held))
    assert rate == pytest.approx(
        (held[-1][2] - held[0][2]) * MINUTE / (held[-1][1] - held[0][0]), rel=1e-9, abs=1e-9
    )


def test_a_window_is_bounded_however_much_it_sees() -> None:
    found = window([(at * 37, float(at % 7)) for at in range(20_000)], SPAN_MOST_MS)
    assert len(found._buckets) <= BUCKETS_MAX
    slow = window([(at * 40_000_000, 1.0) for at in range(50)], SPAN_MOST_MS)
    assert len(slow._buckets) <= BUCKETS_MAX
