"""Resident memory of the daemon: warm without and with the forecast, and after a million readings.

The whole daemon on the shipped kitchen, with broker and receiver. The million comes from a
recording as fast as the daemon takes it, which also tells what the whole costs for a reading.
"""

import time
import urllib.request

from bench import recording
from bench.daemon import cloud, cpu_s, environment, resident_mb
from bench.report import Section
from bench.setting import Setting
from gateway.store.file import prepare
from tests.processes import Daemon

PLAIN_BAR_MB, FORECAST_BAR_MB, GROWTH_BAR_MB = 60.0, 100.0, 5.0
_WARM_S = 12.0  # the page was asked, the health points came twice, the models are loaded
_WARM_ROWS = 3_000
_FAST = 100_000.0  # rows a second: as fast as they are taken
_DEADLINE_S = 240.0


def run(setting: Setting) -> Section:
    """Three starts of the daemon."""
    section = Section()
    with cloud(setting.folder) as url:
        note = "shipped kitchen, cloud connected" if url else "shipped kitchen, no mosquitto here"
        for name, forecasts, bar in (
            ("warm, without forecasts", False, PLAIN_BAR_MB),
            ("warm, forecast loaded", True, FORECAST_BAR_MB),
        ):
            text = recording.kitchen(url, forecasts=forecasts)
            daemon = Daemon(setting.folder / f"warm{forecasts}", text, environment=environment())
            with daemon:
                time.sleep(_WARM_S)
                daemon.health()
                section.add(name, resident_mb(daemon.pid), "MB", bar=bar, note=note)
                daemon.stop()
        _million(section, setting, url)
    return section


def _million(section: Section, setting: Setting, url: str | None) -> None:
    rows = setting.of(1_000_000, 200_000) // recording.READINGS_A_ROW
    file = setting.folder / "tape.csv"
    recording.write(file, rows + _WARM_ROWS)
    text = recording.kitchen(url, recording.device(file, _FAST))
    daemon = Daemon(setting.folder / "million", text, environment=environment())
    daemon.data.mkdir(mode=0o700)
    prepare(daemon.database)  # a token needs a folder in which a gateway has run
    token = daemon.create_token()
    with daemon:
        daemon.wait_line("forecast: model")  # loading it is no growth
        _wait_for_readings(daemon, token, _WARM_ROWS * recording.READINGS_A_ROW)
        before = _readings(daemon, token)
        resident, cpu, began = resident_mb(daemon.pid), cpu_s(daemon.pid), time.perf_counter()
        _wait_for_readings(daemon, token, (rows + _WARM_ROWS) * recording.READINGS_A_ROW)
        elapsed = time.perf_counter() - began
        spent = cpu_s(daemon.pid) - cpu
        time.sleep(3.0)
        count = _readings(daemon, token) - before
        name, grown = f"growth over {count:,.0f} readings", resident_mb(daemon.pid) - resident
        note = f"{resident:.1f} MB before, {_dropped(daemon, token):.0f} dropped"
        section.add(name, grown, "MB", bar=GROWTH_BAR_MB, note=note)
        note = f"{count / elapsed:,.0f} readings/s, 200 rules, page, uplink, forecast"
        section.add("whole daemon, replay to cloud", spent / count * 1e6, "us/reading", note=note)
        daemon.stop()


def _wait_for_readings(daemon: Daemon, token: str, count: int) -> None:
    deadline = time.perf_counter() + _DEADLINE_S
    while _readings(daemon, token) < count:
        if time.perf_counter() > deadline:
            raise TimeoutError(daemon.log[-2_000:])
        time.sleep(0.25)


def _readings(daemon: Daemon, token: str) -> float:
    return _counter(daemon, token, "stored_readings")


def _dropped(daemon: Daemon, token: str) -> float:
    return _counter(daemon, token, "dropped_readings")


def _counter(daemon: Daemon, token: str, name: str) -> float:
    """A value of /metrics."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.port}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    head = f"kitchen_{name}_total "
    return next(float(line.removeprefix(head)) for line in lines if line.startswith(head))
