"""The documents say what is there: every driver, path, metric, decision and README command."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.emulated.world import PLACES, SCENARIOS
from gateway.cli import main
from gateway.config import registry
from gateway.web import PARTS
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon, DaemonError, wait_for

DOCS = REPOSITORY / "docs"
GUIDES = (REPOSITORY / "README.md", DOCS / "ko.md")


def test_every_driver_has_a_test_a_fault_test_and_a_row_in_the_documents() -> None:
    page = (DOCS / "drivers.md").read_text()
    readme = (REPOSITORY / "README.md").read_text()
    for name in registry.driver_names():
        tests = (REPOSITORY / "tests" / f"test_{name}.py").read_text()
        assert re.search(
            r"def test_\w*(fault|bad|wrong|silent|broken|gap|cut|stuck|welded|refus)", tests
        )
        assert f"`{name}`" in page
        assert f"`{name}`" in readme


def test_every_path_is_documented_with_the_role_it_needs() -> None:
    page = (DOCS / "api.md").read_text()
    for part in PARTS:
        for route in part.ROUTES:
            path = re.sub(r"\{(\w+)[^}]*\}", r"{\1}", route.path)
            named = f"`{route.method} {path}`"
            row = next((line for line in page.splitlines() if named in line), "")
            assert str(route.role) in row, named


def test_every_metric_is_documented_and_no_other(tmp_path: Path) -> None:
    documented = set(re.findall(r"`(kitchen_\w+)`", (DOCS / "api.md").read_text()))
    rare = {
        "kitchen_sms_signal_dbm",  # only with a modem that has a network
        "kitchen_task_restarts_total",  # only once a task has failed
        "kitchen_loop_held_total",  # only once the loop was late
        "kitchen_loop_held_seconds_total",
    }
    with Daemon(tmp_path, REPOSITORY / "config.yaml") as daemon:
        token = daemon.create_token()

        def names() -> set[str] | None:
            request = urllib.request.Request(
                f"http://127.0.0.1:{daemon.port}/metrics",
                headers={"Authorization": f"Bearer {token}"},
            )
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                    text: str = answer.read().decode()
            except OSError:
                return None  # the token is known in a moment
            return set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))

        told: set[str] = set()

        def all_told() -> bool:
            told.update(names() or ())
            return told >= documented - rare

        with contextlib.suppress(DaemonError):  # what is missing in the end is named below
            daemon.wait_until(all_told)
    assert told | rare == documented | rare


def test_every_command_explains_itself_and_is_in_the_documents() -> None:
    page = (DOCS / "commands.md").read_text()
    context = main.make_context("kitchen-gateway", ["--help"], resilient_parsing=True)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.help
        assert re.search(rf"^\| `{name}[` ]", page, re.MULTILINE), name


def test_every_decision_is_numbered_and_says_what_was_decided() -> None:
    decisions = sorted((DOCS / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert len(set(numbers)) == len(numbers)  # one may be kept for what is still being built
    for path in decisions:
        text = path.read_text()
        assert "**Decision.**" in text, path.name
        assert len(text.splitlines()) <= 30, path.name


def test_every_scenario_and_place_of_the_emulated_kitchen_is_documented() -> None:
    page = (DOCS / "emulation.md").read_text()
    for scenario in SCENARIOS:
        assert f"| `{scenario}` |" in page
    for place, quantities in PLACES.items():
        row = next(
            line for line in page.splitlines() if re.search(rf"^\|.*`{place}`.*\|.*\|", line)
        )
        documented = row.split("|")[2]
        for quantity in quantities:
            assert f"`{quantity}`" in documented, f"{place}/{quantity}"


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in [*GUIDES, *DOCS.rglob("*.md"), REPOSITORY / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def commands() -> list[str]:
    """What the guides tell people to type."""
    found = set()
    for guide in GUIDES:
        text = guide.read_text()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            found |= {line.split("#")[0].strip() for line in block.splitlines()}
        found |= set(re.findall(r"`((?:\S*/)?kitchen-gateway [^`]+)`", text))
    return sorted(found)


class Runs:
    """Runs what a guide says, as a person at the repository's root would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = REPOSITORY / ".venv-run" / "bin" / "kitchen-gateway"

    def finish(self, command: list[str]) -> int:
        self._install()
        return subprocess.run(command, cwd=REPOSITORY, timeout=PATIENCE_S, check=False).returncode

    def printed(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return done.stdout

    def demonstrate(self, command: list[str]) -> None:
        """The demonstration prints its link, answers, and shows rows arriving in the cloud."""
        self._install()
        said = self.folder / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            url = wait_for(lambda: self._link(said), failing=said.read_text)
            wait_for(lambda: self._acknowledged(url), failing=said.read_text)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE_S)

    def _install(self) -> None:
        setup = ["scripts/setup.sh", "run"]
        subprocess.run(setup, cwd=REPOSITORY, timeout=15 * PATIENCE_S, check=True)

    def _link(self, said: Path) -> str | None:
        found = re.search(r"On this computer:\s+(http://\S+)", said.read_text())
        return found[1] if found else None

    def _acknowledged(self, url: str) -> bool:
        with urllib.request.urlopen(f"{url}health", timeout=PATIENCE_S) as answer:
            rows = json.load(answer)["rows"]
        return bool(rows["acknowledged"] > 2)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def run_make_run(runs: Runs) -> None:
    runs.demonstrate(["make", "run", f"DEMO=--port 0 --data {runs.folder}"])


def run_check(runs: Runs) -> None:
    assert runs.finish([str(runs.installed), "check"]) == 0


def run_incident(runs: Runs) -> None:
    incident = ["demo", "--scenario", "door-left-open", "--speed", "20"]
    arguments = [*incident, "--port", "0", "--data", str(runs.folder)]
    runs.demonstrate([str(runs.installed), *arguments])


def run_ourselves(runs: Runs) -> None:
    """`make test` is what runs this."""
    assert "pytest" in runs.printed(["make", "-n", "test"])


RUNNERS: dict[str, Callable[[Runs], None]] = {
    "make run": run_make_run,
    "make test": run_ourselves,
    ".venv-run/bin/kitchen-gateway check": run_check,
    ".venv-run/bin/kitchen-gateway demo --scenario door-left-open --speed 20": run_incident,
}


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("command", commands())
def test_each_command_of_the_guides_works(command: str, runs: Runs) -> None:
    RUNNERS[command](runs)
