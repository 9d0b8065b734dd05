"""The ADS1115 driver against the datasheet, and against a chip that behaves."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ads1115 import Channel, Driver, Options, metrics
from drivers.base import BusError, CorruptData, Reason, Sample, WrongDevice
from drivers.emulated import ads1115 as emulated
from gateway.buses.i2c import EmulatedI2C
from tests import frames
from tests.fakes import ManualClock

ADDRESS = 0x48
# 4 to 20 mA through 100 ohm; a divider; what a gas sensor gives.
LOOP = Channel(
    input=0, unit="Cel", low_volts=0.4, high_volts=2.0, low=0.0, high=300.0, live_zero=True
)
DIVIDER = Channel(input=3, unit="%", low_volts=0.0, high_volts=3.0, low=0.0, high=100.0)


def options_of(**channels: Channel) -> Options:
    return Options(channels=channels)


class ScriptedBus:
    """Keeps its config register and shows every conversion as done, with the steps it was given."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.config = 0x8583
        self.pointer = 0
        self.written: list[bytes] = []

    def write(self, address: int, data: bytes) -> None:
        assert address == ADDRESS
        self.pointer = data[0]
        if len(data) == 3:
            self.written.append(data)
            self.config = int.from_bytes(data[1:], "big")

    def read(self, address: int, length: int) -> bytes:
        assert (address, length) == (ADDRESS, 2)
        value = self.config | 0x8000 if self.pointer == 1 else self.steps & 0xFFFF
        return value.to_bytes(2, "big")


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def sample_of(steps: int, channel: Channel) -> Sample:
    return Driver(ScriptedBus(steps), options_of(value=channel), no_sleep).read()["value"]


class Kitchen:
    """A driver on an emulated bus with one chip, at 1.2 V."""

    def __init__(
        self, options: Options | None = None, storm: frames.Storm | None = None, seed: int = 1
    ) -> None:
        options = options or options_of(oven=LOOP)
        self.clock = ManualClock()
        self.felt: dict[str, float] = {"voltage": 1.2}
        self.chip = emulated.Chip(options, self.felt.__getitem__, now_ms=self.clock.now, seed=seed)
        self.bus = EmulatedI2C({ADDRESS: self.chip})
        wire = frames.StormyI2C(self.bus, storm) if storm else self.bus
        self.driver = Driver(wire, options, self.clock.pause)

    def oven(self) -> Sample:
        return self.driver.read()["oven"]


# Full scale 4.096 V is 32768 steps (SBAS444, "Full-Scale Range (FSR) and LSB Size": 125 uV a step).
@pytest.mark.parametrize(
    ("steps", "volts", "value"),
    [(3200, 0.4, 0.0), (9600, 1.2, 150.0), (16000, 2.0, 300.0), (3048, 0.381, -3.5625)],
)
def test_steps_become_volts_and_volts_the_value_of_the_scale(
    steps: int, volts: float, value: float
) -> None:
    sample = sample_of(steps, LOOP)
    assert sample.value == pytest.approx(value, abs=1e-9)
    assert sample.raw == pytest.approx(volts)


@pytest.mark.parametrize(
    ("name", "step_uv", "bits"),
    [
        ("6.144 V", 187.5, 0), ("4.096 V", 125, 1), ("2.048 V", 62.5, 2),
        ("1.024 V", 31.25, 3), ("0.512 V", 15.625, 4), ("0.256 V", 7.8125, 5),
    ],
)  # fmt: skip
def test_every_range_has_the_step_and_the_bits_of_the_datasheet(
    name: str, step_uv: float, bits: int
) -> None:
    channel = replace(DIVIDER, high_volts=0.2, range=name)  # type: ignore[arg-type]
    bus = ScriptedBus(100)
    sample = Driver(bus, options_of(value=channel), no_sleep).read()["value"]
    assert sample.raw == pytest.approx(100 * step_uv / 1e6)
    assert bus.config >> 9 & 7 == bits


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_each_input_is_measured_once_against_ground_with_the_comparator_off(number: int) -> None:
    bus = ScriptedBus(9600)
    waits: list[float] = []
    channel = replace(LOOP, input=number)  # type: ignore[arg-type]
    Driver(bus, options_of(value=channel), waits.append).read()
    # OS 1, MUX 1xx, PGA 001, single-shot, 128/s, comparator disabled
    assert bus.written[-1] == b"\x01" + bytes([0xC3 | number << 4, 0x83])
    assert waits == [0.0106]


def test_a_converter_at_its_end_is_out_of_range_and_no_number() -> None:
    wide = replace(DIVIDER, high_volts=4.096)
    for steps in (0x7FFF, -0x8000):
        sample = sample_of(steps, wide)
        assert (sample.value, sample.reason) == (None, Reason.OUT_OF_RANGE)
    assert sample_of(0x7FFE, wide).value == pytest.approx(99.994, abs=0.001)


# NAMUR NE 43: 3.6 mA and 21 mA are a failure, 3.8 to 20.5 mA a value.
@pytest.mark.parametrize(
    ("milliampere", "reason"),
    [
        (0.0, Reason.SENSOR_FAILURE), (3.59, Reason.SENSOR_FAILURE), (3.7, Reason.OUT_OF_RANGE),
        (3.81, None), (20.49, None), (20.8, Reason.OUT_OF_RANGE), (21.1, Reason.SENSOR_FAILURE),
        (22.0, Reason.SENSOR_FAILURE),
    ],
)  # fmt: skip
def test_a_broken_loop_is_a_sensor_failure_and_never_the_end_of_the_scale(
    milliampere: float, reason: Reason | None
) -> None:
    sample = sample_of(round(milliampere / 10 / 125e-6), LOOP)
    assert sample.reason is reason
    assert (sample.value is None) == (reason is not None)


def test_without_a_live_zero_nothing_is_a_value_and_noise_below_it_too() -> None:
    assert sample_of(0, DIVIDER).value == 0.0
    assert sample_of(-3, DIVIDER).value == pytest.approx(-0.0125)
    assert sample_of(-2000, DIVIDER).reason is Reason.OUT_OF_RANGE


def test_a_scale_may_fall() -> None:
    falling = replace(DIVIDER, low=100.0, high=0.0)
    assert sample_of(6000, falling).value == pytest.approx(75.0)
    (metric,) = metrics(options_of(value=falling))
    assert [metric.low, metric.high] == [-3.125, 101.25]


def test_the_metrics_are_the_channels_with_their_units_and_scales() -> None:
    options = options_of(oven=LOOP, level=replace(DIVIDER, precision=0))
    oven, level = metrics(options)
    assert (oven.name, oven.unit, oven.low, oven.high) == ("oven", "Cel", -3.75, 309.375)
    assert (level.name, level.unit, level.precision) == ("level", "%", 0)
    assert metrics(options) == Driver(ScriptedBus(9600), options, no_sleep).METRICS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low_volts": 2.0}, "low_volts: must"),
        ({"low_volts": -0.1}, "low_volts: must"),
        ({"high_volts": 5.0}, "high_volts: beyond the range of 4.096 V"),
        ({"low": 300.0}, "low, high: must differ"),
        ({"low_volts": 0.0}, "live_zero: needs"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(LOOP, **change)  # type: ignore[arg-type]


def test_channels_must_have_names_and_inputs_of_their_own() -> None:
    with pytest.raises(ValueError, match="name at least one"):
        Options(channels={})
    with pytest.raises(ValueError, match="'Oven' must be"):
        options_of(Oven=LOOP)
    with pytest.raises(ValueError, match="fryer: input 0 is that of oven"):
        options_of(oven=LOOP, fryer=LOOP)


class OtherChip:
    """A register chip that keeps only some bits of what is written."""

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self.kept = 0

    def write(self, _address: int, data: bytes) -> None:
        if len(data) == 3:
            self.kept = int.from_bytes(data[1:], "big") & self.mask

    def read(self, _address: int, _length: int) -> bytes:
        return self.kept.to_bytes(2, "big")


@pytest.mark.parametrize("mask", [0x0000, 0x7F00, 0x00FF, 0x9FF0])  # the last as a TMP102's
def test_another_chip_at_the_address_is_told(mask: int) -> None:
    driver = Driver(OtherChip(mask), options_of(oven=LOOP), no_sleep)
    with pytest.raises(WrongDevice, match="0x48 is no ADS1115"):
        driver.read()


def test_noise_while_it_is_identified_is_not_another_chip() -> None:
    kitchen = Kitchen()
    kitchen.chip.faults.corrupt_bit = 5
    assert kitchen.oven().value == pytest.approx(150.0, abs=0.1)


def test_driver_and_chip_agree_within_resolution_and_noise() -> None:
    kitchen = Kitchen()
    seen = [kitchen.oven().value for _ in range(50)]
    assert all(value == pytest.approx(150.0, abs=0.1) for value in seen)
    assert len(set(seen)) > 2


@pytest.mark.parametrize("seed", range(20))
def test_the_wait_is_long_enough_for_every_oscillator(seed: int) -> None:
    kitchen = Kitchen(seed=seed)
    kitchen.oven()
    kitchen.clock.paused_s.clear()
    kitchen.oven()
    assert kitchen.clock.paused_s == [0.0106]


def test_a_conversion_that_never_ends_is_corrupt_data() -> None:
    kitchen = Kitchen()
    kitchen.oven()
    kitchen.driver = Driver(kitchen.bus, options_of(oven=LOOP), no_sleep)
    with pytest.raises(CorruptData, match="does not end"):
        kitchen.oven()


def test_a_loss_of_power_during_the_conversion_is_not_read_as_zero_volts() -> None:
    kitchen = Kitchen()
    kitchen.oven()

    def lose_power(seconds: float) -> None:
        kitchen.clock.pause(seconds)
        kitchen.chip.power_up()

    kitchen.driver = Driver(kitchen.bus, options_of(oven=DIVIDER), lose_power)
    with pytest.raises(CorruptData, match="lost its power"):
        kitchen.oven()


def test_a_cut_loop_at_the_chip_is_a_sensor_failure_and_comes_back() -> None:
    kitchen = Kitchen()
    kitchen.felt["voltage"] = 0.0
    assert kitchen.oven().reason is Reason.SENSOR_FAILURE
    kitchen.felt["voltage"] = 9.0
    assert kitchen.oven().reason is Reason.OUT_OF_RANGE
    kitchen.felt["voltage"] = 1.2
    assert kitchen.oven().value == pytest.approx(150.0, abs=0.1)


def test_a_silent_chip_is_a_bus_error_and_comes_back() -> None:
    kitchen = Kitchen()
    kitchen.oven()
    kitchen.chip.faults.silent = True
    with pytest.raises(BusError):
        kitchen.oven()
    kitchen.chip.faults.silent = False
    assert kitchen.oven().value == pytest.approx(150.0, abs=0.1)


def test_a_stuck_chip_repeats_itself() -> None:
    kitchen = Kitchen()
    first = kitchen.oven()
    kitchen.chip.faults.stuck = True
    kitchen.felt["voltage"] = 0.5
    assert kitchen.oven() == first


def test_the_chip_starts_with_the_registers_of_the_datasheet_and_refuses_others() -> None:
    kitchen = Kitchen()
    seen = []
    for register in range(4):
        kitchen.bus.write(ADDRESS, bytes([register]))
        seen.append(kitchen.bus.read(ADDRESS, 2).hex())
    assert seen == ["0000", "8583", "8000", "7fff"]
    with pytest.raises(BusError, match="no register"):
        kitchen.bus.write(ADDRESS, b"\x04")


@pytest.mark.parametrize(("volts", "steps"), [(9.0, "7fff"), (-9.0, "8000")])
def test_the_chip_clips_at_full_scale(volts: float, steps: str) -> None:
    kitchen = Kitchen()
    kitchen.felt["voltage"] = volts
    kitchen.bus.write(ADDRESS, b"\x01\xc3\x83")
    kitchen.clock.pause(0.010)
    kitchen.bus.write(ADDRESS, b"\x00")
    assert kitchen.bus.read(ADDRESS, 2).hex() == steps


def subject(storm: frames.Storm) -> frames.Subject:
    options = options_of(oven=LOOP, level=DIVIDER)
    kitchen = Kitchen(options, storm)
    return frames.Subject(kitchen.driver.read, metrics(options), storm)


@settings(max_examples=frames.EXAMPLES, deadline=None)
@given(frames.EDITS)
def test_no_spoilt_frame_gives_a_wrong_kind_of_value(edits: bytes) -> None:
    frames.endure(subject(frames.Edited(edits)), spoilt=4)


@pytest.mark.parametrize("count", frames.COUNTS)
def test_it_endures_a_storm_of_spoilt_frames(count: int) -> None:
    frames.endure(subject(frames.storm_of(48)), count)


@given(st.integers(-0x8000, 0x7FFF), st.booleans())
def test_no_step_leaves_the_range_of_its_metric(steps: int, live_zero: bool) -> None:
    channel = replace(LOOP, live_zero=live_zero)
    (metric,) = metrics(options_of(value=channel))
    value = sample_of(steps, channel).value
    if value is not None:
        assert isinstance(value, float)
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low - 1e-9 <= value <= metric.high + 1e-9
