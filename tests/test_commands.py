"""The commands for people, run as people run them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.table import table
from gateway.cli.words import value_in_words
from gateway.config.load import load
from gateway.web import console
from tests.processes import REPOSITORY, Daemon

KITCHEN = """
site: {label: 마포점, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices:
  walk_in: {label: 냉장고, driver: sht3x, bus: i2c, address: 0x44, every: 1s}
  broken: {driver: sht3x, bus: i2c, address: 0x99}
  door: {driver: contact, bus: pins, pin: 17}
web: {listen: 127.0.0.1, port: 0}
emulation: {places: {walk_in: cold_room, door: cold_room_door}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(KITCHEN)
    return path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_table_is_straight_in_korean_too() -> None:
    drawn = table(("ID", "LABEL", "X"), [("a", "냉장고", "1"), ("bb", "x", "")])
    assert drawn == "ID  LABEL   X\na   냉장고  1\nbb  x"


def test_a_value_in_words_never_hides_that_there_is_none() -> None:
    point = {"id": "a/temperature", "value": None, "unit": "Cel", "reason": "no_communication"}
    assert value_in_words(point) == "- (no communication)"
    assert value_in_words(point | {"value": 3.5, "reason": None}) == "3.5 °C"
    assert value_in_words(point | {"value": 3.5, "reason": "substituted"}) == "3.5 °C (substituted)"
    switch = {"id": "siren/state", "value": True, "unit": "1"}
    assert value_in_words(switch) == "on"
    assert value_in_words(switch | {"id": "door/open"}) == "yes"


def test_without_a_gateway_devices_are_listed_and_a_device_is_read_from_here(
    config: Path, tmp_path: Path
) -> None:
    places = ("--config", str(config), "--data", str(tmp_path / "data"))
    listed = call("devices", *places, "--json")
    assert listed.exit_code == 0
    devices = json.loads(listed.stdout)["devices"]
    states = {device["id"]: device["state"] for device in devices}
    assert states == {"walk_in": "not running", "door": "not running", "broken": "left_out"}
    seen = call("read", "walk_in", *places, "--json")
    assert seen.exit_code == 0
    points = {point["id"]: point for point in json.loads(seen.stdout)["points"]}
    assert -5 < points["walk_in/temperature"]["value"] < 10
    assert "door/open  no" in call("read", "door", *places).stdout
    unknown = call("read", "nothing", *places)
    assert unknown.exit_code == 2
    assert "there are: walk_in, door" in unknown.stderr


def test_a_running_gateway_is_asked_through_its_data_folder(tmp_path: Path) -> None:
    with Daemon(tmp_path, KITCHEN) as daemon:
        asked = ("--data", str(daemon.data))

        def listed() -> str | None:
            shown = call("devices", *asked)
            return shown.stdout if "temperature" in shown.stdout else None

        text = daemon.wait_until(listed)
        assert "left out" in text
        assert "address" in text, "why it is left out stands beside it"
        read = call("read", "walk_in", *asked, "--json")
        assert read.exit_code == 0
        assert json.loads(read.stdout)["points"][0]["quality"] == "good"
        assert call("read", "door", *asked).exit_code == 0
        refused = call("read", "broken", *asked)
        assert refused.exit_code == 1
        assert "broken is left out" in refused.stderr
    assert "is not running" in call("devices", *asked, "--config", str(daemon.config)).stderr


def test_a_port_that_is_taken_does_not_keep_commands_from_being_answered(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        daemon = Daemon(tmp_path, KITCHEN, "--port", str(taken.getsockname()[1]))
        daemon.start(ready=False)
        try:
            daemon.wait_line("is in use by another program")
            assert call("devices", "--data", str(daemon.data)).exit_code == 0
        finally:
            daemon.stop()


def test_a_demonstration_says_whether_the_port_is_taken_or_the_address_is_not_ours(
    config: Path, tmp_path: Path
) -> None:
    asked = ("--config", str(config), "--data", str(tmp_path / "data"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = demonstrated(*asked, "--port", str(port))
    assert f"port {port}: Address already in use; choose another: --port N" in said
    config.write_text(KITCHEN.replace("listen: 127.0.0.1", "listen: 203.0.113.1"))
    said = demonstrated(*asked, "--port", "8080")
    assert "203.0.113.1 is not an address of this machine; correct web.listen" in said
    assert "--port" not in said


def demonstrated(*arguments: str) -> str:
    """What `demo` says when it does not start, as a process: it takes hold of stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 1
    return done.stderr


async def test_a_socket_that_cannot_be_had_is_said_and_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def accept() -> None:
        raise AssertionError

    long = tmp_path / ("x" * 120) / "console.sock"
    assert await console.listen(long, accept) is None  # type: ignore[arg-type]
    assert "commands cannot ask this gateway" in caplog.text


def test_setup_writes_a_file_that_is_good_and_never_touches_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    label = 'Mapo "2" \\ 마포 #1: best'
    done = call("setup", "--label", label, "--zone", "Asia/Seoul")
    assert done.exit_code == 0
    assert "kitchen-gateway read DEVICE" in done.stdout
    loaded = load(Path("config.yaml"))
    assert loaded.config is not None
    assert loaded.problems == ()
    assert loaded.config.site.label == label
    before = Path("config.yaml").read_bytes()
    again = call("setup", "--label", "x", "--zone", "UTC")
    assert again.exit_code == 1
    assert "is there already; nothing was changed" in again.stderr
    assert Path("config.yaml").read_bytes() == before
    wrong = call("setup", "--label", "x", "--zone", "Nowhere", "--config", "other.yaml")
    assert wrong.exit_code == 2
    assert "site.zone" in wrong.stderr
    assert not Path("other.yaml").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    script = call("completion", shell)
    assert script.exit_code == 0
    assert "kitchen-gateway" in script.stdout


def test_bash_completes_our_commands() -> None:
    asked = {"COMP_WORDS": "kitchen-gateway d", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli"],
        env={**os.environ, **asked, "_KITCHEN_GATEWAY_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert {"plain,demo", "plain,devices"} <= set(done.stdout.split())
