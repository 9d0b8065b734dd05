"""The page under a crowd, and what a request costs: people are served, and judging does not notice.

The crowd is 200 live pages, 50 that never read and 2,000 half-open connections. From wire to judged
is measured with the same recording without and with it. Both cores are shared with the crowd.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import msgspec

from bench import recording, web_load
from bench.daemon import cpu_s, environment, resident_mb
from bench.report import ROOT, Section, percentile
from bench.setting import Setting
from gateway.access import Access, Role
from gateway.clock import SystemClock
from gateway.store.file import NAME, open_beside, prepare
from gateway.store.tokens import StoredTokens
from gateway.store.worker import StoreWorker
from tests.processes import wait_for

RATE = 1_000 / 60  # readings a second
ZERO_2_W = 11  # times as slow as one core here (the shared page on performance, section 3)
PEOPLE_BAR_MS, RATIO_BAR = 300.0, 1.2
POINTS_BAR_MS = 10.0  # a hundred a second are a core
ROUTES = ("/health", "/api/v1/points", "/api/v1/alarms", "/api/v1/devices", "/api/v1/status")
TOKENS = 12  # each has an allowance of its own
_START_S, _QUIET_S = 6.0, 2.0
_POINTS_PER_S = 100

Work = Callable[[int, int, list[str]], None]  # port, pid, tokens


def run(setting: Setting) -> Section:
    """Quiet, with the crowd, with a hundred requests a second; then route by route."""
    section = Section()
    seconds = setting.of(40, 15)
    quiet = _judged(setting.folder / "quiet", lambda *_: time.sleep(seconds))
    section.add(
        "quiet, wire to judged, p95", percentile(quiet, 0.95), "ms", note=f"{len(quiet)} rows"
    )

    def crowded(port: int, pid: int, tokens: list[str]) -> None:
        _crowd(section, port, pid, tokens, seconds)

    _compare(section, "crowd", quiet, _judged(setting.folder / "crowd", crowded))

    def asked(port: int, pid: int, tokens: list[str]) -> None:
        asyncio.run(_hundred(section, port, pid, tokens, seconds))

    _compare(section, "100 points/s", quiet, _judged(setting.folder / "points", asked))

    def priced(port: int, pid: int, tokens: list[str]) -> None:
        asyncio.run(_prices(section, port, pid, tokens, setting.of(600, 300)))

    _judged(setting.folder / "prices", priced)
    return section


def _compare(section: Section, name: str, quiet: list[float], loaded: list[float]) -> None:
    for share in (0.5, 0.95):
        before, after = percentile(quiet, share), percentile(loaded, share)
        section.add(f"{name}, wire to judged, p{share * 100:.0f}", after, "ms",
                    floor=before, note=f"{len(loaded)} rows")  # fmt: skip
    ratio = percentile(loaded, 0.95) / percentile(quiet, 0.95)
    section.add(f"{name}, wire to judged, p95 over quiet", ratio, "x", bar=RATIO_BAR)


def _judged(folder: Path, work: Work) -> list[float]:
    """Milliseconds from wire to judged of a kitchen while `work` goes on."""
    folder.mkdir()
    tape, results, data = folder / "tape.csv", folder / "stamps.json", folder / "data"
    recording.write(tape, 20_000)
    (folder / "config.yaml").write_text(recording.kitchen(None, recording.device(tape, RATE)))
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
        work(port, daemon.pid, tokens)
    finally:
        daemon.terminate()
        code = daemon.wait(30)
    if code:
        raise RuntimeError((folder / "log").read_text()[-2_000:])
    hops = msgspec.json.decode(results.read_bytes(), type=dict[str, list[float]])
    return hops["judged"]


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


def _crowd(section: Section, port: int, pid: int, tokens: list[str], seconds: int) -> None:
    before, cpu = resident_mb(pid), cpu_s(pid)
    command = [sys.executable, "-m", "bench.web_load", str(port), str(seconds), *tokens]
    done = subprocess.run(
        command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = msgspec.json.decode(done.stdout, type=web_load.Seen)
    answered = len(seen.milliseconds)
    section.add("crowd, people are answered, p50", percentile(seen.milliseconds, 0.5), "ms")
    section.add("crowd, people are answered, p95", percentile(seen.milliseconds, 0.95), "ms",
                bar=PEOPLE_BAR_MS, note=f"{answered} requests, {seen.failed} failed")  # fmt: skip
    section.add("crowd, requests of people that failed", seen.failed, "", bar=0)
    section.add("crowd, live pages without an answer", web_load.LIVE - seen.live, "", bar=0,
                note=f"{seen.frames} frames")  # fmt: skip
    section.add("crowd, resident", resident_mb(pid), "MB", note=f"{before:.0f} before")
    section.add("crowd, processor", (cpu_s(pid) - cpu) / seconds * 100, "% of a core")


async def _hundred(section: Section, port: int, pid: int, tokens: list[str], seconds: int) -> None:
    """As many requests a second as the bar wants, from a few connections."""
    cpu, spent, failed = cpu_s(pid), list[float](), 0
    workers = 4

    async def ask(number: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(seconds * _POINTS_PER_S // workers):
            began = time.perf_counter()
            token = tokens[(turn * workers + number) % len(tokens)]
            writer.write(web_load.request("/api/v1/points", token))
            status = await web_load.answer(reader)
            failed += status != HTTPStatus.OK
            took = time.perf_counter() - began
            spent.append(took * 1000)
            await asyncio.sleep(max(0.0, workers / _POINTS_PER_S - took))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(ask(number) for number in range(workers)))
    elapsed = time.perf_counter() - began
    note = f"{len(spent) / elapsed:.0f} a second, {failed} failed"
    took = percentile(spent, 0.95)
    section.add("100 points/s, answered in, p95", took, "ms", bar=PEOPLE_BAR_MS, note=note)
    section.add("100 points/s, processor", (cpu_s(pid) - cpu) / elapsed * 100, "% of a core")


async def _prices(section: Section, port: int, pid: int, tokens: list[str], requests: int) -> None:
    """CPU of one request by route, above what the kitchen takes meanwhile."""
    cpu, began = cpu_s(pid), time.perf_counter()
    await asyncio.sleep(_QUIET_S * 5)
    idle = (cpu_s(pid) - cpu) / (time.perf_counter() - began)
    for path in ROUTES:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        cpu, began = cpu_s(pid), time.perf_counter()
        size = 0
        for turn in range(requests):
            writer.write(web_load.request(path, tokens[turn % len(tokens)]))
            size = await web_load.answer(reader)
        elapsed = time.perf_counter() - began
        each_ms = (cpu_s(pid) - cpu - idle * elapsed) / requests * 1000
        writer.close()
        bar = POINTS_BAR_MS if path == "/api/v1/points" else None
        section.add(f"GET {path}, CPU", each_ms, "ms", note=f"status {size}")
        section.add(f"GET {path}, CPU as a Zero 2 W", each_ms * ZERO_2_W, "ms", bar=bar)
        await asyncio.sleep(_QUIET_S)
