"""AT commands against an honest modem: echo, noise, lines unasked for, and every way to fail."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BusError, DriverError
from drivers.emulated.modem import Chip
from drivers.framing.at import Commands, Lines, Refusal, Restarted, Silent
from drivers.framing.modem import NotReady, Rejected, Standing, send, standing
from drivers.framing.sms_pdu import submits
from tests.lines import ScriptedLine

NUMBER = "+821012345678"
TURNS = 8  # of the modem's mouth in one read


class Wire:
    """A `drivers.base.Serial` with a modem at its far end, which speaks while somebody reads."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.written = b""
        self.noise: Callable[[bytes], bytes] = lambda said: said
        self._said = b""

    def write(self, data: bytes) -> None:
        self.written += data
        self.chip.hear(data)

    def read(self, length: int, timeout_s: float) -> bytes:
        assert timeout_s > 0
        for _ in range(TURNS):
            self._said += self.noise(self.chip.speak())
        part, self._said = self._said[:length], self._said[length:]
        return part

    def discard_input(self) -> None:
        self._said = b""


@pytest.fixture
def chip() -> Chip:
    return Chip(None, lambda quantity: 0.0, now_ms=lambda: 0, seed=1)


@pytest.fixture
def wire(chip: Chip) -> Wire:
    return Wire(chip)


def hello(at: Commands) -> None:
    standing(at)
    (message,) = submits(NUMBER, "hello")
    send(at, message)


def test_a_message_is_handed_over(chip: Chip, wire: Wire) -> None:
    at = Commands(wire)
    assert standing(at) == Standing(signal_dbm=-71, roaming=False)
    (message,) = submits(NUMBER, "hello")
    assert send(at, message) == 1
    assert chip.texts() == [(NUMBER, "hello")]
    assert (at.unsolicited, at.noise) == (0, 0)


def test_the_prompt_of_the_standard_and_an_echo_are_told_from_answers() -> None:
    lines = Lines()
    assert lines.feed(b"AT+CSQ\r\r\n+CSQ: 1,99\r\n\r\nO") == ["AT+CSQ", "+CSQ: 1,99"]
    assert lines.feed(b"K\r\n\r\n> ") == ["OK"]
    lines.prompt_wanted = True
    assert lines.feed(b"") == [">"]
    assert lines.feed(b"\r\n+CMGS: 3\r\n") == ["+CMGS: 3"]


@given(st.lists(st.sampled_from(["OK", "+CSQ: 1,99", "RING", "ERROR"]), max_size=6), st.data())
def test_lines_are_the_same_however_the_bytes_come(said: list[str], data: st.DataObject) -> None:
    stream = b"".join(f"\r\n{line}\r\n".encode() for line in said)
    lines, found = Lines(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += lines.feed(stream[:size])
        stream = stream[size:]
    assert found == said


def test_a_line_without_end_is_bounded_and_counted() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * 100) == []
    assert lines.noise > 10
    assert lines.feed(b"\r\nOK\r\n")[-1] == "OK"


def test_lines_nobody_asked_for_are_counted_and_left_out(chip: Chip, wire: Wire) -> None:
    at = Commands(wire)
    chip.interject.extend(
        ['+CMTI: "SM",1', "RING", "+CREG: 1", '+CREG: 2,"00C3","A1B2"', "NO CARRIER"]
    )
    hello(at)
    assert chip.texts() == [(NUMBER, "hello")]
    assert at.unsolicited == 5


def test_noise_between_answers_is_counted_and_does_no_harm(chip: Chip, wire: Wire) -> None:
    draw = random.Random(3)
    wire.noise = lambda said: said.replace(
        b"\r\n\r\n", b"\r\n\xff\x01" + draw.randbytes(3) + b"\r\n"
    )
    at = Commands(wire)
    for _ in range(5):
        wire.chip.interject.append("RING")
        hello(at)
    assert len(chip.texts()) == 5


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (lambda chip: setattr(chip.faults, "silent", True), Silent, "no answer to AT.*powered"),
        (lambda chip: setattr(chip, "sim", None), NotReady, "no SIM: put one in"),
        (lambda chip: setattr(chip, "sim", "SIM PIN"), NotReady, "take the PIN off"),
        (lambda chip: setattr(chip, "sim", "SIM PUK"), NotReady, "unlock it with its PUK"),
        (lambda chip: setattr(chip, "sim", "PH-NET PIN"), NotReady, "the SIM says PH-NET PIN"),
        (lambda chip: setattr(chip, "registration", 2), NotReady, "check its aerial"),
        (lambda chip: setattr(chip, "registration", 3), NotReady, "ask the operator"),
        (lambda chip: setattr(chip, "registration", 0), NotReady, "radio"),
        (lambda chip: chip.refuse.append(21), NotReady, "check the credit"),
        (lambda chip: chip.refuse.append(331), NotReady, "no network"),
        (lambda chip: chip.refuse.append(512), NotReady, r"the modem refuses: .*CMS ERROR: 512"),
        (lambda chip: chip.refuse.append(1), Rejected, "nobody has this number: correct it"),
    ],
)
def test_every_fault_says_who_must_act(
    chip: Chip, wire: Wire, fault: Callable[[Chip], object], error: type[DriverError], words: str
) -> None:
    fault(chip)
    with pytest.raises(error, match=words):
        hello(Commands(wire))
    assert chip.texts() == []


def test_it_works_again_once_the_fault_is_gone(chip: Chip, wire: Wire) -> None:
    at = Commands(wire)
    chip.registration, chip.sim = 2, "READY"
    with pytest.raises(NotReady):
        hello(at)
    chip.registration = 5
    assert standing(at).roaming
    chip.signal = 99
    assert standing(at).signal_dbm is None
    hello(at)
    assert chip.texts() == [(NUMBER, "hello")]


def test_a_modem_that_starts_anew_in_an_answer_is_set_up_again(chip: Chip, wire: Wire) -> None:
    at = Commands(wire)
    standing(at)
    chip.reboot()
    with pytest.raises((Restarted, Silent)):
        at.ask("AT+CSQ", 5.0, answer="+CSQ:")
    hello(at)
    assert chip.texts() == [(NUMBER, "hello")]


@pytest.mark.parametrize("said", [0, 1, 7, 40])
def test_a_modem_that_hangs_in_an_answer_is_given_up_in_bounded_reads(
    chip: Chip, wire: Wire, said: int
) -> None:
    at = Commands(wire)
    chip.hang_after = said
    with pytest.raises(BusError):
        hello(at)
    chip.reboot()
    for _ in range(100):
        wire.read(64, 1.0)
    hello(at)
    assert chip.texts() == [(NUMBER, "hello")]


def test_a_prompt_an_earlier_program_left_open_is_left_without_sending(
    chip: Chip, wire: Wire
) -> None:
    for command in (b"AT+CMGF=0\r", b"AT+CMGS=18\r", b"0011"):
        wire.write(command)
    hello(Commands(wire))
    assert chip.texts() == [(NUMBER, "hello")]


def test_an_ok_without_its_answer_is_no_answer() -> None:
    at = Commands(ScriptedLine(b"\r\nOK\r\n"))
    with pytest.raises(BusError, match=r"OK, but no \+CSQ"):
        at.ask("AT+CSQ", 1.0, answer="+CSQ:")


def test_refusals_without_a_number_are_told_in_the_words_of_the_modem() -> None:
    at = Commands(ScriptedLine(b"\r\n+CME ERROR: SIM not inserted\r\n"))
    with pytest.raises(Refusal, match="SIM not inserted") as caught:
        at.ask("AT+CPIN?", 1.0, answer="+CPIN:")
    assert caught.value.code is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_a_line_says_ends_and_is_no_success(said: bytes) -> None:
    at = Commands(ScriptedLine(said))
    with pytest.raises(DriverError):
        standing(at)
