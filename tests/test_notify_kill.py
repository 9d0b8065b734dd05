"""Whoever is to be told is told, whatever ends the gateway: whole processes, killed at random."""

import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.store.log import unpacked
from tests.post_office import PostOffice
from tests.processes import Daemon

KILLS = 100
CONFIG = """
site: {{label: Kill, zone: UTC}}
buses: {{i2c: {{kind: i2c, path: /dev/i2c-1}}}}
devices:
  cold: {{driver: sht3x, bus: i2c, address: 0x44, every: 100ms}}
rules:
{rules}
emulation: {{seed: 7, places: {{cold: cold_room}}}}
notifications:
  channels:
    mail: {{kind: email, host: 127.0.0.1, port: {mail}, security: none, sender: kg@mapo.example}}
    hook: {{kind: webhook, url: "{hook}/", addresses: [127.0.0.1]}}
  people:
    kim: {{role: manager, email: kim@example.com}}
  routes:
    - {{to: [manager], by: [mail], verbs: [raise, return, clear]}}
    - {{by: [hook], verbs: [raise, return, clear]}}
"""
# Wherever the temperature is, its noise crosses one of these limits every now and then.
RULE = """  noisy_{hundredths}:
    kind: limit
    point: cold/temperature
    raise_above: {degrees:.2f} °C
    on_bad: hold
    then: [{{alarm: high}}]
"""
RULES = "".join(
    RULE.format(hundredths=hundredths, degrees=hundredths / 100)
    for hundredths in range(150, 650, 4)
)
TOLD = {"raise", "announce", "return", "clear"}


def events(daemon: Daemon) -> int:
    """How many stored events somebody had to be told of."""
    with closing(sqlite3.connect(daemon.database)) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM ev")]
    rows: list[dict[str, Any]] = [msgspec.json.decode(unpacked(body)) for body in bodies]
    alarms = [row["d"] for row in rows if row["k"] == "alarm"]
    return sum(data["verb"] in TOLD and data.get("announced") is not False for data in alarms)


def all_is_told(daemon: Daemon) -> bool:
    """No alarm stands, and no message is stored that nobody has taken."""
    with closing(sqlite3.connect(daemon.database)) as connection:
        rows = connection.execute("SELECT body FROM notices").fetchall()
        alarms = connection.execute("SELECT 1 FROM state WHERE key LIKE 'alarm/%'").fetchall()
    waits = any(msgspec.json.decode(body)["status"] == "waiting" for (body,) in rows)
    return not waits and not alarms


def told_through(kills: int, folder: Path) -> None:
    """Kill it so often; in the end every event was told on every channel, repeats as such."""
    with PostOffice() as office:
        ends = {"mail": office.mail_port, "hook": office.hook_url}
        daemon = Daemon(folder, CONFIG.format(rules=RULES, **ends))
        for _ in range(kills):
            daemon.start(ready=False)
            if random.random() < 0.9:
                daemon.wait_line("collecting")
            time.sleep(random.uniform(0.0, 1.5))
            daemon.kill()
        with daemon:
            daemon.wait_until(lambda: events(daemon) > 2 * kills)
        # No rule finds anything any more: what is left has only to be handed over.
        calm = RULE.format(hundredths=9000, degrees=90)
        daemon.config.write_text(CONFIG.format(rules=calm, **ends))
        with daemon:
            daemon.wait_until(lambda: all_is_told(daemon))
            daemon.stop()
        happened = events(daemon)
        for ids in ([it.notice for it in office.mails], [it.notice for it in office.posted]):
            times = Counter(ids)
            # A hand-over does not wait long for a disk: it may precede a commit that a kill cut.
            assert happened <= len(times) <= happened + 4 * kills
            assert max(times.values()) <= kills + 1


@pytest.mark.timeout(1_200)
def test_kill_9_loses_no_message_and_repeats_one_at_most(tmp_path: Path) -> None:
    told_through(6, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(4_800)
def test_a_hundred_kills_lose_no_message(tmp_path: Path) -> None:
    told_through(KILLS, tmp_path)
