"""The SCD41 driver against the datasheet, and against a chip that measures at its own pace."""

import pytest
from hypothesis import given, settings

from drivers.base import BusError, CorruptData, Polled, Reason, Samples, WrongDevice, crc8
from drivers.emulated import scd41 as emulated
from drivers.emulated.base import sensirion_word
from drivers.scd41 import EVERY_AT_LEAST_S, Driver, Options
from gateway.buses.i2c import EmulatedI2C
from tests import frames
from tests.fakes import ManualClock

ADDRESS = 0x62
READY, NOT_READY = b"\x80\x06" + bytes([crc8(b"\x80\x06")]), b"\x80\x00\xa2"
MEASURED = bytes.fromhex("01f433 6667a2 5eb93c")  # the datasheet's example: 500 ppm, 25 °C, 37 %


class ScriptedBus:
    """Answers the data ready status and the measurement as it was told."""

    def __init__(self, measured: bytes = MEASURED, status: bytes = READY) -> None:
        self.measured = measured
        self.status = status
        self.written: list[bytes] = []

    def write(self, address: int, data: bytes) -> None:
        assert address == ADDRESS
        self.written.append(data)

    def read(self, address: int, length: int) -> bytes:
        assert address == ADDRESS
        return (self.status if self.written[-1] == b"\xe4\xb8" else self.measured)[:length]


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def measuring(bus: ScriptedBus, options: Options | None = None) -> Polled:
    driver = Driver(bus, options or Options(), no_sleep)
    assert all(sample.reason is Reason.NOT_STARTED for sample in driver.read().values())
    return driver


class Kitchen:
    """A driver on an emulated bus with one chip, at 22 °C, 45 %RH and 650 ppm."""

    def __init__(
        self, options: Options | None = None, storm: frames.Storm | None = None, seed: int = 1
    ) -> None:
        options = options or Options()
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"temperature": 22.0, "humidity": 45.0, "co2": 650.0}
        self.chip = emulated.Chip(options, self.felt.__getitem__, now_ms=self.clock.now, seed=seed)
        self.bus = EmulatedI2C({ADDRESS: self.chip})
        wire = frames.StormyI2C(self.bus, storm) if storm else self.bus
        self.driver = Driver(wire, options, self.clock.pause)

    def after(self, seconds: float) -> Samples:
        self.clock.pause(seconds)
        return self.driver.read()


def reasons(samples: Samples) -> set[Reason | None]:
    return {sample.reason for sample in samples.values()}


def test_words_become_units_as_in_the_example_of_the_datasheet() -> None:
    samples = measuring(ScriptedBus()).read()
    assert samples["co2"].value == 500.0
    assert samples["temperature"].value == pytest.approx(25.0, abs=0.005)
    assert samples["humidity"].value == pytest.approx(37.0, abs=0.005)
    assert [sample.raw for sample in samples.values()] == [0x01F4, 0x6667, 0x5EB9]


# The datasheet's examples: 5.4 °C is 07e6 with checksum 48, 1,950 m is 079e 09, 98,700 Pa is
# 03db 42, self-calibration on is 0001 b0.
def test_settings_are_written_with_the_words_and_checksums_of_the_datasheet() -> None:
    bus = ScriptedBus()
    measuring(bus, Options(altitude=1950.0, temperature_offset=5.4))
    assert [data.hex() for data in bus.written] == [
        "e4b8", "3f86", "3646", "241d07e648", "24160001b0", "2427079e09", "21b1",
    ]  # fmt: skip
    bus = ScriptedBus()
    measuring(bus, Options(ambient_pressure=987.0, automatic_self_calibration=False))
    assert [data.hex() for data in bus.written[4:]] == [
        "2416000081", "2427000081", "e00003db42", "21b1",
    ]  # fmt: skip


def test_stopping_takes_half_a_second_and_reading_hardly_any_time() -> None:
    waits: list[float] = []
    driver = Driver(ScriptedBus(), Options(), waits.append)
    driver.read()
    assert waits[1] == 0.500
    assert sum(waits) < 0.6
    waits.clear()
    driver.read()
    assert sum(waits) == pytest.approx(0.002)


def test_an_altitude_and_an_ambient_pressure_together_are_refused() -> None:
    with pytest.raises(ValueError, match="altitude, ambient_pressure"):
        Options(altitude=38.0, ambient_pressure=1002.0)


def test_nothing_new_is_neither_the_old_value_nor_a_failure() -> None:
    bus = ScriptedBus()
    driver = measuring(bus)
    assert driver.read()["co2"].value == 500.0
    bus.status = NOT_READY
    assert driver.read() == {}
    bus.status = READY
    assert driver.read()["co2"].value == 500.0


def test_a_sample_of_zero_ppm_is_invalid_and_not_clean_air() -> None:
    frame = sensirion_word(0) + MEASURED[3:]
    co2 = measuring(ScriptedBus(frame)).read()["co2"]
    assert (co2.value, co2.reason, co2.raw) == (None, Reason.SENSOR_FAILURE, 0)


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_wrong_checksum_fails_its_own_metric_only(broken: int) -> None:
    frame = bytearray(MEASURED)
    frame[3 * broken + 2] ^= 1
    samples = measuring(ScriptedBus(bytes(frame))).read()
    values = [sample.value is not None for sample in samples.values()]
    assert values == [place != broken for place in range(3)]


@pytest.mark.parametrize("frame", [b"", b"\x01", MEASURED[:6], MEASURED[:8], b"\xff" * 9])
def test_a_short_frame_or_one_without_a_right_checksum_is_corrupt_data(frame: bytes) -> None:
    with pytest.raises(CorruptData):
        measuring(ScriptedBus(frame)).read()


def test_a_corrupt_status_is_no_measurement() -> None:
    bus = ScriptedBus()
    driver = measuring(bus)
    bus.status = READY[:2] + b"\x00"
    with pytest.raises(CorruptData):
        driver.read()
    assert bus.written[-1] == b"\xe4\xb8"


def test_another_chip_at_the_address_is_told_before_it_is_sent_any_setting() -> None:
    bus = ScriptedBus(status=b"\xff\xff\xff")
    driver = Driver(bus, Options(), no_sleep)
    with pytest.raises(WrongDevice, match="0x62 is no SCD4x"):
        driver.read()
    assert set(bus.written) == {b"\xe4\xb8"}
    bus.status = READY
    assert reasons(driver.read()) == {Reason.NOT_STARTED}


def test_noise_on_the_first_status_is_not_another_chip() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.corrupt_bit = 2
    assert reasons(kitchen.driver.read()) == {Reason.NOT_STARTED}


def test_driver_and_chip_agree_within_resolution_and_noise() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    seen = [kitchen.after(EVERY_AT_LEAST_S) for _ in range(50)]
    assert all(samples for samples in seen)
    assert {samples["co2"].value for samples in seen} > {650.0}
    for samples in seen:
        assert samples["co2"].value == pytest.approx(650.0, abs=60.0)
        assert samples["temperature"].value == pytest.approx(22.0, abs=0.2)
        assert samples["humidity"].value == pytest.approx(45.0, abs=0.8)


def test_the_offset_is_what_the_sensor_is_warmer_than_its_air() -> None:
    kitchen = Kitchen(Options(temperature_offset=1.5))
    kitchen.driver.read()
    assert kitchen.after(5.0)["temperature"].value == pytest.approx(24.5, abs=0.2)


def test_read_more_often_than_it_measures_each_value_comes_once() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    seen = [kitchen.after(2.6) for _ in range(20)]
    assert [bool(samples) for samples in seen[2:8]] == [False, True, False, True, False, True]


def test_what_others_had_it_do_ends_when_it_is_started() -> None:
    kitchen = Kitchen()
    kitchen.bus.write(ADDRESS, b"\xe0\x00" + sensirion_word(700))
    kitchen.clock.pause(0.001)
    kitchen.bus.write(ADDRESS, b"\x21\xb1")
    kitchen.driver.read()
    assert "pressure" not in kitchen.chip.settings
    assert kitchen.after(5.0)["co2"].value is not None


def test_after_a_silent_while_without_power_it_is_set_up_and_started_again() -> None:
    kitchen = Kitchen(Options(altitude=38.0))
    kitchen.driver.read()
    assert kitchen.after(5.0)["co2"].value is not None
    kitchen.chip.faults.silent = True
    for _ in range(3):
        with pytest.raises(BusError):
            kitchen.after(5.0)
    kitchen.chip.faults.silent = False
    with pytest.raises(BusError, match="busy"):
        kitchen.after(5.0)  # power has come back with this very transfer
    with pytest.raises(CorruptData, match="started again"):
        kitchen.after(5.0)
    assert kitchen.chip.settings["altitude"] == 38
    assert kitchen.after(5.0)["co2"].value is not None


def test_a_short_loss_of_power_that_no_read_met_is_noticed_too() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    assert kitchen.after(5.0)["co2"].value is not None
    kitchen.chip.power_up()
    assert kitchen.after(5.0) == {}
    assert kitchen.after(5.0) == {}
    with pytest.raises(CorruptData, match="supply"):
        kitchen.after(5.0)
    assert kitchen.after(5.0)["co2"].value is not None


def test_somebody_who_reads_it_again_and_again_does_not_disturb_it() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    kitchen.after(5.0)
    assert [kitchen.after(0.1) for _ in range(10)] == [{}] * 10
    assert kitchen.after(4.0)["co2"].value is not None


def test_a_sensor_that_measures_for_ever_is_started_again() -> None:
    bus = ScriptedBus(status=NOT_READY)
    driver = measuring(bus)
    for _ in range(23):
        assert reasons(driver.read()) == {Reason.NOT_STARTED}
        bus.measured = b"\xff" * 9  # no serial number while it measures
    with pytest.raises(CorruptData, match="in 24 reads"):
        driver.read()


def test_nothing_ready_right_after_a_failure_is_not_called_fine() -> None:
    bus = ScriptedBus()
    driver = measuring(bus)
    driver.read()
    bus.status = b""
    with pytest.raises(CorruptData):
        driver.read()
    bus.status = NOT_READY
    assert reasons(driver.read()) == {Reason.NOT_STARTED}


def test_the_chip_refuses_what_it_refuses() -> None:
    kitchen = Kitchen()
    with pytest.raises(BusError, match="nothing to read"):
        kitchen.bus.read(ADDRESS, 9)
    with pytest.raises(BusError, match="no command"):
        kitchen.bus.write(ADDRESS, b"\x12\x34")
    with pytest.raises(BusError, match="wrong checksum"):
        kitchen.bus.write(ADDRESS, b"\x24\x27\x00\x26\x00")
    kitchen.bus.write(ADDRESS, b"\x21\xb1")
    with pytest.raises(BusError, match="while measuring"):
        kitchen.bus.write(ADDRESS, b"\x36\x82")
    kitchen.bus.write(ADDRESS, b"\x3f\x86")
    kitchen.clock.pause(0.499)
    with pytest.raises(BusError, match="busy"):
        kitchen.bus.write(ADDRESS, b"\x36\x82")
    kitchen.clock.pause(0.001)
    kitchen.bus.write(ADDRESS, b"\x36\x82")
    kitchen.clock.pause(0.001)
    assert kitchen.bus.read(ADDRESS, 9).hex() == "f896319f07c23bbe89"  # the datasheet's example
    kitchen.chip.power_up()
    kitchen.clock.pause(0.999)
    with pytest.raises(BusError, match="busy"):
        kitchen.bus.write(ADDRESS, b"\x36\x82")


def test_a_stuck_chip_repeats_itself_with_sound_checksums() -> None:
    kitchen = Kitchen()
    kitchen.driver.read()
    first = kitchen.after(5.0)
    kitchen.chip.faults.stuck = True
    kitchen.felt["co2"] = 3000.0
    assert kitchen.after(5.0) == first


def subject(storm: frames.Storm) -> frames.Subject:
    kitchen = Kitchen(storm=storm)
    return frames.Subject(
        kitchen.driver.read, Driver.METRICS, storm, lambda: kitchen.clock.pause(5.0)
    )


@settings(max_examples=frames.EXAMPLES, deadline=None)
@given(frames.EDITS)
def test_no_spoilt_frame_gives_a_wrong_kind_of_value(edits: bytes) -> None:
    frames.endure(subject(frames.Edited(edits)), spoilt=4)


@pytest.mark.parametrize("count", frames.COUNTS)
def test_it_endures_a_storm_of_spoilt_frames(count: int) -> None:
    frames.endure(subject(frames.storm_of(62)), count)
