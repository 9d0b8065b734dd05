"""The floor: the least Python that does hops 3 to 6 with the same bytes at the end.

One call a reading, as readings come one by one: range check, every rule of its point as threshold
with hysteresis, latest value, columns. Then one packed row in one durable commit, and its envelope.
No quality, calibration, alarms, slots, kept state or configuration: not a product.
"""

import sqlite3
import zlib
from pathlib import Path

import msgspec

_encode = msgspec.json.encode
LOW, HIGH = -40.0, 125.0

Threshold = list[float]  # raise above, clear below, whether active


class Floor:
    """One file, and the thresholds of each point."""

    def __init__(self, path: Path, thresholds: list[list[Threshold]]) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA page_size = 512")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute("CREATE TABLE tm (s INTEGER PRIMARY KEY, at INTEGER, body BLOB)")
        self._thresholds = thresholds
        self._latest: dict[int, float] = {}
        self._columns: tuple[list[int], list[int], list[float]] = ([], [], [])
        self._s = 0
        self.commands = 0

    def take(self, index: int, value: float, at: int) -> None:
        """One reading: point index, value, ms."""
        if not LOW <= value <= HIGH:
            return
        for threshold in self._thresholds[index]:
            if threshold[2]:
                if value < threshold[1]:
                    threshold[2] = 0
                    self.commands += 1
            elif value > threshold[0]:
                threshold[2] = 1
                self.commands += 1
        self._latest[index] = value
        indices, ats, values = self._columns
        indices.append(index)
        ats.append(at)
        values.append(value)

    def commit(self) -> bytes:
        """The envelope of all readings since the last call, once they are on the disk."""
        indices, ats, values = self._columns
        self._columns = ([], [], [])
        self._s += 1
        offsets = [at - ats[0] for at in ats]
        row = _encode(
            {"s": self._s, "e": 1, "md": 1, "t0": ats[0], "c": indices, "dt": offsets, "x": values}
        )
        self._file.execute("INSERT INTO tm VALUES (?, ?, ?)", (self._s, ats[0], zlib.compress(row)))
        return zlib.compress(b'{"v":1,"in":"%032x","h":0,"rows":[%s]}' % (1, row))

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
