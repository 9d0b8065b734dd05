"""The SHT4x driver against the datasheet, and against a chip that behaves."""

import pytest
from hypothesis import given, settings

from drivers.base import BusError, CorruptData, Polled, Reason, WrongDevice, crc8
from drivers.emulated import sht4x as emulated
from drivers.emulated.base import sensirion_word
from drivers.sht4x import Driver, Options
from gateway.buses.i2c import EmulatedI2C
from tests import frames
from tests.fakes import ManualClock

SERIAL = sensirion_word(0x0F4C) + sensirion_word(0x1234)


class ScriptedBus:
    """Answers the serial number truthfully and every measurement with the frame it was given."""

    def __init__(self, frame: bytes, serial: bytes = SERIAL) -> None:
        self.frame = frame
        self.serial = serial
        self.written: list[tuple[int, bytes]] = []

    def write(self, address: int, data: bytes) -> None:
        self.written.append((address, data))

    def read(self, address: int, length: int) -> bytes:
        assert address == self.written[-1][0]
        answer = self.serial if self.written[-1][1] == b"\x89" else self.frame
        return answer[:length]


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def driver_of(bus: ScriptedBus) -> Polled:
    return Driver(bus, Options(), no_sleep)


class Kitchen:
    """A driver on an emulated bus with one chip, at 4 °C and 80 %RH."""

    def __init__(self, storm: frames.Storm | None = None, seed: int = 1) -> None:
        options = Options()
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"temperature": 4.0, "humidity": 80.0}
        self.chip = emulated.Chip(options, self.felt.__getitem__, now_ms=self.clock.now, seed=seed)
        self.bus = EmulatedI2C({options.address: self.chip})
        wire = frames.StormyI2C(self.bus, storm) if storm else self.bus
        self.driver = Driver(wire, options, self.clock.pause)


def framed(temperature_raw: int, humidity_raw: int) -> bytes:
    words = (raw.to_bytes(2, "big") for raw in (temperature_raw, humidity_raw))
    return b"".join(word + bytes([crc8(word)]) for word in words)


# 0x4000 and 0x6666 as worked out by hand in a peer's SHT4x test; the ends by the formula.
FORMULA = [
    ("temperature", 0x0000, -45.0, 0.0),
    ("temperature", 0xFFFF, 130.0, 0.0),
    ("temperature", 0x4000, -1.2493, 0.0001),
    ("humidity", 0x6666, 44.0, 0.001),
]


@pytest.mark.parametrize(("metric", "ticks", "value", "tolerance"), FORMULA)
def test_words_become_units_by_the_formula_of_the_datasheet(
    metric: str, ticks: int, value: float, tolerance: float
) -> None:
    sample = driver_of(ScriptedBus(framed(ticks, ticks))).read()[metric]
    assert sample.value == pytest.approx(value, abs=tolerance)
    assert sample.raw == ticks


@pytest.mark.parametrize(("ticks", "value"), [(0x0000, 0.0), (0xFFFF, 100.0)])
def test_humidity_beyond_its_ends_is_cropped_as_the_datasheet_asks(
    ticks: int, value: float
) -> None:
    sample = driver_of(ScriptedBus(framed(0x4000, ticks))).read()["humidity"]
    assert (sample.value, sample.raw) == (value, ticks)


@pytest.mark.parametrize("address", [0x44, 0x45, 0x46])
def test_it_asks_for_the_serial_number_then_measures_and_waits_ten_milliseconds(
    address: int,
) -> None:
    bus = ScriptedBus(framed(1, 2))
    waits: list[float] = []
    driver = Driver(bus, Options(address=address), waits.append)  # type: ignore[arg-type]
    driver.read()
    driver.read()
    assert bus.written == [(address, b"\x89"), (address, b"\xfd"), (address, b"\xfd")]
    assert waits == [0.010] * 3


def test_a_wrong_checksum_fails_its_own_metric_only() -> None:
    samples = driver_of(ScriptedBus(b"\xbe\xef\x92\xbe\xef\x93")).read()
    assert samples["temperature"].value is not None
    assert (samples["humidity"].value, samples["humidity"].reason) == (None, Reason.SENSOR_FAILURE)
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


@pytest.mark.parametrize("serial", [b"\xff" * 6, SERIAL[:3], SERIAL[:5] + b"\x00", b"\x00" * 6])
def test_another_chip_at_the_address_is_told_from_noise(serial: bytes) -> None:
    bus = ScriptedBus(framed(0x4000, 0x6666), serial=serial)
    driver = driver_of(bus)
    with pytest.raises(WrongDevice, match="0x44 is no SHT4x"):
        driver.read()
    bus.serial = SERIAL
    assert driver.read()["temperature"].value is not None


def test_noise_on_the_first_serial_number_is_not_another_chip() -> None:
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


def test_the_chip_refuses_a_read_before_a_measurement_and_before_it_is_done() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 6)
    kitchen.bus.write(0x44, b"\xfd")
    with pytest.raises(BusError, match="conversion"):
        kitchen.bus.read(0x44, 6)
    with pytest.raises(BusError, match="conversion"):
        kitchen.bus.write(0x44, b"\xfd")
    kitchen.clock.pause(0.009)
    assert len(kitchen.bus.read(0x44, 6)) == 6
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 6)


def test_the_chip_refuses_the_commands_of_an_sht3x_and_forgets_on_reset() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="no command"):
        kitchen.bus.write(0x44, b"\x24\x00")
    kitchen.bus.write(0x44, b"\x89")
    kitchen.bus.write(0x44, b"\x94")
    kitchen.clock.pause(0.001)
    with pytest.raises(BusError, match="nothing was measured"):
        kitchen.bus.read(0x44, 6)


def test_a_silent_chip_is_a_bus_error_and_comes_back() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.silent = True
    with pytest.raises(BusError):
        kitchen.driver.read()
    kitchen.chip.faults.silent = False
    kitchen.clock.pause(1.0)
    with pytest.raises(BusError):
        kitchen.driver.read()  # power has come back with this very transfer
    kitchen.clock.pause(0.001)
    assert kitchen.driver.read()["temperature"].value is not None


def test_a_stuck_chip_repeats_itself_with_sound_checksums() -> None:
    kitchen = Kitchen()
    first = kitchen.driver.read()
    kitchen.chip.faults.stuck = True
    kitchen.felt["temperature"] = 60.0
    assert kitchen.driver.read() == first


def subject(storm: frames.Storm) -> frames.Subject:
    kitchen = Kitchen(storm)
    return frames.Subject(kitchen.driver.read, Driver.METRICS, storm)


@settings(max_examples=frames.EXAMPLES, deadline=None)
@given(frames.EDITS)
def test_no_spoilt_frame_gives_a_wrong_kind_of_value(edits: bytes) -> None:
    frames.endure(subject(frames.Edited(edits)), spoilt=4)


@pytest.mark.parametrize("count", frames.COUNTS)
def test_it_endures_a_storm_of_spoilt_frames(count: int) -> None:
    frames.endure(subject(frames.storm_of(4)), count)
