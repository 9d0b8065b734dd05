"""The PZEM-004T driver: the manual's example, pymodbus as the meter, broken frames."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.base import BusError, CorruptData, DriverError, Polled, WrongDevice
from drivers.emulated.pzem004t import Chip
from drivers.framing.modbus import sealed
from drivers.pzem004t import Driver, Options
from gateway.buses.kinds import Mount
from tests.fakes import ManualClock
from tests.lines import Cable, PatientLine, PatientPort, ScriptedLine, mutations

# The answer of the manual's example, section 2.3, and what it says there that it means.
REGISTERS = [0x0898, 0x03E8, 0, 0x0898, 0, 0, 0, 0x01F4, 0x0064, 0]
MEANT = {
    "voltage": 220.0, "current": 1.0, "power": 220.0, "energy": 0.0, "frequency": 50.0,
    "power_factor": 1.0, "overload": False,
}  # fmt: skip


def answer(registers: list[int], address: int = 1) -> bytes:
    words = b"".join(word.to_bytes(2, "big") for word in registers)
    return sealed(bytes([address, 4, 20]) + words)


def no_sleep(_seconds: float) -> None:
    """Let no time pass."""


def driver_of(frame: bytes, address: int = 1) -> Polled:
    return Driver(ScriptedLine(frame), Options(address=address), no_sleep)


def values(driver: Polled) -> dict[str, object]:
    return {name: sample.value for name, sample in driver.read().items()}


def test_it_asks_with_the_frame_everybody_uses() -> None:
    line = ScriptedLine(answer(REGISTERS))
    Driver(line, Options(), no_sleep).read()
    assert line.written == [bytes.fromhex("F8 04 00 00 00 0A 64 64")]


def test_the_example_of_the_manual_means_what_the_manual_says() -> None:
    assert values(driver_of(answer(REGISTERS))) == MEANT


def test_the_low_word_comes_first() -> None:
    registers = [2301, 1, 1, 2, 3, 0x1234, 0x0056, 500, 97, 0xFFFF]
    assert values(driver_of(answer(registers))) == {
        "voltage": 230.1, "current": 65.537, "power": 19661.0, "energy": 0x561234,
        "frequency": 50.0, "power_factor": 0.97, "overload": True,
    }  # fmt: skip


def test_an_alarm_status_that_is_none_is_refused() -> None:
    with pytest.raises(CorruptData, match="0x1234"):
        driver_of(answer([*REGISTERS[:9], 0x1234])).read()


@pytest.mark.parametrize("address", [0, 248 + 1, 255, -1, 300])
def test_an_address_that_cannot_be_is_refused(address: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 247"):
        Options(address=address)


def test_a_meter_with_the_general_address_is_alone() -> None:
    assert Options().alone
    assert not Options(address=1).alone


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.close()


async def test_pymodbus_plays_the_meter_on_a_real_line(cable: Cable) -> None:
    registers = SimData(0, values=list(REGISTERS), datatype=DataType.REGISTERS)
    server = ModbusSerialServer(SimDevice(1, registers), port=cable.there, baudrate=9600)
    await server.serve_forever(background=True)
    port = PatientPort(cable.here)
    try:
        assert await asyncio.to_thread(values, Driver(port, Options(address=1), no_sleep)) == MEANT
        other, port.patient = Driver(port, Options(address=2), no_sleep), False
        with pytest.raises(DriverError):
            await asyncio.to_thread(other.read)
    finally:
        port.close()
        await server.shutdown()  # type: ignore[no-untyped-call]


async def test_pymodbus_refuses_registers_that_a_shorter_device_lacks(cable: Cable) -> None:
    registers = SimData(0, values=REGISTERS[:4], datatype=DataType.REGISTERS)
    server = ModbusSerialServer(SimDevice(1, registers), port=cable.there, baudrate=9600)
    await server.serve_forever(background=True)
    port = PatientPort(cable.here)
    try:
        with pytest.raises(WrongDevice, match="illegal data address"):
            await asyncio.to_thread(Driver(port, Options(address=1), no_sleep).read)
    finally:
        port.close()
        await server.shutdown()  # type: ignore[no-untyped-call]


class Mains:
    """A meter on an emulated line, at 230 V with a compressor running."""

    def __init__(self, options: Options | None = None) -> None:
        self.felt: dict[str, float] = {
            "voltage": 230.0, "current": 3.1, "power": 640.0, "energy": 70_000.0,
            "frequency": 60.0, "power_factor": 0.9,
        }  # fmt: skip
        options = options or Options()
        self.clock = ManualClock()
        self.line = PatientLine(self.clock.now)
        mount = Mount(options, self.felt.__getitem__, seed=1)
        chip = self.line.mount(Chip, mount)
        assert isinstance(chip, Chip)
        self.chip = chip
        self.driver: Polled = Driver(self.line, options, self.clock.pause)


@pytest.fixture
def mains() -> Iterator[Mains]:
    mains = Mains()
    yield mains
    mains.line.close()


def test_driver_and_chip_agree_within_noise_and_resolution(mains: Mains) -> None:
    seen = values(mains.driver)
    for name, felt in mains.felt.items():
        assert seen[name] == pytest.approx(felt, rel=0.01), name
    assert seen["overload"] is False


def test_a_meter_without_mains_is_silent_and_comes_back(mains: Mains) -> None:
    mains.felt["voltage"], mains.line.patient = 0.0, False
    with pytest.raises(BusError, match="no answer"):
        mains.driver.read()
    mains.felt["voltage"], mains.line.patient = 231.0, True
    assert values(mains.driver)["voltage"] == pytest.approx(231.0, rel=0.01)


def test_a_wrong_bit_costs_one_reading(mains: Mains) -> None:
    mains.chip.faults.corrupt_bit = 40
    with pytest.raises(CorruptData, match="checksum"):
        mains.driver.read()
    assert values(mains.driver)["frequency"] == 60.0


def test_a_stuck_meter_repeats_itself(mains: Mains) -> None:
    first = mains.driver.read()
    mains.chip.faults.stuck = True
    mains.felt["power"] = 0.0
    assert mains.driver.read() == first


def test_the_chip_refuses_what_a_meter_refuses(mains: Mains) -> None:
    assert mains.chip.hear(sealed(bytes([1, 3, 0, 0, 0, 1]))) == b""  # another address
    assert mains.chip.hear(sealed(bytes([0xF8, 3, 0, 0, 0, 1])))[1:3] == b"\x83\x01"
    assert mains.chip.hear(sealed(bytes([0xF8, 4, 0, 5, 0, 6])))[1:3] == b"\x84\x02"


def refuses_or_checks(frame: bytes) -> None:
    """Whatever the frame, it is refused by name, or its checksum holds by pymodbus's measure."""
    try:
        samples = driver_of(frame).read()
    except DriverError:
        return
    held = frame[: len(answer(REGISTERS))]
    assert FramerRTU.compute_CRC(held[:-2]).to_bytes(2, "big") == held[-2:]
    assert {sample.reason for sample in samples.values()} == {None}


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=40))
def test_whatever_comes_is_refused_unless_its_checksum_holds(frame: bytes) -> None:
    refuses_or_checks(frame)


def test_no_broken_frame_of_100_000_becomes_a_number() -> None:
    for frame in mutations(answer(REGISTERS), 100_000):
        refuses_or_checks(frame)


@pytest.mark.long
@pytest.mark.timeout(2_400)
def test_no_broken_frame_of_a_million_becomes_a_number() -> None:
    for frame in mutations(answer(REGISTERS), 1_000_000, seed=2):
        refuses_or_checks(frame)
