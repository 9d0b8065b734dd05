"""Hops 3 to 6 against the floor: the same readings, the same disk, turn and turn about."""

import asyncio
import cProfile
import gc
import pstats
import statistics
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

from bench.floor import Floor
from bench.product import Product, thresholds
from bench.readings import MINUTE_1000, SECOND_1000, Batch, Shape, batches, plain
from bench.report import Section
from bench.setting import Setting

BAR = 1.5  # times the floor
_PROFILED = 20


@dataclass(frozen=True)
class Spent:
    """Of one reading."""

    cpu_us: float
    wall_us: float


class Stopwatch:
    """CPU of all threads and wall time of what stands in its block, for each of `readings`."""

    def __init__(self, readings: int) -> None:
        self._readings = readings
        self.spent = Spent(0.0, 0.0)

    def __enter__(self) -> Self:
        self._began = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        cpu, wall = self._began
        self.spent = Spent(
            (time.process_time() - cpu) / self._readings * 1e6,
            (time.perf_counter() - wall) / self._readings * 1e6,
        )


def run(setting: Setting) -> Section:
    """CPU and wall time of a reading at two sizes of the commit, and where it goes."""
    section = Section()
    seconds = setting.of(60, 20)
    for name, shape, count in (
        ("1,000 readings a commit", SECOND_1000, seconds),
        ("17 readings a commit", MINUTE_1000, seconds * 20),
    ):
        _compare(section, name, shape, count, setting)
    section.lines = _profile(setting, seconds)
    return section


def _compare(section: Section, name: str, shape: Shape, count: int, setting: Setting) -> None:
    made = list(batches(shape, count))
    simple = [plain(batch, shape) for batch in made]
    gc.collect()
    gc.freeze()  # the collector need not look through what was made beforehand
    floors, products = [], []
    for turn in range(setting.of(5, 3)):
        folder = setting.folder / f"{shape.readings}-{turn}"
        folder.mkdir()
        floors.append(_floor(folder / "floor.db", simple, shape))
        products.append(_product(folder / "data", made, shape))
    floor, product = _median(floors), _median(products)
    note = f"median of {len(floors)}, ratio {product.cpu_us / floor.cpu_us:.2f}"
    section.add(f"CPU, {name}", product.cpu_us, "us/reading", floor=floor.cpu_us,
                bar=BAR * floor.cpu_us, note=note)  # fmt: skip
    note = f"{1e6 / product.wall_us:,.0f} readings/s, floor {1e6 / floor.wall_us:,.0f}"
    section.add(f"wall, {name}", product.wall_us, "us/reading", floor=floor.wall_us, note=note)


def _floor(path: Path, made: list[list[tuple[int, float, int]]], shape: Shape) -> Spent:
    floor = Floor(path, thresholds(shape))
    take = floor.take
    with Stopwatch(len(made) * shape.readings) as watch:
        for batch in made:
            for index, value, at in batch:
                take(index, value, at)
            floor.commit()
    assert floor.commands, "no threshold was ever crossed"  # noqa: S101
    floor.close()
    return watch.spent


def _product(data: Path, made: list[Batch], shape: Shape) -> Spent:
    async def main() -> Spent:
        product = Product(data, shape)
        await product.log.commit()
        with Stopwatch(len(made) * shape.readings) as watch:
            for batch in made:
                product.take(batch)
                await product.log.commit()
        assert product.log.counters.readings == len(made) * shape.readings  # noqa: S101
        assert product.commands, "no rule ever fired"  # noqa: S101
        product.close()
        return watch.spent

    return asyncio.run(main())


def _median(spent: list[Spent]) -> Spent:
    return Spent(
        statistics.median(each.cpu_us for each in spent),
        statistics.median(each.wall_us for each in spent),
    )


def _profile(setting: Setting, seconds: int) -> list[str]:
    """The most expensive functions of the loop's thread, by their own time."""
    made = list(batches(SECOND_1000, seconds // 2))
    profiler = cProfile.Profile()
    profiler.enable()
    _product(setting.folder / "profiled", made, SECOND_1000)
    profiler.disable()
    text = StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(_PROFILED)
    lines = text.getvalue().splitlines()
    begins = next(number for number, line in enumerate(lines) if "tottime" in line)
    return ["profile of the loop's thread, s:", *(line for line in lines[begins:] if line)]
