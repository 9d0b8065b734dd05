"""The MH-Z19 driver: the manual's frames and a capture, warm-up, settings, broken frames."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BusError, CorruptData, DriverError, Polled, Reason, Sample
from drivers.emulated import mhz19 as emulated
from drivers.mhz19 import WARM_UP_MS, Driver, Options, checksum, command
from gateway.buses.kinds import Mount
from tests.fakes import ManualClock
from tests.lines import PatientLine, ScriptedLine, mutations
from tests.processes import wait_for

CAPTURE = bytes.fromhex("FF 86 02 7C 42 00 00 00 BA")  # PyPMS, MHZ19B.hexdump: 636 ppm
MANUAL = bytes.fromhex("FF 86 02 20 00 00 00 00 58")  # MH-Z19B manual, 0x86: 544 ppm


def warm(line: ScriptedLine, options: Options | None = None) -> Driver:
    """A driver that has seen its sensor for long enough."""
    clock = ManualClock()
    driver = Driver(line, options or Options(), clock.pause, clock.now)
    answer, line.answer = line.answer, CAPTURE
    driver.read()
    clock.pause(WARM_UP_MS / 1000)
    line.answer = answer
    return driver


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        (command(0x86), "FF 01 86 00 00 00 00 00 79"),
        (command(0x79, b"\xa0"), "FF 01 79 A0 00 00 00 00 E6"),
        (command(0x79, b"\x00"), "FF 01 79 00 00 00 00 00 86"),
        (command(0x99, b"\0\0\0\x07\xd0"), "FF 01 99 00 00 00 07 D0 8F"),
        (command(0x99, b"\0\0\0\x13\x88"), "FF 01 99 00 00 00 13 88 CB"),
    ],
)
def test_commands_are_those_of_the_manual_and_of_esphome(frame: bytes, source: str) -> None:
    assert frame == bytes.fromhex(source)


@pytest.mark.parametrize(("frame", "ppm"), [(CAPTURE, 636.0), (MANUAL, 544.0)])
def test_frames_of_the_manual_and_of_a_capture_mean_what_they_say(frame: bytes, ppm: float) -> None:
    assert checksum(frame) == frame[-1]
    assert warm(ScriptedLine(frame)).read() == {"co2": Sample(ppm, raw=int(ppm))}


@given(st.binary(min_size=8, max_size=8))
def test_driver_and_chip_agree_on_every_checksum(body: bytes) -> None:
    assert emulated._with_sum(body) == body + bytes([checksum(body)])


@pytest.mark.parametrize(("range_", "high"), [(2000, 2000), (5000, 5000)])
def test_what_is_beyond_the_range_is_no_number(range_: int, high: int) -> None:
    for ppm in (high, high + 1, 65_535):
        frame = emulated._with_sum(b"\xff\x86" + ppm.to_bytes(2, "big") + bytes(4))
        sample = warm(ScriptedLine(frame), Options(range=range_)).read()["co2"]  # type: ignore[arg-type]
        assert (sample.value, sample.reason) == (
            (float(high), None) if ppm == high else (None, Reason.OUT_OF_RANGE)
        )


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"", BusError, "no answer.*5 V"),
        (command(0x86), BusError, "echo"),
        (CAPTURE[:5], CorruptData, "short frame, 5 of 9"),
        (CAPTURE[:-1] + b"\xbb", CorruptData, "checksum"),
        (emulated._with_sum(b"\xff\x79\x01" + bytes(5)), CorruptData, "another question"),
    ],
)
def test_every_fault_has_its_name(answer: bytes, error: type[DriverError], words: str) -> None:
    with pytest.raises(error, match=words):
        warm(ScriptedLine(answer)).read()


class Room:
    """A sensor on an emulated line in a room at 900 ppm."""

    def __init__(self, options: Options | None = None) -> None:
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"co2": 900.0}
        self.line = PatientLine(self.clock.now)
        options = options or Options()
        chip = self.line.mount(emulated.Chip, Mount(options, self.felt.__getitem__, seed=1))
        assert isinstance(chip, emulated.Chip)
        self.chip = chip
        self.driver: Polled = Driver(self.line, options, self.clock.pause, self.clock.now)

    def read(self) -> Sample:
        return self.driver.read()["co2"]


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.line.close()


def test_a_cold_sensor_has_not_started_and_says_no_number(room: Room) -> None:
    for _ in range(8):
        sample = room.read()
        assert (sample.value, sample.reason) == (None, Reason.NOT_STARTED)
        room.clock.pause(75 / 8)
    assert room.read().value == pytest.approx(900, abs=50)


def test_after_silence_it_is_cold_again(room: Room) -> None:
    room.read()
    room.clock.pause(75)
    assert room.read().value is not None
    room.chip.faults.silent, room.line.patient = True, False
    with pytest.raises(BusError, match="no answer"):
        room.read()
    room.chip.faults.silent, room.line.patient = False, True
    assert room.read().reason is Reason.NOT_STARTED
    room.clock.pause(75)
    assert room.read().value is not None


def test_a_wrong_frame_does_not_make_it_cold(room: Room) -> None:
    room.read()
    room.clock.pause(75)
    room.chip.faults.corrupt_bit = 30
    with pytest.raises(CorruptData):
        room.read()
    assert room.read().value is not None


def test_settings_are_sent_once_it_is_warm_and_not_again() -> None:
    room = Room(Options(range=2000, automatic_baseline=False))
    room.read()
    assert (room.chip.range, room.chip.automatic_baseline) == (5000, True)
    room.clock.pause(75)
    room.felt["co2"] = 4000.0
    room.read()
    wait_for(lambda: (room.chip.range, room.chip.automatic_baseline) == (2000, False))
    assert room.read().value == 2000.0
    room.chip.range = 5000  # by somebody else
    room.read()
    assert room.chip.range == 5000
    room.line.close()


def test_a_stuck_sensor_repeats_itself(room: Room) -> None:
    room.read()
    room.clock.pause(75)
    first = room.read()
    room.chip.faults.stuck = True
    room.felt["co2"] = 3000.0
    assert room.read() == first


def refuses_or_checks(driver: Driver, line: ScriptedLine, frame: bytes) -> None:
    line.answer = frame
    try:
        sample = driver.read()["co2"]
    except CorruptData:
        return
    except BusError:
        assert frame[:9] in {b"", command(0x86)}
        driver._heard_since_ms = 0  # it counts as warm again
        return
    assert sum(frame[1:9]) & 0xFF == 0
    assert sample.value == int.from_bytes(frame[2:4], "big") or sample.reason is not None


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=12))
def test_whatever_comes_is_refused_unless_its_checksum_holds(frame: bytes) -> None:
    line = ScriptedLine(CAPTURE)
    refuses_or_checks(warm(line), line, frame)


def test_no_broken_frame_of_100_000_becomes_a_number() -> None:
    line = ScriptedLine(CAPTURE)
    driver = warm(line)
    for frame in mutations(CAPTURE, 100_000):
        refuses_or_checks(driver, line, frame)


@pytest.mark.long
@pytest.mark.timeout(2_400)
def test_no_broken_frame_of_a_million_becomes_a_number() -> None:
    line = ScriptedLine(CAPTURE)
    driver = warm(line)
    for frame in mutations(CAPTURE, 1_000_000, seed=2):
        refuses_or_checks(driver, line, frame)
        del line.written[:]
