"""A running daemon takes over another configuration, or refuses it; either way it loses nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests import plugin
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S
from tests.processes import Daemon
from tests.test_life_cycle import events, pranked, rows, siren_sounds, state, values

CONFIG = """
site: {{label: Reload, zone: UTC}}
web: {{listen: 127.0.0.1}}
buses:
  i2c: {{kind: i2c, path: /dev/i2c-1}}
  pins: {{kind: gpio, chip: pinctrl-bcm2711}}
devices:
  cold: {{driver: sht3x, bus: i2c, address: 0x44, every: {every}}}
{more}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    label: {siren}
    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 0s}}
rules:
  warm:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    on_bad: hold
    then: [{{alarm: high}}, {{command: siren, value: on}}]
  warm_for_long:
    kind: limit
    point: cold/temperature
    raise_above: -30 °C
    for: 15s
    on_bad: hold
    then: [{{alarm: low}}]
{cloud}
emulation: {{seed: 1, places: {{{places}}}}}
"""
WARMER = "  warm_room: {driver: sht3x, bus: i2c, address: 0x45, every: 100ms}"
DOOR = "  door: {driver: contact, bus: pins, pin: 17}"


def config(every: str = "100ms", more: str = "", siren: str = "Siren", cloud: str = "") -> str:
    places = "door: cold_room_door" if DOOR in more else ""
    return CONFIG.format(every=every, more=more, siren=siren, cloud=cloud, places=places)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon that does not run yet; whatever happens, it does not outlive the test."""
    daemon = Daemon(tmp_path, config())
    yield daemon
    daemon.kill()


def asked(daemon: Daemon, query: str) -> list[Any]:
    with closing(sqlite3.connect(daemon.database)) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def generations(daemon: Daemon) -> list[int]:
    return asked(daemon, "SELECT number FROM generations ORDER BY number")


def without_gaps(daemon: Daemon) -> None:
    for stream in ("tm", "ev"):
        numbers = [row["s"] for row in rows(daemon, stream)]
        assert numbers == list(range(1, len(numbers) + 1)), stream


@pytest.mark.timeout(1_200)
def test_reloads_under_traffic_lose_no_row_no_link_and_no_alarm(
    tmp_path: Path, mosquitto: BrokerFactory
) -> None:
    url = mosquitto().url
    cloud = f"cloud: {{url: '{url}', tenant: demo, gateway: one, confirm: puback}}"
    daemon = Daemon(tmp_path, config(cloud=cloud)).start()
    try:
        token = daemon.create_token("manager")
        daemon.wait_until(lambda: siren_sounds(daemon))
        before = state(daemon)
        commands = len(events(daemon, "command"))
        for number, more in enumerate((WARMER, DOOR, WARMER + "\n" + DOOR, "", WARMER)):
            text = config(
                more=more, cloud=cloud, siren=f"Siren {number}", every=f"{number + 1}00ms"
            )
            daemon.config.write_text(text)
            status, said = daemon.reload(token)
            assert (status, said["result"], said["problems"]) == (200, "applied", [])
            readings = len(values(daemon, "cold/temperature"))
            daemon.wait_until(lambda: len(values(daemon, "cold/temperature")) > readings + 3)  # noqa: B023
        after = state(daemon)
        assert after["alarm/warm"] == before["alarm/warm"]
        assert after["output/siren"] == before["output/siren"]
        assert len(events(daemon, "command")) == commands, "nothing was switched"
        sounds = values(daemon, "siren/state")
        assert False not in sounds[sounds.index(True) :]
        daemon.wait_well()
        metrics = _metrics(daemon, token)
        assert metrics["kitchen_cloud_connects_total"] == 1
        without_gaps(daemon)
        assert daemon.stop() == 0
    finally:
        daemon.kill()
    without_gaps(daemon)
    assert asked(daemon, "SELECT count(*) FROM boots") == [1]
    assert [event["code"] for event in events(daemon, "system")].count("config_applied") == 5
    assert "Traceback" not in daemon.log
    indices = dict(enumerate(asked(daemon, "SELECT id FROM points ORDER BY i")))
    assert indices[0] == "cold/temperature", "what was removed keeps its index"
    assert set(indices.values()) > {"warm_room/temperature", "door/open"}
    assert generations(daemon) == [1, 5, 6]
    used = {row["md"] for row in rows(daemon, "tm")}
    assert len(used) > 1, "rows after a new point refer to the dictionary that has it"


def _metrics(daemon: Daemon, token: str) -> dict[str, float]:
    import urllib.request

    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.port}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_a_for_that_runs_goes_on_over_a_reload(daemon: Daemon) -> None:
    daemon.start()
    began = daemon.wait_until(lambda: state(daemon).get("rule/warm_for_long"))["since"]
    daemon.config.write_text(config(more=DOOR))
    daemon.hang_up()
    daemon.wait_line(r"config: taken over \(asked by SIGHUP\)")
    assert "alarm/warm_for_long" not in state(daemon)
    alarm = daemon.wait_until(lambda: state(daemon).get("alarm/warm_for_long"))
    assert alarm["since"] - began == 15_000


def test_a_broken_file_changes_nothing_and_says_where_it_is_broken(daemon: Daemon) -> None:
    daemon.start()
    token = daemon.create_token("manager")
    daemon.wait_until(lambda: siren_sounds(daemon))
    daemon.config.write_text(config().replace("raise_above", "raise_over", 1))
    daemon.hang_up()
    daemon.wait_line(r"config: .*config.yaml:\d+:5: rules.warm.raise_over: got the unknown key")
    health = daemon.wait_until(
        lambda: health if (health := daemon.health())["status"] == "degraded" else None
    )
    assert any('did you mean "raise_above"?' in trouble for trouble in health["troubles"])
    assert any("from before the change runs on" in trouble for trouble in health["troubles"])
    status, said = daemon.reload(token)
    assert status == 422
    assert said["type"] == "urn:kitchen-gateway:config-refused"
    meant = {problem["path"]: problem["mean"] for problem in said["problems"]}
    assert meant["rules.warm.raise_over"] == "raise_above"
    status, shown = daemon.get("/api/v1/config", token)
    assert (status, shown["source"], shown["refused"]) == (200, "file", True)
    daemon.wait_until(lambda: "alarm/system.config" in state(daemon))
    assert values(daemon, "siren/state")[-1] is True
    assert generations(daemon) == [1]

    daemon.config.write_text(config())
    assert daemon.reload(token)[1]["result"] == "applied"
    daemon.wait_well()
    assert daemon.reload(token)[1]["result"] == "unchanged"


def test_only_a_manager_may_have_it_loaded_again(daemon: Daemon) -> None:
    daemon.start()
    assert daemon.reload(daemon.create_token("staff"))[0] == 403


def test_what_cannot_be_built_is_refused_and_the_old_one_is_built_again(tmp_path: Path) -> None:
    environment = plugin.install(tmp_path / "plugins")
    daemon = Daemon(tmp_path, config(), environment=environment).start()
    try:
        token = daemon.create_token("admin")
        daemon.wait_until(lambda: siren_sounds(daemon))
        boom = "  boom: {driver: prank, bus: i2c, every: 1s, prank: explode, go: x}"
        daemon.config.write_text(config(every="150ms", more=boom))
        status, said = daemon.reload(token)
        assert status == 422
        assert "cannot be built: LookupError: a bug in a driver" in said["problems"][0]["message"]
        readings = len(values(daemon, "cold/temperature"))
        daemon.wait_until(lambda: len(values(daemon, "cold/temperature")) > readings + 5)
        assert daemon.get("/api/v1/points", token)[1]["points"][0]["id"] == "cold/temperature"
        sounds = values(daemon, "siren/state")
        assert False not in sounds[sounds.index(True) :]
        assert daemon.health()["status"] == "degraded"
        assert daemon.stop() == 0
        daemon.start()  # at a start the last good one runs in its place
        daemon.wait_line("the last good configuration runs")
        daemon.wait_until(lambda: daemon.health()["status"] == "degraded")
    finally:
        daemon.kill()
    without_gaps(daemon)


def test_what_is_taken_out_does_not_stand_in_the_history_for_ever(daemon: Daemon) -> None:
    daemon.config.write_text(config(more=DOOR))
    daemon.start()
    token = daemon.create_token("manager")
    daemon.wait_until(lambda: False in values(daemon, "door/open"))
    daemon.config.write_text(config())
    assert daemon.reload(token)[0] == 200
    daemon.wait_until(lambda: values(daemon, "door/open")[-1] is None)
    points = daemon.get("/api/v1/points", token)[1]["points"]
    assert "door/open" not in {point["id"] for point in points}
    assert "Traceback" not in daemon.log


def test_an_output_that_is_taken_out_is_made_safe_first(daemon: Daemon) -> None:
    daemon.start()
    token = daemon.create_token("manager")
    daemon.wait_until(lambda: siren_sounds(daemon))
    text = config().replace("pin: 24", "pin: 25")
    daemon.config.write_text(text)
    assert daemon.reload(token)[0] == 200

    def since_it_sounded() -> list[Any]:
        sounds = values(daemon, "siren/state")
        return sounds[sounds.index(True) :]

    daemon.wait_until(lambda: False in since_it_sounded() and since_it_sounded()[-1] is True)


def test_a_hung_bus_does_not_hold_up_a_reload(tmp_path: Path) -> None:
    daemon = pranked(tmp_path, "hang").start()
    try:
        token = daemon.create_token("manager")
        daemon.wait_until(lambda: siren_sounds(daemon))
        (tmp_path / "go").touch()
        daemon.wait_line("prankster: lost: no answer")
        text = daemon.config.read_text()
        line = next(line for line in text.splitlines() if "prankster" in line)
        daemon.config.write_text(text.replace(line + "\n", ""))
        assert daemon.reload(token)[1]["result"] == "applied"
        daemon.wait_well()
        assert daemon.stop() == 0
    finally:
        daemon.kill()


def test_two_reloads_at_once_take_their_turn(daemon: Daemon) -> None:
    daemon.start()
    token = daemon.create_token("manager")
    assert daemon.reload(token)[0] == 200
    daemon.config.write_text(config(more=DOOR))
    results: list[str] = []

    def ask() -> None:
        results.append(daemon.post("/api/v1/config/reload", token)[1]["result"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["applied", "unchanged", "unchanged", "unchanged"]


def test_a_reload_during_the_stop_is_no_harm(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait_until(lambda: siren_sounds(daemon))
    daemon.config.write_text(config(more=WARMER))
    daemon.hang_up()
    daemon.terminate()
    daemon.hang_up()
    assert daemon.wait_exit() == 0
    assert values(daemon, "siren/state")[-1] is False
    assert "Traceback" not in daemon.log
    without_gaps(daemon)
    with daemon:
        assert daemon.health()["epoch"] == 2
        daemon.wait_well()


def test_the_command_has_it_loaded_and_says_what_came_of_it(daemon: Daemon) -> None:
    def reload() -> tuple[int, str]:
        options = ["--config", str(daemon.config), "--data", str(daemon.data)]
        done = CliRunner().invoke(main, ["reload", *options])
        return done.exit_code, done.output

    assert reload()[0] == 1
    daemon.start()
    daemon.config.write_text(config(more="  bad: {driver: sht3y, bus: i2c}\n" + DOOR))
    code, said = reload()
    assert (code, said.splitlines()[-1]) == (0, "applied; left out: bad")
    daemon.config.write_text(config().replace("kind: limit", "kind: limits"))
    code, said = reload()
    assert code == 2
    assert "keeps what it has" in said
    assert daemon.health()["status"] == "degraded"


def test_a_page_that_moves_answers_who_asked_for_it_first(daemon: Daemon) -> None:
    daemon.start()
    token = daemon.create_token("manager")
    assert daemon.reload(token)[0] == 200
    origin = "web: {listen: 127.0.0.1, origins: ['https://kitchen.example']}"
    daemon.config.write_text(config().replace("web: {listen: 127.0.0.1}", origin))
    assert daemon.reload(token)[1]["result"] == "applied"
    assert daemon.wait_until(lambda: daemon.log.count("page on http://") == 2)
    daemon.wait_ready()
    assert daemon.health()["epoch"] == 1
