"""Who follows docs/tutorial.md sees what it says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.processes import REPOSITORY, Daemon

GUIDE = (REPOSITORY / "docs" / "tutorial.md").read_text()
SHIPPED = (REPOSITORY / "config.yaml").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


def mine() -> str:
    """The shipped kitchen with the rule of the tutorial, slip included."""
    assert SHIPPED.count("\nrules:\n") == 1
    return SHIPPED.replace("\nrules:\n", f"\nrules:\n{block('yaml')}")


def checked(path: Path) -> str:
    return CliRunner().invoke(main, ["check", str(path)]).output


def test_the_slip_is_told_as_the_tutorial_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(mine())
    said = checked(path)
    for line in block("text").splitlines():
        assert line in said
    path.write_text(mine().replace("kitchen/temprature", "kitchen/temperature"))
    assert "mine.yaml is good" in checked(path)


@pytest.mark.timeout(1_200)
def test_the_alarm_comes_and_a_changed_file_ends_it(tmp_path: Path) -> None:
    mended = mine().replace("kitchen/temprature", "kitchen/temperature")
    cloud = re.search(r"^cloud: .*\n", mended, re.MULTILINE)
    assert cloud
    text = mended.replace(cloud[0], "")
    with Daemon(tmp_path, text) as daemon:
        token = daemon.create_token("manager")

        def alarms() -> set[str] | None:
            status, body = daemon.get("/api/v1/alarms", token)
            return {each["id"] for each in body["alarms"]} | {"asked"} if status == 200 else None

        daemon.wait_until(lambda: "kitchen_hot" in (alarms() or set()))
        path = "/api/v1/alarms/kitchen_hot/acknowledge"
        assert daemon.post(path, token)[0] == 200
        changed = text.replace("raise_above: 18 °C", "raise_above: 40 °C")
        daemon.config.write_text(changed.replace("clear_below: 17 °C", "clear_below: 39 °C"))
        assert daemon.post("/api/v1/config/reload", token)[0] == 200
        daemon.wait_until(lambda: "kitchen_hot" not in (alarms() or {"kitchen_hot"}))
