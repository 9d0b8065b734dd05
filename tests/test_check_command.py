"""`kitchen-gateway check` as people and scripts meet it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.check import check
from tests.test_config import KITCHEN, changed

SOUND = KITCHEN.replace("on_bad: hold\n", "on_bad: alarm\n    advice: Shut the door.\n").replace(
    "for: 30s,", "for: 30s, advice: Shut it.,"
)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(check, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_a_good_file_is_said_to_be_good_with_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SOUND)
    code, said = run("--config", str(path))
    assert code == 0
    assert said == f"{path} is good: 2 devices, 3 points, 1 actuator, 2 rules\n"


def test_an_unusable_file_ends_with_2_and_every_problem_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(changed("web: {port", "web: {prot").replace("demo", "a.b"))
    code, said = run("--config", str(path))
    assert code == 2
    unknown = (
        'got the unknown key "prot", expected one of certificate_file, hooks, key, listen,'
        " origins, plain_port, port, proxies, tls"
    )
    assert said.splitlines() == [
        f'{path}:30:7: web.prot: {unknown}; did you mean "port"?',
        f'{path}:31:47: cloud.tenant: got "a.b", expected letters, digits, _ and -, at most 36',
        "2 problems; the gateway will not use this file",
    ]


def test_a_device_that_is_left_out_is_named_and_ends_with_2_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(changed("pin: 17", "pn: 17"))
    code, said = run("--config", str(path))
    assert code == 2
    assert said.splitlines()[-1] == "3 problems; left out: door; 2 warnings"


def test_the_result_as_json_has_the_same_problems(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(changed("every: 5s", "every: 5"))
    code, said = run("--config", str(path), "--json")
    assert code == 2
    result = json.loads(said)
    assert (result["good"], result["usable"], result["left_out"]) == (False, True, ["walk_in"])
    first = result["problems"][0]
    assert first["file"] == str(path)
    assert (first["line"], first["column"], first["device"]) == (10, 12, "walk_in")
    assert first["path"] == "devices.walk_in.every"
    path.write_text(KITCHEN)
    code, said = run("--config", str(path), "--json")
    assert code == 0
    result = json.loads(said)
    assert (result["good"], result["problems"]) == (True, [])
    assert {finding["level"] for finding in result["findings"]} == {"warning"}
    assert result["findings"][0]["path"] == "rules.warm"


def test_without_a_name_the_file_in_the_current_folder_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(SOUND)
    assert run() == (0, "config.yaml is good: 2 devices, 3 points, 1 actuator, 2 rules\n")


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    code, said = run("--config", str(tmp_path / "gone.yaml"))
    assert code == 2
    assert "gone.yaml:1:1: cannot be read: No such file or directory" in said


def test_a_likely_mistake_is_a_warning_and_ends_with_2_only_when_that_is_asked_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SOUND.replace("advice: Shut it., ", ""))
    code, said = run("--config", str(path))
    assert code == 0
    assert said.splitlines() == [
        (
            f"{path}:30:3: warning: rules.open: the low alarm does not say what to do; add advice:"
            " one step a line, in the words of who stands before it"
        ),
        f"{path} is good: 2 devices, 3 points, 1 actuator, 2 rules; 1 warning",
    ]
    assert run("--config", str(path), "--strict") == (2, said)


def test_a_rule_that_is_of_no_use_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SOUND.replace("high: 60 °C", "high: 8 °C"))
    code, said = run("--config", str(path))
    assert code == 2
    assert "error: rules.warm.raise_above: walk_in/temperature is believed from -40 to 8" in said
    assert said.splitlines()[-1] == (
        "1 error; the gateway uses this file, but these rules are of no use"
    )
