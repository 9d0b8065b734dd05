"""Bytes at the block device of an own ext4, journal included, at 1,000 readings a minute.

A day has 86,400 commits, and most of a commit does not depend on when it comes: those bytes are
counted back to back, over whole cycles of the WAL. What the file system adds because time passes
(its journal every 5 s for the changed times) is counted at one commit a second.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from bench.filesystem import Mounted, mounted, possible
from bench.kitchen import Kitchen
from bench.report import Section
from bench.setting import Setting
from gateway.store.history import History
from gateway.store.log import packed

BAR = 0.7
_DAY = 86_400
_FIRST_FOLD = 100
_FIRST_CYCLE = 1_000  # commits until the WAL has its length


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Bytes at the device for each commit."""

    young: float  # while the WAL grows, after each start
    steady: float
    time: float  # more, because a second passes between commits
    readings: float  # in a commit
    history: float  # for each of its readings, when an hour is folded

    def day(self, each: float) -> float:
        """GB a day, at 1,000 readings a minute."""
        return each * _DAY * (1_000 / 60 / self.readings) / 1e9


def run(setting: Setting) -> Section:
    """GB a day, and what it is made of."""
    section = Section()
    why = possible()
    if why is not None:
        section.add("flash", None, "GB/day", bar=BAR, note=why)
        return section
    with mounted(setting.folder) as flash:
        rates = asyncio.run(_kitchen(flash, setting))
        floor = _floor(flash.path / "floor", flash, setting.of(2_000, 500))
    history = rates.history * rates.readings
    section.add("steady, 1 commit a second", rates.day(rates.steady + rates.time + history),
                "GB/day",
                floor=rates.day(floor + rates.time), bar=BAR,
                note="ext4, 4 KB blocks, noatime; floor: the rows appended to a file")  # fmt: skip
    section.add("  of it the commits", rates.day(rates.steady), "GB/day",
                floor=rates.day(floor), note=f"{rates.steady:,.0f} B a commit")  # fmt: skip
    section.add("  of it passing time", rates.day(rates.time), "GB/day",
                note=f"{rates.time:,.0f} B a second, whoever writes once a second")  # fmt: skip
    section.add("  of it the history", rates.day(history), "GB/day",
                note="each hour once, after its end")  # fmt: skip
    section.add("after a start, until the WAL is full", rates.young * _FIRST_CYCLE / 1e6, "MB",
                note=f"{rates.young:,.0f} B a commit, {_FIRST_CYCLE} commits")  # fmt: skip
    return section


async def _kitchen(flash: Mounted, setting: Setting) -> Rates:
    kitchen = Kitchen(flash.path / "data")
    kitchen.start()
    await kitchen.second()
    young = await _play(kitchen, flash, _FIRST_CYCLE)
    readings = kitchen.log.counters.readings
    commits = setting.of(3_000, 1_000)
    steady = await _play(kitchen, flash, commits)
    readings = kitchen.log.counters.readings - readings
    await _checkpoint(kitchen)  # so that none comes in the windows compared
    os.sync()
    seconds = setting.of(60, 20)
    quick = await _play(kitchen, flash, seconds)
    slow = await _play(kitchen, flash, seconds, pause_s=1.0)
    history = await _fold(kitchen, flash)
    kitchen.close()
    each = readings / commits
    return Rates(young=young, steady=steady, time=slow - quick, readings=each, history=history)


async def _fold(kitchen: Kitchen, flash: Mounted) -> float:
    """Bytes at the device for each reading that goes from the log into the history."""
    history = History(kitchen.store, kitchen.clock, "UTC")
    rows = kitchen.log.counters.rows - kitchen.log.counters.events
    await history.fold(_FIRST_FOLD)  # makes the month's file, once
    before = flash.written()
    await history.fold(rows)
    after = flash.written()
    history.close()
    share = (rows - _FIRST_FOLD) / rows
    return (after - before) / (kitchen.log.counters.readings * share)


async def _play(kitchen: Kitchen, flash: Mounted, commits: int, pause_s: float = 0.0) -> float:
    """Bytes at the device for each commit."""
    before = flash.reached()
    for _ in range(commits):
        await kitchen.second()
        if pause_s:
            await asyncio.sleep(pause_s)
    return (flash.reached() - before) / commits


async def _checkpoint(kitchen: Kitchen) -> None:
    await kitchen.store.writer.call(
        lambda connection: connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    )


def _floor(path: Path, flash: Mounted, rows: int) -> float:
    """The same rows, each appended to a file that has its length already, and synced."""
    row = packed(_ROW, 17)
    path.write_bytes(bytes(len(row) * rows))
    os.sync()
    before = flash.reached()
    file = os.open(path, os.O_WRONLY)
    for number in range(rows):
        os.pwrite(file, row, number * len(row))
        os.fdatasync(file)
    os.close(file)
    return (flash.reached() - before) / rows


# One row of the emulated kitchen, as long as they are.
_ROW = (
    b'{"s":300,"e":1,"md":1,"t0":1795000300017,"c":[0,1,4,5,8,9,12,13,2,3,6,7,10,11,14,15,16],'
    b'"dt":[0,0,0,0,1,1,1,1,16,16,16,16,17,17,18,18,40],"x":[3.9,99.29,3.88,99.31,3.91,99.3,'
    b"3.88,99.31,24.75,51.62,24.75,51.59,24.77,51.58,24.76,51.58,true]}"
)
