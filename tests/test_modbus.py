"""Modbus RTU: vectors of others, pymodbus as the second opinion, and every failure by its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadInputRegistersRequest, ReadInputRegistersResponse

from drivers.base import BusError, CorruptData, DriverError, WrongDevice
from drivers.emulated import pzem004t as emulated
from drivers.framing.modbus import checksum, read_registers, request, sealed
from tests.lines import ScriptedLine

# From a controller in the field: esphome/feature-requests#629.
ANSWER = bytes.fromhex("01 04 02 00 0A 39 37")


def read(answer: bytes, address: int = 1, count: int = 1) -> tuple[int, ...]:
    return read_registers(ScriptedLine(answer), address, 4, 0x0B, count)


def test_the_checksum_is_that_of_the_catalogue() -> None:
    assert checksum(b"123456789") == 0x4B37


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        ("F8 04 00 00 00 0A 64 64", "PZEM-004T"),
        ("01 04 00 00 00 02 71 CB", "Eastron SDM, Tasmota"),
        ("01 04 04 43 66 33 34 1B 38", "Eastron manual, page 6"),
        ("01 03 00 00 00 0A C5 CD", "Modbus"),
        ("01 04 00 0B 00 01 40 08", "esphome/feature-requests#629"),
        ("01 04 02 00 0A 39 37", "esphome/feature-requests#629"),
        ("01 03 00 18 00 01 04 0D", "esphome/feature-requests#629"),
        ("01 03 02 00 32 39 91", "esphome/feature-requests#629"),
        ("FE 04 00 00 00 04 E5 C6", "SenseAir S8, ESPHome"),
    ],
)
def test_frames_of_real_devices_have_our_checksum(frame: str, source: str) -> None:
    data = bytes.fromhex(frame)
    assert sealed(data[:-2]) == data, source


@given(st.binary(min_size=1, max_size=40))
def test_pymodbus_the_driver_and_the_chip_agree_on_every_checksum(body: bytes) -> None:
    other = FramerRTU.compute_CRC(body).to_bytes(2, "big")
    assert sealed(body) == body + other == emulated._sealed(body)


@given(st.integers(1, 247), st.integers(0, 0xFFFF - 125), st.integers(1, 125))
def test_pymodbus_asks_with_the_same_bytes(address: int, first: int, count: int) -> None:
    framer = FramerRTU(DecodePDU(True))
    pdu = ReadInputRegistersRequest(dev_id=address, address=first, count=count)
    assert request(address, 4, first, count) == framer.buildFrame(pdu)


@given(st.integers(1, 247), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_what_pymodbus_answers_is_what_we_read(address: int, words: list[int]) -> None:
    framer = FramerRTU(DecodePDU(True))
    frame = framer.buildFrame(ReadInputRegistersResponse(dev_id=address, registers=words))
    assert read(frame, address, len(words)) == tuple(words)


def test_a_float_of_a_meter_is_in_two_registers() -> None:
    assert read(bytes.fromhex("01 04 04 43 66 33 34 1B 38"), count=2) == (0x4366, 0x3334)


def test_what_came_before_the_question_is_forgotten() -> None:
    line = ScriptedLine(ANSWER)
    assert read_registers(line, 1, 4, 0x0B, 1) == (10,)
    assert line.discarded == 1
    assert line.written == [bytes.fromhex("01 04 00 0B 00 01 40 08")]


def test_silence_is_no_answer() -> None:
    with pytest.raises(BusError, match=r"no answer.*powered"):
        read(b"")


@pytest.mark.parametrize("size", range(1, 7))
def test_a_short_frame_says_how_short(size: int) -> None:
    with pytest.raises(CorruptData, match=rf"short frame.*{size}"):
        read(ANSWER[:size])


@pytest.mark.parametrize("bit", range(56))
def test_one_flipped_bit_is_never_a_number(bit: int) -> None:
    broken = (int.from_bytes(ANSWER, "big") ^ 1 << bit).to_bytes(7, "big")
    with pytest.raises(CorruptData):
        read(broken)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (1, WrongDevice, "illegal function"),
        (2, WrongDevice, "illegal data address"),
        (3, WrongDevice, "illegal data value"),
        (4, BusError, "server device failure"),
        (6, BusError, "busy"),
        (99, BusError, "exception 99 .unknown"),
    ],
)
def test_an_exception_is_told_by_name_to_whoever_must_act(
    code: int, error: type[DriverError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read(sealed(bytes([1, 0x84, code])))


def test_an_exception_with_a_wrong_checksum_is_no_exception() -> None:
    with pytest.raises(CorruptData, match="checksum"):
        read(bytes.fromhex("01 84 02 00 00"))


@pytest.mark.parametrize(
    "frame",
    [sealed(bytes.fromhex("02 04 02 00 0A")), sealed(bytes.fromhex("01 03 02 00 0A")),
     sealed(bytes.fromhex("01 04 04 00 0A")), sealed(bytes([2, 0x84, 2])),
     sealed(bytes([1, 0x83, 2]))],
)  # fmt: skip
def test_the_answer_of_somebody_else_is_refused(frame: bytes) -> None:
    with pytest.raises(WrongDevice, match="else"):
        read(frame)


def test_behind_an_echo_stands_the_answer() -> None:
    line = ScriptedLine(lambda asked: asked + ANSWER)
    assert read_registers(line, 1, 4, 0x0B, 1) == (10,)


def test_nothing_but_an_echo_is_told_from_silence() -> None:
    with pytest.raises(BusError, match="only our own echo"):
        read_registers(ScriptedLine(lambda asked: asked), 1, 4, 0x0B, 1)


def test_half_an_echo_is_corrupt() -> None:
    with pytest.raises(CorruptData, match="half an echo"):
        read_registers(ScriptedLine(lambda asked: asked[:6]), 1, 4, 0x0B, 1)


def test_the_general_address_takes_whoever_answers() -> None:
    assert read(ANSWER, 0xF8) == (10,)
    assert read(sealed(bytes.fromhex("F8 04 02 00 0A")), 0xF8) == (10,)
