"""A running gateway whose rules are edited over its API: in force at once, and after a kill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Daemon
from tests.test_reload import config

FILE = "/api/v1/rules/files/damp.yaml"
DAMP = """rules:
  damp: {kind: limit, point: cold/humidity, raise_above: 90 %, on_bad: hold, then: [{alarm: low}]}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon that runs; whatever happens, it does not outlive the test."""
    daemon = Daemon(tmp_path, config())
    yield daemon.start()
    daemon.kill()


def known(daemon: Daemon, token: str) -> tuple[int, Any]:
    """The rules' files, once the daemon knows the token."""

    def asked() -> tuple[int, Any] | None:
        answer = daemon.get("/api/v1/rules/files", token)
        return None if answer[0] == 401 else answer

    return daemon.wait_until(asked)


def rules(daemon: Daemon, token: str) -> list[str]:
    return [rule["id"] for rule in daemon.get("/api/v1/rules", token)[1]["rules"]]


def test_a_saved_rule_is_in_force_and_stays_so_after_a_kill(daemon: Daemon) -> None:
    token = daemon.create_token("manager")
    assert known(daemon, token)[1]["files"] == []
    before = daemon.config.read_bytes()
    status, said = daemon.put(FILE, token, {"text": DAMP})
    assert (status, said["result"]) == (200, "applied"), said
    assert "damp" in rules(daemon, token)
    daemon.kill()
    daemon.start()
    assert known(daemon, token)[1]["files"][0]["name"] == "damp.yaml"
    assert "damp" in rules(daemon, token)
    status, said = daemon.put(FILE, token, {"text": DAMP})
    assert status == 428
    status, said = daemon.put(
        "/api/v1/rules/files/more.yaml", token, {"text": DAMP.replace("humidity", "humidty")}
    )
    assert (status, said["problems"][0]["file"]) == (422, "rules.d/more.yaml")
    assert not (daemon.config.parent / "rules.d" / "more.yaml").exists()
    assert daemon.config.read_bytes() == before
    entries = daemon.get("/api/v1/audit", token)[1]["entries"]
    deeds = [(each["entry"]["action"], each["entry"]["by"]) for each in entries]
    assert ("save_rules", "api") in deeds
