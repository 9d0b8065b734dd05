"""The story of `docs/alarms.md` happens as it is told there, with the configuration it shows."""

import re
from pathlib import Path

from gateway.changeover import judge_of
from gateway.config.load import load
from rules.alarm import State
from rules.events import Announce, Elapsed, Observed
from rules.people import Shelved
from tests.kitchen_rules import Bench, Seen, decided
from tests.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "alarms.md"
KITCHEN = """
site: {label: Kitchen, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  walk_in: {driver: sht3x, bus: i2c, address: 0x44, every: 5s}
  walk_in_door: {driver: contact, bus: pins, pin: 17}
"""
ROOM, DOOR = "walk_in/temperature", "walk_in_door/open"


def at(clock: str) -> int:
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def state(kitchen: Bench) -> State:
    alarm = kitchen.alarm("walk_in_warm")
    return State.NORMAL if alarm is None else alarm.state


def test_the_example_happens_as_it_is_told(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "config.yaml").write_text("\n".join([KITCHEN, *blocks]))
    loaded = load(tmp_path / "config.yaml")
    assert loaded.config is not None, loaded.problems
    kitchen = Bench(judge_of(loaded.config))

    def see(clock: str, point: str, *, value: float | bool) -> None:
        kitchen.feed(Observed(point, Seen(value, at=at(clock))), at(clock))

    def pass_to(clock: str) -> list[tuple[str, int]]:
        effects = kitchen.feed(Elapsed(), at(clock))
        return [(it.to, it.step) for it in decided(effects, Announce)]

    see("11:00", DOOR, value=True)
    see("11:04", ROOM, value=8.4)
    assert pass_to("11:14") == []
    assert state(kitchen) is State.SUPPRESSED
    pass_to("11:20")
    assert state(kitchen) is State.UNACKNOWLEDGED
    assert pass_to("11:21") == [("on_duty cook", 0)]  # one second later: it may be a burst
    assert pass_to("11:26") == [("manager", 1)]
    kitchen.feed(Shelved("walk_in_warm", "mina", "delivery", at("1:00")), at("11:26"))
    see("11:50", ROOM, value=5.4)
    alarm = kitchen.alarm("walk_in_warm")
    assert alarm is not None
    assert alarm.stands
    assert pass_to("11:52") == []
    alarm = kitchen.alarm("walk_in_warm")
    assert alarm is not None
    assert not alarm.stands
    assert pass_to("12:26") == []
    assert state(kitchen) is State.NORMAL
