"""`kind: limit`: what raises, what keeps, what clears, and which settings make no sense."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.base import Condition as AnyCondition
from rules.limit import Condition, Options

LIMITS = st.one_of(st.none(), st.integers(-40, 40).map(float))
WARM = Options(raise_above=8.0, clear_below=6.0)
COLD = Options(raise_below=-25.0, clear_above=-22.0)


@dataclass(frozen=True)
class Seen:
    value: float | bool | str | None
    good: bool = True
    at: int = 0


def holds(options: Options, value: float | bool | str | None, *, active: bool) -> bool | None:
    condition: AnyCondition = Condition(options)
    return condition.holds(Seen(value), active=active)


@pytest.mark.parametrize(
    ("options", "value", "idle", "active"),
    [
        (WARM, 8.1, True, True),
        (WARM, 8.0, False, None),  # on the limit is not beyond it
        (WARM, 6.1, False, None),
        (WARM, 6.0, False, False),
        (WARM, -273.0, False, False),
        (COLD, -25.1, True, True),
        (COLD, -25.0, False, None),
        (COLD, -22.1, False, None),
        (COLD, -22.0, False, False),
        (Options(raise_above=8.0), 8.0, False, False),
    ],
)
def test_a_value_beyond_the_raising_limit_raises_and_only_the_clearing_limit_ends_it(
    options: Options,
    value: float,
    idle: bool,
    active: bool | None,
) -> None:
    assert holds(options, value, active=False) is idle
    assert holds(options, value, active=True) is active


def test_a_band_raises_on_both_sides_and_clears_only_between_both_clearing_limits() -> None:
    band = Options(raise_below=-25.0, clear_above=-22.0, raise_above=-15.0, clear_below=-18.0)
    values = (-26.0, -25.0, -23.0, -22.0, -18.0, -17.0, -15.0, -14.0)
    assert [holds(band, value, active=False) for value in values] == [
        True, False, False, False, False, False, False, True,
    ]  # fmt: skip
    assert [holds(band, value, active=True) for value in values] == [
        True, None, None, False, False, None, None, True,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, True, False, "9.5"])
def test_what_is_no_number_gives_no_opinion(value: bool | str | None) -> None:
    assert holds(WARM, value, active=False) is None
    assert holds(WARM, value, active=True) is None


def test_the_raising_limits_are_there_for_people_to_see() -> None:
    condition = Condition(Options(raise_above=8.0))
    assert (condition.low, condition.high) == (None, 8.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs raise_above or raise_below"),
        ({"clear_below": 6.0}, "needs raise_above or raise_below"),
        ({"raise_below": 1.0, "clear_below": 6.0}, "clear_below needs raise_above"),
        ({"raise_above": 1.0, "clear_above": 6.0}, "clear_above needs raise_below"),
        ({"raise_above": 8.0, "clear_below": 8.5}, "clear_below must not be above raise_above"),
        ({"raise_above": -18.0, "clear_below": 0.0}, "clear_below must not be above"),
        ({"raise_below": 2.0, "clear_above": 1.0}, "clear_above must not be below raise_below"),
        ({"raise_below": 2.0, "clear_above": -1.0}, "clear_above must not be below"),
        ({"raise_above": 2.0, "raise_below": 5.0}, "raise_below must not be above raise_above"),
        (
            {"raise_above": 8.0, "clear_below": 2.0, "raise_below": 0.0, "clear_above": 6.0},
            "nothing would clear it",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**settings)


@given(LIMITS, LIMITS, LIMITS, LIMITS, st.floats(-100, 100))
def test_no_accepted_limits_leave_a_rule_that_nothing_could_clear(
    high: float | None, below: float | None, low: float | None, above: float | None, value: float
) -> None:
    try:
        options = Options(raise_above=high, clear_below=below, raise_below=low, clear_above=above)
    except ValueError:
        assume(False)
        raise
    condition = Condition(options)
    clearing = [limit for limit in (below, above, high, low) if limit is not None]
    assert any(condition.holds(Seen(limit), active=True) is False for limit in clearing)
    idle, active = (condition.holds(Seen(value), active=active) for active in (False, True))
    assert (idle is True) == (active is True), "hysteresis must not change what raises"
    assert idle is not None


@given(st.booleans(), st.sampled_from([WARM, COLD]))
def test_nan_never_raises(active: bool, options: Options) -> None:
    assert holds(options, math.nan, active=active) is not True
