"""What a start finds: points and their indices, the state of judging, cursors, and all inputs."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.reading import QUALITY_OF_CODE, Point, Quality, Value
from gateway.store.log import unpacked
from gateway.sync.protocol import LOST, STREAMS, Cursor, Stream
from gateway.sync.ranges import Ranges

_HISTORY = "history"  # beside the streams' cursors


class Found(NamedTuple):
    """The state of one installation at its start."""

    entries: Mapping[str, str]  # state of judging, as JSON
    passed: Mapping[Stream, Ranges]  # acknowledged by the cloud, or lost
    lost: Mapping[Stream, Ranges]
    following: Mapping[Stream, int]  # next `s` of each stream
    folded: int = 0  # the last row of telemetry the history has
    notices: Mapping[str, str] = {}  # what is or was to be told, by key, as JSON


def find(connection: sqlite3.Connection) -> Found:
    """Read the state; a cursor beyond the rows still there keeps `s` from being used twice."""
    entries = dict(connection.execute("SELECT key, body FROM state"))
    kept: dict[Cursor, Ranges] = {
        cursor: msgspec.json.decode(ranges, type=list[tuple[int, int]])
        for cursor, ranges in connection.execute("SELECT stream, ranges FROM cursors")
        if cursor != _HISTORY
    }
    passed = {stream: kept.get(stream, []) for stream in STREAMS}
    lost = {stream: kept.get(LOST[stream], []) for stream in STREAMS}
    following: dict[Stream, int] = {}
    for stream, ranges in passed.items():
        last = connection.execute(f"SELECT ifnull(max(s), 0) FROM {stream}").fetchone()[0]  # noqa: S608
        following[stream] = max([last, *(end for _, end in ranges)]) + 1
    notices = dict(connection.execute("SELECT key, body FROM notices"))
    return Found(entries, passed, lost, following, folded(connection), notices)


def folded(connection: sqlite3.Connection) -> int:
    """The last row of telemetry the history has; 0 while it has none."""
    row = connection.execute("SELECT ranges FROM cursors WHERE stream = ?", (_HISTORY,)).fetchone()
    return msgspec.json.decode(row[0], type=list[tuple[int, int]])[0][1] if row else 0


def save_folded(connection: sqlite3.Connection, last: int) -> None:
    """Keep how far the history has the log."""
    body = msgspec.json.encode([(1, last)]).decode()
    connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (_HISTORY, body))


class PointRow(msgspec.Struct, frozen=True):
    """An entry of the dictionary `md`, as stored."""

    i: int
    dev: str
    name: str
    label: str
    unit: str
    type: str
    prec: int
    min: float | None
    max: float | None
    sim: bool


class Dictionary(NamedTuple):
    """All points this installation ever had."""

    version: int
    rows: Sequence[PointRow]


def register(connection: sqlite3.Connection, points: Iterable[Point]) -> dict[str, int]:
    """Give every point its index, once for ever; the version counts every change."""
    known = dict(connection.execute("SELECT id, i FROM points"))
    bodies = dict(connection.execute("SELECT id, body FROM points"))
    changed: list[tuple[int, str, str]] = []
    for point in points:
        index = known.setdefault(point.id, len(known))
        body = msgspec.json.encode(_row(index, point)).decode()
        if bodies.get(point.id) != body:
            changed.append((index, point.id, body))
    if changed:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?)", changed)
            connection.execute(
                "INSERT INTO meta VALUES ('dictionary', '1') ON CONFLICT (key) DO UPDATE"
                " SET value = CAST(value AS INTEGER) + 1"
            )
    return known


def dictionary(connection: sqlite3.Connection) -> Dictionary:
    """The dictionary as it is published under `md`."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'dictionary'").fetchone()
    bodies = connection.execute("SELECT body FROM points ORDER BY i")
    rows = [msgspec.json.decode(body, type=PointRow) for (body,) in bodies]
    return Dictionary(int(row[0]) if row else 0, rows)


def _row(index: int, point: Point) -> PointRow:
    device, _, name = point.id.partition("/")
    return PointRow(
        index,
        device,
        name,
        f"{point.label} {point.metric}".strip(),
        point.unit,
        point.kind,
        point.precision,
        point.low,
        point.high,
        point.simulated,
    )


START = '{"k":"start"}'  # the input of judging when a process begins


class JudgedReading(NamedTuple):
    """A committed reading, with all that a rule may see of it."""

    point: str
    value: Value
    quality: Quality
    at: int

    @property
    def good(self) -> bool:
        """Whether the value may be used to decide."""
        return not self.quality.bad


class JudgedInput(NamedTuple):
    """A committed input that is not a reading: time that passed, a person, a start."""

    at: int
    body: str


def committed(connection: sqlite3.Connection) -> Iterator[JudgedReading | JudgedInput]:
    """Everything that was judged and committed, in the order in which it was judged."""
    names = dict(connection.execute("SELECT i, id FROM points"))
    inputs: dict[int, list[tuple[int, JudgedInput]]] = {}
    for s, position, at, body in connection.execute(
        "SELECT s, position, at, body FROM inputs ORDER BY id"
    ):
        inputs.setdefault(s, []).append((position, JudgedInput(at, body)))
    last = 0
    for s, at, stored in connection.execute("SELECT s, at, body FROM tm ORDER BY s"):
        yield from _in_row(msgspec.json.decode(unpacked(stored)), at, inputs.pop(s, []), names)
        last = s
    for s in sorted(inputs):
        if s > last:
            yield from (entry for _, entry in inputs[s])


def recent(
    connection: sqlite3.Connection, since: int, points: Collection[str]
) -> list[JudgedReading]:
    """Stored readings of some points since a moment of kitchen time, oldest first."""
    names = dict(connection.execute("SELECT i, id FROM points"))
    found: list[JudgedReading] = []
    query = "SELECT at, body FROM tm WHERE s >= ? ORDER BY s"
    for at, stored in connection.execute(query, (first_since(connection, since),)):
        row = _in_row(msgspec.json.decode(unpacked(stored)), at, [], names)
        found.extend(
            seen for seen in row if isinstance(seen, JudgedReading) and seen.point in points
        )
    return found


def past(
    connection: sqlite3.Connection, since: int, points: Collection[str]
) -> list[JudgedReading | JudgedInput]:
    """As `recent`, with every start of the process between them: nothing held over those."""
    names = dict(connection.execute("SELECT i, id FROM points"))
    first = first_since(connection, since)
    starts: dict[int, list[tuple[int, JudgedInput]]] = {}
    query = "SELECT s, position, at, body FROM inputs WHERE s >= ? AND body = ? ORDER BY id"
    for s, position, at, body in connection.execute(query, (first, START)):
        starts.setdefault(s, []).append((position, JudgedInput(at, body)))
    found: list[JudgedReading | JudgedInput] = []
    query = "SELECT s, at, body FROM tm WHERE s >= ? ORDER BY s"
    for s, at, stored in connection.execute(query, (first,)):
        row = _in_row(msgspec.json.decode(unpacked(stored)), at, starts.pop(s, []), names)
        found.extend(one for one in row if isinstance(one, JudgedInput) or one.point in points)
    return found


def first_since(connection: sqlite3.Connection, since: int) -> int:
    """The first telemetry row that ends at `since` or later: `at` has no index, but it grows."""
    query = "SELECT ifnull((SELECT min(s) FROM tm), 1), ifnull((SELECT max(s) FROM tm), 0)"
    low, high = connection.execute(query).fetchone()
    while low <= high:
        middle = (low + high) // 2
        query = "SELECT s, at FROM tm WHERE s >= ? ORDER BY s LIMIT 1"
        s, at = connection.execute(query, (middle,)).fetchone()
        if at < since:
            low = s + 1
        else:
            high = middle - 1
    return int(low)


def _in_row(
    row: Mapping[str, Any],
    at: int,
    inputs: list[tuple[int, JudgedInput]],
    names: Mapping[int, str],
) -> Iterator[JudgedReading | JudgedInput]:
    base = at - row["dt"][-1]
    quality: Mapping[str, int] = dict(row.get("q", {}))
    waiting = list(inputs)
    for position, (index, offset, value) in enumerate(
        zip(row["c"], row["dt"], row["x"], strict=True)
    ):
        while waiting and waiting[0][0] <= position:
            yield waiting.pop(0)[1]
        code = quality.get(str(position), 0)
        yield JudgedReading(names[index], value, QUALITY_OF_CODE[code], base + offset)
    yield from (entry for _, entry in waiting)
