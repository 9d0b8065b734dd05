"""scripts/setup.sh refuses what cannot work, in words, and never asks for a password."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

_ROOT = Path(__file__).resolve().parent.parent
_NEEDED = ("dirname", "id", "cat")  # before any package is installed


def _command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder to be the whole PATH: no apt-get, no sudo, no python3."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in _NEEDED:
        # Never a link: a test that replaces one would write through it into the machine.
        _command(folder, name, f'exec {shutil.which(name)} "$@"')
    return folder


def _setup(tools: Path, python: str = "python3") -> tuple[int, str]:
    done = subprocess.run(
        [_ROOT / "scripts" / "setup.sh", "run"],
        env={"PATH": str(tools), "PYTHON": python},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("calcsize", "64-bit only"),
        ("version_info <", "Python 3.11 or newer is needed; Python 3.9.2 found"),
        ("ensurepip", "please run:  sudo apt-get install python3.11-venv"),
    ],
)
def test_a_python_that_cannot_run_it_is_refused_in_words(
    tools: Path, failing: str, words: str
) -> None:
    _command(
        tools,
        "python3",
        f'case "$*" in *"{failing}"*) exit 1 ;; --version) echo Python 3.9.2 ;;'
        " *print*) echo 3.11 ;; esac",
    )

    status, said = _setup(tools)

    assert status == 1
    assert words in said


def test_a_32_bit_python_is_refused_before_anything_else(tools: Path) -> None:
    _command(tools, "python3", 'case "$*" in *struct*) exit 1 ;; esac')

    status, said = _setup(tools)

    assert status == 1
    assert said.splitlines() == [
        "setup: 64-bit only: python3 is a 32-bit Python. Install the 64-bit Raspberry Pi OS."
    ]


def test_a_python_that_does_not_run_is_called_that(tools: Path) -> None:
    _command(tools, "python3", "exit 127")

    status, said = _setup(tools)

    assert status == 1
    assert said.startswith("setup: python3 does not run; choose another: PYTHON=")


def test_a_missing_python_is_named(tools: Path) -> None:
    status, said = _setup(tools)

    assert status == 1
    assert "please run:  sudo apt-get install python3" in said


def test_sudo_is_never_asked_for_a_password(tools: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        _command(tools, "id", "echo 1000")
    asked = tmp_path / "asked"
    _command(tools, "sudo", f'echo "$*" >>{asked}; [ "$1" = -n ] && exit 1; read -r password')
    _command(tools, "apt-get", "exit 1")

    status, said = _setup(tools)

    assert status == 1
    assert asked.read_text() == "-n true\n"
    assert "please run:  sudo apt-get install python3" in said
