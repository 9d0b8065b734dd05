"""The example of docs/replay.md does what the page says."""

import re
from pathlib import Path

from tests.processes import REPOSITORY, Daemon

GUIDE = (REPOSITORY / "docs" / "replay.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


def test_the_example_raises_its_alarm_and_its_gap_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text(block("csv"))
    with Daemon(tmp_path, block("yaml")) as daemon:
        token = daemon.create_token()

        def alarm() -> str | None:
            _, body = daemon.get("/api/v1/alarms", token)
            states = [each["state"] for each in body.get("alarms", []) if each["id"] == "too_warm"]
            return states[0] if states else None

        def ended() -> bool:
            _, body = daemon.get("/api/v1/points", token)
            points = {point["id"]: point for point in body.get("points", [])}
            return bool(points and points["night/row"]["value"] == 5)

        daemon.wait_until(ended)
        assert alarm() == "returned", "raised at 9.1 °C, held over the gap, returned at 4.0 °C"
