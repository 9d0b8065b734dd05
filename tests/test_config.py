"""The configuration: what a good one becomes, and what is said of every kind of bad one."""

import dataclasses
import importlib
import sys
from pathlib import Path

import pytest

import drivers
from drivers.base import Metric
from gateway.buses import kinds
from gateway.config import alarms, describe, registry, schema
from gateway.config.load import Loaded, load
from gateway.config.schema import Config
from gateway.config.typed import keys_of
from rules.base import Command, OnBad, Priority
from rules.slots import Contract, OnSensorLoss
from tests.test_yaml import EXAMPLE

DOCUMENT = EXAMPLE.parent / "docs" / "config.md"

KITCHEN = """\
site: {label: Kitchen, zone: Asia/Seoul}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  walk_in:
    driver: sht3x
    bus: i2c
    address: 0x44
    every: 5s
    points:
      temperature: {offset: -0.3 K, deadband: 0.05 K, slew: 2 K/min, high: 60 °C}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 10min}
rules:
  warm:
    kind: limit
    point: walk_in/temperature
    raise_above: 46.4 °F
    clear_below: 6 °C
    for: 10min
    on_bad: hold
    then: [{alarm: high}, {command: siren, value: on}]
  open: {kind: contact, point: door/open, for: 30s, on_bad: ignore, then: [{alarm: low}]}
web: {port: 8081}
cloud: {url: "mqtt://127.0.0.1:1883", tenant: demo, gateway: mapo_1}
"""


def read(folder: Path, text: str) -> Loaded:
    path = folder / "config.yaml"
    path.write_text(text)
    return load(path)


def good(folder: Path, text: str) -> Config:
    loaded = read(folder, text)
    assert describe.problems(loaded.problems) == ""
    assert loaded.config is not None
    return loaded.config


def changed(old: str, new: str) -> str:
    assert KITCHEN.count(old) == 1, old
    return KITCHEN.replace(old, new)


def test_a_good_file_becomes_typed_values_in_the_units_of_its_points(tmp_path: Path) -> None:
    config = good(tmp_path, KITCHEN)
    device = config.devices["walk_in"]
    assert (device.id, device.label, device.role) == ("walk_in", "walk_in", "polled")
    assert (device.every_s, device.deadline_s, device.stale_after_s) == (5.0, 2.0, 15.0)
    assert device.metrics[0] == Metric("temperature", "Cel", -40.0, 125.0)
    assert device.points["temperature"] == schema.PointSettings(
        offset=-0.3, deadband=0.05, slew_per_s=0.033333333, high=60.0
    )
    assert device.points["humidity"] == schema.PointSettings()
    module = registry.driver("sht3x")
    assert device.options == module.Options(address=0x44)  # type: ignore[call-arg]
    assert config.folder == tmp_path
    assert config.cloud is not None
    assert config.cloud.confirm == "ack"
    assert config.web == schema.Web(port=8081)
    assert config.emulation is None


def test_a_rule_is_compiled_and_its_limits_converted(tmp_path: Path) -> None:
    config = good(tmp_path, KITCHEN)
    assert [rule.id for rule in config.rules] == ["open", "warm"]
    rule = config.rules[1]
    assert (rule.for_ms, rule.on_bad, rule.priority) == (600_000, OnBad.HOLD, Priority.HIGH)
    assert rule.alarm
    assert rule.commands == (Command(actuator="siren", value=True, slot=10),)
    limits = registry.kind("limit").Options
    assert config.rule_options["warm"] == limits(  # type: ignore[call-arg]
        raise_above=8.0, clear_below=6.0
    )


def test_the_fail_safe_contract_is_what_judging_needs(tmp_path: Path) -> None:
    contract = good(tmp_path, KITCHEN).actuators["siren"].fail_safe.contract()
    assert contract == Contract(
        safe=False,
        on_sensor_loss=OnSensorLoss.HOLD,
        max_on_ms=600_000,
        min_on_ms=0,
        min_off_ms=0,
    )


def test_a_contact_that_speaks_by_itself_has_no_period(tmp_path: Path) -> None:
    door = good(tmp_path, KITCHEN).devices["door"]
    assert (door.role, door.every_s, door.stale_after_s) == ("pushed", 0.0, None)


def test_a_fast_device_gets_a_deadline_within_its_period(tmp_path: Path) -> None:
    walk_in = good(tmp_path, changed("every: 5s", "every: 500ms")).devices["walk_in"]
    assert (walk_in.deadline_s, walk_in.stale_after_s) == (0.5, 1.5)


def test_sections_that_are_empty_or_missing_are_no_error(tmp_path: Path) -> None:
    config = good(tmp_path, "site: {label: x, zone: UTC}\ndevices:\nrules:\n")
    assert (config.devices, config.rules, config.cloud) == ({}, (), None)


def test_a_configuration_cannot_be_changed_once_it_is_read(tmp_path: Path) -> None:
    config = good(tmp_path, KITCHEN)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.site.zone = "UTC"  # type: ignore[misc]


def test_a_wrong_device_is_left_out_with_its_rules_and_the_rest_runs(tmp_path: Path) -> None:
    loaded = read(tmp_path, changed("address: 0x44", "address: 0x99"))
    config = loaded.config
    assert config is not None
    assert list(config.devices) == ["door"]
    assert list(config.actuators) == ["siren"]
    assert [rule.id for rule in config.rules] == ["open"]
    assert list(loaded.disabled) == ["walk_in"]
    assert loaded.disabled["walk_in"].path == "devices.walk_in.address"
    assert {problem.device for problem in loaded.problems} == {"walk_in"}
    assert loaded.problems[-1].path == "rules.warm"


def test_a_key_given_twice_in_a_device_leaves_out_that_device_alone(tmp_path: Path) -> None:
    loaded = read(tmp_path, changed("address: 0x44", "address: 0x44\n    address: 0x45"))
    assert loaded.config is not None
    assert list(loaded.disabled) == ["walk_in"]


def test_a_wrong_actuator_is_left_out_and_its_rules_still_raise_alarms(tmp_path: Path) -> None:
    loaded = read(tmp_path, changed("max_on: 10min", "max_on: 10"))
    assert loaded.config is not None
    assert loaded.config.actuators == {}
    rule = loaded.config.rules[1]
    assert (rule.id, rule.alarm, rule.commands) == ("warm", True, ())
    assert loaded.problems[-1].path == "rules.warm.then[1]"
    assert loaded.problems[-1].device == "siren"


def test_the_second_device_at_an_address_is_left_out(tmp_path: Path) -> None:
    second = "  twin: {driver: sht3x, bus: i2c}\nactuators:"  # its default is 0x44 too
    loaded = read(tmp_path, changed("actuators:", second))
    assert list(loaded.disabled) == ["twin"]
    assert 'address 0x44 of bus "i2c" is taken by "walk_in"' in loaded.disabled["twin"].message
    elsewhere = "  i2c_b: {kind: i2c, path: /dev/i2c-3}\ndevices:"
    text = KITCHEN.replace("devices:", elsewhere).replace(
        "actuators:", second.replace("i2c}", "i2c_b}")
    )
    assert not read(tmp_path, text).problems


def test_an_error_outside_of_devices_leaves_no_configuration(tmp_path: Path) -> None:
    loaded = read(tmp_path, changed("raise_above: 46.4 °F", "raise_above: 46.4 lx"))
    assert loaded.config is None
    assert loaded.disabled == {}


def test_automatic_life_safety_may_use_slot_2(tmp_path: Path) -> None:
    text = changed("{alarm: high}, {command: siren, value: on}",
                   "{alarm: life}, {command: siren, value: on, slot: 2}")  # fmt: skip
    rule = good(tmp_path, text).rules[1]
    assert rule.priority is Priority.LIFE
    assert rule.commands == (Command(actuator="siren", value=True, slot=2),)


def test_a_rule_may_watch_the_gateway_itself_an_actuator_or_a_forecast(tmp_path: Path) -> None:
    more = """\
  hot: {kind: limit, point: system/temperature, raise_above: 80 °C, on_bad: hold,
    then: [{alarm: low}]}
  loud: {kind: contact, point: siren/state, on_bad: hold, then: [{alarm: low}]}
  soon: {kind: limit, point: outlook/in_60min, raise_above: 8 °C, on_bad: hold,
    then: [{alarm: low}]}
forecasts:
  outlook: {kind: cold_room, point: walk_in/temperature, door: door/open, limit: 46.4 °F}
web:"""
    config = good(tmp_path, changed("web:", more))
    assert {"hot", "loud", "soon"} < {rule.id for rule in config.rules}
    assert config.forecasts["outlook"].limit == 8.0


def test_silence_needs_no_choice_of_what_to_do_on_a_bad_value(tmp_path: Path) -> None:
    rule = "  mute: {kind: stale, point: door/open, for: 1min, then: [{alarm: low}]}\nweb:"
    assert good(tmp_path, changed("web:", rule)).rules[0].on_bad is OnBad.ALARM
    chosen = changed("web:", rule.replace("for: 1min", "on_bad: hold"))
    assert "rules.mute.on_bad: got the unknown key" in describe.problems(
        read(tmp_path, chosen).problems
    )


def kept_secret(folder: Path, name: str, holds: str) -> Path:
    """Write a secret where the configuration in `folder` looks for it."""
    file = folder / "secrets" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(holds)
    file.chmod(0o600)
    return file


def test_a_secret_is_taken_only_from_a_file_nobody_else_can_reach(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path, "broker", "hunter2")
    secret.chmod(0o640)
    text = changed("tenant: demo", "username: u, password: {secret: broker}, tenant: demo")
    said = describe.problems(read(tmp_path, text).problems)
    assert f"chmod 600 {secret}" in said
    secret.chmod(0o600)
    cloud = good(tmp_path, text).cloud
    assert cloud is not None
    assert cloud.password is not None
    assert cloud.password.file == secret
    assert cloud.password.read() == "hunter2"
    assert "hunter2" not in repr(cloud)
    without_name = text.replace("username: u, ", "")
    assert '"username"' in describe.problems(read(tmp_path, without_name).problems)


def test_a_secret_in_the_file_is_never_repeated_in_an_error(tmp_path: Path) -> None:
    for key in ("password", "token", "pasword"):
        loaded = read(tmp_path, changed("tenant: demo", f"tenant: demo, {key}: hunter2"))
        assert loaded.config is None
        assert "hunter2" not in describe.problems(loaded.problems)
    loaded = read(tmp_path, changed("mqtt://127.0.0.1:1883", "mqtt://u:hunter2@127.0.0.1"))
    assert "hunter2" not in describe.problems(loaded.problems)


def test_certificates_are_for_mqtts_and_come_in_pairs(tmp_path: Path) -> None:
    for name in ("ca.pem", "own.pem"):
        (tmp_path / name).write_text("x")
    kept_secret(tmp_path, "own_key", "x")
    files = "ca_file: ca.pem, certificate_file: own.pem, key: {secret: own_key}, tenant: demo"
    text = changed("tenant: demo", files)
    assert "mqtts:" in describe.problems(read(tmp_path, text).problems)
    safe = text.replace("mqtt://127.0.0.1:1883", "mqtts://broker.example")
    cloud = good(tmp_path, safe).cloud
    assert cloud is not None
    assert cloud.ca_file == tmp_path / "ca.pem"
    alone = safe.replace(", key: {secret: own_key}", "")
    assert "belong together" in describe.problems(read(tmp_path, alone).problems)


def test_a_file_that_is_not_there_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path):
        loaded = load(path)
        assert loaded.config is None
        assert "cannot be read" in describe.problems(loaded.problems)


def test_the_content_hash_sees_comments_and_the_rules_hash_only_rules(tmp_path: Path) -> None:
    plain = read(tmp_path, KITCHEN)
    commented = read(tmp_path, "# hello\n" + KITCHEN.replace("{port: 8081}", "{port: 8082}"))
    other_rule = read(tmp_path, KITCHEN.replace("for: 30s", "for: 31s"))
    assert len(plain.content_hash) == len(plain.rules_hash) == 64
    assert plain.content_hash != commented.content_hash
    assert plain.rules_hash == commented.rules_hash
    assert plain.rules_hash != other_rule.rules_hash


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files are drivers like those in drivers/."""
    folder = tmp_path / "planted"
    folder.mkdir()
    monkeypatch.setattr(drivers, "__path__", [*drivers.__path__, str(folder)])
    importlib.invalidate_caches()
    for name in ("needy", "halfway", "picky"):
        monkeypatch.delitem(sys.modules, f"drivers.{name}", raising=False)
    return folder


DRIVER = """
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from drivers.base import Metric
BUS, ROLE = "i2c", "polled"
@dataclass(frozen=True, kw_only=True)
class Options:
    gain: Annotated[float, "0.5..2"] = 1.0
    from_: tuple[int, ...] = ()
    settle_s: Annotated[float, "duration_s"] = 0.0
    table: Path | None = None
    def __post_init__(self):
        if self.gain == 2:
            raise ValueError("gain: 2 is too much with this chip")
class Driver:
    def __init__(self, options):
        if options.gain == 1.5:
            raise ValueError("no table for 1.5")
        self.METRICS = tuple(Metric(f"m{n}", "%") for n in options.from_)
"""


def test_a_drivers_options_are_the_schema_of_its_entry(tmp_path: Path, planted: Path) -> None:
    (planted / "picky.py").write_text(DRIVER)
    keys = "gain: 2.0, from: [1, 2], settle: 200ms, table: t.csv, points: {m2: {offset: 1 %}}"

    def entry(written: str) -> str:
        return changed("actuators:", f"  p: {{driver: picky, bus: i2c, {written}}}\nactuators:")

    device = good(tmp_path, entry(keys.replace("2.0", "0.5"))).devices["p"]
    assert [metric.name for metric in device.metrics] == ["m1", "m2"]
    assert device.points["m2"].offset == 1.0
    assert "settle_s=0.2" in repr(device.options)
    assert str(tmp_path / "t.csv") in repr(device.options)
    for wrong, words in (
        (keys, "devices.p: gain: 2 is too much with this chip"),
        ("gain: 1.5", "devices.p: no table for 1.5"),
        ("gain: 3", 'devices.p.gain: got "3", expected 0.5 to 2'),
        ("from: [a]", 'devices.p.from[0]: got "a", expected a whole number'),
        ("settle: 2", "devices.p.settle: got 2 without a unit, expected a duration"),
        ("from_: [1]", 'did you mean "from"?'),
    ):
        loaded = read(tmp_path, entry(wrong))
        assert words in describe.problems(loaded.problems)
        assert list(loaded.disabled) == ["p"]


def test_a_driver_that_misses_a_package_is_not_called_unknown(
    tmp_path: Path, planted: Path
) -> None:
    (planted / "needy.py").write_text("import a_package_nobody_has\n")
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_has"):
        registry.driver("needy")
    loaded = read(tmp_path, changed("driver: sht3x", "driver: needy"))
    assert "a_package_nobody_has" in loaded.disabled["walk_in"].message
    (planted / "halfway.py").write_text("Options = None\n")
    with pytest.raises(registry.NotFound):
        registry.driver("halfway")


def test_an_installed_package_may_bring_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreign_oven.py").write_text(DRIVER)
    info = tmp_path / "foreign_oven-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-oven\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{registry.DRIVER_GROUP}]\noven = foreign_oven\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "oven" in registry.driver_names()
    text = changed("actuators:", "  oven: {driver: oven, bus: i2c, from: [1]}\nactuators:")
    assert good(tmp_path, text).devices["oven"].metrics[0].name == "m1"


def test_every_driver_and_rule_kind_in_the_tree_can_be_configured() -> None:
    assert {"sht3x", "contact", "relay", "buzzer", "replay"} <= set(registry.driver_names())
    assert registry.kind_names() == ["contact", "dose", "limit", "rate", "stale"]
    for name in registry.driver_names():
        module = registry.driver(name)
        assert module.ROLE in {"polled", "pushed", "acting"}
        own = set(keys_of(module.Options))
        shape = schema.Actuator if module.ROLE == "acting" else schema.Device
        assert not own & set(keys_of(shape)), "an option of a driver hides a common key"
    for name in registry.kind_names():
        assert not set(keys_of(registry.kind(name).Options)) & set(keys_of(schema.RuleEntry))


def test_a_replayed_recording_has_the_points_its_columns_name(tmp_path: Path) -> None:
    text = changed("devices:", """\
  tapes: {kind: recording}
devices:
  office:
    driver: replay
    bus: tapes
    file: office.csv
    time: {columns: [date]}
    columns: {warmth: {column: Temperature, unit: Cel}, busy: {column: Occ, unit: "1", kind: boolean}}
    points: {warmth: {offset: 1 K}}""")  # fmt: skip  # noqa: E501
    device = good(tmp_path, text).devices["office"]
    assert [metric.name for metric in device.metrics] == ["row", "warmth", "busy"]
    assert device.points["warmth"].offset == 1.0


def test_the_shipped_kitchen_is_good() -> None:
    loaded = load(EXAMPLE)
    assert describe.problems(loaded.problems) == ""
    assert loaded.config is not None
    assert (
        describe.contents(loaded.config)
        == "15 devices, 33 points, 2 actuators, 19 rules (18 of packs); "
        "emulated: no hardware is read"
    )
    assert loaded.config.site.label == "마포점"
    assert loaded.config.emulation is not None


def test_every_key_is_in_the_reference() -> None:
    text = DOCUMENT.read_text()
    shapes: list[type[object]] = [
        schema.Config, schema.Site, schema.Bus, schema.Device, schema.PointSettings,
        schema.Actuator, schema.FailSafe, schema.RuleEntry, schema.Action, schema.Web,
        schema.Cloud, schema.Emulation, schema.Forecast, alarms.AlarmEntry,
        alarms.SuppressEntry, alarms.LadderEntry, alarms.StepEntry,
    ]  # fmt: skip
    shapes += [registry.driver(name).Options for name in registry.driver_names()]
    shapes += [registry.kind(name).Options for name in registry.kind_names()]
    shapes += [kinds.kind(name).Options for name in kinds.MODULES]
    missing = {key for shape in shapes for key in keys_of(shape) if f"`{key}`" not in text}
    assert not missing
    for name in (*registry.driver_names(), *registry.kind_names()):
        assert f"`{name}`" in text
    for name, metrics in schema.FORECAST_METRICS.items():
        assert all(f"`{metric.name}`" in text for metric in metrics), name
