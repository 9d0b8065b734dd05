"""Presets put to use: what is filled in, what is left out or changed, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.config import describe
from gateway.config.load import Loaded, load, load_text
from gateway.config.packs import told
from rules import limit

KITCHEN = """
site: {label: Kitchen, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  siren: {driver: relay, bus: pins, pin: 24, fail_safe: {safe: off, on_sensor_loss: hold,
    max_on: 10min}}
packs:
"""


def loaded(folder: Path, use: str, *, kitchen: str = KITCHEN) -> Loaded:
    (folder / "config.yaml").write_text(f"{kitchen}  cold: {{{use}}}\n")
    return load(folder / "config.yaml")


def said(folder: Path, use: str) -> str:
    problems = describe.problems(loaded(folder, use).problems)
    return problems.replace(f"{folder}/", "")


FRIDGE = "preset: fridge@1, temperature: cold/temperature"


def test_rules_are_named_by_their_use_and_are_ordinary_ones(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"{FRIDGE}, door: door/open, siren: siren").config
    assert config is not None
    names = [rule.id for rule in config.rules]
    assert names == ["cold_door_open", "cold_silent", "cold_warm", "cold_warming_fast"]
    warm = config.rules[2]
    assert (warm.label, warm.point) == ("cold 온도 높음 · too warm", "cold/temperature")
    assert [command.actuator for command in warm.commands] == ["siren"]
    options = config.rule_options["cold_warm"]
    assert isinstance(options, limit.Options)
    assert options.raise_above == 5.0


def test_what_is_not_given_leaves_out_only_what_is_about_it(tmp_path: Path) -> None:
    config = loaded(tmp_path, FRIDGE).config
    assert config is not None
    assert [rule.id for rule in config.rules] == ["cold_silent", "cold_warm", "cold_warming_fast"]
    assert not config.rules[1].commands
    assert config.rules[2].gate is None


def test_figures_come_from_the_use_before_the_limits_before_the_preset(tmp_path: Path) -> None:
    wanted = {
        "": 5.0,
        ", limits: kr_restaurant@1": 10.0,
        ", limits: kr_restaurant@1, warm_above: 8 °C": 8.0,
    }
    for use, above in wanted.items():
        config = loaded(tmp_path, FRIDGE + use).config
        assert config is not None
        options = config.rule_options["cold_warm"]
        assert isinstance(options, limit.Options)
        assert (options.raise_above, options.clear_below) == (above, above)


def test_rules_are_left_out_and_changed_visibly(tmp_path: Path) -> None:
    use = f"{FRIDGE}, leave_out: [silent], change: {{warm: {{for: 20min, then: [{{alarm: low}}]}}}}"
    config = loaded(tmp_path, use).config
    assert config is not None
    assert [rule.id for rule in config.rules] == ["cold_warm", "cold_warming_fast"]
    assert (config.rules[0].for_ms, config.rules[0].priority) == (20 * 60_000, "low")
    assert told(config.packs["cold"]) == "fridge@1; warm changed (for, then); without silent"


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("temperature: cold/temperature", '"preset" is missing, such as preset: fridge@1'),
        ("preset: fridge@3, temperature: cold/temperature",
         ('config.yaml:11:18: packs.cold.preset: got "fridge@3", '
         "expected a version there is: fridge@1")),
        ("preset: fridg@1, temperature: cold/temperature", 'did you mean "fridge@1"?'),
        ("preset: eu@1, temperature: cold/temperature", 'got "eu@1", which is no preset'),
        (f"{FRIDGE}, limits: oven@1", 'got "oven@1", which is no limit set'),
        (f"{FRIDGE}, limits: kr@1", 'got the unknown limit set "kr@1"'),
        ("preset: oven@1, temperature: cold/temperature, overheats_above: 90 °C, limits: eu@1",
         "oven@1 takes no figure from eu@1; take it out"),
        ("preset: fridge@1", '"temperature" is missing: air in the warmest part of it'),
        ("preset: fridge@1, temperature: cold/humidity",
         'config.yaml:11:41: packs.cold.temperature: got a point in "%", expected one in Cel'),
        ("preset: fridge@1, temperature: door/open", "which is a point that is on or off"),
        ("preset: fridge@1, temperature: cold/temprature",
         'packs.cold.temperature: got the unknown point "cold/temprature"'),
        (f"{FRIDGE}, siren: horn", 'got the unknown actuator "horn", expected siren'),
        (f"{FRIDGE}, dor: door/open", 'packs.cold.dor: got the unknown key "dor"'),
        (f"{FRIDGE}, leave_out: [worm]", 'got "worm", which is no rule of fridge@1'),
        (f"{FRIDGE}, change: {{worm: {{for: 1min}}}}", 'did you mean "warm"?'),
        (f"{FRIDGE}, change: {{warm: {{fur: 1min}}}}",
         'config.yaml:11:75: rules.cold_warm.fur: got the unknown key "fur"'),
        (f"{FRIDGE}, warm_above: 8 bananas",
         'config.yaml:11:71: rules.cold_warm.raise_above: got the unknown unit "bananas"'),
        (f'{FRIDGE}, warm_above: "8 °C\\" or \\"1"', "expected a plain value such as 8 °C"),
        (f"{FRIDGE}, warm_above: [8]", "expected a plain value such as 8 °C"),
        ("preset: oven@1, temperature: cold/temperature",
         'packs.cold: "overheats_above" is missing: the most its maker allows'),
        ("preset: gas@1", "no rule is left of gas@1; it has a use for: level, detector"),
        ("preset: gas@1, level: cold/humidity, valve: siren", '"valve" needs "state" beside it'),
        ("preset: motion_out_of_hours@1, motion: door/open, mode: kitchen",
         'mode "kitchen", expected none; it is written modes: {kitchen: [open, closed]}'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, use: str, message: str) -> None:
    assert message in said(tmp_path, use)


def test_what_does_not_fit_in_a_preset_names_its_file_and_its_user(tmp_path: Path) -> None:
    use = f"{FRIDGE}, change: {{warm: {{priority: low}}}}"
    expected = "; used by packs.cold, config.yaml:11:3"
    first = said(tmp_path, use)
    assert first.startswith("rules/packs/fridge@1.yaml:")
    assert first.endswith(expected)


def test_a_rule_of_the_same_name_names_both_places(tmp_path: Path) -> None:
    rule = "rules: {cold_silent: {kind: stale, point: cold/humidity, then: [{alarm: low}]}}\npacks:"
    (tmp_path / "config.yaml").write_text(
        f"{KITCHEN.replace('packs:', rule)}  cold: {{{FRIDGE}}}\n"
    )
    problems = describe.problems(load(tmp_path / "config.yaml").problems)
    assert "packs.cold: cold: its rule cold_silent is at config.yaml:10:9 already" in problems


def test_a_rule_about_a_device_that_is_left_out_goes_with_it(tmp_path: Path) -> None:
    broken = KITCHEN.replace("address: 0x44", "address: 0x99")
    kitchen = loaded(tmp_path, FRIDGE, kitchen=broken)
    assert kitchen.config is not None
    assert not kitchen.config.rules
    assert set(kitchen.disabled) == {"cold"}


def test_the_rules_hash_sees_what_a_pack_has_become(tmp_path: Path) -> None:
    first = loaded(tmp_path, FRIDGE).rules_hash
    assert loaded(tmp_path, f"{FRIDGE} ").rules_hash == first
    assert loaded(tmp_path, f"{FRIDGE}, warm_for: 11min").rules_hash != first


def test_what_packs_have_become_is_printed_and_loads_again_as_the_same(tmp_path: Path) -> None:
    use = f"{FRIDGE}, door: door/open, siren: siren, limits: kr_restaurant@1"
    config = loaded(tmp_path, use).config
    file = tmp_path / "config.yaml"
    printed = CliRunner().invoke(main, ["dump", "--config", str(file), "--packs"])
    assert printed.exit_code == 0
    again = load_text(printed.output.encode(), file).config
    assert again is not None
    assert config is not None
    assert not again.packs
    assert [replace(rule, formula=None, gate=None, condition=None) for rule in again.rules] == [
        replace(rule, formula=None, gate=None, condition=None) for rule in config.rules
    ]


def test_check_tells_what_each_use_is(tmp_path: Path) -> None:
    loaded(tmp_path, f"{FRIDGE}, leave_out: [silent]")
    printed = CliRunner().invoke(main, ["check", str(tmp_path / "config.yaml")])
    assert "packs.cold: fridge@1; without silent" in printed.output
    assert "(2 of packs)" in printed.output
