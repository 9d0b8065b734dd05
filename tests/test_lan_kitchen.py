"""LAN devices in the emulated kitchen: the twin of the broker carries readings and commands."""

import json
from pathlib import Path

from tests.processes import Daemon

KITCHEN = """
site: {label: test, zone: Asia/Seoul}
buses: {lan: {kind: mqtt, url: "mqtt://192.0.2.1"}}
devices:
  walk_in:
    driver: mqtt
    bus: lan
    topic: zigbee/walk_in
    metrics: {temperature: {path: '$.list[1]["deg C"]', unit: Cel, scale: 0.1, offset: -50}}
  door:
    driver: mqtt
    bus: lan
    topic: zigbee/door
    metrics: {open: {kind: boolean}}
actuators:
  fan:
    driver: mqtt_switch
    bus: lan
    topic: zigbee/fan/set
    state_topic: zigbee/fan
    state_key: state
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
  lamp:
    driver: mqtt_switch
    bus: lan
    topic: zigbee/lamp/set
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
rules:
  always: {kind: limit, point: walk_in/temperature, raise_above: -10 °C, on_bad: hold,
           priority: low, then: [{command: fan, value: on}, {command: lamp, value: on}]}
web: {listen: 127.0.0.1}
emulation: {seed: 1, places: {walk_in: cold_room, door: cold_room_door}}
"""


def test_an_emulated_kitchen_hears_its_lan_devices_and_commands_its_switches(
    tmp_path: Path,
) -> None:
    with Daemon(tmp_path, KITCHEN) as daemon:
        token = daemon.create_token()

        def settled() -> dict[str, tuple[object, str]] | None:
            status, body = daemon.get("/api/v1/points", token)
            if status != 200:
                return None
            seen = {point["id"]: (point["value"], point["quality"]) for point in body["points"]}
            done = seen["fan/state"] == (True, "good") and seen["lamp/state"][0] is True
            return seen if done and seen["walk_in/temperature"][0] is not None else None

        seen = daemon.wait_until(settled)
        assert isinstance(seen["walk_in/temperature"][0], (int, float))
        assert -10 < seen["walk_in/temperature"][0] < 20
        assert seen["door/open"] == (False, "good")
        assert seen["lamp/state"] == (True, "uncertain")  # it was only told
        status, devices = daemon.get("/api/v1/devices", token)
        assert status == 200
        assert "lan zigbee/walk_in" in json.dumps(devices)
        assert daemon.stop() == 0
