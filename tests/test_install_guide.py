"""What docs/install.md copies is there, and what it installs is what the unit starts."""

import re
from pathlib import Path

from tests.processes import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "install.md").read_text()
UNIT = (REPOSITORY / "systemd" / "kitchen-gateway.service").read_text()


def test_every_file_that_is_copied_or_read_is_in_the_repository() -> None:
    named = re.findall(r"sudo cp (\S+)|-r (requirements/\S+)", GUIDE)
    files = [Path(copied or locked) for copied, locked in named]
    assert len(files) == 4
    assert all((REPOSITORY / file).is_file() for file in files)


def test_the_unit_starts_what_the_guide_has_installed() -> None:
    start = re.search(r"^ExecStart=(\S+) run --config (\S+) --announce \S+$", UNIT, re.MULTILINE)
    assert start
    program, config = start.groups()
    assert program.removesuffix("/bin/kitchen-gateway") in GUIDE
    assert f"setup --config {config}" in GUIDE
