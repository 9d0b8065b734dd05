"""Between driver and hub nothing invalid passes: calibration, range, slew, deadband, silence."""

import math
import random
import struct
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Reason, Sample
from gateway.conditioning import KEEP_AT_LEAST_MS, TEXT_MAX, Conditioner, Treatment
from gateway.reading import Point, Quality, Reading, Value
from gateway.smoothing import Smoothing

PLAIN = Treatment()
EVERYTHING = Treatment(
    offset=-0.3,
    deadband=0.05,
    slew_per_s=2.0,
    smooth_s=30.0,
    stuck_after_ms=60_000,
    stale_after_ms=15_000,
)
BOUNDLESS_TREATMENT = Treatment(offset=1e308, slew_per_s=1e300, smooth_s=30.0, stuck_after_ms=1)
LONG = pytest.mark.timeout(4_800)
AWKWARD = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1.8e308, -1.8e308,
    1e15, -1e15, 1e16 + 1, 125.0, 125.004, 125.01, -40.0, -40.004, -40.01,
    10**400, -(10**400), True, False, "", "4.2", "nan", "\ud800", "a\nb", "x" * 1_000, None,
)  # fmt: skip


POINT = Point(
    index=0,
    id="walk_in/temperature",
    label="Walk-in",
    unit="Cel",
    kind="number",
    low=-40.0,
    high=125.0,
    period_s=5.0,
)
BOUNDLESS = msgspec.structs.replace(POINT, low=None, high=None, precision=6)
PUSHED = msgspec.structs.replace(POINT, period_s=0.0)
DOOR = msgspec.structs.replace(POINT, kind="boolean")
TEXT = msgspec.structs.replace(POINT, kind="text")
OF_KIND = {point.kind: point for point in (POINT, DOOR, TEXT)}


def every(period_ms: int, point: Point = POINT) -> Point:
    return msgspec.structs.replace(point, period_s=period_ms / 1000)


def through(samples: Sequence[Value], treatment: Treatment = PLAIN) -> list[Value]:
    conditioner = Conditioner(POINT, treatment, 0)
    return [
        conditioner.take(Sample(value), number * 5_000).value
        for number, value in enumerate(samples)
    ]


def check(reading: Reading) -> None:
    """Fit for a row of the protocol."""
    value, where = reading.value, reading.point
    assert reading.quality.bad == (value is None)
    if value is None:
        return
    if where.kind == "boolean":
        assert isinstance(value, bool)
    elif where.kind == "text":
        assert isinstance(value, str)
        assert len(value) <= TEXT_MAX
    else:
        assert type(value) in (int, float)
        number = float(value)
        assert math.isfinite(number)
        assert math.copysign(1.0, number) > 0 or number != 0, "minus zero"
        assert where.low is None or number >= where.low
        assert where.high is None or number <= where.high
        assert number == round(number, where.precision)
        assert not isinstance(value, float) or not value.is_integer() or abs(value) >= 1e15
    assert msgspec.json.decode(msgspec.json.encode(value)) == value


def floods(seed: int, count: int) -> Iterator[Value]:
    """Doubles of every bit pattern, numbers near the range, and what a broken driver may send."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.random()
        if kind < 0.4:
            yield struct.unpack("<d", chance.randbytes(8))[0]
        elif kind < 0.9:
            yield chance.gauss(20.0, 60.0)
        else:
            yield chance.choice(AWKWARD)


@pytest.mark.parametrize(
    ("point", "treatment", "count"),
    [
        (POINT, EVERYTHING, 600_000),
        (POINT, PLAIN, 340_000),
        (BOUNDLESS, BOUNDLESS_TREATMENT, 20_000),  # rounding 1e300 takes its time
        (DOOR, Treatment(deadband=2.0), 20_000),
        (TEXT, PLAIN, 20_000),
        pytest.param(POINT, EVERYTHING, 10_000_000, marks=[pytest.mark.long, LONG]),
    ],
    ids=["number", "plain number", "number without a range", "boolean", "text", "ten million"],
)
def test_of_a_flood_of_values_nothing_invalid_leaves(
    point: Point, treatment: Treatment, count: int
) -> None:
    conditioner = Conditioner(point, treatment, 0)
    reasons = [None, *Reason]
    seen = {False: 0, True: 0}
    for number, value in enumerate(floods(seed=1, count=count)):
        reason = reasons[number % 97] if number % 97 < len(reasons) else None
        reading = conditioner.take(Sample(value, reason), number * 5_000)
        seen[reading.good] += 1
        check(reading)
    assert min(seen.values()) > count // 1_000


@pytest.mark.parametrize("smooth_s", [0.1, 1.0, 1e9])
@given(values=st.lists(st.floats(-1e308, 1e308) | st.sampled_from([1.7e308, -1.7e308]), min_size=1))
def test_a_smoothed_value_is_never_beyond_what_was_seen(
    smooth_s: float, values: list[float]
) -> None:
    smoothing = Smoothing(smooth_s)
    for number, value in enumerate(values):
        smoothed = smoothing.take(value, number * 1_000)
        assert min(values[: number + 1]) <= smoothed <= max(values[: number + 1])


def test_after_one_time_constant_63_percent_of_a_step_show_however_often_it_is_read() -> None:
    for period_ms in (1_000, 2_000, 10_000, 30_000):
        conditioner = Conditioner(every(period_ms), Treatment(smooth_s=30.0), 0)
        value: Value = conditioner.take(Sample(0.0), 0).value
        for at in range(period_ms, 30_001, period_ms):
            value = conditioner.take(Sample(100.0), at).value
        assert value == 63.21  # 100 (1 - 1/e)


def test_after_a_long_silence_the_first_value_stands_for_itself() -> None:
    conditioner = Conditioner(POINT, Treatment(smooth_s=30.0), 0)
    conditioner.take(Sample(4.0), 0)
    assert conditioner.take(Sample(20.0), 600_000).value == 20


def test_a_smoothed_value_has_the_unsmoothed_one_beside_it() -> None:
    conditioner = Conditioner(POINT, Treatment(smooth_s=30.0, offset=-1.0), 0)
    conditioner.take(Sample(4.0), 0)
    assert conditioner.take(Sample(100.0), 1_000).raw == 100.0
    assert conditioner.take(Sample(100.0, raw=26_214), 2_000).raw == 26_214


def test_what_is_refused_does_not_enter_the_smoothed_value() -> None:
    treatment = Treatment(smooth_s=30.0, slew_per_s=0.1)
    assert through([4.0, 80.0, 200.0, math.nan, 4.0], treatment) == [4, None, None, None, 4]


STUCK = Treatment(stuck_after_ms=60_000)


def states(samples: Sequence[Sample], treatment: Treatment = STUCK) -> list[Quality]:
    """The quality of each of samples that come every five seconds."""
    conditioner = Conditioner(POINT, treatment, 0)
    return [
        conditioner.take(sample, number * 5_000).quality for number, sample in enumerate(samples)
    ]


def test_a_raw_value_that_never_moves_is_stuck_until_it_does() -> None:
    found = states([Sample(4.0, raw=700)] * 15 + [Sample(4.0, raw=701), Sample(4.0, raw=701)])
    assert found == [Quality.GOOD] * 12 + [Quality.STUCK] * 3 + [Quality.GOOD] * 2


def test_without_a_raw_value_the_value_itself_is_looked_at() -> None:
    assert states([Sample(4.0)] * 13)[-1] is Quality.STUCK
    moving = [Sample(4.0 + number * 1e-9) for number in range(40)]  # below what is stored
    assert set(states(moving)) == {Quality.GOOD}


def test_a_stuck_value_is_none_and_its_raw_one_is_kept_for_the_installer() -> None:
    conditioner = Conditioner(POINT, STUCK, 0)
    readings = [conditioner.take(Sample(4.0, raw=700), at) for at in (0, 60_000)]
    assert [(reading.value, reading.raw) for reading in readings] == [(4, 700), (None, 700)]


def test_time_without_a_value_neither_makes_a_point_stuck_nor_hides_that_it_is() -> None:
    lost = Sample(None, Reason.NO_COMMUNICATION)
    found = states([Sample(4.0), *[lost] * 100, Sample(4.0), Sample(4.0)])
    assert found[-2:] == [Quality.GOOD] * 2
    found = states([Sample(4.0), Sample(4.0), lost] * 20)
    assert found[-2] is Quality.STUCK
    conditioner = Conditioner(POINT, Treatment(stuck_after_ms=60_000, stale_after_ms=15_000), 0)
    conditioner.take(Sample(4.0), 0)
    assert conditioner.silence(20_000) is not None
    assert conditioner.take(Sample(4.0), 600_000).good


def test_no_point_is_stuck_unless_it_is_asked_for() -> None:
    assert set(states([Sample(4.0)] * 10_000, PLAIN)) == {Quality.GOOD}


@given(st.floats(-41, 126) | st.integers(-41, 126), st.floats(-2, 2))
def test_the_short_way_of_a_plain_number_ends_where_the_long_one_does(
    value: float, offset: float
) -> None:
    short = Conditioner(POINT, Treatment(offset=offset), 0)
    long = Conditioner(POINT, Treatment(offset=offset, slew_per_s=1e9), 0)
    for at in (0, 5_000):
        one, other = short.take(Sample(value), at), long.take(Sample(value), at)
        assert (one, short.keep) == (other, long.keep)
        assert type(one.value) is type(other.value)


@given(
    st.one_of(st.floats(), st.integers(), st.booleans(), st.text(), st.none()),
    st.one_of(st.none(), st.sampled_from(Reason)),
    st.floats(-1e308, 1e308),
    st.sampled_from(["number", "boolean", "text"]),
)
def test_whatever_a_driver_returns_is_a_sound_value_or_none_with_a_reason(
    value: Value, reason: Reason | None, offset: float, kind: str
) -> None:
    conditioner = Conditioner(OF_KIND[kind], Treatment(offset=offset), 0)
    check(conditioner.take(Sample(value, reason), 0))


@pytest.mark.parametrize("reason", Reason)
def test_a_sample_without_a_value_is_bad_even_if_its_reason_is_a_mild_one(reason: Reason) -> None:
    reading = Conditioner(POINT, PLAIN, 0).take(Sample(None, reason), 0)
    assert reading.quality.bad
    mild = reason in (Reason.CALIBRATION_OVERDUE, Reason.SUBSTITUTED)
    assert reading.quality.reason is (Reason.SENSOR_FAILURE if mild else reason)


def test_an_uncertain_value_keeps_its_value_and_its_reason() -> None:
    reading = Conditioner(POINT, PLAIN, 0).take(Sample(4.5, Reason.CALIBRATION_OVERDUE), 0)
    assert (reading.value, reading.quality) == (4.5, Quality.CALIBRATION_OVERDUE)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", "4"), ("number", True), ("boolean", 1.0), ("boolean", "true"), ("text", 4.0)],
)
def test_a_value_of_another_kind_is_a_failure(kind: str, value: Value) -> None:
    reading = Conditioner(OF_KIND[kind], PLAIN, 0).take(Sample(value), 0)
    assert (reading.value, reading.quality) == (None, Quality.SENSOR_FAILURE)


def test_the_offset_is_added_and_the_range_holds_for_the_result() -> None:
    assert through([4.0, -39.9, 125.2], Treatment(offset=-0.3)) == [3.7, None, 124.9]


def test_values_are_rounded_to_what_is_worth_storing_and_written_short() -> None:
    values = through([4.004, 4.006, 3.999, -0.001, 20.0])
    assert values == [4, 4.01, 4, 0, 20]
    assert [type(value) for value in values] == [int, float, int, int, int]


SLEW = Treatment(slew_per_s=0.1)  # half a kelvin in a period of five seconds


def test_a_single_spike_is_bad_and_the_value_after_it_is_good() -> None:
    assert through([4.0, 80.0, 4.1, 4.2], SLEW) == [4.0, None, 4.1, 4.2]


def test_a_jump_is_believed_when_the_next_value_confirms_it() -> None:
    assert through([4.0, 20.0, 20.1, 20.2], SLEW) == [4.0, None, 20.1, 20.2]


def test_spikes_that_do_not_confirm_each_other_are_all_bad() -> None:
    assert through([4.0, 80.0, -30.0, 60.0, 4.1], SLEW) == [4.0, None, None, None, 4.1]


def test_a_spike_does_not_count_as_confirmed_by_one_before_a_good_value() -> None:
    assert through([4.0, 80.0, 4.0, 80.0, 4.0], SLEW) == [4.0, None, 4.0, None, 4.0]


def test_a_slow_change_and_a_change_after_a_long_silence_are_believed() -> None:
    assert None not in through([4.0 + number * 0.5 for number in range(20)], SLEW)
    conditioner = Conditioner(POINT, SLEW, 0)
    conditioner.take(Sample(4.0), 0)
    assert conditioner.take(Sample(20.0), 600_000).value == 20.0


def kept(values: Sequence[Value], treatment: Treatment, point: Point = POINT) -> list[int]:
    """When a value was worth a row, one coming every second."""
    period_ms = 1_000
    conditioner = Conditioner(every(period_ms, point), treatment, 0)
    times = []
    for number, value in enumerate(values):
        conditioner.take(Sample(value), number * period_ms)
        if conditioner.keep:
            times.append(number * period_ms)
    return times


def test_a_change_as_large_as_the_deadband_is_kept_and_a_smaller_one_is_not() -> None:
    values = [4.0, 4.04, 4.05, 4.09, 4.0, 4.04]
    assert kept(values, Treatment(deadband=0.05)) == [0, 2_000, 4_000]


def test_a_slow_drift_is_kept_as_soon_as_it_adds_up() -> None:
    values = [4.0 + number * 0.01 for number in range(11)]
    assert kept(values, Treatment(deadband=0.05)) == [0, 5_000, 10_000]


def test_a_change_of_quality_is_always_kept_and_repeated_failures_are_not() -> None:
    values = [4.0, None, None, 4.0, 4.0]
    assert kept(values, Treatment(deadband=0.05)) == [0, 1_000, 3_000]


def test_a_contact_is_kept_whenever_it_changes_whatever_the_deadband() -> None:
    values = [True, True, False, False, True]
    assert kept(values, Treatment(deadband=5.0), DOOR) == [0, 2_000, 4_000]


def test_without_a_deadband_everything_is_kept() -> None:
    assert len(kept([4.0] * 50, PLAIN)) == 50


@given(st.integers(1_000, 90_000), st.integers(0, 59_999))
def test_no_minute_in_which_there_were_readings_stays_empty(period_ms: int, phase: int) -> None:
    conditioner = Conditioner(every(period_ms), Treatment(deadband=1.0), 0)
    heard, stored = set(), set()
    for at in range(phase, phase + 30 * 60_000, period_ms):
        conditioner.take(Sample(4.0), at)
        heard.add(at // 60_000)
        if conditioner.keep:
            stored.add(at // 60_000)
    assert heard - stored <= {max(heard)}, "only the last minute, which has just begun"


def test_a_pushed_point_is_kept_after_a_minute_too() -> None:
    conditioner = Conditioner(PUSHED, Treatment(deadband=1.0), 0)
    keeps = []
    for at in (0, 30_000, KEEP_AT_LEAST_MS + 1, KEEP_AT_LEAST_MS + 2):
        conditioner.take(Sample(4.0), at)
        keeps.append(conditioner.keep)
    assert keeps == [True, False, True, False]


def test_silence_is_said_once_and_ends_with_the_next_value() -> None:
    conditioner = Conditioner(POINT, Treatment(stale_after_ms=15_000), 0)
    conditioner.take(Sample(4.0), 1_000)
    assert conditioner.silence(16_000) is None
    silent = conditioner.silence(16_001)
    assert silent is not None
    assert (silent.value, silent.quality, silent.at) == (None, Quality.STALE, 16_001)
    assert conditioner.silence(60_000) is None
    assert conditioner.take(Sample(4.0), 61_000).good
    assert conditioner.keep
    assert conditioner.silence(76_000) is None


def test_a_point_that_was_never_heard_has_not_started() -> None:
    conditioner = Conditioner(POINT, Treatment(stale_after_ms=15_000), 100_000)
    assert conditioner.silence(115_000) is None
    silent = conditioner.silence(115_001)
    assert silent is not None
    assert silent.quality is Quality.NOT_STARTED
    assert conditioner.silence(200_000) is None


def test_silence_does_not_hide_why_a_device_failed() -> None:
    conditioner = Conditioner(POINT, Treatment(stale_after_ms=15_000), 0)
    conditioner.take(Sample(None, Reason.NO_COMMUNICATION), 1_000)
    assert conditioner.silence(60_000) is None


def test_a_pushed_point_without_a_limit_is_never_stale() -> None:
    conditioner = Conditioner(PUSHED, PLAIN, 0)
    assert all(conditioner.silence(at) is None for at in range(0, 10**9, 10**7))


def test_the_raw_value_travels_along() -> None:
    reading = Conditioner(POINT, Treatment(offset=1.0), 0).take(Sample(4.0, raw=26_214), 7)
    assert (reading.value, reading.raw, reading.at) == (5, 26_214, 7)
