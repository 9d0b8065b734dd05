"""The page under a crowd, and what a request costs: people are served, and judging does not notice.

The crowd is 200 live pages, 50 that never read and 2,000 half-open connections. From wire to judged
is measured of one kitchen, in turn: left alone, with the crowd at its page, and beside a hundred
requests a second for the points. In a kitchen the pages are other machines: so the gateway has one
core here, and whoever asks another. Then the same with a tenth of the crowd, 2,000 readings a
minute instead of 10,000, and the gateway held to what stands for a Zero 2 W.
"""

import asyncio
import random
import subprocess
import sys
import time
from http import HTTPStatus

import msgspec

from bench import budget, cores, judged, web_load
from bench.daemon import cpu_s, environment, resident_mb
from bench.judged import Kitchen, Stretch
from bench.report import ROOT, Section, percentile
from bench.setting import Setting
from bench.web_load import Size

PEOPLE_BAR_MS, RATIO_BAR = 300.0, 1.2
POINTS_BAR_MS = 10.0  # a hundred a second are a core
POINTS_PER_S = 100
ROUTES = ("/health", "/api/v1/points", "/api/v1/alarms", "/api/v1/devices", "/api/v1/status")
CROWD, SMALL_CROWD = Size(200, 50, 2_000, 10), Size(20, 5, 200, 5)
_QUIET_S = 2.0


class Stretches(msgspec.Struct):
    """When what was done, and what was seen of it."""

    quiet: list[Stretch] = []
    crowd: list[Stretch] = []
    points: list[Stretch] = []
    seen: list[web_load.Seen] = []
    asked: list[float] = []  # milliseconds of each answer to a request for the points
    failed: int = 0
    crowd_cpu: list[float] = []  # seconds a second
    points_cpu: list[float] = []
    resident_mb: float = 0.0


def run(setting: Setting) -> Section:
    """As the machine is, then as a Zero 2 W, then route by route."""
    section = Section()
    rounds, seconds = setting.of(4, 2), setting.of(20, 12)
    with judged.kitchen(setting.folder / "whole") as kitchen, cores.apart(kitchen.pid):
        before, took = resident_mb(kitchen.pid), Stretches()
        for _ in range(rounds):
            _one_round(kitchen, CROWD, seconds, took)
        asyncio.run(_prices(section, kitchen, setting.of(600, 300)))
    _report(section, "", kitchen, took, CROWD)
    section.add("crowd, resident", took.resident_mb, "MB", note=f"{before:.0f} before")
    if not budget.may_hold():
        section.add("as a Zero 2 W", None, "ms", note="no cgroup v1 to write to")
        return section
    with (
        judged.kitchen(setting.folder / "zero", sparse=True) as kitchen,
        cores.apart(kitchen.pid),
    ):
        took = Stretches()
        with budget.held(kitchen.pid, budget.ZERO_2_W):
            for _ in range(rounds):
                _one_round(kitchen, SMALL_CROWD, seconds, took)
    _report(section, "as a Zero 2 W, ", kitchen, took, SMALL_CROWD)
    return section


def _one_round(kitchen: Kitchen, size: Size, seconds: int, took: Stretches) -> None:
    began = time.perf_counter()
    time.sleep(seconds)
    took.quiet.append((began, time.perf_counter()))
    cpu, began = cpu_s(kitchen.pid), time.perf_counter()
    stretch, seen = _crowd(kitchen.port, kitchen.tokens, size, seconds)
    took.crowd.append(stretch)
    took.crowd_cpu.append((cpu_s(kitchen.pid) - cpu) / (time.perf_counter() - began))
    took.seen.append(seen)
    took.resident_mb = max(took.resident_mb, resident_mb(kitchen.pid))
    time.sleep(_QUIET_S)
    cpu, began = cpu_s(kitchen.pid), time.perf_counter()
    asyncio.run(_hundred(kitchen, seconds, took))
    ended = time.perf_counter()
    took.points.append((began, ended))
    took.points_cpu.append((cpu_s(kitchen.pid) - cpu) / (ended - began))


def _report(section: Section, name: str, kitchen: Kitchen, took: Stretches, size: Size) -> None:
    quiet = kitchen.judged(took.quiet)
    _latency(section, f"{name}quiet", quiet, None)
    _latency(section, f"{name}crowd", kitchen.judged(took.crowd), quiet)
    _latency(section, f"{name}{POINTS_PER_S} points/s", kitchen.judged(took.points), quiet)
    answers = [spent for seen in took.seen for spent in seen.milliseconds]
    failed = sum(seen.failed for seen in took.seen)
    lost = sum(size.live - seen.live for seen in took.seen)
    section.add(f"{name}crowd, people are answered, p95", percentile(answers, 0.95), "ms",
                bar=PEOPLE_BAR_MS,
                note=f"p50 {percentile(answers, 0.5):.1f}, {len(answers)} asked")  # fmt: skip
    section.add(f"{name}crowd, requests of people that failed", failed, "", bar=0)
    section.add(f"{name}crowd, live pages without an answer", lost, "", bar=0,
                note=f"{_frames(took, size):.1f} frames a second")  # fmt: skip
    _share(section, f"{name}crowd, processor", took.crowd_cpu)
    a_second = len(took.asked) / sum(end - start for start, end in took.points)
    section.add(f"{name}{POINTS_PER_S} points/s, answered in, p95", percentile(took.asked, 0.95),
                "ms", bar=PEOPLE_BAR_MS,
                note=f"{a_second:.0f} a second, {took.failed} failed")  # fmt: skip
    _share(section, f"{name}{POINTS_PER_S} points/s, processor", took.points_cpu)


def _latency(section: Section, name: str, spent: list[float], quiet: list[float] | None) -> None:
    for share in (0.5, 0.95, 0.99):
        floor = None if quiet is None else percentile(quiet, share)
        section.add(f"{name}, wire to judged, p{share * 100:.0f}", percentile(spent, share), "ms",
                    floor=floor, note=f"{len(spent)} rows")  # fmt: skip
    if quiet is not None:
        ratio = percentile(spent, 0.95) / percentile(quiet, 0.95)
        section.add(f"{name}, wire to judged, p95 over quiet", ratio, "x", bar=RATIO_BAR)


def _frames(took: Stretches, size: Size) -> float:
    """What a live page got in a second."""
    seconds = sum(end - start for start, end in took.crowd)
    return sum(seen.frames for seen in took.seen) / seconds / size.live


def _share(section: Section, name: str, cpu: list[float]) -> None:
    section.add(name, sum(cpu) / len(cpu) * 100, "% of a core")


def _crowd(port: int, tokens: list[str], size: Size, seconds: int) -> tuple[Stretch, web_load.Seen]:
    """The stretch in which all of them were there, and what they saw."""
    command = [sys.executable, "-m", "bench.web_load", str(port), str(seconds), *map(str, size)]
    done = subprocess.run(
        [*command, *tokens], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = msgspec.json.decode(done.stdout, type=web_load.Seen)
    return (seen.began, seen.ended), seen


async def _hundred(kitchen: Kitchen, seconds: int, took: Stretches) -> None:
    """As many requests a second as the bar wants, of programs that each poll with their token."""
    workers, began, chance = len(kitchen.tokens), time.perf_counter(), random.Random(0)

    async def ask(asking: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", kitchen.port)
        for turn in range(seconds * POINTS_PER_S // workers):
            due = began + (turn + chance.random()) * workers / POINTS_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked = time.perf_counter()
            writer.write(asking)
            took.failed += await web_load.answer(reader) != HTTPStatus.OK
            took.asked.append((time.perf_counter() - asked) * 1000)
        writer.close()

    requests = (web_load.request("/api/v1/points", token) for token in kitchen.tokens)
    await asyncio.gather(*map(ask, requests))


async def _prices(section: Section, kitchen: Kitchen, requests: int) -> None:
    """CPU of one request by route, above what the kitchen takes meanwhile."""
    cpu, began = cpu_s(kitchen.pid), time.perf_counter()
    await asyncio.sleep(_QUIET_S * 5)
    idle = (cpu_s(kitchen.pid) - cpu) / (time.perf_counter() - began)
    for path in ROUTES:
        reader, writer = await asyncio.open_connection("127.0.0.1", kitchen.port)
        cpu, began = cpu_s(kitchen.pid), time.perf_counter()
        status = 0
        for turn in range(requests):
            token = kitchen.tokens[turn % len(kitchen.tokens)]
            writer.write(web_load.request(path, token))
            status = await web_load.answer(reader)
        elapsed = time.perf_counter() - began
        each_ms = (cpu_s(kitchen.pid) - cpu - idle * elapsed) / requests * 1000
        writer.close()
        bar = POINTS_BAR_MS if path == "/api/v1/points" else None
        section.add(f"GET {path}, CPU", each_ms, "ms", note=f"status {status}")
        slower = each_ms * budget.TIMES_SLOWER
        section.add(f"GET {path}, CPU as a Zero 2 W", slower, "ms", bar=bar)
        await asyncio.sleep(_QUIET_S)
