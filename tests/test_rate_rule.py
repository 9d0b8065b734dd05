"""A value that changes too fast: what raises, what keeps, what clears, what cannot be judged."""

import pytest

from rules.base import Formula
from rules.expression import BLIND, UNSEEN, Unknown
from rules.rate import Options, Rate
from rules.window import Window
from tests.expression_world import Kitchen

OVEN = "oven/temperature"
K_PER_MIN = 1 / 60
FIRE = Options(over_s=60.0, raise_above=8 * K_PER_MIN, clear_below=3 * K_PER_MIN)


def world() -> Kitchen:
    made = Kitchen()
    made.windows[OVEN, 60_000] = Window(60_000)
    return made


def warm(made: Kitchen, per_minute: float, *, seconds: int, start: float = 20.0) -> None:
    begin = made.now
    for second in range(0, seconds + 1, 5):
        made.show(OVEN, start + per_minute * second / 60, begin + second * 1000)


@pytest.mark.parametrize(
    ("per_minute", "idle", "active"),
    [(10.0, True, True), (5.0, False, UNSEEN), (1.0, False, False), (-20.0, False, False)],
)
def test_a_rise_beyond_the_limit_raises_and_a_slow_one_clears(
    per_minute: float, idle: bool, active: bool | Unknown
) -> None:
    made = world()
    warm(made, per_minute, seconds=90)
    assert Rate(FIRE, OVEN).holds(made, active=False) is idle
    assert Rate(FIRE, OVEN).holds(made, active=True) is active


def test_it_is_given_what_a_formula_is() -> None:
    formula: Formula = Rate(FIRE, OVEN)
    assert formula.points == (OVEN,)
    assert formula.windows == ((OVEN, 60_000),)
    assert formula.every_ms == 1_000


def test_a_fall_has_a_negative_limit() -> None:
    made = world()
    warm(made, -12.0, seconds=90)
    falling = Rate(Options(over_s=60.0, raise_below=-10 * K_PER_MIN), OVEN)
    assert falling.holds(made, active=False) is True


def test_an_unseen_point_gives_no_opinion_and_a_broken_one_is_blind() -> None:
    rate = Rate(FIRE, OVEN)
    assert rate.holds(Kitchen(), active=False) is UNSEEN
    made = world()
    assert rate.holds(made, active=True) is UNSEEN
    warm(made, 20.0, seconds=20)
    assert rate.holds(made, active=False) is BLIND, "a third of a window is not enough"
    warm(made, 20.0, seconds=60)
    assert rate.holds(made, active=False) is True
    made.show(OVEN, None, made.now, good=False)
    made.now += 40_000
    assert rate.holds(made, active=True) is BLIND


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"over_s": 60.0}, "needs raise_above or raise_below"),
        ({"over_s": 5.0, "raise_above": 1.0}, "over must be 10s to 1h"),
        ({"over_s": 60.0, "raise_above": 1.0, "clear_below": 2.0}, "clear_below must not be above"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**settings)
