"""Fifty people who log in at shift start: how long the last one waits, and what memory it takes.

The whole daemon on the shipped kitchen, each person on a connection of their own with a password.
Once as the machine is, and once with the daemon held to 9 % of a core, which stands for a Zero 2 W
(by a quota of cgroup v1, where there is one and we may write there). Meanwhile somebody else asks
for `/health`.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import budget, recording
from bench.daemon import cpu_s, environment, resident_mb
from bench.report import Section, percentile
from bench.setting import Setting
from gateway.access import Person, Role
from gateway.access.password import _hash
from gateway.clock import SystemClock
from gateway.store.file import open_beside, prepare
from tests.processes import Daemon

GROWTH_BAR_MB = 25.0
PEOPLE = 50
_PASSWORD = "korean barbecue 1"  # noqa: S105 - of people who exist for a minute
_WARM_S = 12.0
_DEADLINE_S = 300.0


@dataclass
class Shift:
    """What the fifty met; seconds."""

    waited: list[float] = field(default_factory=list)
    refused: int = 0
    health: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


def run(setting: Setting) -> Section:
    """Two starts of the daemon."""
    section = Section()
    for name, share in (("this machine", 1.0), ("Zero 2 W budget", budget.ZERO_2_W)):
        with _started(setting.folder / name.partition(" ")[0]) as daemon:
            if share < 1.0 and not budget.may_hold():
                section.add(f"{name}: last of {PEOPLE}", None, "s", note="no cgroup v1 to write to")
                continue
            with budget.held(daemon.pid, share):
                _measure(section, daemon, name)
    return section


def _measure(section: Section, daemon: Daemon, name: str) -> None:
    _log_in(daemon, "cook0")  # loads what the first login loads
    before, spent = resident_mb(daemon.pid), cpu_s(daemon.pid)
    shift = _begin_shift(daemon)
    each = (cpu_s(daemon.pid) - spent) / PEOPLE * 1000
    note = f"{shift.refused} refused, half within {percentile(shift.waited, 0.5):.1f} s"
    section.add(f"{name}: last of {PEOPLE} is in", max(shift.waited), "s", note=note)
    section.add(f"{name}: CPU of one", each, "ms", note="the whole daemon meanwhile")
    note = f"{before:.1f} MB before, one had logged in already"
    section.add(f"{name}: memory", shift.peak_mb - before, "MB", bar=GROWTH_BAR_MB, note=note)
    slow = percentile(shift.health, 0.99) * 1000
    section.add(f"{name}: /health meanwhile, p99", slow, "ms", note=f"{len(shift.health)} asked")


def _begin_shift(daemon: Daemon) -> Shift:
    shift = Shift()
    people = [
        threading.Thread(target=_arrive, args=(daemon, shift, f"cook{number}"))
        for number in range(PEOPLE)
    ]
    others = [threading.Thread(target=watch, args=(daemon, shift)) for watch in (_weigh, _look)]
    for thread in (*others, *people):
        thread.start()
    for thread in people:
        thread.join(_DEADLINE_S)
    shift.ended.set()
    for thread in others:
        thread.join(_DEADLINE_S)
    return shift


def _arrive(daemon: Daemon, shift: Shift, name: str) -> None:
    began = time.perf_counter()
    if _log_in(daemon, name):
        shift.waited.append(time.perf_counter() - began)
    else:
        shift.refused += 1


def _weigh(daemon: Daemon, shift: Shift) -> None:
    while not shift.ended.wait(0.01):
        shift.peak_mb = max(shift.peak_mb, resident_mb(daemon.pid))


def _look(daemon: Daemon, shift: Shift) -> None:
    while not shift.ended.wait(0.1):
        began = time.perf_counter()
        daemon.health()
        shift.health.append(time.perf_counter() - began)


def _log_in(daemon: Daemon, name: str) -> bool:
    address = f"http://127.0.0.1:{daemon.port}"
    request = urllib.request.Request(  # noqa: S310 - our own daemon
        f"{address}/api/v1/session",
        data=json.dumps({"name": name, "password": _PASSWORD}).encode(),
        headers={"Origin": address},
    )
    try:
        with urllib.request.urlopen(request, timeout=_DEADLINE_S) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def _started(folder: Path) -> Iterator[Daemon]:
    """The daemon with fifty people, warm."""
    daemon = Daemon(folder, recording.kitchen(None), environment=environment())
    daemon.data.mkdir(mode=0o700, parents=True)
    prepare(daemon.database)
    connection = open_beside(daemon.data, SystemClock())
    hashed = _hash(_PASSWORD)
    for number in range(PEOPLE):
        name = f"cook{number}"
        person = Person(id=name, label=name, role=Role.STAFF, created=0, password=hashed)
        row = (name, msgspec.json.encode(person).decode())
        connection.execute("INSERT INTO people VALUES (?, ?)", row)
    connection.close()
    with daemon:
        daemon.wait_line("forecast: model")
        time.sleep(_WARM_S)
        yield daemon
        daemon.stop()
