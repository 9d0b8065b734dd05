"""A kitchen that replays a recording under 200 rules, and how long its rows took to be judged.

Several things can be done to one kitchen in turn: each is a stretch of time, and the rows that came
in it are looked at afterwards. So what else the machine does in an hour is in all of them alike.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import recording
from bench.daemon import environment
from bench.report import ROOT
from gateway.access import Access, Role
from gateway.clock import SystemClock
from gateway.store.file import NAME, open_beside, prepare
from gateway.store.tokens import StoredTokens
from gateway.store.worker import StoreWorker
from tests.processes import wait_for

RATE = 1_000 / 60  # rows a second
TOKENS = 12  # each has an allowance of its own
_ROWS = 20_000
_START_S = 6.0

Stretch = tuple[float, float]  # seconds of the clock that all processes of this machine share


@dataclass
class Kitchen:
    """The running gateway; `judged` once it has ended."""

    port: int
    pid: int
    tokens: list[str]
    _rows: list[tuple[float, float]] = field(default_factory=list)

    def judged(self, stretches: Sequence[Stretch]) -> list[float]:
        """Milliseconds from wire to judged of the rows that came in these."""
        return [
            spent for at, spent in self._rows if any(start <= at <= end for start, end in stretches)
        ]

    def ended(self, hops: dict[str, list[float]]) -> None:
        self._rows = list(zip(hops["wire"], hops["judged"], strict=True))


@contextmanager
def kitchen(folder: Path, *, sparse: bool = False) -> Iterator[Kitchen]:
    """One that is warm; it ends with the block.

    A row has ten readings, ten times what a kitchen is built for; a sparse one two.
    """
    folder.mkdir()
    tape, results, data = folder / "tape.csv", folder / "stamps.json", folder / "data"
    recording.write(tape, _ROWS)
    played = (
        recording.device(tape, RATE, temperatures=0) if sparse else recording.device(tape, RATE)
    )
    rules = recording.rules_on_last() if sparse else None
    (folder / "config.yaml").write_text(recording.kitchen(None, played, judged=rules))
    data.mkdir(mode=0o700)
    prepare(data / NAME)
    tokens = _tokens(data)
    command = [sys.executable, "-m", "bench.stamped", str(folder / "config.yaml"), str(data)]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, str(results)], env=environment(), cwd=ROOT, stdout=log, stderr=log
        )
    try:
        port = wait_for(lambda: _port(folder / "log"), failing=(folder / "log").read_text)
        time.sleep(_START_S)
        running = Kitchen(port, daemon.pid, tokens)
        yield running
    finally:
        daemon.terminate()
        code = daemon.wait(30)
    if code:
        raise RuntimeError((folder / "log").read_text()[-2_000:])
    running.ended(msgspec.json.decode(results.read_bytes(), type=dict[str, list[float]]))


def _port(log: Path) -> int | None:
    found = re.search(r"page on http://\S+:(\d+)", log.read_text())
    return int(found[1]) if found else None


def _tokens(data: Path) -> list[str]:
    """As the command line makes them, all at once."""

    async def make() -> list[str]:
        clock = SystemClock()
        worker = StoreWorker(open_beside(data, clock), "store-writer")
        access = Access(StoredTokens(worker, worker), clock)
        try:
            return [await access.create_token("bench", Role.VIEWER) for _ in range(TOKENS)]
        finally:
            worker.close()

    return asyncio.run(make())
