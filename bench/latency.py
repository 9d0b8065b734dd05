"""From the wire to judged, to durable and to the cloud's row: the whole, over a real broker.

The wire is where the recording's thread hands a row of ten readings over. Two hundred rules.
"""

import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench import recording
from bench.daemon import cloud, environment
from bench.report import ROOT, Section, percentile
from bench.setting import Setting

BARS_MS = {"judged": 20.0, "durable": 1_200.0, "cloud": 2_000.0}
_RATES = (("1,000 a minute", 1_000 / 60), ("1,000 a second", 1_000.0))
_START_S = 4.0


def run(setting: Setting) -> Section:
    """Both rates, one after the other."""
    section = Section()
    with cloud(setting.folder) as url:
        if url is None:
            section.add("latency", None, "ms", note="needs mosquitto")
            return section
        for number, (name, rate) in enumerate(_RATES):
            seconds = setting.of(30, 12) if number else setting.of(60, 15)
            _measure(section, name, _stamps(setting.folder / str(number), url, rate, seconds))
    section.lines.append(
        "cloud: the receiver's ack is back at the gateway, which is later than its row is stored"
    )
    section.lines.append("reaction over MQTT: see the section peers")
    return section


def _stamps(folder: Path, url: str, rate: float, seconds: int) -> dict[str, list[float]]:
    """Milliseconds of every row by hop."""
    folder.mkdir()
    rows_a_second = rate / recording.READINGS_A_ROW
    tape, config, results = folder / "tape.csv", folder / "config.yaml", folder / "stamps.json"
    recording.write(tape, round((seconds + 60) * rows_a_second))
    config.write_text(recording.kitchen(url, recording.device(tape, rows_a_second)))
    command = [sys.executable, "-m", "bench.stamped"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, str(config), str(folder / "data"), str(results)],
            env=environment(), cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    time.sleep(_START_S + seconds)
    daemon.terminate()
    if daemon.wait(20):
        raise RuntimeError((folder / "log").read_text()[-2_000:])
    return msgspec.json.decode(results.read_bytes(), type=dict[str, list[float]])


def _measure(section: Section, name: str, hops: dict[str, list[float]]) -> None:
    for hop, bar in BARS_MS.items():
        spent = hops[hop]
        section.add(f"{name}, wire to {hop}, p50", percentile(spent, 0.5), "ms",
                    note=f"{len(spent)} rows")  # fmt: skip
        section.add(f"{name}, wire to {hop}, p99", percentile(spent, 0.99), "ms", bar=bar,
                    note=f"worst {max(spent):.1f}")  # fmt: skip
