"""A value that changes too fast: what raises, what keeps, what clears, what cannot be judged."""

from pathlib import Path

import pytest

from gateway.config.load import load
from rules.base import Formula, OnBad, Priority, Rule
from rules.events import Started
from rules.expression import BLIND, UNSEEN, Unknown
from rules.judge import Judge
from rules.memory import Phase
from rules.rate import Condition, Options
from rules.window import Window
from tests.expression_world import Kitchen
from tests.kitchen_rules import Bench
from tests.test_yaml import EXAMPLE

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
    assert Condition(FIRE, OVEN).holds(made, active=False) is idle
    assert Condition(FIRE, OVEN).holds(made, active=True) is active


def test_it_is_given_what_a_formula_is() -> None:
    formula: Formula = Condition(FIRE, OVEN)
    assert formula.points == (OVEN,)
    assert formula.windows == ((OVEN, 60_000),)
    assert formula.every_ms == 1_000


def test_a_fall_has_a_negative_limit() -> None:
    made = world()
    warm(made, -12.0, seconds=90)
    falling = Condition(Options(over_s=60.0, raise_below=-10 * K_PER_MIN), OVEN)
    assert falling.holds(made, active=False) is True


def test_an_unseen_point_gives_no_opinion_and_a_broken_one_is_blind() -> None:
    rate = Condition(FIRE, OVEN)
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


def test_a_fire_raises_at_once_and_a_slower_rise_keeps_it_until_it_is_slow() -> None:
    """Through the judge, from the readings that are kept to the alarm."""
    found = Rule(
        id="fire", label="fire", point=OVEN, formula=Condition(FIRE, OVEN), on_bad=OnBad.HOLD,
        priority=Priority.LIFE, alarm=True,
    )  # fmt: skip
    bench = Bench(Judge([found], {}))
    bench.feed(Started(), 0)
    phases = []
    temperature = 20.0
    for second in range(0, 601, 5):
        per_minute = 12.0 if 100 <= second < 200 else 5.0 if 200 <= second < 400 else 0.5
        temperature += per_minute / 12
        bench.see(temperature, second * 1000, point=OVEN)
        phases.append((second, bench.phase("fire")))
    active = [second for second, phase in phases if phase is Phase.ACTIVE]
    assert active == list(range(active[0], active[-1] + 1, 5)), "it neither flickers nor ends early"
    assert 100 < active[0] < 160
    assert 400 < active[-1] < 460


def test_it_is_written_with_its_units_and_the_time_it_looks_back(tmp_path: Path) -> None:
    rule = """\
  oven_fire:
    kind: rate
    point: walk_in/temperature
    over: 1min
    raise_above: 14.4 °F/min
    clear_below: 3 K/min
    on_bad: alarm
    then: [{alarm: life}]
"""
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE.read_text().replace("\nrules:\n", f"\nrules:\n{rule}"))
    loaded = load(path)
    assert loaded.problems == ()
    assert loaded.config is not None
    found = next(it for it in loaded.config.rules if it.id == "oven_fire")
    assert found.condition is None
    assert found.formula is not None
    assert found.formula.windows == (("walk_in/temperature", 60_000),)
    written = loaded.config.rule_options["oven_fire"]
    assert isinstance(written, Options)
    assert written.raise_above == pytest.approx(8 / 60)
