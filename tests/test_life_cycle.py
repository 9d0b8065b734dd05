"""The life of the daemon as a process: how it starts, how it ends, and what is left either way."""

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway import app, serving
from gateway.config.load import load
from gateway.store.log import unpacked
from tests import plugin
from tests.ports import reserved_port
from tests.processes import REPOSITORY, Daemon
from tests.test_service import Systemd

STOP_CONTRACT_S = 5.0
# Loaded only when they are used, or by the tests only: the idle daemon must not pay for them.
HEAVY = {
    "argon2",
    "hypothesis",
    "jinja2",
    "numpy",
    "onnxruntime",
    "playwright",
    "pymodbus",
    "pytest",
    "serial",
    "sqlite_utils",
}
CONFIG = """
site: {label: Life, zone: UTC}
web: {listen: 127.0.0.1}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  other: {kind: i2c, path: /dev/i2c-2}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44, every: 100ms}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
rules:
  warm:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    on_bad: hold
    then: [{alarm: high}, {command: siren, value: on}]
  warm_for_long:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    for: 8s
    on_bad: hold
    then: [{alarm: low}]
emulation: {seed: 1}
"""
PRANK = "  prankster: {{driver: prank, bus: other, every: 100ms, prank: {prank}, go: {go}}}\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon that does not run yet; whatever happens, it does not outlive the test."""
    daemon = Daemon(tmp_path, CONFIG)
    yield daemon
    daemon.kill()


def pranked(folder: Path, prank: str) -> Daemon:
    """A daemon with a device that plays a prank once the file `go` is there."""
    line = PRANK.format(prank=prank, go=folder / "go")
    config = CONFIG.replace("actuators:\n", f"{line}actuators:\n")
    return Daemon(folder, config, environment=plugin.install(folder / "plugins"))


def rows(daemon: Daemon, stream: str) -> list[dict[str, Any]]:
    """The committed rows of a stream, in order."""
    with closing(sqlite3.connect(daemon.database)) as connection:
        stored = connection.execute(f"SELECT body FROM {stream} ORDER BY s").fetchall()
    return [json.loads(unpacked(body)) for (body,) in stored]


def events(daemon: Daemon, kind: str) -> list[dict[str, Any]]:
    return [row["d"] for row in rows(daemon, "ev") if row["k"] == kind]


def values(daemon: Daemon, point: str) -> list[object]:
    """Everything stored of a point, in order."""
    with closing(sqlite3.connect(daemon.database)) as connection:
        (index,) = connection.execute("SELECT i FROM points WHERE id = ?", (point,)).fetchone()
    found = [
        value
        for row in rows(daemon, "tm")
        for number, value in zip(row["c"], row["x"], strict=True)
        if number == index
    ]
    return list(found)


def state(daemon: Daemon) -> dict[str, dict[str, Any]]:
    """The stored state of judging."""
    with closing(sqlite3.connect(daemon.database)) as connection:
        stored = connection.execute("SELECT key, body FROM state").fetchall()
    return {key: json.loads(body) for key, body in stored}


def siren_sounds(daemon: Daemon) -> bool:
    return daemon.database.exists() and values(daemon, "siren/state")[-1:] == [True]


def test_sigterm_leaves_safe_outputs_and_the_last_commit(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait_until(lambda: siren_sounds(daemon))
    assert daemon.stop() == 0, daemon.log
    assert values(daemon, "siren/state")[-1] is False
    assert events(daemon, "system")[-1] == {"code": "stopped"}
    assert not (daemon.data / "gateway.db-wal").exists()


def test_sigterm_ends_it_while_a_read_hangs(tmp_path: Path) -> None:
    daemon = pranked(tmp_path, "hang").start()
    try:
        daemon.wait_until(lambda: siren_sounds(daemon))
        (tmp_path / "go").touch()
        daemon.wait_line("prankster: lost: no answer on bus other within")
        readings = len(values(daemon, "cold/temperature"))
        daemon.wait_until(lambda: len(values(daemon, "cold/temperature")) > readings + 10)
        assert daemon.stop() == 0, daemon.log
    finally:
        daemon.kill()
    assert values(daemon, "siren/state")[-1] is False
    assert values(daemon, "prankster/reads")[-1] is None
    assert events(daemon, "system")[-1] == {"code": "stopped"}


def test_sigterm_ends_it_while_the_disk_hangs(tmp_path: Path) -> None:
    daemon = pranked(tmp_path, "hang_disk").start()
    try:
        daemon.wait_until(lambda: siren_sounds(daemon))
        (tmp_path / "go").touch()
        daemon.wait_until((tmp_path / "go.hangs").exists)
        assert daemon.stop() == 0, daemon.log
    finally:
        daemon.kill()
    assert "the disk hangs; the last second may be missing" in daemon.log


def test_the_stages_of_a_stop_take_less_together_than_is_promised() -> None:
    stages_s = (
        app.SAFE_DEADLINE_S,
        app.COMMIT_DEADLINE_S,
        2 * app.GOODBYE_DEADLINE_S,  # the site's brokers and the last rows, then the cloud
        serving.GOODBYE_S,
        app.HUNG_S,
    )
    assert sum(stages_s) < STOP_CONTRACT_S


@pytest.mark.long  # the one that looks at the clock: where nothing else runs beside it
@pytest.mark.parametrize("prank", [None, "hang", "hang_disk"])
def test_a_stop_takes_no_longer_than_is_promised(tmp_path: Path, prank: str | None) -> None:
    daemon = pranked(tmp_path, prank or "tell").start()
    try:
        daemon.wait_until(lambda: siren_sounds(daemon))
        if prank:
            (tmp_path / "go").touch()
        if prank == "hang":
            daemon.wait_line("prankster: lost: no answer on bus other within")
        if prank == "hang_disk":
            daemon.wait_until((tmp_path / "go.hangs").exists)
        begun = time.monotonic()
        assert daemon.stop() == 0, daemon.log
        assert time.monotonic() - begun < STOP_CONTRACT_S
    finally:
        daemon.kill()


@pytest.mark.parametrize(
    ("prank", "bug"),
    [
        ("break_judging", "a bug in a critical task"),
        ("break_observing", "a bug met by a reading"),
    ],
)
def test_a_bug_in_judging_makes_outputs_safe_and_exits_with_1(
    tmp_path: Path, prank: str, bug: str
) -> None:
    daemon = pranked(tmp_path, prank).start()
    try:
        daemon.wait_until(lambda: siren_sounds(daemon))
        (tmp_path / "go").touch()
        assert daemon.wait_exit() == 1
    finally:
        daemon.kill()
    assert f"LookupError: {bug}" in daemon.log
    assert "kitchen-gateway: judging failed; outputs are safe" in daemon.log
    assert values(daemon, "siren/state")[-1] is False
    assert events(daemon, "system")[-1] == {"code": "stopped"}


def test_after_sigkill_alarms_stand_and_a_running_for_runs_on(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait_until(lambda: "alarm/warm" in state(daemon))
    daemon.kill()
    before = state(daemon)
    first = rows(daemon, "tm")[-1]["e"]
    install = _meta(daemon, "install")
    assert "alarm/warm_for_long" not in before
    (since,) = {entry["since"] for key, entry in before.items() if key == "alarm/warm"}

    daemon.start()
    assert daemon.health()["epoch"] == first + 1
    assert _meta(daemon, "install") == install
    daemon.wait_until(lambda: "alarm/warm_for_long" in state(daemon))
    after = state(daemon)
    assert after["alarm/warm"] == before["alarm/warm"]
    # So long after the condition began, and not after the second start.
    assert after["alarm/warm_for_long"]["since"] - since == 8_000
    raised = [(event["id"], event["verb"]) for event in events(daemon, "alarm")]
    assert raised == [("warm", "raise"), ("warm_for_long", "raise")]
    assert events(daemon, "gap")[-1]["cause"] == "not running"
    assert [row["e"] for row in rows(daemon, "tm")][-1] == first + 1


def test_a_second_daemon_on_the_same_data_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    second = Daemon(tmp_path / "second", CONFIG, "--data", str(daemon.data))
    second.start(ready=False)
    try:
        assert second.wait_exit() == 1
    finally:
        second.kill()
    assert f"is in use by process {daemon.pid}; stop it first" in second.log
    assert "Traceback" not in second.log
    daemon.wait_well()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("site: {label: Life", "config.yaml:"),
        (CONFIG.replace("raise_above", "raise_over"), "raise_over"),
        ("", "config.yaml"),
    ],
)
def test_a_configuration_that_cannot_be_used_exits_with_2_where_that_is_asked_for(
    tmp_path: Path, config: str, said: str
) -> None:
    daemon = Daemon(tmp_path, config, "--strict").start(ready=False)
    try:
        assert daemon.wait_exit() == 2
    finally:
        daemon.kill()
    assert said in daemon.log
    assert "nothing was started" in daemon.log
    assert "Traceback" not in daemon.log
    assert not daemon.data.exists()


def authorised(daemon: Daemon, token: str) -> tuple[int, dict[str, list[dict[str, str]]]] | None:
    """The alarms, once the daemon knows the token."""
    status, said = daemon.get("/api/v1/alarms", token)
    return (status, said) if status == 200 else None


def test_an_error_in_one_device_leaves_out_that_device_unless_strict(tmp_path: Path) -> None:
    broken = CONFIG.replace("actuators:\n", "  bad: {driver: sht3y, bus: i2c}\nactuators:\n")
    with Daemon(tmp_path / "lenient", broken) as daemon:
        daemon.wait_until(lambda: siren_sounds(daemon))
        health = daemon.health()
        assert health["status"] == "degraded"
        assert any("bad" in trouble for trouble in health["troubles"])
        token = daemon.create_token()
        status, said = daemon.wait_until(lambda: authorised(daemon, token))
        alarm = next(alarm for alarm in said["alarms"] if alarm["id"] == "system.left_out.bad")
        assert (status, alarm["state"]) == (200, "unacknowledged")
        assert "sht3x" in alarm["advice"], "what to do now is said: the word was mistyped"
    strict = Daemon(tmp_path / "strict", broken, "--strict").start(ready=False)
    try:
        assert strict.wait_exit() == 2
    finally:
        strict.kill()


def test_a_port_that_is_taken_is_said_and_collecting_goes_on_until_it_is_free(
    tmp_path: Path,
) -> None:
    port = reserved_port()
    with closing(socket.create_server(("127.0.0.1", port))) as squatter:
        daemon = Daemon(tmp_path, CONFIG, "--port", str(port)).start(ready=False)
        try:
            line = daemon.wait_line(f"port {port} is in use by another program")
            assert "collecting goes on without it" in line
            daemon.wait_until(lambda: siren_sounds(daemon))
            assert "Traceback" not in daemon.log
            squatter.close()
            daemon.wait_ready()
            assert daemon.port == port
            daemon.wait_well()
        finally:
            daemon.kill()


def test_the_idle_daemon_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    daemon = pranked(tmp_path, "tell").start()
    try:
        daemon.wait_until(lambda: siren_sounds(daemon))
        (tmp_path / "go").touch()
        told = tmp_path / "go.modules"
        daemon.wait_until(told.exists)
    finally:
        daemon.kill()
    loaded = set(told.read_text().split())
    assert {"gateway.app", "gateway.web.server", "aiohttp"} <= loaded  # it is all there
    assert not HEAVY & loaded
    assert not {name for name in loaded if name.startswith("gateway.store.migrations")}
    assert "models.predict" not in loaded


def test_the_shipped_kitchen_boots_and_every_device_has_a_value(tmp_path: Path) -> None:
    shipped = (REPOSITORY / "config.yaml").read_text()
    away = shipped.replace("127.0.0.1:1883", f"127.0.0.1:{reserved_port()}")
    assert away != shipped  # a broker that happens to run here is none of our business
    with Daemon(tmp_path, away) as daemon:
        token = daemon.create_token()

        def points() -> list[dict[str, Any]]:
            status, body = daemon.get("/api/v1/points", token)
            return list(body["points"]) if status == 200 else []

        def wired() -> list[dict[str, Any]]:
            # The CO2 sensor of the kitchen has to warm up for more than a minute first.
            ours = ("system/", "walk_in_outlook/", "kitchen_air/")
            return [point for point in points() if not point["id"].startswith(ours)]

        daemon.wait_until(lambda: wired() and all(point["quality"] == "good" for point in wired()))
        config = load(REPOSITORY / "config.yaml").config
        assert config is not None
        things = {*config.devices, *config.actuators} - {"kitchen_air"}
        assert {point["id"].partition("/")[0] for point in wired()} == things
        for point in points():  # what cannot have a value yet says why
            assert (point["value"] is None) == (point["reason"] is not None), point
        daemon.wait_well()
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_systemd_hears_of_every_stage(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "600000"}
    daemon = Daemon(tmp_path, CONFIG, environment=environment).start()
    heard: list[str] = []

    def pings() -> int:
        heard.extend(systemd.heard())
        return heard.count("WATCHDOG=1")

    try:
        daemon.wait_until(lambda: pings() >= 4)
        assert daemon.stop() == 0
        pings()
        assert heard[0] == "READY=1"
        assert heard.count("READY=1") == heard.count("STOPPING=1") == 1
    finally:
        daemon.kill()
        systemd.close()


def _meta(daemon: Daemon, key: str) -> str:
    with closing(sqlite3.connect(daemon.database)) as connection:
        value: str = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[
            0
        ]
        return value
