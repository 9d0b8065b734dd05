"""The product beside the least Python that does the same work, and beside others like it.

Peers run one after the other, `floor-raw` first and last; ratios go to it and to `floor-paho`. The
harness needs SCRATCH, a folder with the floors' Python in it, and in it the other gateways that are
to be compared (see its own README); one that is not there is left out and named.
"""

import itertools
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
_FLOORS = ("floor-raw", "floor-paho", harness.NAME)
_OTHERS = {
    "nodered": "nr/node_modules/node-red/red.js",
    "tbgw": "tb/venv/bin/thingsboard-gateway",
    "hass": "ha/venv/bin/hass",
}
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
_numbers = itertools.count()  # each run has ports of its own


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
    first, paho, ours = (_measure(peer, options, setting) for peer in _FLOORS)
    others = {name: _other(name, options, setting) for name, program in _OTHERS.items()
              if (scratch / program).exists()}  # fmt: skip
    last = _measure(_FLOORS[0], options, setting)
    _compare(section, [first, last], paho, ours)
    for peer in _OTHERS:
        _beside(section, peer, others.get(peer, "not installed in SCRATCH"))
    everyone = [*zip(_FLOORS, (first, paho, ours), strict=True), *others.items(), ("last", last)]
    section.lines += [f"{peer}: {json.dumps(figures)}" for peer, figures in everyone]
    return section


def _other(peer: str, options: tuple[str, ...], setting: Setting) -> Found | str:
    """The figures of another gateway, or why there are none: that is its affair, not ours."""
    try:
        return _measure(peer, options, setting)
    except RuntimeError as error:
        return str(error).strip().splitlines()[-1]


def _beside(section: Section, peer: str, theirs: Found | str) -> None:
    """The figures of another gateway, for comparison only: none has a bar of its own."""
    if isinstance(theirs, str):
        section.add(peer, None, "", note=theirs)
        return
    section.add(f"{peer}: cold start", theirs.get("cold_s"), "s")
    section.add(f"{peer}: resident, warm", theirs.get("rss_warm"), "MB")
    for rate in (100, 1_000):
        for name in ("p50", "p99"):
            value = theirs.get(f"r{rate}", {}).get(f"{name}_ms")
            section.add(f"{peer}: {rate}/s, reaction {name}", value, "ms")


def _measure(peer: str, options: tuple[str, ...], setting: Setting) -> Found:
    number = next(_numbers)
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
