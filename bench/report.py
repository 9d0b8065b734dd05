"""Figures with their floor and bar, the machine they were measured on, as a table and as JSON."""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number; `floor` was measured in the same run, `bar` is the most it may be."""

    name: str
    value: float | None  # None: could not be measured, `note` says why
    unit: str
    floor: float | None = None
    bar: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`ok`, `MISSED`, `NOT RUN`, or nothing where there is no bar."""
        if self.value is None:
            return "NOT RUN"
        if self.bar is None:
            return ""
        return "ok" if self.value <= self.bar else "MISSED"


@dataclass
class Section:
    """What one part of the benchmark found; `lines` are printed under its table."""

    figures: list[Figure] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float | None,
        unit: str,
        *,
        floor: float | None = None,
        bar: float | None = None,
        note: str = "",
    ) -> None:
        """Take in one figure."""
        self.figures.append(
            Figure(name=name, value=value, unit=unit, floor=floor, bar=bar, note=note)
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_section(name: str, section: Section) -> None:
    """One table; the bar is an upper limit."""
    print(f"\n{name}")
    head = ("", "value", "unit", "floor", "bar", "")
    rows = [head, *(_cells(figure) for figure in section.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row, figure in zip(rows, [None, *section.figures], strict=True):
        cells = [
            cell.rjust(width) if column in {1, 3, 4} else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        note = f"  {figure.note}" if figure and figure.note else ""
        print(f"  {'  '.join(cells)}{note}".rstrip())
    for line in section.lines:
        print(f"    {line}")
    sys.stdout.flush()


def save(machine: dict[str, object], sections: dict[str, Section]) -> Path:
    """Write everything under `bench/results/`, which git ignores."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    found = {
        name: {
            "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in section.figures],
            "lines": section.lines,
        }
        for name, section in sections.items()
    }
    body = {"machine": machine, "sections": found}
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n")
    return path


def machine() -> dict[str, object]:
    """What absolute figures depend on; only ratios carry over to another machine."""
    return {
        "processor": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": round(int(_field(Path("/proc/meminfo"), "MemTotal").split()[0]) / 1024),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "commit": _commit(),
        "load_before": round(os.getloadavg()[0], 2),
        "loop_ms": round(_loop_ms(), 1),
        "fsync_4k_ms": _fsync_ms(),
    }


def print_machine(facts: dict[str, object]) -> None:
    """The facts in two lines."""
    print("machine")
    for name, value in facts.items():
        print(f"  {name:<12} {value}")


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _loop_ms() -> float:
    """One million turns of a plain Python loop: how fast this core is for Python just now."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        total = 0.0
        for number in range(1_000_000):
            total += number * 0.5
        spent.append((time.process_time() - began) * 1000)
    return statistics.median(spent)


def _fsync_ms() -> dict[str, float]:
    """4 KB written and synced, where temporary files are."""
    spent = []
    with TemporaryFile() as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            spent.append((time.perf_counter() - began) * 1000)
    return {"p50": round(percentile(spent, 0.5), 3), "p99": round(percentile(spent, 0.99), 3)}


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _number(figure.value),
        figure.unit,
        _number(figure.floor),
        _number(figure.bar),
        figure.verdict,
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
