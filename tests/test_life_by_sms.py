"""Danger to people with the internet cut: the whole daemon hands a text message to its modem."""

from pathlib import Path
from typing import Any

from tests.processes import Daemon

KITCHEN = """
site: {label: 마포점, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}}
devices:
  cooker: {driver: sht3x, bus: i2c, address: 0x44, every: 1s}
rules:
  too_hot:
    label: 화재 위험
    kind: limit
    point: cooker/temperature
    raise_above: -20 °C
    clear_below: -25 °C
    priority: life
    on_bad: hold
    advice: 대피하십시오. Leave the kitchen.
    then: [{alarm: life}]
notifications:
  channels:
    cloud_hook: {kind: webhook, url: "http://127.0.0.1:9/alarm", addresses: [127.0.0.1/32]}
    modem: {kind: sms, path: /dev/serial/by-id/usb-modem}
  people:
    owner: {role: manager, phone: "+82 10 1234 5678"}
  routes:
    - {to: [manager], by: [cloud_hook, modem], priorities: [life]}
web: {listen: 127.0.0.1, port: 0}
emulation: {seed: 1, places: {cooker: kitchen}}
"""


def test_with_the_internet_cut_the_modem_tells_of_danger(tmp_path: Path) -> None:
    with Daemon(tmp_path, KITCHEN) as daemon:
        token = daemon.create_token(role="staff")

        def handed_over() -> Any:  # noqa: ANN401 - JSON
            status, body = daemon.get("/api/v1/notifications", token)
            told = body["notices"] if status == 200 else []
            return next((it for it in told if it["state"] == "handed_over"), None)

        told = daemon.wait_until(handed_over)
        assert (told["channel"], told["people"]) == ("modem", ["owner"])
        assert (told["alarm"], told["priority"]) == ("too_hot", "life")
        channels = daemon.get("/api/v1/notifications", token)[1]["channels"]
        assert {it["id"]: it["handed_over"] for it in channels} == {"cloud_hook": 0, "modem": 1}


def test_a_modem_that_is_not_there_is_said_before_it_is_needed(tmp_path: Path) -> None:
    text = (
        KITCHEN.partition("buses:")[0] + "notifications:" + KITCHEN.partition("notifications:")[2]
    )
    real = text.partition("emulation:")[0].replace("usb-modem", "usb-modem-nobody-has")
    with Daemon(tmp_path, real) as daemon:
        trouble = daemon.wait_until(
            lambda: next((it for it in daemon.health()["troubles"] if "modem" in it), None)
        )
        assert "notifications by modem" in trouble
        assert "there is no such port" in trouble
