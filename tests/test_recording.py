"""Playing recorded files: pace, gaps, bounds, ends and errors, on generated CSV."""

import gzip
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.base import BusError
from drivers.replay import Column, Options, Time
from gateway.buses.recording import LINE_MAX, OUTSTANDING_MAX, Message, Recording
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S

COLUMNS = {"temperature": Column(column="temp", unit="Cel")}
ISO = Time(columns=("when",))


class Loop:
    """Stands for the event loop: what is posted runs when the test says so."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.closed = False

    def post(self, callback: Callable[[], None]) -> None:
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.posted.put(callback)

    def turn(self) -> None:
        self.posted.get(timeout=PATIENCE_S)()


class Play:
    """One recording with what was heard of it, and when in ms after its start."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.clock = ManualClock()
        self.loop = Loop()
        self.heard: list[Message] = []
        self.at_ms: list[int] = []
        self.ends: list[BusError | None] = []
        start = self.clock.now()

        def post(callback: Callable[[], None]) -> None:
            self.at_ms.append(self.clock.now() - start)
            self.loop.post(callback)

        self.recording = Recording(options, self, clock=self.clock, post=post, folder=folder)

    def hear(self, message: Message) -> None:
        self.heard.append(message)

    def ended(self, error: BusError | None) -> None:
        self.ends.append(error)

    def to_the_end(self) -> "Play":
        self.recording.start()
        while not self.ends:
            self.loop.turn()
        return self

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.heard]

    @property
    def cells(self) -> list[str | None]:
        return [cells.get("temp") for _, cells in self.heard]

    @property
    def error(self) -> str:
        assert self.ends[-1] is not None
        return str(self.ends[-1])

    @property
    def thread(self) -> threading.Thread:
        return self.recording._thread


def options_of(
    time: Time | None = ISO,
    *,
    pace: float = 1.0,
    repeat: bool = False,
    group: str | None = None,
) -> Options:
    period = 1.0 if time is None else None
    return Options(
        file="kitchen.csv", columns=COLUMNS, time=time, period=period,
        pace=pace, repeat=repeat, group=group,
    )  # fmt: skip


def play(folder: Path, text: str | bytes, options: Options | None = None) -> Play:
    data = text.encode() if isinstance(text, str) else text
    (folder / "kitchen.csv").write_bytes(data)
    return Play(folder, options or options_of())


def timed(*seconds: int) -> str:
    rows = (f"2017-12-22 10:{each // 60:02d}:{each % 60:02d},{each}\n" for each in seconds)
    return "when,temp\n" + "".join(rows)


def test_rows_come_as_far_apart_as_they_were_recorded_with_their_gaps(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(0, 30, 61, 1800)).to_the_end()
    assert seen.numbers == [1, 2, 3, 4]
    assert seen.cells == ["0", "30", "61", "1800"]
    assert seen.at_ms[:4] == [0, 30_000, 61_000, 1_800_000]
    assert seen.ends == [None]


def test_a_faster_pace_keeps_the_proportions(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(0, 30, 61), options_of(pace=10.0)).to_the_end()
    assert seen.at_ms[:3] == [0, 3_000, 6_100]


def test_repeated_and_earlier_times_wait_for_nothing(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(10, 10, 5, 15)).to_the_end()
    assert seen.at_ms[:4] == [0, 0, 0, 10_000]


def test_a_file_without_times_has_one_row_each_period(tmp_path: Path) -> None:
    seen = play(tmp_path, "temp\n20.0\n20.1\n20.2\n", options_of(None)).to_the_end()
    assert seen.at_ms[:3] == [0, 1_000, 2_000]


@pytest.mark.parametrize(
    ("time", "stamps"),
    [
        (
            Time(columns=("a", "b"), format="%Y/%m/%d %H:%M:%S"),
            "2017/12/22,10:49:41|2017/12/22,10:50:12",
        ),
        (Time(columns=("a",), format="%d.%m.%Y %H:%M"), "22.12.2017 10:49,|22.12.2017 10:50,"),
        (Time(columns=("a",)), "2017-12-22T10:49:41Z,|2017-12-22T19:50:12+09:00,"),
    ],
)  # fmt: skip
def test_times_may_stand_in_one_column_or_two_in_any_format(
    tmp_path: Path, time: Time, stamps: str
) -> None:
    rows = "".join(f"{each},1\n" for each in stamps.split("|"))
    seen = play(tmp_path, "a,b,temp\n" + rows, options_of(time)).to_the_end()
    assert seen.ends == [None]
    assert seen.at_ms[1] in {31_000, 60_000}


def test_another_group_starts_another_recording_one_step_later(tmp_path: Path) -> None:
    text = (
        "file,when,temp\n"
        "a,2020-03-09 10:00:00,1\na,2020-03-09 10:00:02,2\n"
        "b,2020-03-01 08:00:00,3\nb,2020-03-01 08:00:01,4\n"
    )
    seen = play(tmp_path, text, options_of(group="file")).to_the_end()
    assert seen.at_ms[:4] == [0, 2_000, 4_000, 5_000]
    assert seen.numbers == [1, 2, 3, 4]


def test_a_gzipped_file_is_told_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    seen = play(tmp_path, gzip.compress(timed(0, 1).encode())).to_the_end()
    assert seen.cells == ["0", "1"]


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kitchen.csv").write_text("temp\n1\n")
    options = Options(file=str(tmp_path / "kitchen.csv"), columns=COLUMNS, period=1.0)
    assert Play(Path("elsewhere"), options).to_the_end().numbers == [1]


def test_a_byte_order_mark_blank_lines_and_quotes_are_no_trouble(tmp_path: Path) -> None:
    text = '\ufefftemp,"a, b"\r\n20,x\r\n\r\n21,"y, z"\r\n'
    seen = play(tmp_path, text, options_of(None)).to_the_end()
    assert seen.heard == [(1, {"temp": "20"}), (2, {"temp": "21"})]


def test_empty_cells_and_rows_out_of_shape_are_gaps_in_their_place(tmp_path: Path) -> None:
    text = (
        "when,temp\n2017-12-22 10:00:00,20\n2017-12-22 10:00:02,\n"
        "2017-12-22 10:00:04,20,5\n2017-12-22 10\n2017-12-22 10:00:09,21\n"
    )
    seen = play(tmp_path, text).to_the_end()
    assert seen.cells == ["20", "", None, None, "21"]
    assert seen.numbers == [1, 2, 3, 4, 5]
    assert seen.at_ms[:4] == [0, 2_000, 4_000, 6_000]


def test_a_repeated_file_starts_again_one_step_after_its_end(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(0, 2, 4), options_of(repeat=True))
    seen.recording.start()
    while len(seen.heard) < 7:
        seen.loop.turn()
    seen.recording.close()
    assert seen.numbers[:7] == [1, 2, 3, 1, 2, 3, 1]
    assert seen.at_ms[:7] == [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000]
    seen.thread.join(PATIENCE_S)
    assert not seen.thread.is_alive()


def test_at_most_so_many_rows_wait_for_the_loop_and_none_is_lost(tmp_path: Path) -> None:
    rows = 3 * OUTSTANDING_MAX
    text = "temp\n" + "".join(f"{number}\n" for number in range(rows))
    seen = play(tmp_path, text, options_of(None, pace=1e6))
    seen.recording.start()
    most = 0
    while not seen.ends:
        most = max(most, seen.recording.rows_played - len(seen.heard))
        seen.loop.turn()
    assert most <= OUTSTANDING_MAX
    assert seen.cells == [str(number) for number in range(rows)]
    assert seen.recording.rows_played == rows


def test_a_recording_held_up_by_the_loop_stops_reading(tmp_path: Path) -> None:
    text = "temp\n" + "1\n" * 1000
    seen = play(tmp_path, text, options_of(None, pace=1e6))
    seen.recording.start()
    held = [seen.loop.posted.get(timeout=PATIENCE_S) for _ in range(OUTSTANDING_MAX)]
    with pytest.raises(queue.Empty):
        seen.loop.posted.get(timeout=0.05)
    held[0]()
    seen.loop.posted.get(timeout=PATIENCE_S)
    assert seen.recording.rows_played == OUTSTANDING_MAX + 1
    seen.recording.close()
    seen.thread.join(PATIENCE_S)
    assert not seen.thread.is_alive()


def test_nothing_is_heard_after_closing(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(0, 1))
    seen.recording.start()
    first = seen.loop.posted.get(timeout=PATIENCE_S)
    seen.recording.close()
    first()
    seen.thread.join(PATIENCE_S)
    assert not seen.thread.is_alive()
    assert (seen.heard, seen.ends) == ([], [])


def test_a_loop_that_has_closed_ends_the_thread_quietly(tmp_path: Path) -> None:
    seen = play(tmp_path, timed(0, 1))
    seen.loop.closed = True
    seen.recording.start()
    seen.thread.join(PATIENCE_S)
    assert not seen.thread.is_alive()


ZIPPED = gzip.compress(
    timed(0).encode(), mtime=0
)  # the same in each worker, since tests are named by it


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", r"kitchen\.csv:1: column 'temp' is missing; there are: \[\]"),
        (b"time,Temp\n", r"kitchen\.csv:1: column 'temp' is missing; there are: \['time', 'T"),
        (b"temp,temp,when\n", r"kitchen\.csv:1: column 'temp' stands twice"),
        (b"temp\n1\n", r"kitchen\.csv:1: column 'when' is missing"),
        (b"when,temp\n", r"kitchen\.csv: holds no rows"),
        (b"when,temp\n2017-12-22,1\nyesterday,2\n", r"kitchen\.csv:3: .*yesterday"),
        (b"when,temp\n2017-12-22,\xff\n", r"kitchen\.csv:1: .*utf-8"),
        (b'when,temp\n2017-12-22,"2"3\n', r"kitchen\.csv:2: "),
        (b"when,temp\n2017-12-22," + b"9" * LINE_MAX, r"kitchen\.csv:1: a line of more than 65536"),
        (ZIPPED[:-9], r"kitchen\.csv:\d+: .*end-of-stream"),
        (ZIPPED[:-8] + b"\x00" * 8, r"kitchen\.csv:\d+: CRC check failed"),
        (b"\x1f\x8bnothing of the kind", r"kitchen\.csv:0: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_is_told_with_its_line(
    tmp_path: Path, data: bytes, words: str
) -> None:
    seen = play(tmp_path, data).to_the_end()
    with pytest.raises(BusError, match=words):
        raise seen.ends[0] or AssertionError


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    seen = Play(tmp_path, options_of()).to_the_end()
    assert seen.error == f"{tmp_path / 'kitchen.csv'}: there is no such file"


def test_the_rows_before_a_broken_end_are_heard(tmp_path: Path) -> None:
    whole = gzip.compress(timed(*range(3000)).encode())
    seen = play(tmp_path, whole[: len(whole) // 2]).to_the_end()
    assert "end-of-stream" in seen.error
    assert 0 < len(seen.heard) < 3000
    assert seen.cells == [str(number) for number in range(len(seen.heard))]
