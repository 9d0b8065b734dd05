"""Rows of the log as columns by hour and point, with what was never collected made explicit.

A reading belongs to the hour of its UTC, whatever order it was committed in. Where the log has a
hole (the gateway was off, or nothing could be stored), every point that had a value is given a BAD
reading "not started" at its beginning: what stood there does not stand over the hole.
"""

import zlib
from array import array
from collections.abc import Callable, Iterable

import msgspec

from gateway.reading import QUALITY_OF_CODE, Quality, Value
from gateway.store.block import Columns, ordered
from gateway.store.log import unpacked
from gateway.store.months import HOUR_LAST
from gateway.store.rollup import HOUR_MS

HOLE_MS = 90_000  # the gateway's own points alone fill a row every 10 s
_TEXT_WEIGHS = 8  # so many characters of a text take the memory of a number
_NOT_STARTED = Quality.NOT_STARTED.code

Key = tuple[int, int]  # hour since 1970, index of the point


class _Row(msgspec.Struct, gc=False):
    e: int
    t0: int
    c: list[int]
    dt: list[int]
    x: list[float | int | bool | str | None]
    q: dict[str, int] = {}


class Gathered:
    """Readings of one point in one hour, in the order of the log."""

    __slots__ = ("at", "codes", "values")

    def __init__(self) -> None:
        self.at = array("I")
        self.values: list[Value] = []
        self.codes = bytearray()

    def columns(self) -> Columns:
        """The same in the order of time."""
        return ordered(Columns(self.at, self.values, bytes(self.codes)))


class Gatherer:
    """Takes rows in order.

    `skip` says up to which row the file of an hour has them already, `alive` which points had a
    value at a moment in UTC and so are told about a hole.
    """

    def __init__(
        self,
        skip: Callable[[int], int],
        alive: Callable[[int], Iterable[int]],
    ) -> None:
        self.hours: dict[Key, Gathered] = {}
        self.latest: dict[int, Gathered] = {}  # by point, where its last reading is
        self.covered: set[int] = set()  # hours of any point
        self.holes: list[int] = []  # where they begin, UTC ms
        self.readings = 0
        self.unplaced = 0  # readings of a year no calendar has, and rows that cannot be read
        self._skip = skip
        self._alive = alive
        self._before: tuple[int, int] | None = None  # epoch and UTC of the last row's end
        self._numbers: dict[float, float] = {}
        self._decoder = msgspec.json.Decoder(_Row)

    def follow(self, stored: bytes) -> None:
        """The row before the first one taken, so that a hole between them is seen."""
        row = self._decoded(stored)
        if row is not None:
            self._before = row.e, row.t0 + row.dt[-1]

    def take(self, s: int, stored: bytes) -> None:
        """Add the readings of row `s`."""
        row = self._decoded(stored)
        if row is None:
            self.unplaced += 1
            return
        before, self._before = self._before, (row.e, row.t0 + row.dt[-1])
        if before is not None and (row.e != before[0] or row.t0 - before[1] > HOLE_MS):
            self.holes.append(before[1])
            for index in list(self._alive(before[1])):
                self._add(s, index, before[1], None, _NOT_STARTED)
        self._take(s, row)

    def empty(self) -> None:
        """Forget the readings, which are in the history now."""
        self.hours.clear()
        self.latest.clear()
        self.holes.clear()
        self._numbers.clear()
        self.readings = 0

    def _take(self, s: int, row: _Row) -> None:
        quality, numbers = row.q, self._numbers
        self.covered.add(row.t0 // HOUR_MS)
        self.covered.add((row.t0 + row.dt[-1]) // HOUR_MS)
        for position, (index, after, value) in enumerate(zip(row.c, row.dt, row.x, strict=True)):
            code = quality.get(str(position), 0) if quality else 0
            if type(value) is float:
                value = numbers.setdefault(value, value)  # noqa: PLW2901 - one object each
            self._add(s, index, row.t0 + after, value, code)

    def _add(self, s: int, index: int, at: int, value: Value, code: int) -> None:
        hour, offset = divmod(at, HOUR_MS)
        gathered = self.hours.get((hour, index))
        if gathered is None:
            if not 0 <= hour <= HOUR_LAST:
                self.unplaced += 1
                return
            if s <= self._skip(hour):
                return
            gathered = self.hours[hour, index] = Gathered()
        elif s <= self._skip(hour):
            return
        gathered.at.append(offset)
        gathered.values.append(value)
        gathered.codes.append(code)
        self.latest[index] = gathered
        self.readings += 1 if type(value) is not str else 1 + len(value) // _TEXT_WEIGHS

    def _decoded(self, stored: bytes) -> _Row | None:
        """None for a row that cannot be read; a value no quality allows is none."""
        try:
            row = self._decoder.decode(unpacked(stored))
        except (zlib.error, msgspec.DecodeError):
            return None
        sound = len(row.c) == len(row.dt) == len(row.x) > 0
        known = not row.q or all(code in QUALITY_OF_CODE for code in row.q.values())
        return row if sound and known else None
