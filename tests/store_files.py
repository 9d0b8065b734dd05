"""Stores for tests: a data folder as the first start leaves it, without its second of migrating."""

import asyncio
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from gateway.clock import Clock
from gateway.reading import Point, Quality, Reading
from gateway.store.file import NAME, prepare
from gateway.store.opening import Store
from tests.patience import PATIENCE_S


@cache
def _fresh() -> bytes:
    folder = Path(mkdtemp())
    prepare(folder / NAME)
    content = (folder / NAME).read_bytes()
    shutil.rmtree(folder)
    return content


def open_store(data: Path, clock: Clock) -> Store:
    """Open the store in `data`, which may be new."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = data / NAME
    if not database.exists():
        database.touch(mode=0o600)
        database.write_bytes(_fresh())
    return Store(data, clock)


def point(name: str = "cold/temperature", kind: str = "number") -> Point:
    """A point that has no index yet."""
    return Point(index=-1, id=name, label=name, unit="Cel", kind=kind)


def good(of: Point, value: float, at: int) -> Reading:
    """A GOOD reading."""
    return Reading(of, value, Quality.GOOD, at)


async def until(look: Callable[[], object]) -> None:
    """Return once `look` gives something true: other threads are at work."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.001)
