"""The DS18B20 driver: the datasheet's table and checksums, 85.0, and files of the kernel."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BusError, CorruptData, DriverError, Polled
from drivers.ds18b20 import Driver, Options, checksum
from drivers.emulated import ds18b20 as emulated
from gateway.buses.kinds import Mount
from gateway.buses.onewire import EmulatedOneWire
from tests.fakes import ManualClock
from tests.lines import mutations

ADDRESS = "28-0000075a1b2c"
# From a forum of Raspberry Pi users (t=91982): the text of one real read.
REAL = b"3f 00 4b 46 7f ff 01 10 47 : crc=47 YES\n3f 00 4b 46 7f ff 01 10 47 t=3937\n"
# The datasheet's table of temperatures and register contents.
TABLE = [
    (0x07D0, 125.0), (0x0191, 25.0625), (0x00A2, 10.125), (0x0008, 0.5), (0x0000, 0.0),
    (0xFFF8, -0.5), (0xFF5E, -10.125), (0xFE6F, -25.0625), (0xFC90, -55.0),
]  # fmt: skip


class Files:
    """A `drivers.base.OneWire` that shows one text."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.asked: list[tuple[str, str]] = []

    def read(self, address: str, file: str) -> bytes:
        self.asked.append((address, file))
        return self.text


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def text_of(raw: int, byte_6: int = 0x10, configuration: int = 0x7F) -> bytes:
    body = raw.to_bytes(2, "little") + bytes([0x4B, 0x46, configuration, 0xFF, byte_6, 0x10])
    return shown(body)


def shown(body: bytes) -> bytes:
    frame = (body + bytes([emulated.remainder(body)])).hex(" ")
    return f"{frame} : crc={frame[-2:]} YES\n{frame} t=0\n".encode()


def driver_of(text: bytes) -> tuple[Polled, Files]:
    files = Files(text)
    return Driver(files, Options(address=ADDRESS), no_sleep), files


def value(text: bytes) -> object:
    return driver_of(text)[0].read()["temperature"].value


def test_the_checksum_is_that_of_the_application_note_and_of_the_power_on_scratchpad() -> None:
    assert checksum(bytes.fromhex("02 1C B8 01 00 00 00")) == 0xA2
    assert checksum(bytes.fromhex("50 05 4B 46 7F FF 0C 10")) == 0x1C


@given(st.binary(max_size=16))
def test_driver_and_chip_agree_on_every_checksum(data: bytes) -> None:
    assert checksum(data) == emulated.remainder(data)


@pytest.mark.parametrize(("raw", "celsius"), TABLE)
def test_the_table_of_the_datasheet(raw: int, celsius: float) -> None:
    assert value(text_of(raw)) == celsius


def test_a_real_text_of_the_kernel() -> None:
    driver, files = driver_of(REAL)
    sample = driver.read()["temperature"]
    assert (sample.value, sample.raw) == (3.9375, 0x3F)
    assert files.asked == [(ADDRESS, "w1_slave")]


@pytest.mark.parametrize(
    ("configuration", "celsius"), [(0x7F, 10.9375), (0x5F, 10.875), (0x3F, 10.75), (0x1F, 10.5)]
)
def test_bits_that_a_coarser_resolution_leaves_undefined_do_not_count(
    configuration: int, celsius: float
) -> None:
    assert value(text_of(0x00AF, configuration=configuration)) == celsius


def test_the_power_on_value_is_refused_whatever_came_before() -> None:
    driver, files = driver_of(text_of(0x0548))  # 84.5
    driver.read()
    files.text = b"50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"
    with pytest.raises(CorruptData, match=r"85\.0 is what it shows after power-on"):
        driver.read()


def test_85_without_the_signature_counts_only_near_the_value_before_it() -> None:
    driver, files = driver_of(text_of(0x0550))
    for _ in range(3):  # and never confirms itself
        with pytest.raises(CorruptData, match=r"85\.0"):
            driver.read()
    files.text = text_of(0x0040)
    assert driver.read()["temperature"].value == 4.0
    files.text = text_of(0x0550)
    with pytest.raises(CorruptData, match=r"85\.0"):
        driver.read()
    files.text = text_of(0x0510)
    assert driver.read()["temperature"].value == 81.0
    files.text = text_of(0x0550)
    assert driver.read()["temperature"].value == 85.0
    files.text = text_of(0x0551)
    assert driver.read()["temperature"].value == 85.0625


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty.*cable"),
        (b"\n", "no answer of w1_therm"),
        (REAL[:40], "no answer of w1_therm"),
        (REAL.replace(b"YES", b"NO"), "wrong checksum"),
        (REAL.replace(b"3f 00 4b", b"3e 00 4b", 1), "wrong checksum"),
        (b"00 " * 9 + b": crc=00 YES\n" + b"00 " * 9 + b"t=0\n", "shorted"),
        (b"ff " * 9 + b": crc=c9 NO\n" + b"3f 00 4b 46 7f ff 01 10 47 t=3937\n", "wrong checksum"),
        (b"85000\n", "no answer of w1_therm"),
        (b"\xff\xfe" * 3000, "no answer of w1_therm"),
    ],
)
def test_every_fault_that_looks_like_a_text_has_its_name(text: bytes, words: str) -> None:
    with pytest.raises(CorruptData, match=words) as caught:
        value(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "address", ["10-0000075a1b2c", "28-75a1b2c", "../../etc", "28-0000075A1B2C"]
)
def test_an_address_that_is_no_probe_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected the name of its folder"):
        Options(address=address)


class ColdRoom:
    """A probe on an emulated wire at 3.5 °C."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"temperature": 3.5}
        self.wire = EmulatedOneWire(self.clock.pause, self.clock.now)
        options = Options(address=ADDRESS)
        chip = self.wire.mount(emulated.Chip, Mount(options, self.felt.__getitem__, seed=1))
        assert isinstance(chip, emulated.Chip)
        self.chip = chip
        self.driver: Polled = Driver(self.wire, options, self.clock.pause)

    def celsius(self) -> object:
        return self.driver.read()["temperature"].value


@pytest.fixture
def cold_room() -> ColdRoom:
    return ColdRoom()


def test_driver_and_chip_agree_within_noise_and_resolution(cold_room: ColdRoom) -> None:
    for felt in (3.5, -18.0, 60.0, 125.0, -55.0):
        cold_room.felt["temperature"] = felt
        assert cold_room.celsius() == pytest.approx(felt, abs=0.2)
    assert cold_room.clock.paused_s == [emulated.CONVERSION_S] * 5
    cold_room.wire.close()


def _silence(chip: emulated.Chip) -> None:
    chip.faults.silent = True


def _brown_out(chip: emulated.Chip) -> None:
    chip.browns_out = True


def _short(chip: emulated.Chip) -> None:
    chip.shorted = True


@pytest.mark.parametrize(
    ("breaks", "words"), [(_silence, "empty"), (_brown_out, "power-on"), (_short, "shorted")]
)
def test_each_way_to_break_is_a_fault(
    cold_room: ColdRoom, breaks: Callable[[emulated.Chip], None], words: str
) -> None:
    cold_room.celsius()
    breaks(cold_room.chip)
    with pytest.raises(CorruptData, match=words):
        cold_room.celsius()
    cold_room.wire.close()


def test_a_cut_cable_is_forgotten_by_the_kernel_and_found_again(cold_room: ColdRoom) -> None:
    cold_room.celsius()
    cold_room.chip.faults.silent = True
    cold_room.clock.pause(120)
    with pytest.raises(BusError, match=f"{ADDRESS} is not on the bus"):
        cold_room.celsius()
    cold_room.chip.faults.silent = False
    assert cold_room.celsius() == pytest.approx(3.5, abs=0.2)
    cold_room.wire.close()


def test_a_wrong_bit_costs_one_reading_though_the_kernel_repeats_the_last(
    cold_room: ColdRoom,
) -> None:
    cold_room.celsius()
    cold_room.chip.faults.corrupt_bit = 60
    with pytest.raises(CorruptData, match="wrong checksum"):
        cold_room.celsius()
    assert cold_room.celsius() == pytest.approx(3.5, abs=0.2)
    cold_room.wire.close()


def refuses_or_checks(text: bytes) -> None:
    try:
        celsius = value(text)
    except DriverError:
        return
    assert isinstance(celsius, float)
    frame = bytes.fromhex(text[:26].decode())
    assert emulated.remainder(frame[:8]) == frame[8]
    raw = int.from_bytes(frame[:2], "little", signed=True)
    assert 0 <= raw - celsius * 16 < {0x1F: 8, 0x3F: 4, 0x5F: 2, 0x7F: 1}[frame[4]]


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=90) | st.binary(min_size=8, max_size=8).map(shown))
def test_whatever_comes_is_refused_unless_its_checksum_holds(text: bytes) -> None:
    refuses_or_checks(text)


def test_no_broken_text_of_100_000_becomes_a_number() -> None:
    for text in mutations(REAL, 100_000):
        refuses_or_checks(text)


@pytest.mark.long
@pytest.mark.timeout(2_400)
def test_no_broken_text_of_a_million_becomes_a_number() -> None:
    for text in mutations(REAL, 1_000_000, seed=2):
        refuses_or_checks(text)
