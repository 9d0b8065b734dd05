"""Nothing is lost and nothing doubled: real processes, a real broker, and no mercy.

The daemon runs the emulated kitchen and is killed, cut off and frozen; in the end the receiver
must hold exactly the committed log, and judging the state of an uninterrupted run over it.
"""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.judging import decode, replay
from gateway.store.log import unpacked
from gateway.store.state import committed
from rules.judge import Judge
from tests.broker import Broker, Settings
from tests.conftest import BrokerFactory
from tests.processes import REPOSITORY, Daemon, wait_for

CONFIG = """
site: {{label: Kill, zone: UTC}}
buses: {{i2c: {{kind: i2c, path: /dev/i2c-1}}, pins: {{kind: gpio, chip: pinctrl-bcm2711}}}}
devices:
  cold: {{driver: sht3x, bus: i2c, address: 0x44, every: 100ms}}
  warm: {{driver: sht3x, bus: i2c, address: 0x45, every: 150ms}}
  door: {{driver: contact, bus: pins, pin: 17, pull: up}}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 3s, min_on: 500ms}}
rules:
  noisy:
    kind: limit
    point: cold/temperature
    raise_above: {limit} °C
    for: 300ms
    on_bad: hold
    then: [{{alarm: high}}, {{command: siren, value: on}}]
  longer:
    kind: limit
    point: warm/temperature
    raise_above: 0 °C
    for: 8s
    on_bad: hold
    then: [{{alarm: low}}]
cloud: {{url: "{url}", tenant: demo, gateway: kill_1}}
emulation: {{seed: 7, places: {{cold: cold_room, warm: kitchen, door: cold_room_door}}}}
"""


@contextmanager
def receiving(url: str, database: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The reference ingest as a process."""
    command = [sys.executable, "-m", "gateway.cli", "ingest", "--url", url]
    with database.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--database", str(database)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def rows_sent(database: Path) -> dict[tuple[str, int], bytes]:
    with closing(sqlite3.connect(database)) as connection:
        tables = {
            stream: connection.execute(f"SELECT s, body FROM {stream}") for stream in ("tm", "ev")
        }
        return {(stream, s): unpacked(body) for stream, rows in tables.items() for s, body in rows}


def rows_received(database: Path) -> dict[tuple[str, int], bytes]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT stream, s, body FROM rows").fetchall()
    found = {(stream, s): unpacked(body) for stream, s, body in rows}
    assert len(found) == len(rows), "a row was stored twice"
    return found


def assert_state_is_that_of_an_uninterrupted_run(daemon: Daemon) -> None:
    config = load(daemon.config).config
    assert config is not None
    contracts = {name: thing.fail_safe.contract() for name, thing in config.actuators.items()}
    judge = Judge(config.rules, contracts)
    with closing(sqlite3.connect(daemon.database)) as connection:
        kept = decode(dict(connection.execute("SELECT key, body FROM state")))
        assert kept == replay(judge, committed(connection))


def assert_all_arrived(daemon: Daemon, cloud: Path) -> int:
    """The receiver holds exactly the committed log, row by row; gives the number of rows."""

    def nothing_waits() -> bool:
        rows = daemon.health()["rows"]
        return bool(rows["committed"] == rows["acknowledged"])

    for _ in range(5):
        daemon.wait_until(nothing_waits)
        daemon.stop()
        if len(rows_sent(daemon.database)) == len(rows_received(cloud)):
            break
        daemon.start()  # what was committed while stopping goes out after the next start
    sent = rows_sent(daemon.database)
    assert rows_received(cloud) == sent
    for stream in ("tm", "ev"):
        numbers = sorted(s for kind, s in sent if kind == stream)
        assert numbers == list(range(1, len(numbers) + 1)), f"a gap in {stream}"
    assert_in_order(daemon.database, cloud)
    return len(sent)


def assert_in_order(database: Path, cloud: Path) -> None:
    """The numbers of a stream stand for the order of its readings, here and at the far end."""
    for file, query in (
        (database, "SELECT at FROM tm ORDER BY s"),
        (cloud, "SELECT at FROM readings ORDER BY s, position"),
    ):
        with closing(sqlite3.connect(file)) as connection:
            times = [at for (at,) in connection.execute(query)]
        assert times == sorted(times)


def killed(broker: Broker, folder: Path, kills: int, chance: random.Random) -> None:
    cloud = folder / "cloud.db"
    daemon = Daemon(folder / "site", CONFIG.format(url=broker.url, limit=2.5))
    with receiving(broker.url, cloud):
        for number in range(kills):
            daemon.start(ready=False)
            # Now and then one lives until a second's commit: what runs since is kept from then on.
            lives = number % 10 == 5
            if lives or chance.random() < 0.9:
                daemon.wait_line("collecting")
            time.sleep(chance.uniform(0.0, 0.6) + (1.5 if lives else 0.0))
            daemon.kill()
            if daemon.database.exists():
                assert_state_is_that_of_an_uninterrupted_run(daemon)
        daemon.start()
        count = assert_all_arrived(daemon, cloud)
    assert count > kills
    assert_state_is_that_of_an_uninterrupted_run(daemon)
    with closing(sqlite3.connect(daemon.database)) as connection:
        events = [body for (body,) in connection.execute("SELECT body FROM ev")]
    assert sum(b'"longer"' in unpacked(body) for body in events) == 1, (
        "a `for` of 8 s outlives starts of half a second, and fires once"
    )


@pytest.mark.timeout(3_600)
def test_thirty_kills_lose_nothing_and_change_no_judgement(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    killed(mosquitto(), tmp_path, 30, random.Random(20261121))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_hundred_kills_lose_nothing_and_change_no_judgement(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    killed(mosquitto(), tmp_path, 100, random.Random(7))


@pytest.mark.timeout(2_400)
def test_a_broker_that_is_absent_for_a_minute_costs_nothing(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto(Settings(persistence=False))
    cloud = tmp_path / "cloud.db"
    with (
        receiving(broker.url, cloud),
        Daemon(tmp_path / "site", CONFIG.format(url=broker.url, limit=2.5)) as daemon,
    ):
        daemon.wait_until(lambda: daemon.health()["rows"]["acknowledged"] > 2)
        broker.kill()
        time.sleep(60)

        def waiting() -> int:
            rows = daemon.health()["rows"]
            return int(rows["committed"] - rows["acknowledged"])

        daemon.wait_until(lambda: waiting() > 50)
        broker.start()
        assert_all_arrived(daemon, cloud)


@pytest.mark.timeout(2_400)
def test_a_broker_that_freezes_or_forgets_costs_nothing(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto(Settings(persistence=False))
    cloud = tmp_path / "cloud.db"
    with (
        receiving(broker.url, cloud),
        Daemon(tmp_path / "site", CONFIG.format(url=broker.url, limit=2.5)) as daemon,
    ):
        daemon.wait_until(lambda: daemon.health()["rows"]["acknowledged"] > 2)
        broker.freeze()
        time.sleep(3)
        broker.thaw()
        for _ in range(5):
            time.sleep(random.uniform(0.2, 1.0))
            broker.kill()
            broker.start()
        assert_all_arrived(daemon, cloud)


@pytest.mark.timeout(2_400)
def test_a_receiver_that_is_killed_costs_nothing(mosquitto: BrokerFactory, tmp_path: Path) -> None:
    broker = mosquitto()
    cloud = tmp_path / "cloud.db"
    with Daemon(tmp_path / "site", CONFIG.format(url=broker.url, limit=2.5)) as daemon:
        for _ in range(8):
            with receiving(broker.url, cloud):
                time.sleep(random.uniform(0.3, 1.5))
        with receiving(broker.url, cloud):
            wait_for(cloud.exists)
            assert_all_arrived(daemon, cloud)
