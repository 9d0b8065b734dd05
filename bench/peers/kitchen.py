"""The harness's kitchen as our configuration, and a look into our store: one entry per reading."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from gateway.store.log import unpacked

SENSORS = 100
_LIMITS = (("8 °C", "6 °C"), ("20 °C", "18 °C"))  # the second ones are never reached
_DEVICE = (
    "  s{n:03d}: {{driver: mqtt, bus: site, topic: k/{n:03d}/r,"
    " metrics: {{v: {{path: $.v, unit: Cel}}, seq: {{path: $.seq, precision: 0}}}}}}"
)
_ACTUATOR = (
    "  c{n:03d}: {{driver: mqtt_switch, bus: site, topic: k/{n:03d}/c,"
    " fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 0s}}}}"
)
_RULE = (
    "  r{n:03d}_{rank}: {{kind: limit, point: s{n:03d}/v, raise_above: {high}, clear_below: {low},"
    " on_bad: hold, priority: high, then: [{{command: c{n:03d}, value: on}}]}}"
)


def write(local: int, cloud: int) -> str:
    """A hundred sensors and switches on the broker at `local`, two hundred rules."""
    every = range(SENSORS)
    lines = [
        "site: {label: bench, zone: Asia/Seoul}",
        f'buses: {{site: {{kind: mqtt, url: "mqtt://127.0.0.1:{local}"}}}}',
        "devices:",
        *(_DEVICE.format(n=n) for n in every),
        "actuators:",
        *(_ACTUATOR.format(n=n) for n in every),
        "rules:",
    ]
    for rank, (high, low) in enumerate(_LIMITS):
        lines += [_RULE.format(n=n, rank=rank, high=high, low=low) for n in every]
    lines += [
        "web: {listen: 127.0.0.1}",
        f'cloud: {{url: "mqtt://127.0.0.1:{cloud}", tenant: bench, gateway: peer}}',
    ]
    return "\n".join(lines) + "\n"


class Stored:
    """Counts the different `seq` in a store, reading each committed row once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = 0
        self._seen: set[int] = set()
        self._named: set[int] = set()  # indices of the points that hold `seq`

    def count(self) -> int:
        """Readings so far; a reading stored twice counts once."""
        try:
            with contextlib.closing(
                sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)
            ) as store:
                self._look(store)
        except sqlite3.Error:
            return len(self._seen)
        return len(self._seen)

    def _look(self, store: sqlite3.Connection) -> None:
        if not self._named:
            points = store.execute("SELECT i FROM points WHERE id LIKE '%/seq'")
            self._named = {index for (index,) in points}
        rows = store.execute("SELECT s, body FROM tm WHERE s > ? ORDER BY s", (self._last,))
        for s, body in rows:
            row = msgspec.json.decode(unpacked(body))
            self._last = s
            self._seen.update(
                int(value)
                for index, value in zip(row["c"], row["x"], strict=True)
                if index in self._named and value is not None
            )
