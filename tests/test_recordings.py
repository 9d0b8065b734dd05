"""Real recordings through the whole daemon: each recorded value at the cloud exactly once."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests import recordings
from tests.conftest import BrokerFactory, Left
from tests.patience import PATIENCE_S
from tests.processes import Daemon
from tests.recordings import Recorded
from tests.test_kill import receiving

PACE = 20_000
DECIMALS = 9  # the finest any of them was written with
SETS = {"occupancy": recordings.occupancy, "smoke": recordings.smoke, "pump": recordings.pump}


def config(recorded: Recorded, url: str) -> str:
    columns = "".join(
        f"      {metric}: {{column: '{column}', unit: '{unit}', precision: {DECIMALS}}}\n"
        for metric, (column, unit) in recorded.columns.items()
    )
    return f"""
site: {{label: Replay, zone: UTC}}
buses: {{files: {{kind: recording}}}}
devices:
  replayed:
    driver: replay
    bus: files
    file: {recorded.path}
    {recorded.time}
    pace: {PACE}
    columns:
{columns}cloud: {{url: "{url}", tenant: demo, gateway: replay_1}}
emulation: {{seed: 1}}
"""


def arrived(cloud: Path) -> list[tuple[str, int, float | None, int]]:
    """Metric, row of the recording, value and quality, for each reading the cloud holds."""
    with closing(sqlite3.connect(cloud)) as connection:
        names = {
            i: name
            for i, device, name in connection.execute("SELECT i, device, name FROM points")
            if device == "replayed"
        }
        readings = connection.execute(
            "SELECT point, value, quality, at FROM readings ORDER BY s, position"
        ).fetchall()
    found, row, last = [], 0, 0
    for point, value, quality, at in readings:
        assert at >= last, "readings stand in the order in which they were judged"
        last = at
        if names.get(point) == "row":
            row = int(value)
        elif point in names:
            found.append((names[point], row, value, quality))
    return found


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("name", SETS)
def test_each_recorded_value_is_at_the_cloud_exactly_once(
    name: str, mosquitto: BrokerFactory, tmp_path: Path, left_out: Left
) -> None:
    recorded = SETS[name]()
    if recorded is None:
        left_out(f"the {name} recording is not at hand: one of the emulated kitchen stands in")
        recorded = recordings.stand_in(tmp_path)
    wanted = recordings.cells(recorded)
    broker = mosquitto()
    cloud = tmp_path / "cloud.db"
    with (
        receiving(broker.url, cloud),
        Daemon(tmp_path / "site", config(recorded, broker.url)) as daemon,
    ):
        daemon.wait_line("the recording has ended", 2 * PATIENCE_S)
        time.sleep(1.5)  # its last second is being committed

        def nothing_waits() -> bool:
            rows = daemon.health()["rows"]
            return bool(rows["committed"] == rows["acknowledged"])

        daemon.wait_until(nothing_waits)
        daemon.stop()
    found = arrived(cloud)
    assert Counter((metric, row) for metric, row, _, _ in found).most_common(1)[0][1] == 1
    assert {(metric, row): value for metric, row, value, _ in found} == wanted
    assert all((value is None) == (quality != 0) for _, _, value, quality in found)
