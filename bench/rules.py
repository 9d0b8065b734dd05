"""From a reading to what it decides, while 200 and 2,000 rules of every sort are judged.

A thousand readings a second arrive at their instants of kitchen time, and the daemon's tick twenty
times a second; what each costs is measured, and what has to wait for it waits. So a tick that looks
at a thousand windows shows in the 99th percentile. A decision is an alarm with its command, in one
step. Commits are left out on both sides: they are on another thread. As many rules hang on a point
in each case, as more rules mean more points. All readings are kept; a deadband would spare most.
"""

import asyncio
import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from bench import recording
from bench.daemon import environment, resident_mb
from bench.floor import Floor
from bench.product import LIMITS, Product, thresholds
from bench.readings import CALM, SECOND_1000, Batch, Shape, batches, plain
from bench.report import Section, percentile
from bench.setting import Setting
from drivers.base import Metric
from gateway.config import quantity
from rules.base import Command, Formula, OnBad, Priority, Rule
from rules.expression import condition
from rules.limit import Condition, Options
from tests.processes import Daemon

BAR = 2.0  # times what a decision takes under 200 plain limits
WIDE = Shape(devices=101, metrics=10, rounds=1)  # as many readings a second of ten times the points
_TICK_MS = 50
_PAST_MS = 600_000
_WARM_S = 15.0
_PROFILED = 15


@dataclass(frozen=True)
class Past:
    """A reading of before."""

    value: float
    at: int
    good: bool = True


@dataclass
class Course:
    """One run: what commands took to come, and the work of it all."""

    reactions_us: list[float] = field(default_factory=list)
    busy_s: float = 0.0
    readings: int = 0

    @property
    def each_us(self) -> float:
        """Work for each reading, ticks included."""
        return self.busy_s / self.readings * 1e6


def run(setting: Setting) -> Section:
    """Floor, plain limits, and the mix in both sizes, over the same seconds."""
    section = Section()
    seconds = setting.of(60, 15)
    floor = _best(setting, lambda turn: _floor(setting.folder / f"floor{turn}", seconds))
    limits = _best(setting, lambda turn: _product(setting, f"limits{turn}", SECOND_1000, seconds))
    _add(section, "200 plain limits", limits, floor, None)
    for shape in (SECOND_1000, WIDE):
        course = _best(setting, _mixed(setting, shape, seconds))
        _add(section, f"{2 * len(shape.points):,} rules, a mix", course, floor, limits)
    _memory(section, setting)
    section.lines = _profile(setting, seconds)
    return section


def mix(shape: Shape) -> list[Rule]:
    """Two rules a point: half are limits, the others formulas over two points, or windows."""
    points = shape.points
    metrics = {name: Metric(name.partition("/")[2], "Cel") for name in points}
    made = [_limit(number, point) for number, point in enumerate(points)]
    for number, point in enumerate(points):
        other = points[(number + 1) % len(points)]
        if number % 2:
            text = f"{point} > 8 and {other} > 20 or {point} - {other} > 50"
        else:
            text = f'avg({point}, "10min") > 8 and rate({point}, "5min") > 1'
        made.append(_rule(len(made), point, formula=condition(text, metrics, quantity)))
    return made


def _limit(number: int, point: str) -> Rule:
    high, low = LIMITS[0]
    return _rule(number, point, held=Condition(Options(raise_above=high, clear_below=low)))


def _rule(
    number: int, point: str, *, held: Condition | None = None, formula: Formula | None = None
) -> Rule:
    return Rule(
        id=f"r{number}",
        label="",
        point=point,
        condition=held,
        formula=formula,
        on_bad=OnBad.HOLD,
        priority=Priority.HIGH,
        alarm=True,
        commands=(Command(actuator="siren", value=True, slot=10),),
    )


def _best(setting: Setting, take: Callable[[int], Course]) -> Course:
    """The run that was held up least by others on this machine."""
    return min((take(turn) for turn in range(setting.of(3, 2))), key=lambda course: course.busy_s)


class Line:
    """One server: work that has come waits until what came before it is done."""

    def __init__(self, begins_ms: int, course: Course) -> None:
        self._begins_ms = begins_ms
        self._course = course
        self._free_s = 0.0  # since the beginning

    def serve(self, at_ms: int, work: Callable[[], object], count: Callable[[], int]) -> None:
        """Work that comes at `at_ms`; one that raises `count` is a reaction."""
        before = count()
        began = time.thread_time()  # whatever else this machine does costs neither side
        work()
        spent = time.thread_time() - began
        arrived = (at_ms - self._begins_ms) / 1000
        self._free_s = max(self._free_s, arrived) + spent
        self._course.busy_s += spent
        if count() > before:
            self._course.reactions_us.append((self._free_s - arrived) * 1e6)


def _mixed(setting: Setting, shape: Shape, seconds: int) -> Callable[[int], Course]:
    rules = mix(shape)
    return lambda turn: _product(setting, f"mix{len(rules)}-{turn}", shape, seconds, rules)


def _product(
    setting: Setting,
    name: str,
    shape: Shape,
    seconds: int,
    rules: Sequence[Rule] | None = None,
    profiler: cProfile.Profile | None = None,
) -> Course:
    async def main() -> Course:
        product, course = Product(setting.folder / name, shape, rules), Course()
        alarms: list[object] = []
        product.judging.alarms_changed = alarms.append
        made = list(batches(shape, seconds))
        begins_ms = made[0][0][1]
        product.judging.state.seen.refill(_past(shape, begins_ms))
        product.judging.tick(begins_ms, 0)  # nobody waits for the time before
        line = Line(begins_ms, course)
        gc.collect()
        gc.freeze()
        if profiler is not None:
            profiler.enable()
        for batch in made:
            for at, work in _work(product, batch):
                line.serve(at, work, lambda: len(alarms))
            await product.log.commit()
        course.readings = len(made) * shape.readings
        product.close()
        return course

    return asyncio.run(main())


def _past(shape: Shape, until_ms: int) -> Iterator[tuple[str, Past]]:
    """Quiet ten minutes of every point, so that windows are full."""
    for at in range(until_ms - _PAST_MS, until_ms, _PAST_MS // 60):
        for point in shape.points:
            yield point, Past(CALM, at)


def _work(product: Product, batch: Batch) -> Iterator[tuple[int, Callable[[], object]]]:
    """What comes in one second, in its order."""
    due = batch[0][1]
    for one in batch:
        while due <= one[1]:
            yield due, _tick(product, due)
            due += _TICK_MS
        yield one[1], _take(product, [one])


def _tick(product: Product, now: int) -> Callable[[], object]:
    return lambda: product.judging.tick(now, 0)


def _take(product: Product, batch: Batch) -> Callable[[], object]:
    return lambda: product.take(batch)


def _floor(path: Path, seconds: int) -> Course:
    shape = SECOND_1000
    floor, course = Floor(path, thresholds(shape)), Course()
    made = [plain(batch, shape) for batch in batches(shape, seconds)]
    line = Line(made[0][0][2], course)
    for readings in made:
        for start in range(0, len(readings), shape.metrics):
            row = readings[start : start + shape.metrics]
            line.serve(row[0][2], _take_plain(floor, row), lambda: floor.commands)
        floor.commit()
    course.readings = len(made) * shape.readings
    floor.close()
    return course


def _take_plain(floor: Floor, row: list[tuple[int, float, int]]) -> Callable[[], object]:
    def take() -> None:
        for index, value, at in row:
            floor.take(index, value, at)

    return take


def _add(section: Section, name: str, course: Course, floor: Course, limits: Course | None) -> None:
    for share in (0.5, 0.99):
        took, least = (percentile(one.reactions_us, share) for one in (course, floor))
        note = f"{took / least:.0f} times the floor, {len(course.reactions_us)} decisions"
        bar = None
        if limits is not None:
            plain_us = percentile(limits.reactions_us, share)
            bar = BAR * plain_us
            note += f", {took / plain_us:.2f} times plain limits"
        label = f"{name}, row to decided, p{share * 100:.0f}"
        section.add(label, took, "us", floor=least, bar=bar, note=note)
    ratio = "" if limits is None else f", {course.each_us / limits.each_us:.1f} times plain limits"
    note = f"{course.each_us / floor.each_us:.0f} times the floor{ratio}"
    section.add(f"{name}, work", course.each_us, "us/reading", floor=floor.each_us, note=note)


def _memory(section: Section, setting: Setting) -> None:
    """The whole daemon with and without them, warm."""
    resident = {}
    for count in (0, 2_000):
        tape = setting.folder / f"tape{count}.csv"
        recording.write(tape, 2_000)
        device, rules = recording.device(tape, 10.0), recording.rules_of_every_sort(count)
        text = recording.kitchen(None, device, forecasts=False, judged=rules)
        folder = setting.folder / f"memory{count}"
        with Daemon(folder, text, environment=environment()) as daemon:
            time.sleep(_WARM_S)
            daemon.health()
            resident[count] = resident_mb(daemon.pid)
            daemon.stop()
    note = f"{resident[0]:.1f} MB without, a third each of limits, formulas and windows"
    section.add("resident with 2,000 rules", resident[2_000], "MB", note=note)


def _profile(setting: Setting, seconds: int) -> list[str]:
    """The most expensive functions under 2,000 rules, by their own time."""
    rules = mix(WIDE)
    profiler = cProfile.Profile()
    _product(setting, "profiled", WIDE, seconds // 2, rules, profiler)
    profiler.disable()
    text = StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(_PROFILED)
    lines = text.getvalue().splitlines()
    begins = next(number for number, line in enumerate(lines) if "tottime" in line)
    return ["profile of the loop under 2,000 rules, s:", *(line for line in lines[begins:] if line)]
