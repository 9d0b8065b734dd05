"""The product beside the least Python that does the same work, on the shared harness.

Peers run one after the other, `floor-raw` first and last; ratios go to it and to `floor-paho`. The
harness needs SCRATCH, a folder with the floors' Python in it (see its own README).
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.daemon import compile_all, environment
from bench.peers import harness
from bench.report import ROOT, Section
from bench.setting import Setting

_PORT = 21_600
_ORDER = ("floor-raw", "floor-paho", harness.NAME, "floor-raw")
_QUICK = ("--phases", "lat", "--rates", "100,1000")
_THOROUGH = (
    "--phases",
    "lat,burst,kill,cloud",
    "--rates",
    "10,100,1000",
    "--cloud_s",
    "30",
    "--burst",
    "20000",
)

Found = Mapping[str, Any]


def run(setting: Setting) -> Section:
    """Every peer that is there."""
    section = Section()
    scratch = Path(os.environ.get("SCRATCH", ""))
    if harness.folder() is None:
        missing = "no harness: put `shared` beside the repository or set KG_SHARED"
    elif not (scratch / "base" / "venv" / "bin" / "python").exists():
        missing = "no floors: set SCRATCH and run install.sh of the harness"
    else:
        missing = ""
    if missing:
        section.add("peers", None, "", note=missing)
        return section
    compile_all()
    (scratch / "run").mkdir(exist_ok=True)
    options = _QUICK if setting.quick else _THOROUGH
    found = [_measure(peer, number, options, setting) for number, peer in enumerate(_ORDER)]
    raws = [found[0], found[-1]]
    _compare(section, raws, found[1], found[2])
    for peer, figures in zip(_ORDER, found, strict=True):
        section.lines.append(f"{peer}: {json.dumps(figures)}")
    return section


def _measure(peer: str, number: int, options: tuple[str, ...], setting: Setting) -> Found:
    out = setting.folder / f"{number}.json"
    port = str(_PORT + 10 * number)
    command = [sys.executable, "-m", "bench.peers.harness", peer, port, str(out), *options]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{peer}: {done.stderr[-2_000:]}")
    figures: Found = json.loads(out.read_text())
    return figures


def _compare(section: Section, raws: list[Found], paho: Found, ours: Found) -> None:
    floor = statistics.mean(raw["cold_s"] for raw in raws)
    section.add("cold start to first reaction", ours["cold_s"], "s", floor=floor, bar=0.8)
    section.add("resident, warm", ours["rss_warm"], "MB", floor=raws[0]["rss_warm"], bar=60.0)
    for rate in (100, 1_000):
        key = f"r{rate}"
        if key not in ours:
            continue
        for name, factor in (("p50", 3.0), ("p99", 5.0)):
            floor = statistics.mean(raw[key][f"{name}_ms"] for raw in raws)
            value = ours[key][f"{name}_ms"]
            section.add(f"{rate}/s, reaction {name}", value, "ms", floor=floor,
                        bar=factor * floor, note=f"{value / floor:.2f} x floor-raw")  # fmt: skip
        spent, least = ours[key]["cpu_s_per_10k"] * 100, paho[key]["cpu_s_per_10k"] * 100
        section.add(f"{rate}/s, CPU a reading", spent, "us", floor=least,
                    bar=least if rate == 1_000 else None,
                    note=f"{spent / least:.2f} x floor-paho")  # fmt: skip
        section.add(f"{rate}/s, not stored", ours[key]["sent"] - ours[key]["stored"], "", bar=0.0)
    if "burst" in ours:
        took, least = (
            1e6 / each["burst"]["n"] * each["burst"]["stored_s"] for each in (ours, paho)
        )
        note = f"{1e6 / took:,.0f} readings/s, floor-paho {1e6 / least:,.0f}"
        section.add("burst, stored", took, "us", floor=least, bar=least / 0.9, note=note)
        section.add("burst, not stored", ours["burst"]["n"] - ours["burst"]["stored"], "", bar=0.0)
    if "kill9" in ours:
        section.add("kill -9, lost", ours["kill9"]["lost"], "", bar=0.0)
    if "cloud_away" in ours:
        section.add("cloud away, lost", ours["cloud_away"]["lost"], "", bar=0.0,
                    note=f"caught up in {ours['cloud_away']['catch_up_s']} s")  # fmt: skip
