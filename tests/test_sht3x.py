"""The SHT3x driver against the datasheet, and against a chip that behaves."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BusError, CorruptData, Polled, Reason, WrongDevice, crc8
from drivers.emulated import sht3x as emulated
from drivers.emulated.base import sensirion_word
from drivers.sht3x import Driver, Options
from gateway.buses.i2c import EmulatedI2C
from tests import frames
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S


class ScriptedBus:
    """Answers the status truthfully and every measurement with the frame it was given."""

    def __init__(self, frame: bytes, status: bytes = b"\x80\x10\xe1") -> None:
        self.frame = frame
        self.status = status
        self.written: list[tuple[int, bytes]] = []

    def write(self, address: int, data: bytes) -> None:
        self.written.append((address, data))

    def read(self, address: int, length: int) -> bytes:
        assert address == self.written[-1][0]
        answer = self.status if self.written[-1][1] == b"\xf3\x2d" else self.frame
        return answer[:length]


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def driver_of(bus: ScriptedBus, options: Options | None = None) -> Polled:
    return Driver(bus, options or Options(), no_sleep)


class Kitchen:
    """A driver on an emulated bus with one chip, at 4 °C and 80 %RH."""

    def __init__(self, options: Options | None = None, seed: int = 1) -> None:
        options = options or Options()
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"temperature": 4.0, "humidity": 80.0}
        self.chip = emulated.Chip(options, self.felt.__getitem__, now_ms=self.clock.now, seed=seed)
        self.bus = EmulatedI2C({options.address: self.chip})
        self.driver = Driver(self.bus, options, self.clock.pause)


def divided(word: bytes) -> int:
    """CRC-8 as binary long division over text, a third way of computing it."""
    bits = f"{int.from_bytes(word, 'big') ^ 0xFF00:016b}" + "0" * 8
    divisor = "100110001"
    rest = list(bits)
    for place in range(16):
        if rest[place] == "1":
            for offset, digit in enumerate(divisor):
                rest[place + offset] = "1" if rest[place + offset] != digit else "0"
    return int("".join(rest[16:]), 2)


def test_the_checksum_is_the_one_of_the_datasheet() -> None:
    assert crc8(b"\xbe\xef") == 0x92


@pytest.mark.parametrize(
    ("word", "crc"),
    [
        (0x0000, 0x81), (0xFFFF, 0xAC), (0x8000, 0xA2), (0x6666, 0x93),  # SGP40, tables 9 and 10
        (0x01F4, 0x33), (0x6667, 0xA2), (0x5EB9, 0x3C),  # SCD4x, example of a measurement
    ],
)  # fmt: skip
def test_the_checksum_matches_other_sensors_of_sensirion(word: int, crc: int) -> None:
    assert crc8(word.to_bytes(2, "big")) == crc


@given(st.integers(0, 0xFFFF))
def test_chip_driver_and_long_division_agree_on_every_checksum(word: int) -> None:
    data = word.to_bytes(2, "big")
    assert crc8(data) == divided(data) == sensirion_word(word)[2]


# The ends of the scale by the formula; 0x4000 as worked out by hand in a peer's SHT4x test (whose
# 0x6666 is 40 % of full scale); 25 °C and 37 % as the words of Sensirion's SCD4x example, which
# divides by 65536.
FORMULA = [
    ("temperature", 0x0000, -45.0, 0.0),
    ("temperature", 0xFFFF, 130.0, 0.0),
    ("temperature", 0x4000, -1.2493, 0.0001),
    ("temperature", 0x6667, 25.0, 0.003),
    ("humidity", 0x0000, 0.0, 0.0),
    ("humidity", 0xFFFF, 100.0, 0.0),
    ("humidity", 0x6666, 40.0, 0.001),
    ("humidity", 0x5EB9, 37.0, 0.003),
]


@pytest.mark.parametrize(("metric", "ticks", "value", "tolerance"), FORMULA)
def test_words_become_units_by_the_formula_of_the_datasheet(
    metric: str, ticks: int, value: float, tolerance: float
) -> None:
    word = ticks.to_bytes(2, "big")
    word += bytes([divided(word)])
    sample = driver_of(ScriptedBus(word + word)).read()[metric]
    assert sample.value == pytest.approx(value, abs=tolerance)
    assert sample.raw == ticks


@pytest.mark.parametrize(
    ("repeatability", "command", "conversion_s"),
    [("high", b"\x24\x00", 0.0155), ("medium", b"\x24\x0b", 0.0065), ("low", b"\x24\x16", 0.0045)],
)
def test_it_measures_without_clock_stretching_and_waits_the_longest_conversion(
    repeatability: str, command: bytes, conversion_s: float
) -> None:
    bus = ScriptedBus(b"\xbe\xef\x92" * 2)
    waits: list[float] = []
    options = Options(address=0x45, repeatability=repeatability)  # type: ignore[arg-type]
    Driver(bus, options, waits.append).read()
    assert bus.written == [(0x45, b"\xf3\x2d"), (0x45, command)]
    assert waits == [conversion_s]


def test_a_wrong_checksum_fails_its_own_metric_only() -> None:
    samples = driver_of(ScriptedBus(b"\xbe\xef\x92\xbe\xef\x93")).read()
    assert samples["temperature"].value is not None
    assert samples["humidity"].value is None
    assert samples["humidity"].reason is Reason.SENSOR_FAILURE
    samples = driver_of(ScriptedBus(b"\xbe\xee\x92\xbe\xef\x92")).read()
    assert samples["temperature"].value is None
    assert samples["humidity"].value is not None


def test_two_wrong_checksums_are_corrupt_data() -> None:
    with pytest.raises(CorruptData, match="be ef 00 be ef 00"):
        driver_of(ScriptedBus(b"\xbe\xef\x00\xbe\xef\x00")).read()


@pytest.mark.parametrize("frame", [b"", b"\xbe", b"\xbe\xef\x92", b"\xbe\xef\x92\xbe\xef"])
def test_a_short_frame_is_corrupt_data(frame: bytes) -> None:
    with pytest.raises(CorruptData, match="bytes"):
        driver_of(ScriptedBus(frame)).read()


@given(st.binary(min_size=6, max_size=6))
def test_no_frame_gives_a_number_that_its_own_checksum_does_not_carry(frame: bytes) -> None:
    sound = [divided(frame[at : at + 2]) == frame[at + 2] for at in (0, 3)]
    if not any(sound):
        with pytest.raises(CorruptData):
            driver_of(ScriptedBus(frame)).read()
        return
    samples = driver_of(ScriptedBus(frame)).read()
    assert [samples[name].value is not None for name in ("temperature", "humidity")] == sound


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.sets(st.integers(0, 47), max_size=6))
def test_flipped_bits_never_give_a_wrong_number_unless_the_checksum_collides(
    temperature: int, humidity: int, flips: set[int]
) -> None:
    sent = sensirion_word(temperature) + sensirion_word(humidity)
    mask = sum(1 << bit for bit in flips)
    got = (int.from_bytes(sent, "big") ^ mask).to_bytes(6, "big")
    sound = [divided(got[at : at + 2]) == got[at + 2] for at in (0, 3)]
    try:
        samples = driver_of(ScriptedBus(got)).read()
    except CorruptData:
        assert sound == [False, False]
        return
    for name, at, good in zip(("temperature", "humidity"), (0, 3), sound, strict=True):
        assert samples[name].raw == (int.from_bytes(got[at : at + 2], "big") if good else None)


@given(st.integers(0, 0xFFFF), st.integers(0, 23))
def test_one_flipped_bit_in_a_word_is_always_caught(word: int, bit: int) -> None:
    sent = sensirion_word(word)
    got = (int.from_bytes(sent, "big") ^ 1 << bit).to_bytes(3, "big")
    samples = driver_of(ScriptedBus(got + sent)).read()
    assert samples["temperature"].value is None
    assert samples["humidity"].raw == word


def test_another_chip_at_the_address_is_told_from_noise() -> None:
    bus = ScriptedBus(b"\xbe\xef\x92" * 2, status=b"\x39\x9f\x39")
    driver = driver_of(bus)
    with pytest.raises(WrongDevice, match="0x44"):
        driver.read()
    bus.status = b"\x80\x10\xe1"
    assert driver.read()["temperature"].value is not None


def test_noise_on_the_first_status_is_not_another_chip() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.corrupt_bit = 3
    assert kitchen.driver.read()["temperature"].value == pytest.approx(4.0, abs=0.1)


def test_driver_and_chip_agree_within_resolution_and_noise() -> None:
    kitchen = Kitchen()
    seen = [kitchen.driver.read() for _ in range(50)]
    temperatures = [samples["temperature"].value for samples in seen]
    assert all(isinstance(value, float) and abs(value - 4.0) < 0.1 for value in temperatures)
    assert len(set(temperatures)) > 3
    assert seen[0]["humidity"].value == pytest.approx(80.0, abs=0.2)


def test_the_same_seed_makes_the_same_noise() -> None:
    first, second, other = Kitchen(seed=7), Kitchen(seed=7), Kitchen(seed=8)
    values = [
        [kitchen.driver.read()["temperature"].raw for _ in range(5)]
        for kitchen in (first, second, other)
    ]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("repeatability", ["high", "medium", "low"])
def test_every_repeatability_waits_long_enough_for_the_chip(repeatability: str) -> None:
    kitchen = Kitchen(Options(repeatability=repeatability))  # type: ignore[arg-type]
    assert kitchen.driver.read()["temperature"].value is not None


def test_the_chip_refuses_a_read_before_a_measurement_and_before_it_is_done() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 6)
    kitchen.bus.write(0x44, b"\x24\x00")
    with pytest.raises(BusError, match="conversion"):
        kitchen.bus.read(0x44, 6)
    with pytest.raises(BusError, match="conversion"):
        kitchen.bus.write(0x44, b"\x24\x00")
    kitchen.clock.pause(0.015)
    assert len(kitchen.bus.read(0x44, 6)) == 6
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 6)


def test_the_chip_refuses_a_command_it_does_not_know_and_forgets_on_reset() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="no command"):
        kitchen.bus.write(0x44, b"\xfd")
    kitchen.bus.write(0x44, b"\xf3\x2d")
    kitchen.bus.write(0x44, b"\x30\xa2")
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 3)


def test_a_converter_at_its_end_saturates() -> None:
    kitchen = Kitchen()
    kitchen.felt.update(temperature=500.0, humidity=-50.0)
    samples = kitchen.driver.read()
    assert (samples["temperature"].raw, samples["humidity"].raw) == (0xFFFF, 0)


def test_a_silent_chip_is_a_bus_error_and_comes_back() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.silent = True
    with pytest.raises(BusError):
        kitchen.driver.read()
    kitchen.chip.faults.silent = False
    assert kitchen.driver.read()["temperature"].value is not None


def test_a_stuck_chip_repeats_itself_with_sound_checksums() -> None:
    kitchen = Kitchen()
    first = kitchen.driver.read()
    kitchen.chip.faults.stuck = True
    kitchen.felt["temperature"] = 60.0
    assert kitchen.driver.read() == first


def test_a_corrupted_bit_costs_one_reading_of_one_metric() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    kitchen.chip.faults.corrupt_bit = 30
    samples = kitchen.driver.read()
    assert samples["humidity"].value is None
    assert samples["temperature"].value is not None
    assert kitchen.driver.read()["humidity"].value is not None


def test_a_hanging_chip_blocks_its_reader_until_released() -> None:
    kitchen = Kitchen()
    entered, released = threading.Event(), threading.Event()
    seen: list[object] = []

    def hang() -> None:
        entered.set()
        released.wait(PATIENCE_S)

    kitchen.chip.faults.hang = hang
    reader = threading.Thread(target=lambda: seen.append(kitchen.driver.read()), daemon=True)
    reader.start()
    assert entered.wait(PATIENCE_S)
    assert not seen
    kitchen.chip.faults.hang = None
    released.set()
    reader.join(PATIENCE_S)
    assert len(seen) == 1


def subject(storm: frames.Storm) -> frames.Subject:
    kitchen = Kitchen()
    driver = Driver(frames.StormyI2C(kitchen.bus, storm), Options(), kitchen.clock.pause)
    return frames.Subject(driver.read, Driver.METRICS, storm)


@settings(max_examples=frames.EXAMPLES, deadline=None)
@given(frames.EDITS)
def test_no_spoilt_frame_gives_a_wrong_kind_of_value(edits: bytes) -> None:
    frames.endure(subject(frames.Edited(edits)), spoilt=4)


@pytest.mark.parametrize("count", frames.COUNTS)
def test_it_endures_a_storm_of_spoilt_frames(count: int) -> None:
    frames.endure(subject(frames.storm_of(3)), count)
