"""Rules of every sort, broken at random: refused whole with their errors; the old ones run on."""

import random
from pathlib import Path

import pytest

from gateway.changeover import judge_of
from gateway.config import describe
from gateway.config.load import load
from rules.alarm import Alarm, State
from rules.base import Value
from rules.events import Asked, Clocked, Elapsed, Observed, Record, Started
from rules.judge import Judge
from rules.memory import Phase
from rules.slots import Output
from rules.state import Memories
from tests.kitchen_rules import Bench, Seen, decided
from tests.processes import Daemon
from tests.test_config_errors import mutated
from tests.test_life_cycle import state

KITCHEN = """\
site: {label: Broken, zone: Europe/Berlin}
web: {listen: 127.0.0.1}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44, every: 100ms}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
modes:
  kitchen: [open, closed, cleaning]
  season: [summer, winter]
scenes:
  night:
    - {command: siren, value: off, slot: 12, expires: 8h}
    - {mode: kitchen, to: closed}
  morning:
    - {mode: kitchen, to: open}
    - {record: opened by the clock}
rules:
  warm:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    on_bad: hold
    then: [{alarm: high}, {command: siren, value: on}]
  creeping:
    when: avg(cold/temperature, "1min") > 7 and rate(cold/temperature, "10min") > 0
    if: mode/kitchen != "cleaning" and not door/open
    for: 10s
    on_bad: ignore
    then: [{alarm: medium}, {notify: it creeps, to: cook}]
  rising:
    kind: rate
    point: cold/temperature
    over: 1min
    raise_above: 2 K/min
    on_bad: alarm
    then: [{alarm: low}]
  night_door:
    when: door/open and (hour() >= 23 or hour() < 5) or age(cold/humidity) > "5 min"
    on_bad: safe
    priority: low
    then: [{command: siren, value: on, slot: 14}]
  close_down:
    when: [{schedule: "23:30"}, called, {alarm: warm, on: acknowledge}]
    if: mode/kitchen == "open"
    on_bad: hold
    priority: low
    then: [{scene: night}, {timer: tidy, for: 20min}]
  tidy:
    when:
      - {timer: tidy}
      - {point: door/open, to: true}
      - {point: mode/kitchen, to: cleaning}
    mode: queued
    priority: medium
    then: [{wait: 3min}, {notify: is it clean?}, {alarm: medium}]
  open_up:
    when: [{schedule: {at: ["06:00", "18:00"], days: mon-fri}}]
    mode: restart
    priority: low
    then: [{scene: morning}, {mode: season, to: winter}, {wait: 10s}, {record: warm}]
emulation: {seed: 1}
"""
READINGS: tuple[tuple[str, Value], ...] = (
    ("door/open", False),
    ("cold/temperature", 9.0),
    ("cold/humidity", 50.0),
    ("door/open", True),
    ("mode/kitchen", "cleaning"),
    ("cold/temperature", None),
    ("door/open", None),
    ("cold/temperature", 12.0),
)
LATER_MS = 300_000


def read(folder: Path, text: str) -> Judge:
    path = folder / "config.yaml"
    path.write_text(text)
    loaded = load(path)
    assert describe.problems(loaded.problems) == ""
    assert loaded.config is not None
    return judge_of(loaded.config)


def running(judge: Judge) -> Bench:
    """These rules in the middle of it all: an alarm stands, a run waits, a timer runs."""
    kitchen = Bench(judge)
    kitchen.feed(Started(), 0)
    kitchen.feed(Clocked(1_793_000_000_000), 0)
    for point, value in READINGS:
        kitchen.feed(Observed(point, Seen(value, good=value is not None, at=1_000)), 1_000)
    kitchen.feed(Observed("mode/kitchen", Seen("open", at=2_000)), 2_000)
    kitchen.feed(Asked("close_down", "mina"), 2_000)
    assert {"alarm/warm", "run/tidy", "timer/tidy"} <= kitchen.state.entries.keys()
    return kitchen


def taken_over(judge: Judge, kitchen: Bench, now: int) -> Bench:
    """Other rules on what these have left, as a reload does it."""
    after = Bench(judge)
    after.state = Memories(judge, kitchen.state.entries, kitchen.state.seen)
    after.feed(Started(known=list(judge.contracts), fresh=False), now)
    return after


def live_on(kitchen: Bench, now: int) -> None:
    """Whatever rules these are, they are judged without an error."""
    for point, value in READINGS:
        now += 1_000
        kitchen.feed(Observed(point, Seen(value, good=value is not None, at=now)), now)
    for name in kitchen.judge.rules:
        if kitchen.judge.hearers.callable(name):
            kitchen.feed(Asked(name, "mina"), now)
    kitchen.feed(Elapsed(), now + LATER_MS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [1_000, pytest.param(5_000, marks=pytest.mark.long)])
def test_thousands_of_broken_rules_are_refused_whole_or_can_be_lived_with(
    tmp_path: Path, count: int
) -> None:
    original = read(tmp_path, KITCHEN)
    before = KITCHEN.index("modes:"), KITCHEN.index("emulation:")
    head, rules, tail = KITCHEN[: before[0]], KITCHEN[before[0] : before[1]], KITCHEN[before[1] :]
    chance = random.Random(count)
    path = tmp_path / "config.yaml"
    refused = taken = other = 0
    for _ in range(count):
        text = f"{head}{mutated(rules, chance)}{tail}"
        path.write_bytes(text.encode())
        loaded = load(path)
        describe.problems(loaded.problems).encode()
        for problem in loaded.problems:
            assert 1 <= problem.line <= text.count("\n") + 2
            assert problem.message.isprintable()
        if loaded.config is None:
            assert loaded.problems
            refused += 1
            continue
        # But for what hangs on a device that is left out, rules are taken whole or not at all.
        assert all(problem.device in loaded.disabled for problem in loaded.problems)
        taken += 1
        judge = judge_of(loaded.config)
        if judge.rules == original.rules:
            continue
        other += 1
        kitchen = taken_over(judge, running(original), 3_000)
        live_on(kitchen, 3_000)
        back = taken_over(original, kitchen, 2 * LATER_MS)
        back.feed(Observed("cold/temperature", Seen(9.0, at=2 * LATER_MS)), 2 * LATER_MS)
        assert back.phase("warm") in {Phase.ACTIVE, Phase.SUSPENDED}
        assert isinstance(back.state.entries["alarm/warm"], Alarm)
    assert refused > count // 3
    assert taken > count // 100
    assert other > count // 500, taken


def test_what_did_not_change_goes_on_where_it_stood(tmp_path: Path) -> None:
    original = read(tmp_path, KITCHEN)
    kitchen = running(original)
    entries = dict(kitchen.state.entries)
    after = taken_over(read(tmp_path, KITCHEN.replace("rising:", "rising_fast:")), kitchen, 3_000)
    # The renamed rule raises its alarm anew, and that is counted.
    gone = {key for key in entries if key.endswith("/rising")} | {"announcing/alarms"}
    assert {key: entries[key] for key in entries.keys() - gone} == {
        key: entry
        for key, entry in after.state.entries.items()
        if "rising" not in key and key != "announcing/alarms"
    }
    told = decided([effect for _, effect in after.effects], Record)
    assert {one.data.get("id", "rising") for one in told} <= {"rising", "rising_fast"}
    siren, alarm = after.state.entries["output/siren"], after.state.entries["alarm/warm"]
    assert isinstance(siren, Output)
    assert isinstance(alarm, Alarm)
    assert siren.value is True
    assert alarm.state is State.UNACKNOWLEDGED


@pytest.mark.timeout(600)
def test_a_daemon_refuses_broken_rules_whole_and_judges_by_the_old_ones(tmp_path: Path) -> None:
    chance = random.Random(4)
    begin = KITCHEN.index("rules:")
    outcomes: list[str] = []
    with Daemon(tmp_path, KITCHEN) as daemon:
        token = daemon.create_token("manager")
        daemon.wait_until(lambda: "alarm/warm" in state(daemon))
        for _ in range(40):
            broken = KITCHEN[:begin] + mutated(KITCHEN[begin:], chance)
            daemon.config.write_text(broken)
            status, said = daemon.reload(token)
            result = "refused" if status == 422 else said["result"]
            assert status in {200, 422}, said
            if result == "refused":
                assert said["problems"]
                assert all(problem["line"] for problem in said["problems"])
                daemon.config.write_text(KITCHEN)
                result = f"refused, {daemon.reload(token)[1]['result']}"
            outcomes.append(result)
        daemon.config.write_text(KITCHEN)
        assert daemon.reload(token)[0] == 200
        daemon.wait_until(lambda: "alarm/warm" in state(daemon))
        assert daemon.stop() == 0
    assert any(outcome.startswith("refused") for outcome in outcomes)
    assert "Traceback" not in daemon.log
