"""From the start of the process to the first command, and to the page; on byte code as installed.

The first command is a rule's: the door's contact is as the rule wants it when the gateway boots.
Its time is that of the event row, on the wall clock we also start the process by.
"""

import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.daemon import compile_all, environment
from bench.report import ROOT, Section
from bench.setting import Setting
from gateway.store.file import NAME
from gateway.store.log import unpacked
from tests.processes import Daemon

BAR_S = 0.8
_ALREADY = """  boot_check:
    kind: contact
    point: walk_in_door/open
    raise_when: false
    for: 0s
    on_bad: ignore
    then: [{alarm: low}, {command: siren, value: on}]
"""
_TOP = 15


@dataclass(frozen=True)
class Start:
    """Seconds after the process was started."""

    command: float
    ready: float
    page: float


class _Event(msgspec.Struct):
    e: int
    t0: int
    k: str
    d: dict[str, object]


def configuration() -> str:
    """The shipped kitchen with a rule that holds at boot."""
    shipped = (ROOT / "config.yaml").read_text()
    return shipped.replace("\nrules:\n", f"\nrules:\n{_ALREADY}", 1)


def run(setting: Setting) -> Section:
    """Median of several starts on a data folder that is there, and on none."""
    section = Section()
    compile_all()
    rounds = setting.of(7, 3)
    known = setting.folder / "known"
    _start(known)  # makes the folder, and warms the files
    for name, folders in (
        ("data folder there", [known] * rounds),
        ("no data folder yet", [setting.folder / f"new{number}" for number in range(rounds)]),
    ):
        starts = [_start(folder) for folder in folders]
        for what, seconds, bar in (
            ("first command", [start.command for start in starts], BAR_S),
            ("READY=1", [start.ready for start in starts], None),
            ("page answers", [start.page for start in starts], None),
        ):
            note = f"{min(seconds):.2f} to {max(seconds):.2f}, {rounds} starts"
            median = statistics.median(seconds)
            section.add(f"{name}, {what}", median, "s", bar=bar, note=note)
    section.lines = _imports(setting.folder / "imports")
    return section


def _start(folder: Path) -> Start:
    """One start and an orderly stop."""
    folder.mkdir(exist_ok=True)
    with _ready_socket(folder / "notify") as notify:
        daemon = Daemon(folder, configuration(), environment=_quiet(folder / "notify"))
        began = time.time()
        daemon.start(ready=False)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            ready = time.time() - began
            daemon.wait_ready()
            page = time.time() - began
        finally:
            daemon.stop()
    return Start(_first_command(folder / "data" / NAME) - began, ready, page)


def _quiet(path: Path) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(path), "PYTHONDONTWRITEBYTECODE": ""}


def _ready_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.settimeout(30)
    notify.bind(str(path))
    return notify


def _first_command(database: Path) -> float:
    """Unix seconds of the first command a rule gave in the latest start."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    bodies = [unpacked(body) for (body,) in connection.execute("SELECT body FROM ev ORDER BY s")]
    connection.close()
    events = [msgspec.json.decode(body, type=_Event) for body in bodies]
    epoch = max(event.e for event in events)
    return next(
        event.t0 / 1000
        for event in events
        if event.e == epoch and event.k == "command" and event.d["cause"] == "rule/boot_check"
    )


def _imports(folder: Path) -> list[str]:
    """What the imports before READY cost, dearest first."""
    script = "import gateway.cli.run, gateway.app, gateway.store.opening, drivers.emulated.world"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=folder.parent,
        check=True,
    )
    found = [(int(own), int(total), name) for own, total, name in
             re.findall(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)", done.stderr)]  # fmt: skip
    whole = sum(own for own, _, _ in found)
    lines = [f"imports before judging: {len(found)} modules, {whole / 1000:.0f} ms when traced"]
    lines.append("dearest with all they import; own and whole, ms:")
    for own, total, name in sorted(found, key=lambda each: -each[1])[:_TOP]:
        lines.append(f"{own / 1000:7.1f} {total / 1000:7.1f}  {name}")
    lines.append("dearest by themselves, ms:")
    lines += [f"{own / 1000:7.1f}  {name}" for own, _, name in sorted(found, reverse=True)[:_TOP]]
    return lines
