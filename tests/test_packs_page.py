"""docs/packs.md says what the files of `rules/packs` say, in tables written from them."""

import subprocess
import sys

from gateway.config import preset
from tests.processes import REPOSITORY


def test_every_preset_and_limit_set_stands_on_the_page_as_it_is() -> None:
    command = [sys.executable, "-m", "scripts.packs_page", "--check"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (REPOSITORY / "docs" / "packs.md").read_text()
    assert all(f"### `{name}`" in page for name in preset.names())
