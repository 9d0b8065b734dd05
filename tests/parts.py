"""Finds the real parts that tests run against, and says what could not be run without them.

As a script it prints the Debian packages that are missing, or with `--versions` what was found.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ANSWER_S = 60.0
_BEGINNING = 200  # characters


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program of others, named by the environment, on the PATH or in one of its usual places."""

    name: str
    variable: str
    commands: tuple[str, ...]
    answer: str  # what it says to --version, as a regular expression
    package: str = ""  # of Debian
    places: tuple[str, ...] = ()
    install: str = ""  # how, where no package of Debian has it
    read: bool = False  # nothing that runs: the answer stands at its beginning


@dataclass(frozen=True, kw_only=True)
class Found:
    """A part that ran and told its version."""

    path: Path
    version: str


MOSQUITTO = Part(
    name="mosquitto",
    variable="KG_MOSQUITTO",
    commands=("mosquitto",),
    answer=r"mosquitto version \S+",
    package="mosquitto",
    places=("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"),
)
CHROMIUM = Part(
    name="chromium",
    variable="KG_CHROMIUM",
    # The shell has the same engine without the windows around it, for half the processor.
    commands=("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable"),
    answer=r"(Chromium|Google Chrome) [\d.]+",
    package="chromium-headless-shell",
    places=("/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/lib/chromium/chromium"),
)
SYSTEMD_ANALYZE = Part(
    name="systemd-analyze",
    variable="KG_SYSTEMD_ANALYZE",
    commands=("systemd-analyze",),
    answer=r"systemd \d+",
    package="systemd",
    places=("/usr/bin/systemd-analyze", "/bin/systemd-analyze"),
)
NGINX = Part(
    name="nginx",
    variable="KG_NGINX",
    commands=("nginx",),
    answer=r'nginx: invalid option: "-',  # it knows -v alone
    package="nginx-light",
    places=("/usr/sbin/nginx", "/usr/local/sbin/nginx"),
)
AVAHI = Part(
    name="avahi-daemon",
    variable="KG_AVAHI",
    commands=("avahi-daemon",),
    answer=r"avahi-daemon [\d.]+",
    package="avahi-daemon",
    places=("/usr/sbin/avahi-daemon",),
)
_MODULES = "node_modules/axe-core/axe.min.js"
AXE = Part(
    name="axe-core",
    variable="KG_AXE",
    commands=(),
    answer=r"axe v\d[\d.]*",
    install="npm ci",
    # Beside the source, or beside the environment that several checkouts share.
    places=(
        str(Path(__file__).parent.parent / _MODULES),
        str(Path(sys.prefix).resolve().parent / _MODULES),
    ),
    read=True,
)
PARTS = (MOSQUITTO, CHROMIUM, SYSTEMD_ANALYZE, NGINX, AVAHI, AXE)


@functools.cache
def find(part: Part) -> Found | None:
    """Return the first candidate that runs; a path named in the environment is the only one."""
    for candidate in _candidates(part):
        version = (_beginning if part.read else _version)(candidate, part.answer)
        if version is not None:
            return Found(path=Path(candidate), version=version)
    return None


def not_run(left_out: dict[str, list[str]]) -> list[str]:
    """Return the lines that list the missing parts, by name, with the tests that did not run."""
    lines = []
    for part in PARTS:
        if not (tests := left_out.get(part.name)):
            continue
        install = part.install or f"sudo apt-get install {part.package}"
        lines.append(f"{part.name} is missing: {install}, or {part.variable}=PATH")
        lines += [f"  NOT RUN {test}" for test in tests]
    return lines


def _candidates(part: Part) -> list[str]:
    named = os.environ.get(part.variable)
    if named:
        return [named]
    on_path = [found for command in part.commands if (found := shutil.which(command))]
    return on_path + [place for place in part.places if Path(place).exists()]


def _version(path: str, answer: str) -> str | None:
    # The answer counts, not the exit code: mosquitto 2.0.11 prints its version and exits 3.
    try:
        said = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ANSWER_S,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(answer, said.stdout)
    return match[0] if match else None


def _beginning(path: str, answer: str) -> str | None:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            match = re.search(answer, file.read(_BEGINNING))
    except OSError:
        return None
    return match[0] if match else None


def _print_versions() -> None:
    print(f"python: {sys.version}")
    for part in PARTS:
        found = find(part)
        print(f"{part.name}: {f'{found.version} ({found.path})' if found else 'missing'}")


if __name__ == "__main__":
    if "--versions" in sys.argv[1:]:
        _print_versions()
    else:
        print(" ".join(part.package for part in PARTS if part.package and find(part) is None))
