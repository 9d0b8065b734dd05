"""`between`: a rule holds and runs only at these times of the day, whatever the clock does."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config import describe
from gateway.config.load import Loaded, load
from rules.base import Called, Formula, Note, OnBad, Rule
from rules.events import Asked, Clocked, Elapsed, Observed, Record, Started
from rules.gates import Between, Both
from tests.expression_world import Kitchen
from tests.kitchen_rules import Bench, Seen, decided
from tests.processes import REPOSITORY
from tests.test_runs import DOOR, TEMPERATURE, bench, formula, notes, rule, seen, verbs
from tests.test_time_window import between
from tests.wall_clock import DAY, HOUR, MINUTE, utc

GUIDE = (REPOSITORY / "docs" / "rules.md").read_text()
NIGHT = Between([between("23:00", "06:00")])
LUNCH_AND_DINNER = Between([between("11:00", "14:00"), between("17:00", "21:00")])
NOON = utc("2026-05-01T12:00+09:00")


def gated(made: Rule, gate: Formula) -> Rule:
    return replace(made, gate=gate)


def started(made: Rule, wall: int | None = NOON) -> Bench:
    kitchen = bench(made)
    kitchen.feed(Started(), 0)
    kitchen.feed(Clocked(wall), 0)
    return kitchen


def test_a_condition_holds_only_within_and_begins_and_ends_with_its_time() -> None:
    kitchen = started(gated(rule(when=DOOR, alarm=True), NIGHT))
    assert verbs(seen(kitchen, DOOR, value=True, now=1)) == []
    assert verbs(kitchen.feed(Elapsed(), 11 * HOUR - 1)) == []
    assert verbs(kitchen.feed(Elapsed(), 11 * HOUR + MINUTE)) == ["raise"]
    assert verbs(kitchen.feed(Elapsed(), 18 * HOUR - 1)) == []
    assert verbs(kitchen.feed(Elapsed(), 18 * HOUR + MINUTE)) == ["return"]


def test_a_run_begins_only_within() -> None:
    kitchen = started(
        gated(rule(triggers=[Called()], actions=[Note(text="checked")]), LUNCH_AND_DINNER)
    )
    told = [notes(kitchen.feed(Asked("watch", "mina"), hour * HOUR)) for hour in (1, 3, 6, 10)]
    assert told == [["checked"], [], ["checked"], []]  # 13:00, 15:00, 18:00, 22:00


@pytest.mark.parametrize(("on_bad", "raised"), [(OnBad.ALARM, ["raise"]), (OnBad.HOLD, [])])
def test_while_no_clock_is_believed_on_bad_decides(on_bad: OnBad, raised: list[str]) -> None:
    kitchen = started(gated(rule(when=DOOR, alarm=True, on_bad=on_bad), NIGHT), wall=None)
    seen(kitchen, DOOR, value=True, now=1)
    assert verbs(effect for _, effect in kitchen.effects) == raised


def test_a_clock_that_is_set_back_or_ahead_counts_at_once() -> None:
    kitchen = started(gated(rule(when=DOOR, alarm=True), NIGHT))
    seen(kitchen, DOOR, value=True, now=1)
    assert verbs(kitchen.feed(Clocked(NOON + 11 * HOUR), 2)) == ["raise"]
    assert verbs(kitchen.feed(Clocked(NOON - 40 * DAY), 3)) == ["return"]


def test_with_if_both_have_to_be_true_and_false_decides_whatever_is_unknown() -> None:
    both = Both([formula(f"{TEMPERATURE} > 8"), NIGHT])
    world = Kitchen(readings={TEMPERATURE: Seen(9.0)})
    assert (both.points, both.every_ms) == ((TEMPERATURE,), NIGHT.every_ms)
    for utc_ms, value, held in (
        (utc("2026-05-01T23:30+09:00"), 9.0, True),
        (utc("2026-05-01T23:30+09:00"), 7.0, False),
        (NOON, None, False),
        (None, 7.0, False),
    ):
        world.utc_ms = utc_ms
        world.readings[TEMPERATURE] = Seen(value, good=value is not None)
        assert both.holds(world) is held
    world.readings[TEMPERATURE] = Seen(9.0)
    assert not isinstance(both.holds(world), bool)


def test_a_gated_limit_looks_again_though_nothing_comes() -> None:
    kitchen = started(gated(rule(when=f"{TEMPERATURE} > 8", alarm=True), NIGHT))
    kitchen.feed(Observed(TEMPERATURE, Seen(9.0, at=5), True), 5)
    effects = kitchen.feed(Elapsed(), 12 * HOUR)
    (record,) = (one for one in decided(effects, Record) if one.kind == "alarm")
    assert record.data["chain"] == ["rule watch"]


def shipped(folder: Path, *files: str) -> Loaded:
    """The shipped kitchen with these files in its `rules.d`."""
    (folder / "config.yaml").write_text((REPOSITORY / "config.yaml").read_text())
    (folder / "rules.d").mkdir()
    for number, text in enumerate(files):
        (folder / "rules.d" / f"{number}.yaml").write_text(text)
    return load(folder / "config.yaml")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{from: '23:00'}", '"to" is missing'),
        ("{from: '23:00', to: '23:00'}", "from and to are the same"),
        ("[]", "got 0 spans of the day, expected 1 to 8"),
        ("'23:00-06:00'", "expected keys and values"),
        ("{from: '25:00', to: '06:00'}", "25:00"),
        ("{from: sunset, to: '23:00'}", "latitude"),
        ("{from: '22:00', to: '23:00', dais: fri}", 'did you mean "days"'),
    ],
)
def test_what_is_no_span_of_the_day_is_said_with_its_place(
    tmp_path: Path, written: str, said: str
) -> None:
    rules = f"""rules:
  night_door: {{kind: contact, point: walk_in_door/open, between: {written}, on_bad: hold,
    then: [{{alarm: low}}]}}
"""
    (problem,) = shipped(tmp_path, rules).problems
    told = describe.problems([problem])
    assert "rules.night_door.between" in told
    assert said in told


def test_a_clock_may_be_unknown_so_on_bad_is_required(tmp_path: Path) -> None:
    rules = """rules:
  night: {when: [called], between: {from: "23:00", to: "06:00"}, priority: low,
    then: [{record: night}]}
"""
    (problem,) = shipped(tmp_path, rules).problems
    assert '"on_bad" is missing' in problem.message


def test_the_examples_of_the_page_are_rules_of_the_shipped_kitchen(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    loaded = shipped(tmp_path, *blocks)
    assert describe.problems(loaded.problems) == ""
    assert loaded.config is not None
    rules = {rule.id: rule for rule in loaded.config.rules}
    assert isinstance(rules["opened_at_night"].gate, Between)
    assert {"walk_in_high", "walk_in_creeping", "close_down", "door_left"} <= rules.keys()
    moved = shipped_again(tmp_path, blocks[0].replace("23:00", "22:00"))
    assert rules["opened_at_night"].fingerprint != moved["opened_at_night"].fingerprint


def shipped_again(folder: Path, text: str) -> dict[str, Rule]:
    """The rules after the first file has been edited."""
    (folder / "rules.d" / "0.yaml").write_text(text)
    loaded = load(folder / "config.yaml")
    assert loaded.config is not None, loaded.problems
    return {rule.id: rule for rule in loaded.config.rules}
