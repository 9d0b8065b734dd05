"""The log within its budget, and a disk that is really full."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.reading import Point, Quality, Reading
from gateway.store.opening import Store
from gateway.store.space import BALLAST_BYTES, Space
from gateway.sync.ranges import RangeSet
from tests.conftest import Left

POINT = Point(index=0, id="a/b", label="", unit="1", kind="text")


def reading(store: Store, clock: SystemClock, text: str) -> None:
    store.log.append(Reading(POINT, text, Quality.GOOD, clock.now()))


async def test_only_the_oldest_acknowledged_rows_make_room(tmp_path: Path) -> None:
    clock = SystemClock()
    store = Store(tmp_path, clock)
    for number in range(1_200):
        reading(store, clock, f"{number:04}" + "x" * 900)
        await store.log.commit()
    space = Space(tmp_path, store.writer, clock, budget_bytes=1_000_000)
    await space.trim({"tm": RangeSet([(2, 1_200)]), "ev": RangeSet()})
    assert space.removed_rows == 0, "the first row is not acknowledged: nothing may go"
    await space.trim({"tm": RangeSet([(1, 900)]), "ev": RangeSet()})
    left = [row.s for row in await store.fetch("tm", range(1, 1_201))]
    assert left == list(range(left[0], 1_201))
    assert 1 < left[0] <= 901
    assert space.removed_rows == left[0] - 1
    store.close()
    again = Store(tmp_path, clock)
    reading(again, clock, "next")
    await again.log.commit()
    assert (await again.fetch("tm", [1_201]))[0].s == 1_201, "numbers are never used twice"
    again.close()


@pytest.fixture
def small_disk(tmp_path: Path, left_out: Left) -> Iterator[Path | None]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        left_out("no small disk can be mounted here: a full one is not tried")
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_costs_the_ballast_and_no_reading(small_disk: Path | None) -> None:
    if small_disk is None:
        return
    clock = SystemClock()
    store = Store(small_disk, clock)
    store.space.keep_ballast()
    assert (small_disk / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES
    with (small_disk / "film").open("wb") as film:
        free = shutil.disk_usage(small_disk).free
        film.write(b"x" * (free - 65_536))
    for number in range(400):
        reading(store, clock, f"{number:04}" + "x" * 900)
        await asyncio.wait_for(store.log.commit(), 20)
    assert not (small_disk / "ballast").exists()
    assert store.log.counters.failures > 0
    assert store.log.failing is None
    assert len(await store.fetch("tm", range(1, 401))) == 400
    store.space.keep_ballast()
    assert not (small_disk / "ballast").exists(), "not while there is no room"
    (small_disk / "film").unlink()
    store.space.keep_ballast()
    assert (small_disk / "ballast").exists()
    store.close()
