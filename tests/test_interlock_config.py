"""Interlocks, lockouts and the cloud's key in the file, and what is said of wrong ones."""

from pathlib import Path

import pytest

from gateway.changeover import judge_of
from gateway.config import describe
from gateway.config.load import Loaded, load
from gateway.orders import is_critical

KITCHEN = """\
site: {label: Kitchen, zone: Asia/Seoul}
buses:
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  gas: {driver: contact, bus: pins, pin: 17}
actuators:
  hood_fan:
    driver: relay
    bus: pins
    pin: 24
    zone: cook
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s, deadline: 3s}
  fryer:
    driver: relay
    bus: pins
    pin: 25
    zone: cook
    needs: [hood_fan]
    fail_safe: {safe: off, on_sensor_loss: safe, max_on: 2h}
  valve:
    driver: relay
    bus: pins
    pin: 23
    zone: cook
    explosion_proof: true
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
rules:
  gas_leak:
    kind: contact
    point: gas/open
    on_bad: alarm
    then: [{alarm: life}, {command: valve, value: on}, {lockout: cook}]
"""


SAFE_ON = "safe: on, on_sensor_loss: safe"


def read(folder: Path, text: str) -> Loaded:
    path = folder / "config.yaml"
    path.write_text(text)
    return load(path)


def test_what_the_file_says_is_what_judging_keeps_to(tmp_path: Path) -> None:
    loaded = read(tmp_path, KITCHEN)
    assert describe.problems(loaded.problems) == ""
    assert loaded.config is not None
    judge = judge_of(loaded.config)
    assert judge.contracts["fryer"].needs == {"hood_fan": True}
    assert judge.contracts["hood_fan"].deadline_ms == 3_000
    assert judge.interlocks.locks == {"gas_leak": ["hood_fan", "fryer"]}
    assert judge.rules["gas_leak"].commands[0].slot == 2, "a rule of priority life, by itself"
    assert is_critical(judge, "valve")
    assert not is_critical(judge, "hood_fan")


@pytest.mark.parametrize("needs", ["{hood_fan: on}", "{hood_fan: true}", "[hood_fan]"])
def test_a_need_may_be_written_in_two_ways(tmp_path: Path, needs: str) -> None:
    loaded = read(tmp_path, KITCHEN.replace("[hood_fan]", needs))
    assert loaded.config is not None
    assert loaded.config.actuators["fryer"].needs == {"hood_fan": True}


def test_what_must_be_off_is_a_need_as_well_and_an_actuator_may_be_critical(tmp_path: Path) -> None:
    text = KITCHEN.replace("[hood_fan]", "{hood_fan: off}\n    critical: true")
    config = read(tmp_path, text).config
    assert config is not None
    assert config.actuators["fryer"].needs == {"hood_fan": False}
    assert is_critical(judge_of(config), "fryer")


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("[hood_fan]", "[hood_fun]", "fryer.needs", 'did you mean "hood_fan"?'),
        ("[hood_fan]", "hood_fan", "fryer.needs", "expected keys and values"),
        ("[hood_fan]", "{hood_fan: yes}", "fryer.needs.hood_fan", "got"),
        ("[hood_fan]", "[fryer]", "fryer.needs", "in a circle: fryer needs fryer"),
        ("safe: off, on_sensor_loss: safe", SAFE_ON, "fryer.needs", "safe state is on"),
        ("pin: 17}", "pin: 17, needs: [fryer]}", "devices.gas", "unknown key"),
    ],
)
def test_a_wrong_need_leaves_the_actuator_out_and_says_where(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    said = describe.problems(read(tmp_path, KITCHEN.replace(old, new)).problems)
    assert any(place in line and words in line for line in said.splitlines()), said


def test_a_circle_over_several_is_told_at_each_of_them(tmp_path: Path) -> None:
    text = KITCHEN.replace("    pin: 24\n", "    pin: 24\n    needs: [fryer]\n")
    loaded = read(tmp_path, text)
    assert set(loaded.disabled) == {"hood_fan", "fryer"}
    assert "needs" in loaded.problems[0].message


def test_who_needs_an_actuator_that_is_left_out_stays_off_and_says_so(tmp_path: Path) -> None:
    loaded = read(tmp_path, KITCHEN.replace("pin: 24", "pin: 24\n    colour: red"))
    assert set(loaded.disabled) == {"hood_fan"}
    assert "stays off: it needs" in describe.problems(loaded.problems)
    assert loaded.config is not None
    assert judge_of(loaded.config).contracts["fryer"].needs == {"hood_fan": True}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{alarm: life}", "{alarm: high}", "kept for rules of priority life"),
        ("lockout: cook", "lockout: hall", "expected a zone with actuators: cook, everywhere"),
        ("explosion_proof: true", "explosion_proof: false", "could never be switched"),
        ("{lockout: cook}", "{lockout: cook}, {lockout: everywhere}", "one lockout is enough"),
        ("{lockout: cook}", "{lockout: cook, slot: 3}", "stands alone"),
        ("{lockout: cook}", "{lockout: cook, alarm: life}", "expected either"),
    ],
)
def test_a_wrong_lockout_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    said = describe.problems(read(tmp_path, KITCHEN.replace(old, new)).problems)
    assert words in said


CLOUD = 'cloud: {url: "mqtt://127.0.0.1:1883", tenant: demo, gateway: one, KEY}\n'
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # RFC 8032, section 7.1, test 1


def test_the_key_for_commands_may_stand_in_the_file_or_in_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "cloud.pub").write_text(PUBLIC + "\n")
    expected = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    for key in (f"command_key: {PUBLIC}", "command_key_file: cloud.pub"):
        config = read(tmp_path, KITCHEN + CLOUD.replace("KEY", key)).config
        assert config is not None
        assert config.cloud is not None
        assert config.cloud.trusted_key() == expected
    config = read(tmp_path, KITCHEN + CLOUD.replace(", KEY", "")).config
    assert config is not None
    assert config.cloud is not None
    assert config.cloud.trusted_key() is None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("command_key: abc", "expected an Ed25519 public key"),
        ("command_key_file: missing.pub", "cannot use"),
        ("command_key_file: config.yaml", "Ed25519"),
        (f"command_key: {PUBLIC}, command_key_file: cloud.pub", "is enough"),
    ],
)
def test_a_wrong_key_is_told(tmp_path: Path, key: str, words: str) -> None:
    (tmp_path / "cloud.pub").write_text(PUBLIC + "\n")
    said = describe.problems(read(tmp_path, KITCHEN + CLOUD.replace("KEY", key)).problems)
    assert words in said
