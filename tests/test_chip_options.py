"""What an I2C chip takes from the configuration: quantities, periods and channels of its own."""

from pathlib import Path

import pytest

from drivers import ads1115, scd41
from gateway.config import describe
from gateway.points import points_of
from tests.test_config import changed, good, read

HERE = "▶"  # stands in a broken snippet where the problem must be shown
DOOR = "  door: {"
LOOP = "{input: 0, unit: Cel, low_volts: 400 mV, high_volts: 2 V, low: 0, high: 300}"


def kitchen(air: str) -> str:
    return changed(DOOR, f"  air: {{{air}}}\n{DOOR}")


def test_quantities_of_a_driver_s_own_are_converted_to_its_units(tmp_path: Path) -> None:
    air = "driver: scd41, bus: i2c, ambient_pressure: 1.01325 bar, temperature_offset: 3.6 °F"
    device = good(tmp_path, kitchen(air)).devices["air"]
    assert device.options == scd41.Options(ambient_pressure=1013.25, temperature_offset=2.0)
    assert [metric.name for metric in device.metrics] == ["co2", "temperature", "humidity"]


def test_channels_of_a_converter_become_points_with_their_scale(tmp_path: Path) -> None:
    air = f"driver: ads1115, bus: i2c, address: 0x49, channels: {{oven: {LOOP}}}"
    config = good(tmp_path, kitchen(f"{air}, points: {{oven: {{offset: 1 K}}}}"))
    device = config.devices["air"]
    oven = ads1115.Channel(input=0, unit="Cel", low_volts=0.4, high_volts=2.0, low=0.0, high=300.0)
    assert device.options == ads1115.Options(address=0x49, channels={"oven": oven})
    assert device.points["oven"].offset == 1.0
    (point,) = (point for point in points_of(config) if point.id == "air/oven")
    assert (point.unit, point.low, point.high) == ("Cel", -3.75, 309.375)


def test_only_a_period_that_is_written_can_be_too_short(tmp_path: Path) -> None:
    config = good(tmp_path, kitchen("driver: scd41, bus: i2c, every: 5s"))
    assert config.devices["air"].every_s == 5.0


def loops(*changes: tuple[str, str]) -> str:
    text = LOOP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return f"driver: ads1115, bus: i2c, channels: {{oven: {text}}}"


BROKEN = [
    ("driver: scd41, bus: i2c, altitude: ▶38", "air.altitude:", "without a unit"),
    ("driver: scd41, bus: i2c, altitude: ▶9000 m", "air.altitude:", "expected 0 to 3000 m"),
    ("driver: scd41, bus: i2c, altitude: ▶3 kg", "air.altitude:", "kg is no m"),
    ("driver: scd41, bus: i2c, temperature_offset: ▶21 °C", "temperature_offset:", "0 to 20 K"),
    ("driver: scd41, bus: i2c, every: ▶4900ms", "air.every:", 'got "4900ms", expected at least 5s'),
    ("driver: scd41, bus: i2c, address: ▶0x61", "air.address:", "expected one of 0x62"),
    ("driver: sht4x, bus: i2c, address: ▶0x47", "air.address:", "0x44, 0x45, 0x46"),
    ("driver: sht4x, bus: i2c, address: ▶0x44", "air.address:", 'taken by "walk_in"'),
    ("driver: bme280, bus: i2c, address: ▶0x78", "air.address:", "0x76, 0x77"),
    ("driver: ads1115, bus: i2c, channels: ▶{}", "air:", "name at least one"),
    ("driver: ads1115, bus: i2c, channels: {▶oven: {input: 0}}", "channels.oven:", "is missing"),
    (loops(("400 mV", "▶0.4")), "oven.low_volts:", "without a unit"),
    (loops(("400 mV", "▶3 V")), "channels.oven:", "less than high_volts"),
    (loops(("2 V", "▶5 V")), "channels.oven:", "choose a larger range"),
    (loops(("input: 0", "input: ▶4")), "oven.input:", "expected one of 0, 1, 2, 3"),
    (loops(("high: 300", "high: 300, range: ▶5 V")), "oven.range:", "6.144 V, 4.096 V"),
    (loops(("400 mV", "0 V"), ("high: 300", "high: 300, live_zero: ▶true")), "oven:", "above 0 V"),
    (
        f"driver: ads1115, bus: i2c, channels: ▶{{a: {LOOP}, b: {LOOP}}}",
        "air:",
        "b: input 0 is that of a",
    ),
]


@pytest.mark.parametrize(("air", "path", "words"), BROKEN)
def test_a_wrong_option_is_shown_at_its_place_with_what_it_may_be(
    tmp_path: Path, air: str, path: str, words: str
) -> None:
    before, _, after = kitchen(air).partition(HERE)
    loaded = read(tmp_path, before + after)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    place = f"config.yaml:{line}:{column}: "
    said = describe.problems(loaded.problems).splitlines()
    assert any(place in one and path in one and words in one for one in said), (place, said)
    assert loaded.disabled.keys() == {"air"}


def test_an_altitude_beside_an_ambient_pressure_leaves_out_the_sensor(tmp_path: Path) -> None:
    air = "driver: scd41, bus: i2c, altitude: 38 m, ambient_pressure: 1002 hPa"
    loaded = read(tmp_path, kitchen(air))
    assert "give one of them, not both" in describe.problems(loaded.problems)
    assert loaded.disabled.keys() == {"air"}


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (
            "places: {air: ▶cold_room_door}",
            'no temperature, humidity for sht4x at "cold_room_door"',
        ),
        ("places: {air: ▶cold_room_door}", "; hang it at cold_room or "),
    ],
)
def test_an_emulated_sensor_must_hang_where_it_has_something_to_feel(
    tmp_path: Path, places: str, words: str
) -> None:
    air = kitchen("driver: sht4x, bus: i2c, address: 0x46")
    before, _, after = f"{air}emulation: {{{places}}}\n".partition(HERE)
    loaded = read(tmp_path, before + after)
    place = f"config.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
    said = describe.problems(loaded.problems)
    assert place in said
    assert words in said
    good(tmp_path, f"{air}emulation: {{seed: 1}}\n")


def test_a_sensor_that_was_given_no_place_is_in_the_kitchen_and_may_feel_nothing(
    tmp_path: Path,
) -> None:
    loop = kitchen(f"driver: ads1115, bus: i2c, channels: {{oven: {LOOP}}}")
    loaded = read(tmp_path, f"{loop}emulation: {{seed: 1}}\n")
    said = describe.problems(loaded.problems)
    assert 'emulation.places.air: no voltage for ads1115 at "kitchen"' in said
    assert loaded.config is None
