"""The house rules hold, and lint fails when one of them is broken."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("gateway", "drivers", "rules", "models")
_DOC = '"""Planted by a test."""\n\n'


def _copied(folder: Path) -> Path:
    """A copy of everything lint looks at."""
    for package in _PACKAGES:
        shutil.copytree(
            _ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("setup.cfg", "pyproject.toml", "scripts"):
        source = _ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


def _run(folder: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _layers(folder: Path) -> tuple[int, str]:
    code = "from importlinter.cli import lint_imports_command as lint; lint()"
    return _run(folder, "-c", code, "--config", "setup.cfg", "--no-cache")


def _broken(report: str) -> set[str]:
    """Return the names of the contracts reported as broken."""
    return set(re.findall(r"^(.+) BROKEN", report, re.MULTILINE))


def _ruff(folder: Path) -> tuple[int, str]:
    packages = [package for package in _PACKAGES if (folder / package).is_dir()]
    return _run(folder, "-m", "ruff", "check", "--no-cache", "--output-format=concise", *packages)


def _house(folder: Path) -> tuple[int, str]:
    return _run(folder, str(_ROOT / "scripts" / "check_house.py"))


def _plant(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_DOC + code)


def test_the_house_keeps_its_own_rules(tmp_path: Path) -> None:
    for check in (_layers, _house):
        code, report = check(_copied(tmp_path / check.__name__))
        assert code == 0, report


# Into which package what is planted, and the contract it breaks.
LAYERS = (
    ("drivers", "import gateway.clock\n", "The daemon imports the leaves"),
    ("drivers", "import rules.base\n", "The daemon imports the leaves"),
    ("rules", "import models\n", "The daemon imports the leaves"),
    ("models", "import drivers.base\n", "The daemon imports the leaves"),
    ("drivers", "import drivers.other\n", "A driver imports drivers.base only"),
    (
        "drivers/framing",
        "import drivers.other\n",
        "A driver imports drivers.base only",
    ),
    (
        "drivers/emulated",
        "import drivers.emulated.other\n",
        "An emulated chip imports no other chip",
    ),
    ("drivers/emulated", "import drivers.other\n", "A driver imports drivers.base"),
    ("drivers", "import asyncio\n", "Leaves take their world"),
    ("rules", "import threading\n", "Leaves take their world"),
    ("models", "import socket\n", "Leaves take their world"),
    ("drivers", "import smbus2\n", "Leaves take their world"),
    ("rules", "import time\n", "Leaves take their world"),
    ("gateway", "import models.train.planted\n", "The daemon never loads"),
    ("gateway", "import onnxruntime\n", "onnxruntime only in"),
    ("models", "import onnxruntime\n", "onnxruntime only in"),
    ("gateway", "import paho.mqtt.client\n", "paho-mqtt only in"),
    ("gateway/sync", "import sqlite3\n", "SQL only in"),
    ("gateway", "import sqlite_utils\n", "SQL only in"),
    ("gateway/sync", "import psutil\n", "psutil only in"),
    ("gateway", "import serial\n", "Hardware libraries only in"),
    ("gateway", "import gpiozero\n", "Hardware libraries only in"),
)


@pytest.fixture(scope="module")
def broken_layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what lint says of each contract that is broken, with everything planted at once."""
    folder = _copied(tmp_path_factory.mktemp("layers"))
    for other in ("drivers/other.py", "drivers/emulated/other.py", "models/train/planted.py"):
        _plant(folder, other, "")
    for number, (package, code, _) in enumerate(LAYERS):
        _plant(folder, f"{package}/planted_{number}.py", code)
    status, report = _layers(folder)
    assert status != 0
    parts = re.split(r"(?m)^(.+)\n-+\n", report)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: said[name] for name in _broken(report)}


@pytest.mark.parametrize("number", range(len(LAYERS)))
def test_a_broken_layer_or_fence_fails_lint(broken_layers: dict[str, str], number: int) -> None:
    package, _, contract = LAYERS[number]
    planted = f"{package.replace('/', '.')}.planted_{number} ->"
    assert any(
        name.startswith(contract) and planted in said for name, said in broken_layers.items()
    ), broken_layers


@pytest.mark.parametrize(
    "code",
    [
        "import time\n\nSTARTED = time.monotonic()\n",
        "from time import sleep\n\nsleep(1)\n",
        "import asyncio\n\n\nasync def nap() -> None:\n    await asyncio.sleep(1)\n",
        "from asyncio import sleep\n\n\nasync def nap() -> None:\n    await sleep(1)\n",
        "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
        "import datetime\n\nTODAY = datetime.date.today()\n",
    ],
)
def test_a_banned_clock_call_fails_lint(tmp_path: Path, code: str) -> None:
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    _plant(tmp_path, "gateway/planted.py", code)

    status, report = _ruff(tmp_path)

    assert status != 0
    assert "TID251" in report


@pytest.mark.parametrize(
    "code",
    [
        "import time\n",
        "async def f(loop):\n    return loop.time()\n",
        "def f(self):\n    self._loop.call_later(1, f)\n",
        "import asyncio\nNOW = asyncio.get_running_loop().time()\n",
    ],
)
def test_the_event_loops_clock_fails_lint(tmp_path: Path, code: str) -> None:
    _plant(tmp_path, "gateway/planted.py", code)

    status, report = _house(tmp_path)

    assert status == 1
    assert "gateway/planted.py:" in report
    assert "take a Clock" in report


@pytest.mark.parametrize(
    "code",
    [
        'open("alarms.json", "w")\n',
        'open("alarms.json", mode="ab")\n',
        'from pathlib import Path\nPath("alarms.json").write_text("{}")\n',
        'from pathlib import Path\nPath("alarms.json").open("r+b")\n',
        'import os\nos.open("alarms", os.O_WRONLY | os.O_CREAT)\n',
        'import os\nos.replace("alarms.new", "alarms")\n',
        'import shutil\nshutil.copy("alarms.new", "alarms")\n',
        "import shelve\n",
        "import pickle\n",
        "from sqlite3 import connect\n",
    ],
)
def test_deciding_state_outside_the_store_fails_lint(tmp_path: Path, code: str) -> None:
    _plant(tmp_path, "gateway/planted.py", code)

    status, report = _house(tmp_path)

    assert status == 1
    assert "whatever decides is a row of gateway.db" in report


def test_reading_a_file_is_no_state(tmp_path: Path) -> None:
    _plant(
        tmp_path,
        "gateway/planted.py",
        "from pathlib import Path\n"
        'open("config.yaml")\nPath("config.yaml").open("rb")\nopen("config.yaml", mode="r")\n',
    )

    status, report = _house(tmp_path)

    assert status == 0, report


def test_a_library_of_the_idle_list_at_module_level_fails_lint(tmp_path: Path) -> None:
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    _plant(tmp_path, "gateway/planted.py", "import numpy as np\n\nZERO = np.zeros(1)\n")

    status, report = _ruff(tmp_path)

    assert status != 0
    assert "TID253" in report


def test_no_other_distribution_owns_a_name_of_ours() -> None:
    owners = importlib.metadata.packages_distributions()

    for name in _PACKAGES:
        assert set(owners.get(name, ())) == {"kitchen-gateway"}


@pytest.mark.parametrize("name", ["run", "dev"])
def test_a_lock_names_every_file_by_hash_and_no_machine(name: str) -> None:
    lock = (_ROOT / "requirements" / f"{name}.lock").read_text()
    hashed = re.findall(r"(?m)^[A-Za-z][\w.-]*==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", lock)

    assert len(hashed) == len(re.findall(r"(?m)^[A-Za-z]", lock)) > 30
    assert not re.search(r"(?m)://|^[^#]* /|--index|--find-links", lock)


def test_both_locks_agree_on_every_version() -> None:
    run, dev = (
        set(re.findall(r"(?m)^[\w.-]+==[^\s\\]+", (_ROOT / "requirements" / name).read_text()))
        for name in ("run.lock", "dev.lock")
    )

    assert run < dev
