"""Killed at any moment of folding, the history ends with every reading of the log, once."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.store.export import Export
from gateway.store.months import open_to_read
from gateway.store.rollup import HOUR_MS
from tests.history_log import MINUTE, NAME, Kitchen
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, wait_for

KILLS = 12
_EVE = int(datetime(2027, 1, 31, 22, tzinfo=UTC).timestamp()) * 1000
_FOLDING = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.store import state
from gateway.store.history import History
from gateway.store.opening import Store

async def main():
    store = Store(Path(sys.argv[1]), SystemClock())
    history = History(store, SystemClock(), "UTC")
    history.pause_s = 0.0
    print("folding", flush=True)
    for last in range(store.found.folded + 7, int(sys.argv[2]) + 7, 7):
        await history.fold(min(last, int(sys.argv[2])))

asyncio.run(main())
"""


async def test_no_kill_loses_or_doubles_a_reading(tmp_path: Path) -> None:
    random.seed(20270131)
    kitchen = Kitchen(tmp_path / "data", wall=_EVE)
    await kitchen.every(MINUTE // 4, _EVE, _EVE + 4 * HOUR_MS)
    newest = kitchen.newest
    kitchen.close()
    for _ in range(KILLS):
        kill_in_the_middle(folding(tmp_path, newest), tmp_path / "said")
    assert folding(tmp_path, newest).wait(PATIENCE_S) == 0
    told = [_EVE + place * MINUTE // 4 for place in range(newest)]
    assert sorted(in_months(tmp_path / "data")) == told
    assert sorted(exported(tmp_path / "data")) == told


def kill_in_the_middle(process: "subprocess.Popen[bytes]", said: Path) -> None:
    wait_for(lambda: "folding" in said.read_text())
    time.sleep(random.uniform(0.0, 0.3))
    process.kill()
    process.wait()


def folding(folder: Path, newest: int) -> "subprocess.Popen[bytes]":
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", _FOLDING, str(folder / "data"), str(newest)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            cwd=REPOSITORY,
        )


def in_months(data: Path) -> list[int]:
    """The times of all readings of the months, by counting what each hour says it has."""
    found = []
    for path in sorted((data / "history").glob("*.db")):
        month = open_to_read(path)
        assert month is not None
        number = month.number(NAME)
        assert number is not None
        for hour, rollup in month.rollups(number, month.first, month.end).items():
            assert rollup.count == month.count(number, hour) == 240
            found += [hour * HOUR_MS + place * MINUTE // 4 for place in range(240)]
        month.close()
    return found


def exported(data: Path) -> list[int]:
    reading = Export(data, (NAME,), 0, 2**42)
    found = [part.hour * HOUR_MS + at for part in reading.parts() for at in part.columns.at]
    reading.close()
    return found
