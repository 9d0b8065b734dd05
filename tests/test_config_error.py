"""A start with a file that cannot be used: the last good configuration, or only the page."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.load import load
from tests.processes import Daemon
from tests.test_life_cycle import siren_sounds, state
from tests.test_reload import DOOR, WARMER, asked, config, generations

BROKEN = config().replace("kind: limit", "kind: limits")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon that does not run yet; whatever happens, it does not outlive the test."""
    daemon = Daemon(tmp_path, config())
    yield daemon
    daemon.kill()


def has_run(daemon: Daemon, text: str) -> None:
    """One start with a good file, stopped in order."""
    daemon.config.write_text(text)
    before = generations(daemon)[-1:] if daemon.database.exists() else []
    daemon.start()
    daemon.wait_until(lambda: generations(daemon)[-1:] != before)
    assert daemon.stop() == 0


def damage(daemon: Daemon, number: int) -> None:
    with closing(sqlite3.connect(daemon.database)) as connection, connection:
        connection.execute(
            "UPDATE generations SET body = ? WHERE number = ?", (zlib.compress(b"x"), number)
        )


def points(daemon: Daemon) -> set[str]:
    return {name.partition("/")[0] for name in _points(daemon)}


def _points(daemon: Daemon) -> list[str]:
    token = daemon.create_token()
    status, body = daemon.wait_until(
        lambda: answer if (answer := daemon.get("/api/v1/points", token))[0] == 200 else None
    )
    assert status == 200
    return [point["id"] for point in body["points"]]


def test_with_nothing_to_fall_back_on_only_the_page_is_up_and_says_what_to_mend(
    daemon: Daemon,
) -> None:
    daemon.config.write_text(BROKEN)
    daemon.start()
    daemon.wait_line(r"config: .*config.yaml:\d+:11: rules.warm.kind: got the unknown rule kind")
    status, health = daemon.get("/health")
    assert (status, health["status"]) == (503, "config_error")
    assert any('did you mean "limit"?' in trouble for trouble in health["troubles"])
    token = daemon.create_token()
    status, shown = daemon.wait_until(
        lambda: answer if (answer := daemon.get("/api/v1/config", token))[0] == 200 else None
    )
    assert (shown["source"], shown["refused"]) == ("none", True)
    assert [problem["mean"] for problem in shown["problems"]] == ["limit", "limit"]
    assert "alarm/system.config" in daemon.wait_until(
        lambda: found if (found := state(daemon)) else None
    )

    daemon.config.write_text(config())  # nobody asks: it is noticed
    daemon.wait_line(r"config: taken over \(asked by the changed file\)")
    daemon.wait_until(lambda: siren_sounds(daemon))
    assert daemon.get("/health")[0] == 200
    assert daemon.health()["epoch"] == 1
    assert asked(daemon, "SELECT count(*) FROM boots") == [1]
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_a_file_that_cannot_be_used_starts_the_last_good_one_and_says_so(daemon: Daemon) -> None:
    has_run(daemon, config())
    has_run(daemon, config(more=WARMER))
    daemon.config.write_text(BROKEN)
    daemon.start()
    daemon.wait_line("the file is not used: the last good configuration runs")
    assert {"cold", "warm_room"} <= points(daemon)
    daemon.wait_until(lambda: siren_sounds(daemon))
    health = daemon.health()
    assert health["status"] == "degraded"
    assert any("the last good configuration runs" in trouble for trouble in health["troubles"])
    assert "alarm/system.config" in state(daemon)
    assert generations(daemon) == [1, 2], "a fall-back proves nothing new"
    daemon.stop()
    strict = Daemon(daemon.data.parent / "strict", BROKEN, "--strict").start(ready=False)
    assert strict.wait_exit() == 2
    assert "nothing was started" in strict.log


@pytest.mark.timeout(1_500)
def test_a_damaged_generation_falls_back_to_the_one_before_and_to_the_first(
    daemon: Daemon,
) -> None:
    for more in ("", WARMER, DOOR, WARMER + "\n" + DOOR):
        has_run(daemon, config(more=more))
    assert generations(daemon) == [1, 3, 4], "the first and the last two are kept"
    daemon.config.write_text(BROKEN)
    damage(daemon, 4)
    daemon.start()
    daemon.wait_line(r"generation 4 \(current\) does not fit its checksum")
    found = points(daemon)
    assert ("door" in found, "warm_room" in found) == (True, False)
    assert any("does not fit its checksum" in trouble for trouble in daemon.health()["troubles"])
    daemon.stop()
    damage(daemon, 3)
    daemon.start()
    daemon.wait_line("the first good configuration runs")
    assert "door" not in points(daemon)
    daemon.stop()
    damage(daemon, 1)
    daemon.start()
    assert daemon.get("/health")[0] == 503
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_a_kitchen_is_guarded_though_a_secret_of_its_cloud_has_gone(daemon: Daemon) -> None:
    secret = daemon.config.parent / "secrets" / "mqtt"
    secret.parent.mkdir()
    secret.write_text("hunter2")
    secret.chmod(0o600)
    cloud = (
        "cloud: {url: 'mqtt://127.0.0.1:1', tenant: demo, gateway: one, username: u,"
        " password: {secret: mqtt}}"
    )
    has_run(daemon, config(cloud=cloud))
    secret.unlink()
    daemon.start()
    daemon.wait_line("cloud.password: got no secret at .*secrets/mqtt")
    daemon.wait_line("the last good configuration runs")
    daemon.wait_line("cloud: password: got no secret at")
    daemon.wait_until(lambda: siren_sounds(daemon))


def of_rules(entries: Mapping[str, object]) -> dict[str, object]:
    """What rules have left behind, without what the gateway says of itself."""
    own = ("system.", "announcing/")  # the second counts its alarms among all others
    return {key: body for key, body in entries.items() if not any(it in key for it in own)}


def test_alarms_and_outputs_of_before_wait_through_an_error_for_the_rules_that_know_them(
    daemon: Daemon,
) -> None:
    daemon.start()
    daemon.wait_until(lambda: siren_sounds(daemon))
    daemon.stop()
    before = state(daemon)
    with closing(sqlite3.connect(daemon.database)) as connection, connection:
        connection.execute("DELETE FROM generations")
    daemon.config.write_text(BROKEN)
    daemon.start()
    assert daemon.get("/health")[0] == 503
    daemon.stop()
    assert of_rules(state(daemon)) == of_rules(before)


@pytest.mark.parametrize(
    ("section", "listen", "tls"),
    [
        ("{listen: 127.0.0.1, port: 8361, tls: own, hooks: {pos: {secret: gone}}}", "127", "own"),
        ("{listen: 192.0.2.1.5, tls: maybe}", "127", "own"),
        ("{tls: files, certificate_file: gone.pem}", "0.0", "own"),
        ("{lisen: 192.0.2.1}", "127", "off"),
        ("{plain_port: 80}", "0.0", "off"),
        ("5", "127", "off"),
    ],
)
def test_a_flaw_in_the_section_of_the_page_opens_nothing_that_was_not_asked_for(
    tmp_path: Path, section: str, listen: str, tls: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"site: {{label: x, zone: UTC}}\nweb: {section}\n")
    loaded = load(file)
    assert loaded.config is None
    assert loaded.web.listen.startswith(listen)
    assert (loaded.web.tls, loaded.web.plain_port) == (tls, None)
