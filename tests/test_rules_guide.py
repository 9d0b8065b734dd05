"""The example of docs/rules-test.md does what the page says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.rules import rules
from tests.processes import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "rules-test.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_the_example_tells_the_differences_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config, edited = blocks("yaml")
    Path("night.csv").write_text(blocks("csv")[0])
    Path("config.yaml").write_text(config)
    Path("edited.yaml").write_text(edited)
    command = re.search(r"`kitchen-gateway rules (test [^`]*)` says", GUIDE)
    assert command is not None
    done = CliRunner().invoke(rules, command[1].split())
    assert done.exit_code == 0, done.output
    told = done.output.partition("\n")[2]  # without the time it took
    assert told == blocks("text")[0]
