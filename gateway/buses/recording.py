"""A recorded CSV file as a bus: its rows arrive now, as far apart as they were recorded.

The file may be gzipped and of any length: it is read row by row in a daemon thread of its own,
and at most 64 rows wait for the loop; while they do, the thread waits too. Gaps in time are kept.
"""

import asyncio
import csv
import gzip
import logging
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import BinaryIO, NamedTuple, Protocol, cast

from drivers.base import BusError
from gateway.buses.kinds import Ear, Host
from gateway.clock import Clock

logger = logging.getLogger(__name__)

OUTSTANDING_MAX = 64
LINE_MAX = 65_536  # bytes; a longer line is no CSV
_GZIP = b"\x1f\x8b"
_NAP_S = 1.0  # longest wait in one piece, so that `close()` is heard

Message = tuple[int, Mapping[str, str]]  # number of the row in the file from 1, cells by column
Post = Callable[[Callable[[], None]], object]  # such as `loop.call_soon_threadsafe`


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a bus of kind `recording`; which file is played, each device says itself."""

    path: str = ""

    @property
    def wire(self) -> str:
        return ""


class Named(Protocol):
    """A column that somebody wants."""

    @property
    def column(self) -> str: ...


class Timed(Protocol):
    """The columns that hold the time, and its format: `iso` or one of strptime."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def format(self) -> str: ...


class Track(Protocol):
    """What to play and how; the options of the `replay` driver are one."""

    @property
    def file(self) -> str: ...
    @property
    def columns(self) -> Mapping[str, Named]: ...
    @property
    def time(self) -> Timed | None: ...
    @property
    def period(self) -> float | None: ...
    @property
    def pace(self) -> float: ...
    @property
    def repeat(self) -> bool: ...
    @property
    def group(self) -> str | None: ...


class Audience(Protocol):
    """Who hears a recording; called through `post` only, never in the reading thread."""

    def hear(self, message: Message) -> None:
        """Take one row."""

    def ended(self, error: BusError | None) -> None:
        """Nothing more comes: the file is at its end, or cannot be read any further."""


class Recording:
    """One file being played; it cannot be started twice."""

    def __init__(
        self, track: Track, audience: Audience, *, clock: Clock, post: Post, folder: Path
    ) -> None:
        """A relative `track.file` is looked up in `folder`."""
        self.rows_played = 0  # handed over so far, over all repetitions
        self.track = track
        self._path = folder / track.file
        self._audience = audience
        self._clock = clock
        self._post = post
        self._free = Semaphore(OUTSTANDING_MAX)
        self._closed = Event()
        self._thread = Thread(target=self._run, name=f"recording-{self._path.name}", daemon=True)

    def start(self) -> None:
        """Begin to play; what is wrong with the file is told by `ended`."""
        self._thread.start()

    def close(self) -> None:
        """Stop; nothing is heard any more. Does not wait for the thread, which ends in a second."""
        self._closed.set()
        self._free.release()

    def _run(self) -> None:
        error = None
        try:
            self._play()
        except BusError as seen:
            error = seen
        self._tell(partial(self._audience.ended, error))

    def _play(self) -> None:
        schedule = _Schedule(self.track, self._clock.now())
        while True:
            any_row = False
            for row in _rows(self._path, self.track):
                any_row = True
                self._wait_until(schedule.due_ms(row))
                self._free.acquire()
                if self._closed.is_set():
                    return
                self.rows_played += 1
                self._tell(partial(self._arrived, (row.number, row.cells)))
            if not any_row:
                raise BusError(f"{self._path}: holds no rows")
            if not self.track.repeat:
                return
            schedule.again()

    def _arrived(self, message: Message) -> None:
        self._free.release()
        self._audience.hear(message)

    def _wait_until(self, due_ms: int) -> None:
        while not self._closed.is_set():
            wait_s = (due_ms - self._clock.now()) / 1000
            if wait_s <= 0:
                return
            self._clock.pause(min(wait_s, _NAP_S))

    def _tell(self, what: Callable[[], None]) -> None:
        def unless_closed() -> None:
            if not self._closed.is_set():
                what()

        try:
            self._post(unless_closed)
        except RuntimeError:  # the loop has closed: nobody listens any more
            self._closed.set()


class Recordings:
    """The files that play on one bus; the real kitchen and the emulated one have the same."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.playing: list[Recording] = []

    def listen(self, track: Track, ear: Ear) -> None:
        """Begin to play a file; call it on the loop."""
        post = asyncio.get_running_loop().call_soon_threadsafe
        clock, folder = self._host.clock, self._host.folder
        name = Path(track.file).name
        recording = Recording(track, _Told(ear, name), clock=clock, post=post, folder=folder)
        self.playing.append(recording)
        recording.start()

    def release(self, track: Track) -> None:
        """End the play of a file."""
        for recording in [each for each in self.playing if each.track == track]:
            self.playing.remove(recording)
            recording.close()

    def close(self) -> None:
        """Nothing is heard any more."""
        for recording in self.playing:
            recording.close()


class _Told:
    """An ear as the audience of a recording."""

    def __init__(self, ear: Ear, name: str) -> None:
        self._ear = ear
        self._name = name

    def hear(self, message: Message) -> None:
        self._ear.hear(message)

    def ended(self, error: BusError | None) -> None:
        if error is not None:
            self._ear.fail(error)
        else:
            logger.info("%s: the recording has ended", self._name)


def open_bus(_options: Options, host: Host) -> Recordings:
    """Recordings need no wire."""
    return Recordings(host)


def emulate_bus(host: Host) -> Recordings:
    """A recording is its own world."""
    return Recordings(host)


def played(path: Path, track: Track) -> Iterator[tuple[int, Message]]:
    """Every row without waiting for it, with when it comes; raises BusError.

    In UTC ms where the file tells, else in ms since its beginning; never before the row ahead.
    """
    schedule = None
    for row in _rows(path, track):
        if schedule is None:
            schedule = _Schedule(track, round(1000 * (row.recorded_s or 0.0)))
        yield schedule.due_ms(row), (row.number, row.cells)


class _Row(NamedTuple):
    number: int
    cells: Mapping[str, str]
    recorded_s: float | None  # None: the file does not say
    group: str


class _Schedule:
    """When each row is due, in kitchen ms; never before the row ahead of it."""

    def __init__(self, track: Track, start_ms: int) -> None:
        self._pace = track.pace
        self._step_s = track.period or 1.0  # the last step forward
        self._due_ms = float(start_ms)
        self._last: _Row | None = None
        self._first = True

    def due_ms(self, row: _Row) -> int:
        if self._first:
            self._first = False
        else:
            self._due_ms += 1000 * self._wait_s(row) / self._pace
        self._last = row
        return int(self._due_ms)  # the clock tells no fractions

    def again(self) -> None:
        """The next row starts another recording."""
        self._last = None

    def _wait_s(self, row: _Row) -> float:
        last = self._last
        if last is None or last.group != row.group:
            return self._step_s
        if last.recorded_s is None or row.recorded_s is None:
            return self._step_s
        step_s = row.recorded_s - last.recorded_s
        if step_s > 0:
            self._step_s = step_s
        return max(0.0, step_s)


class _Columns:
    """Where in a row everything stands; raises BusError for what the header does not name."""

    def __init__(self, header: list[str], track: Track, path: Path) -> None:
        def place(name: str) -> int:
            if header.count(name) != 1:
                problem = "stands twice" if name in header else "is missing"
                raise BusError(f"{path}:1: column {name!r} {problem}; there are: {header}"[:500])
            return header.index(name)

        self.count = len(header)
        self.wanted = {each.column: place(each.column) for each in track.columns.values()}
        self.time = [place(name) for name in track.time.columns] if track.time else []
        self.group = place(track.group) if track.group else None


def _rows(path: Path, track: Track) -> Iterator[_Row]:
    """Every row with its number; blank lines do not count. Raises BusError with file and line."""
    reader = None
    try:
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == _GZIP
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if zipped else file
            reader = csv.reader(_lines(stream), strict=True)
            columns = _Columns(next(reader, []), track, path)
            full = (cells for cells in reader if cells)
            for number, cells in enumerate(full, start=1):
                yield _row(number, cells, columns, track.time)
    except FileNotFoundError as error:
        raise BusError(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error, csv.Error, ValueError) as error:
        line = reader.line_num if reader is not None else 0
        raise BusError(f"{path}:{line}: {error}") from error


def _row(number: int, cells: list[str], columns: _Columns, time: Timed | None) -> _Row:
    # In a row with a comma too many or too few nobody knows which cell is which: all are gaps.
    if len(cells) != columns.count:
        return _Row(number, {}, None, "")
    recorded_s = None
    if time is not None:
        recorded_s = _recorded_s(" ".join(cells[place] for place in columns.time), time.format)
    group = cells[columns.group] if columns.group is not None else ""
    return _Row(number, {name: cells[at] for name, at in columns.wanted.items()}, recorded_s, group)


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines of bounded length; raises ValueError (also for what is not UTF-8)."""
    encoding = "utf-8-sig"  # the first line may carry a byte order mark
    while line := stream.readline(LINE_MAX + 1):
        if len(line) > LINE_MAX:
            raise ValueError(f"a line of more than {LINE_MAX} bytes")
        yield line.decode(encoding)
        encoding = "utf-8"


def _recorded_s(text: str, form: str) -> float:
    if form == "iso":
        moment = datetime.fromisoformat(text.strip())
    else:
        moment = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the next line sees to it
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
