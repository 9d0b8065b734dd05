"""The BME280 driver against the datasheet, and against a chip that behaves."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BusError, CorruptData, Reason, Samples, WrongDevice
from drivers.bme280 import (
    Calibration,
    Driver,
    Options,
    humidity_percent,
    pressure_hpa,
    temperature_fine,
    unpacked,
)
from drivers.emulated import bme280 as emulated
from gateway.buses.i2c import EmulatedI2C
from tests import frames
from tests.fakes import ManualClock

ADDRESS = 0x76
# Bosch BMP280 datasheet, "Trimming values" example; the BME280 shares its two formulas.
BOSCH = Calibration(
    27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000,
    0, 1, 0, 0, 0, 0,
)  # fmt: skip
# pimoroni bme280-python, tests/calibration.py and tests/test_compensation.py
PIMORONI = Calibration(
    28009, 25654, 50, 39145, -10750, 3024, 5667, -120, -7, 15500, -14600, 6000,
    75, 376, 0, 286, 50, 30,
)  # fmt: skip


class Kitchen:
    """A driver on an emulated bus with one chip, at 22 °C, 45 %RH and 1002.5 hPa."""

    def __init__(self, storm: frames.Storm | None = None, seed: int = 1) -> None:
        options = Options()
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"temperature": 22.0, "humidity": 45.0, "pressure": 1002.5}
        self.chip = emulated.Chip(options, self.felt.__getitem__, now_ms=self.clock.now, seed=seed)
        self.bus = EmulatedI2C({ADDRESS: self.chip})
        wire = frames.StormyI2C(self.bus, storm) if storm else self.bus
        self.driver = Driver(wire, options, self.clock.pause)

    def read(self) -> Samples:
        return self.driver.read()


class FixedBus:
    """A memory that measures what stands in it."""

    def __init__(self, frame: bytes, chip_id: int = 0x60) -> None:
        self.memory = bytearray(256)
        self.memory[0xD0] = chip_id
        self.memory[0x88:0xA2] = struct.pack("<HhhHhhhhhhhhxB", *PIMORONI[:13])
        self.memory[0xE1:0xE8] = humidity_bytes(PIMORONI)
        self.memory[0xF7:0xFF] = frame
        self.pointer = 0
        self.written: list[bytes] = []

    def write(self, address: int, data: bytes) -> None:
        assert address == ADDRESS
        self.pointer = data[0]
        if len(data) == 2:
            self.written.append(data)
            self.memory[data[0]] = data[1] & ~0b11 if data[0] == 0xF4 else data[1]

    def read(self, address: int, length: int) -> bytes:
        assert address == ADDRESS
        return bytes(self.memory[self.pointer : self.pointer + length])


def humidity_bytes(c: Calibration) -> bytes:
    """H2 to H6 in memory, nibble by nibble as text."""
    h4, h5 = f"{c.h4 & 0xFFF:03x}", f"{c.h5 & 0xFFF:03x}"
    middle = bytes.fromhex(h4[:2] + h5[2] + h4[2] + h5[:2])
    return struct.pack("<hB", c.h2, c.h3) + middle + struct.pack("<b", c.h6)


def frame_of(pressure: int, temperature: int, humidity: int) -> bytes:
    return bytes.fromhex(f"{pressure:05x}0{temperature:05x}0{humidity:04x}")


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def driver_of(bus: FixedBus) -> Driver:
    return Driver(bus, Options(), no_sleep)


def test_the_example_of_the_datasheet_gives_its_results() -> None:
    fine = temperature_fine(519888, BOSCH)
    assert fine / 5120.0 == pytest.approx(25.08, abs=0.005)
    pressure = pressure_hpa(415148, fine, BOSCH)
    assert pressure == pytest.approx(1006.5326, abs=0.0002)


def test_the_readings_of_a_real_chip_give_what_its_maker_s_library_gives() -> None:
    samples = driver_of(FixedBus(frame_of(326816, 529191, 30281))).read()
    assert samples["temperature"].value == pytest.approx(24.7894877676, abs=1e-9)
    assert samples["pressure"].value == pytest.approx(1006.61517564, abs=1e-7)
    assert samples["humidity"].value == pytest.approx(68.66996648709, abs=1e-9)
    assert [sample.raw for sample in samples.values()] == [529191, 30281, 326816]


@given(st.integers(-2048, 2047), st.integers(-2048, 2047), st.integers(-128, 127))
def test_the_signed_nibbles_of_the_calibration_keep_their_signs(h4: int, h5: int, h6: int) -> None:
    calibration = PIMORONI._replace(h4=h4, h5=h5, h6=h6)
    low = struct.pack("<HhhHhhhhhhhhxB", *calibration[:13])
    assert unpacked(low, humidity_bytes(calibration)) == calibration
    assert emulated._packed_humidity(*calibration[13:]) == humidity_bytes(calibration)


@given(st.integers(0, 0xFFFFF), st.integers(0, 0xFFFFF), st.integers(0, 0xFFFF))
def test_double_precision_and_the_integers_of_the_datasheet_agree(
    raw_t: int, raw_p: int, raw_h: int
) -> None:
    fine = temperature_fine(raw_t, PIMORONI)
    whole = emulated._fine(raw_t)
    assert whole == pytest.approx(fine, abs=20)
    if not -40 <= fine / 5120 <= 85:
        return
    pressure = pressure_hpa(raw_p, whole, PIMORONI)
    if pressure is not None and 300 <= pressure <= 1100:
        assert emulated._pascal_256(raw_p, whole) / 25_600 == pytest.approx(pressure, abs=0.01)
    humidity = humidity_percent(raw_h, whole, PIMORONI)
    if 0 <= humidity <= 100:
        assert emulated._percent_1024(raw_h, whole) / 1024 == pytest.approx(humidity, abs=0.02)


def test_it_measures_once_without_oversampling_and_sleeps_again() -> None:
    bus = FixedBus(frame_of(326816, 529191, 30281))
    waits: list[float] = []
    driver = Driver(bus, Options(), waits.append)
    driver.read()
    driver.read()
    measure = [b"\xf2\x01", b"\xf4\x25"]
    assert bus.written == [*measure, *measure]
    assert waits == [0.010, 0.010]


@pytest.mark.parametrize(
    ("chip_id", "words"), [(0x58, "a BMP280"), (0x61, "a BME680"), (0xFF, "another chip")]
)
def test_a_relative_at_the_address_is_the_wrong_device_and_named(chip_id: int, words: str) -> None:
    driver = driver_of(FixedBus(frame_of(326816, 529191, 30281), chip_id=chip_id))
    with pytest.raises(WrongDevice, match=f"0x76 is no BME280 but {words}"):
        driver.read()


def test_noise_on_the_chip_id_is_not_another_chip() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.corrupt_bit = 3
    assert kitchen.read()["temperature"].value == pytest.approx(22.0, abs=0.1)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\xff" * 8, id="the bus was released"),
        pytest.param(b"\x00" * 8, id="held low"),
        pytest.param(frame_of(0x80000, 0x80000, 0x8000), id="nothing was measured"),
        pytest.param(frame_of(326816, 529191, 30281)[:5] + b"\x01\x76\x49", id="a low bit set"),
        pytest.param(frame_of(326816, 0x10000, 30281), id="colder than the sensor can be"),
    ],
)
def test_an_impossible_frame_is_corrupt_data(frame: bytes) -> None:
    with pytest.raises(CorruptData):
        driver_of(FixedBus(frame)).read()


def test_a_channel_that_was_not_measured_fails_alone() -> None:
    samples = driver_of(FixedBus(frame_of(0x80000, 529191, 0x8000))).read()
    assert samples["temperature"].value is not None
    for name in ("pressure", "humidity"):
        assert (samples[name].value, samples[name].reason) == (None, Reason.SENSOR_FAILURE)


def test_humidity_is_cropped_at_its_ends_but_nonsense_is_no_end() -> None:
    raws = range(0, 0x10000, 64)
    fine = temperature_fine(529191, PIMORONI)
    for raw in raws:
        value = humidity_percent(raw, fine, PIMORONI)
        sample = driver_of(FixedBus(frame_of(326816, 529191, raw))).read()["humidity"]
        if raw == 0x8000:
            assert sample.reason is Reason.SENSOR_FAILURE
        elif -10 <= value <= 110:
            assert sample.value == min(100.0, max(0.0, value))
        else:
            assert (sample.value, sample.reason) == (None, Reason.OUT_OF_RANGE)


def test_a_calibration_read_in_two_ways_is_not_used() -> None:
    kitchen = Kitchen()
    reads = 0

    class Flipping:
        def write(self, address: int, data: bytes) -> None:
            kitchen.bus.write(address, data)

        def read(self, address: int, length: int) -> bytes:
            nonlocal reads
            answer = bytearray(kitchen.bus.read(address, length))
            if length == 26:
                reads += 1
                answer[3] ^= 0x40 if reads == 1 else 0
            return bytes(answer)

    driver = Driver(Flipping(), Options(), kitchen.clock.pause)
    with pytest.raises(CorruptData, match="read twice and differs"):
        driver.read()
    assert driver.read()["temperature"].value == pytest.approx(22.0, abs=0.1)


@pytest.mark.parametrize("memory", [0x00, 0xFF])
def test_an_empty_calibration_is_corrupt_data(memory: int) -> None:
    bus = FixedBus(frame_of(326816, 529191, 30281))
    bus.memory[0x88:0xA2] = bytes([memory]) * 26
    with pytest.raises(CorruptData):
        driver_of(bus).read()


def test_it_waits_until_the_calibration_is_copied() -> None:
    kitchen = Kitchen()
    kitchen.chip.power_up()
    assert kitchen.read()["temperature"].value == pytest.approx(22.0, abs=0.1)
    assert kitchen.clock.paused_s[0] == 0.002


def test_a_calibration_that_is_never_copied_and_a_measurement_without_end_are_corrupt() -> None:
    bus = FixedBus(frame_of(326816, 529191, 30281))
    bus.memory[0xF3] = 0x01
    with pytest.raises(CorruptData, match="not copied"):
        driver_of(bus).read()
    kitchen = Kitchen()
    driver = Driver(kitchen.bus, Options(), no_sleep)
    with pytest.raises(CorruptData, match="does not end"):
        driver.read()


def test_driver_and_chip_agree_within_resolution_and_noise() -> None:
    kitchen = Kitchen()
    seen = [kitchen.read() for _ in range(50)]
    for name, wanted, within in (
        ("temperature", 22.0, 0.03), ("humidity", 45.0, 0.15), ("pressure", 1002.5, 0.2),
    ):  # fmt: skip
        values = [samples[name].value for samples in seen]
        assert all(value == pytest.approx(wanted, abs=within) for value in values)
        assert len(set(values)) > 2


@pytest.mark.parametrize("temperature", [-39.0, -18.0, 0.0, 4.0, 60.0, 84.0])
def test_chip_and_driver_agree_over_the_whole_range(temperature: float) -> None:
    kitchen = Kitchen()
    kitchen.felt.update(temperature=temperature, humidity=90.0, pressure=305.0)
    samples = kitchen.read()
    assert samples["temperature"].value == pytest.approx(temperature, abs=0.05)
    assert samples["pressure"].value == pytest.approx(305.0, abs=0.3)


def test_a_loss_of_power_that_no_read_met_makes_it_read_the_calibration_again() -> None:
    kitchen = Kitchen()
    kitchen.read()
    kitchen.chip.memory[0x88:0xA2] = struct.pack("<HhhHhhhhhhhhxB", *BOSCH[:13])
    kitchen.chip.power_up()  # and another chip was put in
    assert kitchen.read()["temperature"].value != pytest.approx(22.0, abs=0.1)


def test_a_silent_chip_is_a_bus_error_and_its_successor_is_identified() -> None:
    kitchen = Kitchen()
    kitchen.read()
    kitchen.chip.faults.silent = True
    with pytest.raises(BusError):
        kitchen.read()
    kitchen.chip.faults.silent = False
    assert kitchen.read()["pressure"].value == pytest.approx(1002.5, abs=0.2)
    kitchen.chip.faults.silent = True
    with pytest.raises(BusError):
        kitchen.read()
    kitchen.chip.faults.silent = False
    kitchen.chip.memory[0xD0] = 0x58
    with pytest.raises(WrongDevice, match="BMP280"):
        kitchen.read()


def test_a_loss_of_power_while_it_measures_is_no_value() -> None:
    kitchen = Kitchen()
    kitchen.read()

    def lose_power(seconds: float) -> None:
        kitchen.clock.pause(seconds)
        kitchen.chip.power_up()

    driver = Driver(kitchen.bus, Options(), lose_power)
    with pytest.raises(CorruptData):
        driver.read()


def test_a_stuck_chip_repeats_itself() -> None:
    kitchen = Kitchen()
    first = kitchen.read()
    kitchen.chip.faults.stuck = True
    kitchen.felt["temperature"] = 60.0
    assert kitchen.read() == first


def test_the_chip_refuses_half_a_pair_and_resets_when_told() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="no pair"):
        kitchen.bus.write(ADDRESS, b"\xf2\x01\xf4")
    kitchen.bus.write(ADDRESS, b"\xf2\x05\xe0\xb6")
    kitchen.bus.write(ADDRESS, b"\xf2")
    assert kitchen.bus.read(ADDRESS, 1) == b"\x00"


def subject(storm: frames.Storm) -> frames.Subject:
    kitchen = Kitchen(storm)
    return frames.Subject(kitchen.driver.read, Driver.METRICS, storm)


@settings(max_examples=frames.EXAMPLES, deadline=None)
@given(frames.EDITS)
def test_no_spoilt_frame_gives_a_wrong_kind_of_value(edits: bytes) -> None:
    frames.endure(subject(frames.Edited(edits)), spoilt=4)


@pytest.mark.parametrize("count", frames.COUNTS)
def test_it_endures_a_storm_of_spoilt_frames(count: int) -> None:
    frames.endure(subject(frames.storm_of(76)), count)
