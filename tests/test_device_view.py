"""One device at length: its settings as the configuration has them, and nothing that is secret."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.access import Reach, Role
from gateway.config.schema import Config, Device, PointSettings
from gateway.config.secret import Secret
from gateway.config.written import REDACTED
from gateway.device_view import point_settings, settings
from gateway.sampling import DeviceState
from gateway.web.device_shapes import SettingView
from tests.test_config import good
from tests.web_client import web

CONFIG = """
site: {label: Mapo, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  walk_in:
    {driver: sht3x, bus: i2c, address: 0x44, every: 5s, points: {temperature: {offset: -0.3 K,
      deadband: 0.05 K, slew: 2 K/min, smooth: 30s, low: -5 °C}}}
  door: {driver: contact, bus: pins, pin: 17, debounce: 50ms}
actuators:
  siren:
    {driver: relay, bus: pins, pin: 24,
      fail_safe: {safe: off, on_sensor_loss: hold, max_on: 10min}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return good(tmp_path, CONFIG)


def told(found: object) -> dict[str, tuple[object, str]]:
    assert isinstance(found, list)
    return {each.key: (each.value, each.unit) for each in found}


def test_a_device_shows_wire_period_and_the_keys_of_its_driver(config: Config) -> None:
    shown = told(list(settings(config.devices["walk_in"])))
    assert shown["driver"] == ("sht3x", "")
    assert shown["bus"] == ("i2c", "")
    assert shown["every"] == (5.0, "s")
    assert shown["deadline"] == (2.0, "s")
    assert shown["stale_after"] == (15.0, "s")
    assert shown["address"] == ("0x44", "")
    assert "repeatability" in shown


def test_one_that_speaks_by_itself_has_no_period_and_an_output_its_contract(config: Config) -> None:
    door = told(list(settings(config.devices["door"])))
    assert door["debounce"] == (0.05, "s")
    assert "every" not in door
    siren = told(list(settings(config.actuators["siren"])))
    assert siren["safe"] == (False, "")
    assert siren["max_on"] == (600.0, "s")


def test_a_point_shows_how_a_reading_becomes_its_value(config: Config) -> None:
    found = config.devices["walk_in"].points["temperature"]
    shown = told(list(point_settings(found, "Cel")))
    assert shown == {
        "offset": (-0.3, "K"),
        "low": (-5.0, "Cel"),
        "high": (None, "Cel"),
        "deadband": (0.05, "K"),
        "slew": (2.0, "K/min"),
        "smooth": (30.0, "s"),
        "stuck_after": (None, ""),
    }


def test_what_is_secret_is_never_shown() -> None:
    @dataclass(frozen=True)
    class Options:
        token: str = "abc"
        key: Secret = Secret("relay_key", Path("/etc"))  # noqa: RUF009 - frozen as it is
        url: str = "http://kim:abc@198.51.100.7/"
        topic: str = "k/1"

    device = Device(
        id="x", driver="x", bus="lan", points={"t": PointSettings()}, options=Options(),
        metrics=(), role="pushed",
    )  # fmt: skip
    shown = list(settings(device))
    assert SettingView("token", REDACTED) in shown
    assert SettingView("key", "{secret: relay_key}") in shown
    assert SettingView("url", REDACTED) in shown
    assert SettingView("topic", "k/1") in shown
    assert "abc" not in str(shown)


def test_the_last_trouble_is_still_told_when_it_is_over() -> None:
    state = DeviceState("walk_in")
    state.lost("no answer from 0x44")
    state.heard()
    assert (state.trouble, state.last_trouble) == (None, "no answer from 0x44")


@pytest.mark.parametrize(
    ("reach", "status"),
    [
        (Reach(), 200),
        (Reach(devices=("walk_in",)), 200),
        (Reach(devices=("freezer",)), 403),
        (Reach(zones=("bar",)), 403),
    ],
)
async def test_who_has_limits_sees_the_settings_within_them(reach: Reach, status: int) -> None:
    async with web() as site:
        secret = await site.access.create_token("pos", Role.VIEWER, reach=reach)
        headers = {"Authorization": f"Bearer {secret}"}
        device = site.kitchen.devices()[0].id
        assert device == "walk_in"
        answer = await site.client.get(f"/api/v1/devices/{device}", headers=headers)
        assert answer.status == status
        if status == 200:
            assert (await answer.json())["counts"][0] == {"name": "reads", "count": 1200}


async def test_a_device_nobody_knows_is_not_found() -> None:
    async with web() as site:
        answer = await site.client.get(
            "/api/v1/devices/nothing", headers=await site.headers(Role.VIEWER)
        )
        assert answer.status == 404
        assert "see /api/v1/config" in (await answer.json())["detail"]
