"""scripts/also.sh: every test under the other Python too, or a loud word that there is none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY

# Stands for scripts/setup.sh: an environment whose Python tells what it was asked for.
SETUP = """#!/bin/sh
mkdir -p "$VENV/bin"
printf '#!/bin/sh\\necho "%s runs $*"\\n' "$PYTHON" >"$VENV/bin/python"
chmod +x "$VENV/bin/python"
"""


class Clone:
    """A clone whose environment was made with Python 3.11, and a PATH of its own."""

    def __init__(self, folder: Path, ours: str) -> None:
        self.folder = folder
        self.path = folder / "bin"
        for place in (self.path, folder / "scripts", folder / ".venv" / "bin"):
            place.mkdir(parents=True)
        shutil.copy(REPOSITORY / "scripts" / "also.sh", folder / "scripts")
        self.program(folder / "scripts" / "setup.sh", SETUP)
        self.python(folder / ".venv" / "bin" / "python", ours)

    def program(self, place: Path, text: str) -> None:
        place.write_text(text)
        place.chmod(0o755)

    def python(self, place: Path, version: str) -> str:
        """Put a Python there that knows its version and nothing else."""
        self.program(place, f"#!/bin/sh\necho {version}\n")
        return str(place)

    def also(self, *arguments: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [self.folder / "scripts" / "also.sh", *arguments],
            env={"PATH": f"{self.path}:/usr/bin:/bin", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("ours", "other"), [("3.11", "3.13"), ("3.13", "3.11")])
def test_the_other_python_runs_the_tests_in_an_environment_of_its_own(
    tmp_path: Path, ours: str, other: str
) -> None:
    clone = Clone(tmp_path, ours)
    clone.python(clone.path / f"python{other}", other)
    status, said = clone.also("-m", "not long")
    assert status == 0
    assert said.splitlines()[-1] == f"python{other} runs -m pytest -m not long"
    assert (tmp_path / f".venv-{other}").is_dir()


def test_a_python_that_is_not_there_or_does_not_run_is_said_and_is_no_failure(
    tmp_path: Path,
) -> None:
    clone = Clone(tmp_path, "3.11")
    clone.program(clone.path / "python3.13", "#!/bin/sh\nexit 127\n")  # as a version manager's
    status, said = clone.also(ALSO="")
    assert status == 0
    assert "NOT RUN" in said
    assert "the tests ran under Python 3.11 alone" in said
    assert not (tmp_path / ".venv-3.13").exists()


def test_a_python_that_was_asked_for_by_its_path_is_taken_or_refused(tmp_path: Path) -> None:
    clone = Clone(tmp_path, "3.11")
    named = clone.python(tmp_path / "elsewhere", "3.13")
    assert f"{named} runs -m pytest" in clone.also(ALSO=named)[1]
    clone.python(tmp_path / "elsewhere", "3.12")
    assert clone.also(ALSO=named) == (2, f"also: {named} is not Python 3.13\n")
