"""Every kind of broken configuration: where it is shown, under which path, in which words."""
# ruff: noqa: E501, ISC004 - a table is read across

import random
import re
from pathlib import Path

import pytest

from gateway.changeover import judge_of
from gateway.config import describe, schema
from gateway.config.load import load
from gateway.fitout import FitOut
from gateway.hub import Hub
from gateway.points import points_of
from tests.fakes import ManualClock
from tests.test_config import KITCHEN, changed, read
from tests.test_yaml import EXAMPLE

HERE = "▶"  # stands in a broken snippet where the problem must be shown

BROKEN = [
    # site and the top
    ("site: {label", "▶sight: {label", 'unknown key "sight"', 'did you mean "site"?'),
    ("zone: Asia/Seoul}", "zone: ▶Asia/Soul}", "site.zone:", 'got "Asia/Soul"'),
    ("zone: Asia/Seoul}", "zone: ▶../etc}", "site.zone:", "expected a time zone"),
    ("zone: Asia/Seoul}", "zone: ▶Asia}", "site.zone:", "expected a time zone"),
    ("site: {label: Kitchen, zone: Asia/Seoul}\n", "▶", "", '"site" is missing'),
    ("label: Kitchen", "label: ▶", "site.label:", "got nothing, expected a text"),
    ("label: Kitchen", "label: ▶[a]", "site.label:", "got a list, expected a single value"),
    ("label: Kitchen", 'label: ▶"a\\x07"', "site.label:", "control characters"),
    ("label: Kitchen", "label: ▶" + "x" * 501, "site.label:", "expected at most 500"),
    ("web: {port: 8081}", "web: ▶8081", "web:", 'got "8081", expected keys and values'),
    ("port: 8081", "port: ▶65536", "web.port:", "expected 0 to 65535"),
    ("port: 8081", "port: ▶80.5", "web.port:", "expected a whole number"),
    ("port: 8081", "port: ▶true", "web.port:", "expected a whole number"),
    ("port: 8081", "listen: ▶lan", "web.listen:", "everyone on the LAN"),
    ("port: 8081", "origins: ▶x", "web.origins:", "expected a list"),
    ("port: 8081", "origins: [▶x]", "web.origins[0]:", "expected an origin"),
    # buses
    ("i2c: {kind: i2c, path", "i2c: {kind: ▶i3c, path", "buses.i2c.kind:", '"i2c"?'),
    ("i2c: {kind: i2c, path: /dev/i2c-1}", "▶i2c: {kind: i2c}", "buses.i2c:", '"path" is missing'),
    ("path: /dev/i2c-1", "path: /dev/i2c-1, ▶chip: x", "buses.i2c.chip:", "unknown key"),
    ("pins: {kind: gpio, chip: pinctrl-bcm2711}", "▶pins: {kind: gpio}", "buses.pins:", '"chip" is missing'),
    (
        "  pins: {kind",
        "  ▶spare: {kind: i2c, path: /dev/i2c-1}\n  pins: {kind",
        "buses.spare:",
        'is the bus "i2c" already',
    ),
    # devices
    ("driver: sht3x", "driver: ▶sht3y", "devices.walk_in.driver:", 'did you mean "sht3x"?'),
    ("driver: sht3x", "driver: ▶base", "devices.walk_in.driver:", "the unknown driver"),
    ("driver: sht3x", "driver: ▶emulated", "devices.walk_in.driver:", "the unknown driver"),
    ("driver: sht3x", "driver: ▶../sht3x", "devices.walk_in.driver:", "expected an id"),
    ("driver: contact", "driver: ▶relay", "devices.door.driver:", 'under "actuators"'),
    ("walk_in:\n    driver: sht3x", "▶walk_in:", "devices.walk_in:", '"driver" is missing'),
    ("bus: i2c\n", "bus: ▶i2d\n", "devices.walk_in.bus:", 'did you mean "i2c"?'),
    ("bus: i2c\n", "bus: ▶pins\n", "devices.walk_in.bus:", "expected a bus of kind i2c"),
    ("address: 0x44", "▶adress: 0x44", "devices.walk_in.adress:", 'did you mean "address"?'),
    ("address: 0x44", "address: ▶0x46", "devices.walk_in.address:", "0x44, 0x45"),
    ("address: 0x44", 'address: ▶"x"', "devices.walk_in.address:", 'got "x"'),
    ("pin: 17", "pin: ▶seventeen", "devices.door.pin:", "expected a whole number"),
    ("pin: 17", 'pin: ▶"17"', "devices.door.pin:", "take away the quotes"),
    ("door: {driver: contact, bus: pins, pin: 17}", "▶door: {driver: contact, bus: pins}",
     "devices.door:", '"pin" is missing'),
    ("pin: 17", "pin: 17, ▶every: 1s", "devices.door.every:", "speaks by itself"),
    ("every: 5s", "every: ▶5", "devices.walk_in.every:", 'did you mean "5s"?'),
    ("every: 5s", "every: ▶5m", "devices.walk_in.every:", "min"),
    ("every: 5s", "every: ▶1ms", "devices.walk_in.every:", "at least 0.05 s"),
    ("every: 5s", "every: 5s\n    ▶every: 6s", "devices.walk_in.every:", "on line 10"),
    ("      temperature: {", "      ▶temp: {", "devices.walk_in.points.temp:", 'unknown key "temp"'),
    ("offset: -0.3 K", "offset: ▶-0.3", "points.temperature.offset:", "-0.3 without a unit"),
    ("offset: -0.3 K", "offset: ▶-0.3 %", "points.temperature.offset:", "% is no °C"),
    ("deadband: 0.05 K", "deadband: ▶-1 K", "points.temperature.deadband:", "at least 0"),
    ("slew: 2 K/min", "slew: ▶2 K", "points.temperature.slew:", "2 K/min"),
    ("high: 60 °C", "high: ▶60 °F/min", "points.temperature.high:", "unit"),
    ("high: 60 °C", "low: ▶61 °C, high: 60 °C", "points.temperature:", "low must be below"),
    ("pin: 17}", "pin: 17, points: {open: {offset: ▶1 K}}}", "points.open.offset:", "on or off"),
    ("  door: {", "  ▶Door-1: {", "devices.Door-1:", 'did you mean "door_1"?'),
    ("  door: {", "  ▶system: {", "devices.system:", "kept for the gateway"),
    ("  door: {driver: contact, bus: pins, pin: 17}", "  door: ▶17", "devices.door:", "expected keys"),
    # actuators
    ("siren:\n    driver: relay\n    bus: pins\n    pin: 24\n"
     "    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 10min}\n",
     "▶siren:\n    driver: relay\n    bus: pins\n    pin: 24\n", "siren:", '"fail_safe" is missing'),
    ("pin: 24", "pin: ▶17", "actuators.siren.pin:", 'taken by "door"'),
    ("driver: relay", "driver: ▶sht3x", "actuators.siren.driver:", 'under "devices"'),
    ("safe: off,", "safe: ▶no,", "siren.fail_safe.safe:", "expected on or off"),
    ("safe: off,", "safe: ▶0,", "siren.fail_safe.safe:", "expected on or off"),
    ("on_sensor_loss: hold", "on_sensor_loss: ▶off", "fail_safe.on_sensor_loss:", "hold, safe"),
    ("fail_safe: {safe: off, on_sensor_loss: hold, max_on: 10min}",
     "▶fail_safe: {safe: off, on_sensor_loss: hold}", "siren.fail_safe:", '"max_on" is missing'),
    ("max_on: 10min", "max_on: ▶1s, min_on: 5s", "siren.fail_safe:", "shorter than min_on"),
    ("  siren:\n", "  ▶door:\n", "actuators.door:", "the id is taken"),
    # rules
    ("kind: limit", "kind: ▶limits", "rules.warm.kind:", 'did you mean "limit"?'),
    ("kind: limit", "kind: ▶judge", "rules.warm.kind:", "the unknown rule kind"),
    ("kind: limit", "kind: ▶base", "rules.warm.kind:", "the unknown rule kind"),
    ("point: walk_in/temperature", "point: ▶walk_in/temprature", "rules.warm.point:",
     'did you mean "walk_in/temperature"?'),
    ("point: walk_in/temperature", "point: ▶walk_in", "rules.warm.point:", "expected a point"),
    ("warm:\n    kind: limit\n    point: walk_in/temperature", "▶warm:\n    kind: limit",
     "rules.warm:", '"point" is missing'),
    ("raise_above: 46.4 °F", "raise_above: ▶8", "rules.warm.raise_above:", "8 without a unit"),
    ("raise_above: 46.4 °F", "raise_above: ▶8 lx", "rules.warm.raise_above:", "lx is no °C"),
    ("raise_above: 46.4 °F", "raise_above: ▶8 K", "rules.warm.raise_above:", "-40 to 125 Cel"),
    ("open: {kind: contact, point: door/open, for: 30s,",
     "▶open: {kind: limit, point: walk_in/temperature,", "rules.open:", "needs raise_above or"),
    ("open: {kind: contact, point: door/open, for: 30s,",
     "open: {kind: contact, point: ▶walk_in/temperature, for: 30s,", "rules.open.point:",
     "expected a point that is on or off"),
    ("clear_below: 6 °C", "clear_below: ▶9 °C", "rules.warm:", "clear_below must not be above"),
    ("open: {kind: contact, point: door/open, for: 30s, on_bad: ignore,",
     "▶open: {kind: contact, point: door/open,", "rules.open:", '"on_bad" is missing'),
    ("on_bad: hold", "on_bad: ▶igore", "rules.warm.on_bad:", 'did you mean "ignore"?'),
    ("for: 10min", "for: ▶10", "rules.warm.for:", 'did you mean "10s"?'),
    ("for: 10min", "▶fro: 10min", "rules.warm.fro:", 'did you mean "for"?'),
    ("{command: siren", "▶{command: sirene", "rules.warm.then[1]:", 'did you mean "siren"?'),
    ("siren, value: on", "siren, value: ▶1", "rules.warm.then[1].value:", "expected on or off"),
    ("{command: siren, value: on}", "▶{command: siren}", "rules.warm.then[1]:", '"value"'),
    ("{command: siren, value: on}", "▶{}", "rules.warm.then[1]:", "expected either"),
    ("siren, value: on", "siren, value: on, slot: ▶17", "then[1].slot:", "expected 1 to 16"),
    ("{command: siren, value: on}", "▶{command: siren, value: on, slot: 8}",
     "rules.warm.then[1]:", "10 to 16"),
    ("{command: siren, value: on}", "▶{command: siren, value: on, slot: 2}",
     "rules.warm.then[1]:", "priority life"),
    ("{command: siren, value: on}", "{command: siren, value: on}, ▶{command: siren, value: off}",
     "rules.warm.then[2]:", "already"),
    ("{alarm: high}", "{alarm: ▶urgent}", "rules.warm.then[0].alarm:", "life, high, medium, low"),
    ("{alarm: high}, {command", "{alarm: ▶high, value: on}, {command", "then[0]:", "stands alone"),
    ("then: [{alarm: low}]", "then: ▶[]", "rules.open.then:", "at least one"),
    ("then: [{alarm: low}]", "then: ▶[{alarm: low}, {alarm: low}]", "open.then:", "one alarm"),
    ("then: [{alarm: low}]", "priority: high, then: ▶[{alarm: low}]", "open.then:", "but the alarm"),
    ("  open: {kind: contact, point: door/open, for: 30s, on_bad: ignore, then: [{alarm: low}]}",
     "  ▶open: {kind: contact, point: door/open, on_bad: hold, then: [{command: siren, value: on}]}",
     "rules.open:", '"priority" is missing'),
    # cloud
    ('url: "mqtt://127.0.0.1:1883"', "url: ▶http://x", "cloud.url:", "mqtts://host:8883"),
    ('url: "mqtt://127.0.0.1:1883"', "url: ▶mqtt://a:b@x", "cloud.url:", "{secret: mqtt}"),
    ('url: "mqtt://127.0.0.1:1883"', "url: ▶mqtt://x:99999", "cloud.url:", "expected"),
    ("tenant: demo", "tenant: ▶a/b", "cloud.tenant:", "letters, digits"),
    ("tenant: demo", "tenant: demo, password: ▶hunter2", "cloud.password:", "got a literal, expected a reference"),
    ("tenant: demo", "tenant: demo, confirm: ▶maybe", "cloud.confirm:", "ack, puback"),
    ("tenant: demo", "tenant: demo, ▶token: hunter2", "cloud.token:", 'unknown key "token"'),
    ("tenant: demo", "tenant: demo, ▶password_file: x", "cloud.password_file:", "password: {secret: mqtt}"),
    ("tenant: demo", "tenant: demo, username: u, password: ▶{secret: gone}", "cloud.password:", "secrets/gone"),
    ("tenant: demo", "tenant: demo, username: u, password: ▶{secret: ../x}", "cloud.password:", "literal"),
    ("tenant: demo", "tenant: demo, username: u, password: ▶{file: x}", "cloud.password:", "reference"),
    # emulation and forecasts
    ("web: {", "emulation: {scenario: ▶norml}\nweb: {", "emulation.scenario:", '"normal"?'),
    ("web: {", "emulation: {places: {▶dor: kitchen}}\nweb: {", "places.dor:", 'mean "door"?'),
    ("web: {", "emulation: {places: {door: ▶roof}}\nweb: {", "places.door:", "cold_room_door"),
    ("web: {", "forecasts: {f: {kind: cold_room, point: ▶x/y, limit: 8 °C}}\nweb: {",
     "forecasts.f.point:", "the unknown point"),
    ("web: {", "forecasts: {f: {kind: cold_room, point: ▶walk_in/humidity, limit: 8 °C}}\nweb: {",
     "forecasts.f.point:", "expected a point in Cel"),
    ("web: {", "forecasts: {f: {kind: cold_room, point: walk_in/temperature, limit: ▶8}}\nweb: {",
     "forecasts.f.limit:", "without a unit"),
    ("web: {", "forecasts: {f: {kind: cold_room, point: walk_in/temperature,"
     " door: ▶walk_in/humidity, limit: 8 °C}}\nweb: {", "forecasts.f.door:", "on or off"),
    ("web: {", "forecasts: {▶door: {kind: cold_room, point: walk_in/temperature, limit: 8 °C}}\n"
     "web: {", "forecasts.door:", "taken"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "words"), BROKEN)
def test_a_broken_entry_is_shown_at_its_place_with_its_path(
    tmp_path: Path, old: str, new: str, path: str, words: str
) -> None:
    before, _, after = changed(old, new).partition(HERE)
    loaded = read(tmp_path, before + after)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    place = f"config.yaml:{line}:{column}: "
    said = describe.problems(loaded.problems)
    assert any(place in one and path in one and words in one for one in said.splitlines()), (
        f"wanted {place}{path} … {words}\ngot    {said}"
    )


def test_all_errors_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = KITCHEN.replace("zone: Asia/Seoul", "zone: x").replace("0x44", "0x99")
    text = text.replace("30s", "30").replace("8081", "a").replace("demo", "a.b")
    loaded = read(tmp_path, text)
    assert loaded.config is None
    assert [problem.line for problem in loaded.problems] == [1, 9, 23, 29, 30, 31]
    assert [problem.path for problem in loaded.problems][-3:] == [
        "rules.open.for",
        "web.port",
        "cloud.tenant",
    ]


NASTY = (
    "on", "no", "null", "12:30", "0x44", "1e999", ".nan", "-1", "8 °C", "5s", "[]", "{}", "[[", "*a",
    "&a", "!!x", "<<", "'", '"', "\t", "|", ">", "%", "@", "", " ", "\u2028", "\x85", "😀", "9" * 400,
    "siren", "walk_in", "walk_in/temperature", "high",
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        lines = text.split("\n")
        here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
        how = chance.randrange(7)
        if how == 0:
            del lines[here]
        elif how == 1:
            lines.insert(there, lines[here])
        elif how == 2:
            lines[here], lines[there] = lines[there], lines[here]
        elif how == 3:
            lines[here] = " " * chance.randint(0, 8) + lines[here].lstrip()
        elif how == 4 and lines[here]:
            at = chance.randrange(len(lines[here]))
            lines[here] = lines[here][:at] + chance.choice(NASTY) + lines[here][at + 1 :]
        else:
            tokens = re.split(r"([\w./]+)", lines[here])
            tokens[chance.randrange(len(tokens))] = chance.choice(NASTY)
            lines[here] = "".join(tokens)
        text = "\n".join(lines) or "x"
    return text


def fitted(config: schema.Config, before: schema.Config) -> FitOut:
    """That configuration, built on emulated buses where another one stood."""
    clock = ManualClock()
    hub = Hub(clock.now())
    fitout = FitOut(schema.nothing(config.folder, schema.Web()), hub, clock, None)
    for each in (before, config):
        points = {point.id: point for point in points_of(each)}
        judge_of(each)
        fitout.fit(each, points)
    return fitout


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("count", [1_000, pytest.param(5_000, marks=pytest.mark.long)])
def test_thousands_of_broken_kitchens_end_as_good_or_as_problems_with_a_place(
    tmp_path: Path, count: int
) -> None:
    original = EXAMPLE.read_text()
    chance = random.Random(count)
    path = tmp_path / "config.yaml"
    path.write_text(original)
    whole = load(path).config
    assert whole is not None
    good_ones = left_out = built = 0
    for number in range(count):
        text = mutated(original, chance)
        path.write_bytes(text.encode())
        loaded = load(path)
        said = describe.problems(loaded.problems)
        said.encode()
        assert loaded.config is not None or loaded.problems
        good_ones += not loaded.problems
        left_out += bool(loaded.problems) and loaded.config is not None
        for problem in loaded.problems:
            assert 1 <= problem.line <= text.count("\n") + 2
            assert problem.message.isprintable()
            assert loaded.config is None or problem.device in loaded.disabled
        config = loaded.config
        if config is None:
            continue
        assert not set(loaded.disabled) & set(config.devices)
        if config.emulation is None or number % 3:
            continue
        fitout = fitted(config, whole)  # nothing of the one before is left, nothing is missing
        equipment = fitout.equipment
        assert equipment.states.keys() == {*config.devices, *config.actuators}
        assert equipment.buses.keys() == config.buses.keys()
        assert equipment.actuators.keys() | equipment.unbuilt >= config.actuators.keys()
        equipment.close()
        built += 1
    assert good_ones > count // 20
    assert left_out > count // 20
    assert built > count // 33
