"""The log within its budget, and a disk that is really full."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.reading import Point, Quality, Reading
from gateway.store.errors import StoreError
from gateway.store.opening import Store
from gateway.store.room import BALLAST_BYTES, keep_ballast
from gateway.store.space import TRIM_TO, Space
from gateway.sync.outbox import outbox_of
from gateway.sync.protocol import Stream
from gateway.sync.ranges import Ranges, RangeSet
from tests.conftest import Left
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.store_files import open_store

POINT = Point(index=0, id="a/b", label="", unit="1", kind="text")


def reading(store: Store, clock: SystemClock, text: str) -> None:
    store.log.append(Reading(POINT, text, Quality.GOOD, clock.now()))


async def test_only_the_oldest_acknowledged_rows_make_room(tmp_path: Path) -> None:
    clock = SystemClock()
    store = Store(tmp_path, clock)
    for number in range(1_200):
        reading(store, clock, f"{number:04}" + "x" * 900)
        await store.log.commit()
    space = Space(tmp_path, store.writer, clock, budget_bytes=1_400_000)
    await space.trim({"tm": RangeSet([(2, 1_200)]), "ev": RangeSet()})
    assert space.removed_rows == 0, "the first row is not acknowledged: nothing may go"
    await space.trim({"tm": RangeSet([(1, 900)]), "ev": RangeSet()})
    left = [row.s for row in await store.fetch("tm", range(1, 1_201))]
    assert left == list(range(left[0], 1_201))
    assert 1 < left[0] <= 901
    assert space.removed_rows == left[0] - 1
    store.close()
    again = Store(tmp_path, clock)
    assert again.found.passed["tm"] == [(1, left[0] - 1)], "moved in the same transaction"
    reading(again, clock, "next")
    await again.log.commit()
    assert (await again.fetch("tm", [1_201]))[0].s == 1_201, "numbers are never used twice"
    again.close()


async def filled(folder: Path, rows: int = 1_200) -> Store:
    """A store with so many rows of 1 kB in `tm`, an event to each tenth."""
    clock = SystemClock()
    store = open_store(folder, clock)
    for number in range(rows):
        reading(store, clock, f"{number:04}" + "x" * 900)
        if not number % 10:
            store.log.event("system", {"number": number}, clock.now())
        await store.log.commit()
    return store


def space_of(store: Store, budget_bytes: int) -> Space:
    return Space(store.path, store.writer, SystemClock(), budget_bytes=budget_bytes)


async def numbers(store: Store, stream: Stream) -> list[int]:
    return [row.s for row in await store.fetch(stream, range(1, 2_000))]


async def test_no_row_the_cloud_has_not_acknowledged_goes_from_between_two_it_has(
    tmp_path: Path,
) -> None:
    store = await filled(tmp_path)
    space = space_of(store, 1_300_000)
    await space.trim({"tm": RangeSet([(1, 100), (200, 1_200)]), "ev": RangeSet()})
    assert await numbers(store, "tm") == list(range(101, 1_201))
    assert (space.removed_rows, space.lost_rows) == (100, 0)
    store.close()


async def test_without_a_cloud_the_oldest_rows_make_room_and_storing_goes_on(
    tmp_path: Path,
) -> None:
    store = await filled(tmp_path)
    space = space_of(store, 600_000)
    lost: list[object] = []
    space.on_lost = lambda stream, ranges: lost.append((stream, ranges))
    await space.trim(None)
    left = await numbers(store, "tm")
    assert left == list(range(left[0], 1_201))
    assert 100 < len(left) < 600
    assert (lost, space.lost_rows) == ([], 0), "there is nobody they are lost to"
    await asyncio.wait_for(store_an_alarm(store), PATIENCE_S)
    store.close()


async def store_an_alarm(store: Store) -> None:
    store.log.event("alarm", {"id": "gas"}, SystemClock().now())
    await store.log.commit()


async def test_near_the_end_of_the_budget_the_oldest_telemetry_is_lost_and_told(
    tmp_path: Path,
) -> None:
    store = await filled(tmp_path)
    space = space_of(store, 900_000)
    lost: list[tuple[Stream, Ranges]] = []
    space.on_lost = lambda stream, ranges: lost.append((stream, list(ranges)))
    await space.trim({"tm": RangeSet([(11, 20)]), "ev": RangeSet()})
    left = await numbers(store, "tm")
    assert left == list(range(left[0], 1_201))
    assert lost == [("tm", [(1, 10), (21, left[0] - 1)])]
    assert space.lost_rows == left[0] - 11
    assert await numbers(store, "ev") == list(range(1, 121)), "events are few, and stay"
    store.close()


async def test_what_is_lost_stays_lost_over_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path, SystemClock())
    store.log.move_cursors({"tm": [(1, 9)], "tm.lost": [(4, 6)]})
    store.log.close()
    await store.log.run()
    store.close()
    store = open_store(tmp_path, SystemClock())
    found = outbox_of(store.found.passed, store.found.following, store.found.lost)
    assert (found.acknowledged_rows(), found.lost_rows()) == (6, 3)
    store.close()


async def test_when_only_events_fill_the_budget_the_oldest_of_them_go(tmp_path: Path) -> None:
    clock = SystemClock()
    store = open_store(tmp_path, clock)
    for number in range(700):
        store.log.event("system", {"number": number, "text": "x" * 900}, clock.now())
    await store.log.commit()
    space = space_of(store, 300_000)
    await space.trim({"tm": RangeSet(), "ev": RangeSet()})
    left = await numbers(store, "ev")
    assert left == list(range(left[0], 701))
    assert space.lost_rows == left[0] - 1
    store.close()


async def test_the_newest_row_of_a_stream_stays_and_events_as_long_as_the_telemetry(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    store = open_store(tmp_path, clock)
    for number in range(20):
        await clock.advance(1_000)
        store.log.append(Reading(POINT, "x" * 900, Quality.GOOD, clock.now()))
        store.log.event("system", {"number": number}, clock.now())
        await store.log.commit()
    await clock.advance(1_000)
    store.log.event("alarm", {"id": "gas"}, clock.now())
    await store.log.commit()
    everything: dict[Stream, RangeSet] = {"tm": RangeSet([(1, 20)]), "ev": RangeSet([(1, 21)])}
    await Space(tmp_path, store.writer, clock, budget_bytes=1).trim(everything)
    assert await numbers(store, "tm") == [20]
    assert (await numbers(store, "ev"))[-1] == 21
    left_at = clock.now()
    store.close()
    after = ManualClock(boot_id="b" * 8, monotonic_ms=1_000, wall_ms=0)
    again = open_store(tmp_path, after)
    assert again.found.following == {"tm": 21, "ev": 22}, "no number is used twice"
    assert after.now() == left_at, "and kitchen time does not step back"
    again.close()


async def test_events_go_only_as_far_back_as_telemetry_does(tmp_path: Path) -> None:
    store = await filled(tmp_path, rows=600)
    used = TRIM_TO * 560_000
    space = space_of(store, int(used / TRIM_TO))
    await space.trim({"tm": RangeSet([(1, 200)]), "ev": RangeSet([(1, 60)])})
    first = (await numbers(store, "tm"))[0]
    assert 1 < first <= 201
    events = await numbers(store, "ev")
    assert events == list(range(events[0], 61))
    assert (first - 1) // 10 <= events[0] <= (first - 1) // 10 + 2
    store.close()


async def test_a_trim_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    store = await filled(tmp_path, rows=30)
    await store.writer.call(
        lambda disk: disk.execute(
            "CREATE TEMP TRIGGER broken BEFORE DELETE ON inputs BEGIN"
            " SELECT RAISE(FAIL, 'disk I/O error'); END"
        )
    )
    store.log.judged(0, "{}")
    await store.log.commit()
    await store.writer.call(lambda disk: disk.execute("UPDATE inputs SET s = 0"))
    with pytest.raises(StoreError, match="disk I/O error"):
        await space_of(store, 1).trim(None)
    assert await store.writer.call(lambda disk: disk.in_transaction) is False
    assert await numbers(store, "tm") == list(range(1, 31))
    store.close()


async def test_a_file_at_its_limit_is_no_full_disk_and_keeps_the_ballast(tmp_path: Path) -> None:
    store = await filled(tmp_path, rows=1)
    (tmp_path / "ballast").write_bytes(b"ballast")
    assert "the disk has not" in store.space.refused()
    assert (tmp_path / "ballast").exists()
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path, left_out: Left) -> Iterator[Path | None]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("no small disk can be mounted: on CI a full one must be tried")
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
    keep_ballast(small_disk)
    assert (small_disk / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES
    with (small_disk / "film").open("wb") as film:
        free = shutil.disk_usage(small_disk).free
        film.write(b"x" * (free - 65_536))
    for number in range(400):
        reading(store, clock, f"{number:04}" + "x" * 900)
        await asyncio.wait_for(store.log.commit(), PATIENCE_S)
    assert not (small_disk / "ballast").exists()
    assert store.log.counters.failures > 0
    assert store.log.failing is None
    assert len(await store.fetch("tm", range(1, 401))) == 400
    keep_ballast(small_disk)
    assert not (small_disk / "ballast").exists(), "not while there is no room"
    (small_disk / "film").unlink()
    keep_ballast(small_disk)
    assert (small_disk / "ballast").exists()
    store.close()


async def test_a_disk_that_is_full_at_boot_costs_the_ballast_and_not_the_gateway(
    small_disk: Path | None,
) -> None:
    if small_disk is None:
        return
    Store(small_disk, SystemClock()).close()
    keep_ballast(small_disk)
    _fill(small_disk)
    store = Store(small_disk, SystemClock())
    assert not (small_disk / "ballast").exists()
    store.register([POINT])
    reading(store, SystemClock(), "x")
    await asyncio.wait_for(store.log.commit(), PATIENCE_S)
    store.close()
    _fill(small_disk)
    with pytest.raises(StoreError, match=r"the disk is full .*make room on it"):
        Store(small_disk, SystemClock())


def _fill(disk: Path) -> None:
    with (disk / "film").open("ab", buffering=0) as film:
        for size in (1 << 20, 4_096):
            with contextlib.suppress(OSError):
                while film.write(b"x" * size) == size:
                    pass
