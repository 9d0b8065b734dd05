"""What an alarm may say beside how urgent it is, and the ladders people are told by."""

from pathlib import Path

import pytest

from gateway.changeover import judge_of
from gateway.config.load import Loaded, load
from rules.base import Priority
from rules.escalation import Ladder, Rung
from rules.terms import PLAIN, AlarmTerms, Suppress

KITCHEN = """
site: {label: Kitchen, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44, every: 5s}
  door: {driver: contact, bus: pins, pin: 17}
shifts:
  hand_over: 15min
  roles:
    cook:
      - {person: mina, from: "07:00", to: "15:00", days: mon-fri}
      - {person: jun, from: "15:00", to: "23:00", days: mon-fri}
    manager: [{person: lee}]
escalations:
  cold_chain:
    steps: [{after: 0s, to: on_duty cook}, {after: 5min, to: manager}, {after: 15min, to: owner}]
    repeat: 30min
rules:
  warm:
    kind: limit
    point: cold/temperature
    raise_above: 8 °C
    on_bad: hold
    then: [{alarm: {priority: high, latch: true, clear_for: 2min, shelve: 1h,
      suppress: {while: door/open, is: true, up_to: 20min}, group: cold_chain,
      escalate: cold_chain, procedure: "Measure by hand.\\nMove the food."}}]
"""
ALARM = KITCHEN[KITCHEN.index("{alarm:") : KITCHEN.rindex("]")]


def loaded(folder: Path, text: str) -> Loaded:
    (folder / "config.yaml").write_text(text)
    return load(folder / "config.yaml")


def test_all_that_an_alarm_may_say_is_compiled(tmp_path: Path) -> None:
    config = loaded(tmp_path, KITCHEN).config
    assert config is not None
    (rule,) = config.rules
    assert (rule.priority, rule.alarm) == (Priority.HIGH, True)
    assert rule.terms == AlarmTerms(
        latch=True,
        clear_for_ms=120_000,
        shelve_ms=3_600_000,
        suppress=Suppress(point="door/open", value=True, up_to_ms=1_200_000),
        group="cold_chain",
        escalate="cold_chain",
        procedure="Measure by hand.\nMove the food.",
    )
    assert judge_of(config).alarm_plan.ladders["cold_chain"] == Ladder(
        rungs=(
            Rung(after_ms=0, to="on_duty cook"),
            Rung(after_ms=300_000, to="manager"),
            Rung(after_ms=900_000, to="owner"),
        ),
        repeat_ms=1_800_000,
    )


def test_the_short_form_says_how_urgent_it_is_and_nothing_else(tmp_path: Path) -> None:
    config = loaded(tmp_path, KITCHEN.replace(ALARM, "{alarm: low}")).config
    assert config is not None
    (rule,) = config.rules
    assert (rule.priority, rule.terms) == (Priority.LOW, PLAIN)


@pytest.mark.parametrize(
    ("written", "instead", "path", "says"),
    [
        ("{priority: high,", "{", "then[0].alarm", '"priority" is missing'),
        ("latch: true", "latched: true", "alarm.latched", 'did you mean "latch"?'),
        ("shelve: 1h", "shelve: 2d", "rules.warm", "shelve: got 2880min, expected at most 1440min"),
        ("up_to: 20min}", "}", "alarm.suppress", '"up_to" is missing'),
        ("while: door/open", "while: dor/open", "rules.warm", 'did you mean "door/open"?'),
        ("while: door/open", "while: cold/humidity", "rules.warm", "is a number"),
        ("is: true", "is: ajar", "rules.warm", "expected true or false"),
        ("escalate: cold_chain", "escalate: warm_chain", "rules.warm", 'did you mean "cold_chain"'),
        ("priority: high", "priority: life", "rules.warm", "at most 10min for priority life"),
        ("to: manager", 'to: "the manager"', "steps[1].to", "expected a role"),
        ("on_duty cook", "on_duty cok", "escalations.cold_chain", 'did you mean "cook"'),
        ("{person: lee}", "{who: lee}", "shifts.roles.manager[0]", '"person" is missing'),
        ("{after: 0s", "{after: 1s", "escalations.cold_chain", "the first must be at once"),
        ("{after: 15min", "{after: 4min", "escalations.cold_chain", "later and later"),
        ("repeat: 30min", "repeat: 30s", "escalations.cold_chain", "at least 1min"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(
    tmp_path: Path, written: str, instead: str, path: str, says: str
) -> None:
    assert written in KITCHEN
    found = loaded(tmp_path, KITCHEN.replace(written, instead, 1))
    assert found.config is None
    told = [f"{problem.path}: {problem.message}" for problem in found.problems]
    assert any(path in line and says in line for line in told), told
    assert all(problem.line > 1 for problem in found.problems)


def test_the_shifts_say_who_is_on_duty(tmp_path: Path) -> None:
    config = loaded(tmp_path, KITCHEN).config
    assert config is not None
    assert config.shifts is not None
    monday = 1_795_996_800_000  # 2026-11-30 00:00 UTC, 09:00 in Seoul
    assert [it.person for it in config.shifts.reached("cook", monday)] == ["mina"]
    night = monday + 16 * 3_600_000
    assert [it.person for it in config.shifts.reached("cook", night)] == ["lee"]
