"""The log: readings and events become rows, and a transaction a second holds all they caused.

Rows are immutable and numbered without gaps when they are committed. The same transaction carries
the state of judging and the cursors, so the state is always a function of committed input.
"""

import asyncio
import contextlib
import logging
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from gateway.clock import Clock
from gateway.reading import Quality, Reading
from gateway.store.errors import StoreError
from gateway.store.worker import StoreWorker
from gateway.sync.protocol import Cursor, Stream, event_row, telemetry_row
from gateway.sync.ranges import Ranges

logger = logging.getLogger(__name__)

PERIOD_S = 1.0  # how much telemetry a power cut may cost
CURSOR_MS = 10_000  # a cursor kept late costs rows sent twice, which the cloud drops, not flash
COMPRESS_FROM = 8  # readings in a row from which zlib pays
EARLY_MESSAGES = 8  # so many LAN messages that wait for their PUBACK do not wait for the second
HASTE = 8  # so many commits of a second are made at once when asked for; then BREATH_S apart
BREATH_S = 0.1
ROW_READINGS = 2_000  # a fuller row is closed and the next one begun
ROW_BYTES = 60_000  # estimated, of its JSON: likewise
WAITING_READINGS = 100_000  # held in memory while the disk refuses; about 100 min at 1,000/min
WAITING_DECIDED = 10_000  # beyond those, for readings the state of judging hangs on
WAITING_EVENTS = 10_000
WAITING_NOTICES = 10_000
WAITING_AUDIT = 10_000
WALL_STEP_MS = 20  # so far off may a row's UTC be before the wall clock is looked at again
_INSERT = {"tm": "INSERT INTO tm VALUES (?, ?, ?)", "ev": "INSERT INTO ev VALUES (?, ?, ?)"}
_READING_BYTES = 24  # index, `dt` and a number
Chaining = Callable[[sqlite3.Connection, Sequence[bytes]], None]
_RETRY_S = (0.2, 1.0, 5.0)


class Row(NamedTuple):
    """A committed row as it goes to the cloud: the JSON of `docs/protocol.md`."""

    stream: Stream
    s: int
    t0: int
    body: bytes


class _Numbered(NamedTuple):
    """A row with what the file keeps beside it."""

    row: Row
    at: int
    readings: int


class Input(NamedTuple):
    """Something other than a reading that was judged, before the reading at `position`."""

    row: int  # which row of the batch
    position: int
    at: int
    body: str


@dataclass(slots=True)
class _Gathering:
    """The readings of one row to come."""

    readings: list[Reading] = field(default_factory=list)
    t0: int = 0
    size: int = 0  # estimated bytes of JSON


@dataclass(slots=True)
class _Batch:
    """Everything the next transaction will hold."""

    rows: list[_Gathering] = field(default_factory=lambda: [_Gathering()])
    events: list[tuple[str, Mapping[str, object], int, int]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    state: dict[str, str | None] = field(default_factory=dict)
    notices: dict[str, str | None] = field(default_factory=dict)
    audit: list[bytes] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    readings: int = 0

    def empty(self) -> bool:
        state = self.state or self.notices or self.cursors
        return not (self.readings or self.events or self.inputs or self.audit or state)


@dataclass(slots=True)
class Counters:
    """What the log has done since the start; shown on the page and under /metrics."""

    commits: int = 0
    rows: int = 0
    readings: int = 0
    events: int = 0
    failures: int = 0
    dropped_readings: int = 0
    dropped_events: int = 0
    dropped_inputs: int = 0
    dropped_notices: int = 0
    audit: int = 0
    dropped_audit: int = 0


class Log:
    """Collects on the loop, commits through the writer; `on_committed` gets the new rows."""

    def __init__(
        self,
        writer: StoreWorker,
        clock: Clock,
        epoch: int,
        following: Mapping[Stream, int],
        chain: Chaining,
    ) -> None:
        """`chain` writes entries of the audit chain in the transaction of what they tell of."""
        self._writer = writer
        self._clock = clock
        self._epoch = epoch
        self._chain = chain
        self._following = dict(following)  # the next `s` of each stream
        self._batch = _Batch()
        self._due = asyncio.Event()
        self._pressed = asyncio.Event()  # somebody cannot go on before the next commit
        self._hasty = 0  # commits of this second
        self._waiters: list[asyncio.Future[None]] = []
        self._cursors: dict[str, str] = {}
        self._cursors_due = clock.now() + CURSOR_MS
        self._closing = False
        self._ahead = clock.wall() - clock.now()  # of kitchen time
        self.dictionary = 0  # version of the dictionary rows refer to
        self.counters = Counters()
        self.failing: str | None = None
        self.turned_at = clock.now()  # when the disk last answered, be it with a refusal
        self.on_full: Callable[[], str] = lambda: ""  # why, in words
        self.on_committed: Callable[[list[Row]], None] = lambda rows: None
        # Told the number of each commit, also of one that had nothing to write.
        self.on_durable: list[Callable[[int], None]] = []
        self._number = 0  # of the commit that is gathering
        self._awaited = 0  # messages that wait for it

    def append(self, reading: Reading, *, decided: bool = False) -> None:
        """Put one reading into the next row; one that decided something is dropped last."""
        batch = self._batch
        if batch.readings >= WAITING_READINGS + (WAITING_DECIDED if decided else 0):
            self.counters.dropped_readings += 1
            return
        row = batch.rows[-1]
        size = _text_size(reading.value) if isinstance(reading.value, str) else _READING_BYTES
        if not row.readings:
            row.t0 = self._utc(reading.at)
        elif len(row.readings) >= ROW_READINGS or row.size + size > ROW_BYTES:
            row = _Gathering(t0=self._utc(reading.at))
            batch.rows.append(row)
            self._due.set()
        row.readings.append(reading)
        row.size += size
        batch.readings += 1

    def judged(self, at: int, body: str) -> None:
        """Remember an input of judging that is not a reading, in its place between them."""
        if len(self._batch.inputs) >= WAITING_EVENTS:
            self.counters.dropped_inputs += 1
            return
        row = len(self._batch.rows) - 1
        self._batch.inputs.append(Input(row, len(self._batch.rows[row].readings), at, body))

    def event(self, kind: str, data: Mapping[str, object], at: int) -> None:
        """Put an event into the next transaction and have it committed at once."""
        if len(self._batch.events) >= WAITING_EVENTS:
            self.counters.dropped_events += 1
            return
        t0 = self._utc(at)
        self._batch.events.append((kind, data, t0, at))
        self._due.set()

    def remember(self, key: str, body: str | None) -> None:
        """Keep (or with None forget) an entry of the state of judging."""
        self._batch.state[key] = body

    def notice(self, key: str, body: str | None) -> None:
        """Keep (or with None forget) what became of one message to one recipient."""
        notices = self._batch.notices
        if len(notices) >= WAITING_NOTICES and key not in notices:
            self.counters.dropped_notices += 1
            return
        notices[key] = body

    def audit(self, body: bytes) -> bool:
        """Have an entry of the audit chain committed at once; False when there is no room."""
        if self.audit_full:
            self.counters.dropped_audit += 1
            return False
        self._batch.audit.append(body)
        self._due.set()
        return True

    @property
    def audit_full(self) -> bool:
        """Whether the next entry of the audit chain would find no room."""
        return len(self._batch.audit) >= WAITING_AUDIT

    def move_cursors(self, moved: Mapping[Cursor, Ranges]) -> None:
        """Keep which rows of a stream have passed, and which of them are lost, within CURSOR_MS."""
        for cursor, ranges in moved.items():
            self._cursors[cursor] = msgspec.json.encode(ranges).decode()

    def commit_soon(self) -> None:
        """Do not wait for the second to end."""
        self._due.set()

    @property
    def dropped(self) -> int:
        """Readings that found no room while the disk refused."""
        return self.counters.dropped_readings

    def await_commit(self) -> int:
        """The number of the commit that will hold all that was handed over; see `on_durable`.

        Called once for each message that is acknowledged only then: EARLY_MESSAGES of them do not
        wait for the second to end.
        """
        self._awaited += 1
        if self._awaited == EARLY_MESSAGES:
            self._due.set()
        return self._number

    def press(self) -> None:
        """Commit without a breath: whoever waits for it can take no more before."""
        self._pressed.set()
        self._due.set()

    def stored(self) -> asyncio.Future[None]:
        """What is done once all that has been handed over so far is committed."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.press()
        return waiter

    async def durable(self) -> None:
        """Return once all that has been handed over so far is committed."""
        await self.stored()

    async def run(self) -> None:
        """Commit once a second, or at once when asked; ends after the last commit of `close`."""
        period = self._period()
        try:
            while True:
                await self._due.wait()
                if self._hasty > HASTE:
                    await self._breathe(period)
                closing = self._closing
                self.turned_at = self._clock.now()
                if period.done():
                    period, self._hasty = self._period(), 0
                self._hasty += 1
                await self.commit()
                if closing:
                    return
        finally:
            period.cancel()

    def _period(self) -> asyncio.Task[None]:
        """A second, at whose end a commit is due."""
        return self._after(PERIOD_S, self._due, "log period")

    async def _breathe(self, period: asyncio.Task[None]) -> None:
        """Let more gather, unless somebody presses: a storm of events must not wear the disk."""
        if period.done():
            return
        rest = self._after(BREATH_S, self._pressed, "log breath")
        try:
            await self._pressed.wait()
        finally:
            rest.cancel()

    def _after(self, seconds: float, event: asyncio.Event, name: str) -> asyncio.Task[None]:
        sleep = self._clock.sleep(seconds * self._clock.speed)
        task = asyncio.get_running_loop().create_task(sleep, name=name)
        task.add_done_callback(lambda done: None if done.cancelled() else event.set())
        return task

    def close(self) -> None:
        """Have `run` write what has gathered and end."""
        self._closing = True
        self.press()

    async def commit(self) -> None:
        """Write what has gathered; keeps it and tries again while the disk refuses."""
        self._due.clear()
        self._pressed.clear()
        self._take_cursors()
        batch, self._batch = self._batch, _Batch()
        waiters, self._waiters = self._waiters, []
        number, self._number, self._awaited = self._number, self._number + 1, 0
        if not batch.empty():
            rows = self._encode(batch)
            attempt = 0
            while not await self._try(rows, batch):
                pause_s = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
                await self._clock.sleep(pause_s * self._clock.speed)
                attempt += 1
            self._count(batch, rows)
            self.on_committed([numbered.row for numbered in rows])
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for durable in self.on_durable:
            durable(number)

    def _take_cursors(self) -> None:
        """Put the cursors that moved into the batch when their time has come."""
        now = self._clock.now()
        if self._cursors and (now >= self._cursors_due or self._closing):
            self._batch.cursors.update(self._cursors)
            self._cursors.clear()
            self._cursors_due = now + CURSOR_MS

    async def _try(self, rows: list[_Numbered], batch: _Batch) -> bool:
        try:
            await self._writer.call(lambda connection: _write(connection, rows, batch, self._chain))
        except StoreError as error:
            self.turned_at = self._clock.now()
            self.counters.failures += 1
            before = self.failing
            self.failing = self.on_full() or str(error) if error.full else str(error)
            if before is None:
                logger.error(
                    "store: %s; readings are kept in memory until it works again", self.failing
                )
            return False
        if self.failing is not None:
            logger.warning("store: works again")
            self.failing = None
        return True

    def _utc(self, at: int) -> int:
        """UTC for a moment of kitchen time; small steps of the wall clock do not reorder rows."""
        ahead = self._clock.wall() - self._clock.now()
        if abs(ahead - self._ahead) > WALL_STEP_MS:
            self._ahead = ahead
        return at + self._ahead

    def _encode(self, batch: _Batch) -> list[_Numbered]:
        rows: list[_Numbered] = []
        first = self._following["tm"]
        for gathered in batch.rows:
            readings = gathered.readings
            if readings:
                row = self._telemetry(gathered)
                rows.append(_Numbered(row, readings[-1].at, len(readings)))
        for kind, data, t0, at in batch.events:
            s = self._following["ev"]
            self._following["ev"] = s + 1
            body = event_row(s, epoch=self._epoch, t0=t0, kind=kind, data=data)
            rows.append(_Numbered(Row("ev", s, t0, body), at, 1))
        batch.inputs = [entry._replace(row=first + entry.row) for entry in batch.inputs]
        return rows

    def _telemetry(self, gathered: _Gathering) -> Row:
        s = self._following["tm"]
        self._following["tm"] = s + 1
        readings = gathered.readings
        base = readings[0].at
        body = telemetry_row(
            s,
            epoch=self._epoch,
            dictionary=self.dictionary,
            t0=gathered.t0,
            columns=(
                [reading.point.index for reading in readings],
                [reading.at - base for reading in readings],
                [
                    # Most numbers are in their shortest form already.
                    shortest(value) if isinstance(value, float) and value.is_integer() else value
                    for value in [reading.value for reading in readings]
                ],
            ),
            quality={
                str(position): reading.quality.code
                for position, reading in enumerate(readings)
                if reading.quality is not Quality.GOOD
            },
        )
        return Row("tm", s, gathered.t0, body)

    def _count(self, batch: _Batch, rows: list[_Numbered]) -> None:
        self.counters.commits += 1
        self.counters.rows += len(rows)
        self.counters.readings += batch.readings
        self.counters.events += len(batch.events)
        self.counters.audit += len(batch.audit)


def _text_size(text: str) -> int:
    """Bytes of JSON a text takes, about: 200 characters of up to 6 bytes each."""
    return _READING_BYTES + len(msgspec.json.encode(text))


def shortest(value: object) -> object:
    """A number in its shortest JSON form: 4.0 is written 4, and -0.0 as 0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004
        return int(value)
    return value


def packed(body: bytes, readings: int) -> bytes:
    """A row as it is stored; a zlib stream begins with 0x78, JSON with a brace."""
    return zlib.compress(body, 6) if readings >= COMPRESS_FROM else body


def unpacked(stored: bytes) -> bytes:
    """The JSON of a stored row."""
    return zlib.decompress(stored) if stored[:1] == b"\x78" else stored


def _write(
    connection: sqlite3.Connection,
    rows: list[_Numbered],
    batch: _Batch,
    chain: Chaining,
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for row, at, readings in rows:
            stored = packed(row.body, readings)
            connection.execute(_INSERT[row.stream], (row.s, at, stored))
        connection.executemany(
            "INSERT INTO inputs (s, position, at, body) VALUES (?, ?, ?, ?)", batch.inputs
        )
        for key, body in batch.state.items():
            if body is None:
                connection.execute("DELETE FROM state WHERE key = ?", (key,))
            else:
                connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, body))
        _write_notices(connection, batch)
        chain(connection, batch.audit)
        connection.executemany(
            "INSERT OR REPLACE INTO cursors VALUES (?, ?)", list(batch.cursors.items())
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _write_notices(connection: sqlite3.Connection, batch: _Batch) -> None:
    for key, body in batch.notices.items():
        if body is None:
            connection.execute("DELETE FROM notices WHERE key = ?", (key,))
        else:
            connection.execute("INSERT OR REPLACE INTO notices VALUES (?, ?)", (key, body))
