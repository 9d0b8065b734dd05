"""The systemd unit: no word of it is misspelt, its walls stand, and it keeps its promises."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY

UNIT = REPOSITORY / "systemd" / "kitchen-gateway.service"
SYSUSERS = REPOSITORY / "systemd" / "kitchen-gateway.sysusers"
TMPFILES = REPOSITORY / "systemd" / "kitchen-gateway.tmpfiles"
EXPOSURE_TENTHS = 17  # 1.3 if it did not ask whether the clock is right; the unit says why
STOP_CONTRACT_S = 5


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return a copy whose program exists on this machine, else nothing but that is complained."""
    copy = tmp_path / UNIT.name
    text = UNIT.read_text()
    program = _settings()["ExecStart"][0].split()[0]
    copy.write_text(text.replace(f"ExecStart={program}", "ExecStart=/bin/true"))
    return copy


def test_systemd_has_nothing_to_say_about_the_unit(systemd_analyze: Path, unit: Path) -> None:
    # It exits with 0 even for unknown keys: what counts is what it prints.
    assert _ask(systemd_analyze, "verify", "--man=no", str(unit)) == (0, "")


def test_a_misspelt_key_would_be_noticed(systemd_analyze: Path, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchDogSec="))
    assert "Unknown key" in _ask(systemd_analyze, "verify", "--man=no", str(unit))[1]


def test_the_walls_are_as_high_as_promised(systemd_analyze: Path, unit: Path) -> None:
    threshold = f"--threshold={EXPOSURE_TENTHS}"
    code, said = _ask(
        systemd_analyze, "security", "--offline=true", "--no-pager", threshold, str(unit)
    )
    assert code == 0, said


def test_a_fallen_wall_would_be_noticed(systemd_analyze: Path, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("NoNewPrivileges=yes\n", ""))
    threshold = f"--threshold={EXPOSURE_TENTHS}"
    code, _ = _ask(
        systemd_analyze, "security", "--offline=true", "--no-pager", threshold, str(unit)
    )
    assert code == 1


def test_the_service_comes_back_for_ever_and_stops_in_time() -> None:
    settings = _settings()
    assert settings["Type"] == ["notify"]
    assert settings["Restart"] == ["always"]
    assert settings["RestartSec"] == ["2"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert STOP_CONTRACT_S < int(settings["TimeoutStopSec"][0]) <= 10
    assert int(settings["WatchdogSec"][0]) >= 10


def test_the_clock_may_be_read() -> None:
    # ProtectClock= would make every row say that its time is not to be trusted.
    settings = _settings()
    assert "ProtectClock" not in settings
    assert settings["SystemCallFilter"][-1].split() == ["clock_adjtime", "adjtimex"]


def test_the_users_and_groups_of_the_unit_are_declared() -> None:
    declared = {
        tuple(line.split()[:2]) for line in SYSUSERS.read_text().splitlines() if line[:1] in "gu"
    }
    settings = _settings()
    assert ("u", settings["User"][0]) in declared
    for group in settings["SupplementaryGroups"][0].split():
        assert ("g", group) in declared


def test_the_file_that_is_announced_is_the_one_the_service_is_given() -> None:
    (line, _) = [it for it in TMPFILES.read_text().splitlines() if not it.startswith("#")]
    kind, file, mode, user, *_ = line.split()
    settings = _settings()
    assert (kind, mode, user) == ("f", "0644", settings["User"][0])
    assert settings["ExecStart"][0].endswith(f" --announce {file}")
    assert f"-{file}" in settings["ReadWritePaths"]


def test_the_folder_whose_rules_are_edited_is_the_one_the_service_may_write() -> None:
    (_, line) = [it for it in TMPFILES.read_text().splitlines() if not it.startswith("#")]
    kind, folder, mode, user, *_ = line.split()
    settings = _settings()
    config = settings["ExecStart"][0].partition("--config ")[2].split()[0]
    assert (kind, mode, user) == ("d", "0755", settings["User"][0])
    assert Path(folder) == Path(config).parent / "rules.d"
    assert f"-{folder}" in settings["ReadWritePaths"]


def _settings() -> Mapping[str, Sequence[str]]:
    """Every setting with its values in order; systemd takes a key as often as it comes."""
    settings: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(key, []).append(value)
    return settings


def _ask(program: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout
