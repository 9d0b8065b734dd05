"""Killed in the middle of a `for`, a wait, a timer, a schedule: the kitchen hears no difference.

The daemon runs and is killed at random; what it has decided by then, state and events, must be what
an uninterrupted run over the committed input decides.
"""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.changeover import judge_of
from gateway.config.load import load
from gateway.judging import decode, event_of
from gateway.store.log import unpacked
from gateway.store.state import JudgedReading, committed
from rules.events import Announce, Effect, Observed, Record
from rules.judge import Judge
from rules.state import Memories
from tests.processes import Daemon
from tests.test_life_cycle import state

KINDS = {"alarm", "command", "mode", "notice", "order", "record", "rule", "schedule", "timer"}
CONFIG = """
site: {label: Kill, zone: UTC}
web: {listen: 127.0.0.1}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44, every: 100ms}
  warm: {driver: sht3x, bus: i2c, address: 0x45, every: 150ms}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 5s, min_on: 500ms}
  lamp:
    driver: relay
    bus: pins
    pin: 25
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
modes: {kitchen: [open, closed]}
escalations:
  tell: {steps: [{after: 0s, to: cook}, {after: 3s, to: manager}], repeat: 1min}
rules:
  soon:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    for: 3s
    on_bad: hold
    then: [{alarm: {priority: high, escalate: tell}}, {command: siren, value: on}]
  later:
    kind: limit
    point: warm/temperature
    raise_above: -30 °C
    for: 9s
    on_bad: hold
    then: [{alarm: low}, {record: nine seconds}]
  both:
    when: cold/temperature < warm/temperature and avg(warm/temperature, "10s") > -30
    if: mode/kitchen == "closed"
    for: 2s
    on_bad: hold
    then: [{alarm: medium}]
  cut_in:
    kind: limit
    point: cold/temperature
    raise_above: {limit} °C
    on_bad: hold
    then: [{alarm: low}]
  after:
    when: [{alarm: soon, on: raise}]
    priority: low
    then:
      - {record: begun}
      - {command: lamp, value: on, expires: 4s}
      - {wait: 5s}
      - {mode: kitchen, to: closed}
      - {timer: egg, for: 4s}
      - {record: waited}
  rung:
    when: [{timer: egg}]
    priority: low
    then: [{record: rung}, {alarm: low}]
  minutely:
    when: [{schedule: "* * * * *"}]
    priority: low
    then: [{record: a minute}]
emulation: {seed: 7, places: {cold: cold_room, warm: kitchen}}
""".replace("{limit}", "2.5")
ONCE = ("begun", "waited", "rung", "nine seconds")

Told = tuple[str, Any]


def replayed(judge: Judge, connection: sqlite3.Connection) -> tuple[dict[str, Any], list[Told]]:
    """State and events of an uninterrupted run over the committed input."""
    state, told = Memories(judge), list[Told]()
    for entry in committed(connection):
        event = (
            Observed(entry.point, entry)
            if isinstance(entry, JudgedReading)
            else event_of(entry.body)
        )
        step = judge.step(state, event, entry.at)
        state.apply(step.changes)
        told += _told(step.effects)
    return state.entries, told


def _told(effects: Sequence[Effect]) -> Iterator[Told]:
    for effect in effects:
        if isinstance(effect, Announce):
            yield "alarm", _plain({**effect.data, "people": []})  # there are none
        elif isinstance(effect, Record) and effect.kind in KINDS:
            yield effect.kind, _plain(effect.data)


def _plain(data: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(data))


def events(connection: sqlite3.Connection) -> list[Told]:
    """The committed events that judging has caused."""
    rows = connection.execute("SELECT body FROM ev ORDER BY s").fetchall()
    bodies = [msgspec.json.decode(unpacked(body)) for (body,) in rows]
    return [(body["k"], body["d"]) for body in bodies if body["k"] in KINDS]


def assert_as_uninterrupted(daemon: Daemon) -> None:
    config = load(daemon.config).config
    assert config is not None
    with closing(sqlite3.connect(daemon.database)) as connection:
        kept = decode(dict(connection.execute("SELECT key, body FROM state")))
        state, told = replayed(judge_of(config), connection)
        assert kept == state
        assert events(connection) == told


ASKED: tuple[tuple[str, dict[str, object]], ...] = (
    ("/api/v1/alarms/later/shelve", {"reason": "delivery", "for_s": 4}),
    ("/api/v1/alarms/later/acknowledge", {}),
    ("/api/v1/alarms/cut_in/shelve", {"reason": "cleaning", "for_s": 2}),
    ("/api/v1/commands", {"actuator": "lamp", "value": True, "for": 3}),
)


def meddle(daemon: Daemon, token: str, chance: random.Random) -> None:
    """A person does something; whether it is granted is all the same here."""
    daemon.wait_ready()
    path, body = chance.choice(ASKED)
    assert daemon.post(path, token, body)[0] < 500


def killed(folder: Path, kills: int, chance: random.Random) -> None:
    daemon = Daemon(folder, CONFIG)
    token = ""
    for _ in range(kills):
        daemon.start(ready=False)
        if chance.random() < 0.9:
            daemon.wait_line("collecting")
            token = token or daemon.create_token("manager")
        if token and chance.random() < 0.4:
            meddle(daemon, token, chance)
        time.sleep(chance.uniform(0.0, 0.9))
        daemon.kill()
        if daemon.database.exists():
            assert_as_uninterrupted(daemon)
    daemon.start(ready=False)
    try:
        daemon.wait_until(lambda: "rung" in noted(daemon) and "alarm/both" in state(daemon))
    finally:
        daemon.kill()
    assert_as_uninterrupted(daemon)
    notes = noted(daemon)
    assert [notes.count(text) for text in ONCE] == [1] * len(ONCE)
    assert notes.index("begun") < notes.index("waited") < notes.index("rung")
    with closing(sqlite3.connect(daemon.database)) as connection:
        told = [data["step"] for _, data in events(connection) if data.get("to") == "manager"]
        raised = [data for kind, data in events(connection)
                  if kind == "alarm" and data["verb"] == "raise"]  # fmt: skip
    assert told.count(1) == 1, "the second step, once"
    for alarm in ("soon", "rung"):  # those nobody has hidden
        assert sum(data["id"] == alarm for data in raised) == 1, alarm


def noted(daemon: Daemon) -> list[str]:
    """The texts of the record, in order."""
    if not daemon.database.exists():
        return []
    with closing(sqlite3.connect(daemon.database)) as connection:
        return [data["text"] for kind, data in events(connection) if kind == "record"]


@pytest.mark.timeout(900)
def test_ten_kills_change_nothing_that_rules_decide(tmp_path: Path) -> None:
    killed(tmp_path, 10, random.Random(20261121))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_change_nothing_that_rules_decide(tmp_path: Path) -> None:
    killed(tmp_path, 200, random.Random(4))
