"""A driver of somebody else, installed for a daemon under test: it hangs, tells or breaks things.

It comes in by the entry points any installed package may use, so nothing in the product knows it.
"""

import os
from pathlib import Path

from tests.processes import REPOSITORY

_METADATA = "Metadata-Version: 2.1\nName: kitchen-test-plugin\nVersion: 1.0\n"
_ENTRY_POINTS = "[kitchen_gateway.drivers]\nprank = kitchen_test_prank\n"
_DRIVER = '''"""A device on I2C that does as `prank` says once the file `go` is there."""

import itertools
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drivers.base import Metric, Sample

BUS = "i2c"
ROLE = "polled"


@dataclass(frozen=True, kw_only=True)
class Options:
    prank: str
    go: str


class Driver:
    METRICS = (Metric("reads", "1"),)

    def __init__(self, bus, options, sleep):
        if options.prank == "explode":
            raise LookupError("a bug in a driver")
        self._options = options
        self._reads = 0

    def read(self):
        self._reads += 1
        if Path(self._options.go).exists():
            globals()[self._options.prank](self._options)
        return {"reads": Sample(self._reads)}


def hang(options):
    """As a transfer of the kernel that never returns."""
    os.read(os.pipe()[0], 1)


def tell(options):
    """What the process has loaded."""
    Path(options.go + ".part").write_text("\\n".join(sys.modules))
    os.replace(options.go + ".part", options.go + ".modules")


def hold_up(options):
    """Hold the loop up in one tick of so many: in some of them nothing else was late before."""
    judging = sys.modules["gateway.judging"].Judging
    honest = judging.tick
    ticks = itertools.count()

    def dawdle(self, *given):
        if next(ticks) % 60 == 0:
            time.sleep(0.7)
        honest(self, *given)

    if honest.__name__ != "dawdle":
        judging.tick = dawdle


def break_judging(options):
    def tick(self, *given):
        raise LookupError("a bug in a critical task")

    sys.modules["gateway.judging"].Judging.tick = tick


def break_observing(options):
    def stirs(self, *given, **named):
        raise LookupError("a bug met by a reading")

    sys.modules["rules.judge"].Judge.stirs = stirs


def hang_disk(options):
    def write(*_):
        Path(options.go + ".hangs").touch()
        hang(options)

    sys.modules["gateway.store.log"]._write = write
'''


def install(folder: Path) -> dict[str, str]:
    """Install the driver `prank` into `folder`; the environment for a daemon that has it."""
    metadata = folder / "kitchen_test_plugin-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(_METADATA)
    (metadata / "entry_points.txt").write_text(_ENTRY_POINTS)
    (folder / "kitchen_test_prank.py").write_text(_DRIVER)
    return {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(folder)])}
