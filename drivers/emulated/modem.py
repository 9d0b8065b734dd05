"""A cellular modem that behaves: AT commands, a prompt, a SIM, a network, and a mouth of its own.

Standards: 3GPP TS 27.007 and 27.005 for what it says, TS 23.040 and 23.038 for what it is given,
which it takes apart bit by bit, by tables of its own. It speaks a few bytes at a time.
"""

import random
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.emulated.base import Faults, Feel

_BITES = (1, 2, 3, 7)  # bytes it says at once
_NETWORK_TURNS = 5  # before the network has taken a message
_BOOT_TURNS = 30
_HEARD_MAX = 1_024
_KEPT_MAX = 1_000  # messages
_SUBMIT_END, _ESCAPE = b"\x1a", b"\x1b"
_NO_SIM, _SIM_PIN, _NO_NETWORK, _BAD_PDU, _NO_SERVICE = 10, 11, 30, 304, 331

_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\0ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))
_TO_EXTENSION = 0x1B
_OCTETS_MAX = 140  # of user data
_RELATIVE = 0b10  # a validity of one octet
_UCS2 = 0b10  # bits 2 and 3 of the data coding scheme
_INTERNATIONAL = 0b001  # type of number


@dataclass(frozen=True, slots=True)
class Message:
    """What one SMS-SUBMIT says."""

    number: str
    text: str
    reference: int | None = None  # of a text in several parts
    parts: int = 1
    part: int = 1
    validity: int | None = None  # the octet


class Chip:
    """One modem; its switches may be turned in any thread while it is asked."""

    def __init__(
        self, options: object, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        del options, feel, now_ms
        self.faults = Faults()
        self.sim: str | None = "READY"  # or what its SIM asks for; None without one
        self.registration = 1
        self.signal = 21
        self.hang_after: int | None = None  # bytes it still says, then nothing until a reboot
        self.refuse: deque[int] = deque()  # `+CMS ERROR` of the next messages; 0 takes one
        self.interject: deque[str] = deque()  # lines it says unasked, before its next answer
        self.network_turns = _NETWORK_TURNS
        self.messages: deque[Message] = deque(maxlen=_KEPT_MAX)
        self.reboots = 0
        self._draw = random.Random(seed)  # noqa: S311 - how it stammers, no secret
        self._mouth: deque[bytes | int] = deque()  # bytes, or so many turns of silence
        self._heard: bytes
        self._power_up()

    def hear(self, data: bytes) -> bytes:
        """It never answers in the same moment."""
        if self.faults.silent or self._booting:
            return b""
        self._heard = (self._heard + data)[-_HEARD_MAX:]
        while self._take_one():
            pass
        return b""

    def speak(self) -> bytes:
        """What it says in this turn."""
        if self.faults.silent or not self._mouth:
            return b""
        head = self._mouth.popleft()
        if isinstance(head, int):
            if head > 1:
                self._mouth.appendleft(head - 1)
            else:
                self._booting = False
            return b""
        size = self._draw.choice(_BITES)
        if head[size:]:
            self._mouth.appendleft(head[size:])
        return self._until_it_hangs(head[:size])

    @property
    def speaking(self) -> bool:
        """Whether there is more to say."""
        return bool(self._mouth)

    def reboot(self) -> None:
        """Lose the supply for a moment: whatever it was told is forgotten."""
        self.reboots += 1
        self._power_up()
        self._booting = True
        self._mouth.append(_BOOT_TURNS)
        self._say("RDY", "+CFUN: 1", "+CPIN: READY", "SMS Ready")

    def texts(self) -> list[tuple[str, str]]:
        """Number and text of what it has sent, parts put together; whole ones only."""
        whole: list[tuple[str, str]] = []
        waiting: dict[tuple[str, int], dict[int, str]] = {}
        for it in self.messages:
            if it.reference is None:
                whole.append((it.number, it.text))
                continue
            have = waiting.setdefault((it.number, it.reference), {})
            have[it.part] = it.text
            if len(have) == it.parts:
                whole.append((it.number, "".join(have[place] for place in sorted(have))))
                del waiting[it.number, it.reference]
        return whole

    def _power_up(self) -> None:
        self._mouth.clear()
        self._booting = False
        self._echo = True
        self._numeric = False
        self._pdu_mode = False
        self._length: int | None = None  # of the message it waits for
        self._heard = b""
        self.hang_after = None

    def _until_it_hangs(self, said: bytes) -> bytes:
        if self.hang_after is None:
            return said
        said = said[: self.hang_after]
        self.hang_after -= len(said)
        return said

    def _take_one(self) -> bool:
        """One command or one message, where it has come to its end."""
        if self._length is None:
            command, end, rest = self._heard.partition(b"\r")
            if not end:
                return False
            self._heard = rest
            if self._echo:
                self._mouth.append(command + b"\r")
            self._obey(command.lstrip(_ESCAPE + b"\n").decode("ascii", "replace"))
            return True
        found = re.search(_SUBMIT_END + b"|" + _ESCAPE, self._heard)
        if found is None:
            return False
        text, end, self._heard = self._heard[: found.start()], found[0], self._heard[found.end() :]
        length, self._length = self._length, None
        if self._echo:
            self._mouth.append(text)
        if end == _ESCAPE:
            self._say("OK")
        else:
            self._transmit(text, length)
        return True

    def _say(self, *lines: str) -> None:
        while self.interject:
            self._mouth.append(f"\r\n{self.interject.popleft()}\r\n".encode("ascii"))
        for line in lines:
            self._mouth.append(f"\r\n{line}\r\n".encode("ascii"))

    def _fail(self, code: int) -> None:
        self._say(f"+CME ERROR: {code}" if self._numeric else "ERROR")

    def _obey(self, command: str) -> None:
        match command.upper():
            case "AT" | "":
                self._say("OK")
            case "ATE0" | "ATE1" as echo:
                self._echo = echo == "ATE1"
                self._say("OK")
            case "AT+CMEE=0" | "AT+CMEE=1" as numeric:
                self._numeric = numeric.endswith("1")
                self._say("OK")
            case "AT+CMGF=0" | "AT+CMGF=1" as mode:
                self._pdu_mode = mode.endswith("0")
                self._say("OK")
            case "AT+CPIN?" if self.sim is None:
                self._fail(_NO_SIM)
            case "AT+CPIN?":
                self._say(f"+CPIN: {self.sim}", "OK")
            case "AT+CREG?" | "AT+CEREG?" as asked:
                self._say(f"{asked[2:-1]}: 0,{self.registration}", "OK")
            case "AT+CSQ":
                self._say(f"+CSQ: {self.signal},99", "OK")
            case send if re.fullmatch(r"AT\+CMGS=\d+", send):
                self._prompt(int(send.partition("=")[2]))
            case _:
                self._fail(4)  # operation not supported

    def _prompt(self, length: int) -> None:
        if self.sim is None:
            self._fail(_NO_SIM)
        elif self.sim != "READY":
            self._fail(_SIM_PIN)
        elif not self._pdu_mode:
            self._fail(3)  # operation not allowed: it would take letters, not hexadecimal
        else:
            self._say()
            self._length = length
            self._mouth.append(b"\r\n> ")

    def _transmit(self, text: bytes, length: int) -> None:
        self._mouth.append(self.network_turns)
        try:
            unit = bytes.fromhex(text.decode("ascii"))
            message = decoded(unit)
        except (ValueError, IndexError):
            self._say(f"+CMS ERROR: {_BAD_PDU}")
            return
        if len(unit) - 1 - unit[0] != length:
            self._say(f"+CMS ERROR: {_BAD_PDU}")
        elif self.refuse and (code := self.refuse.popleft()):
            self._say(f"+CMS ERROR: {code}")
        elif self.registration not in {1, 5}:
            self._say(f"+CMS ERROR: {_NO_SERVICE}")
        else:
            self.messages.append(message)
            self._say(f"+CMGS: {len(self.messages) % 256}", "OK")


def decoded(pdu: bytes) -> Message:
    """What an SMS-SUBMIT says, service centre in front; raises ValueError or IndexError."""
    unit = pdu[1 + pdu[0] :]
    first, digits = unit[0], unit[2]
    if first & 0b11 != 1:
        raise ValueError("no SMS-SUBMIT")
    rest = unit[4 + (digits + 1) // 2 :]
    number = _number(unit[3], digits, unit[4:])
    coding, rest = rest[1], rest[2:]
    validity, form = None, first >> 3 & 0b11
    if form:
        size = 1 if form == _RELATIVE else 7
        validity, rest = (rest[0] if size == 1 else None), rest[size:]
    length, data = rest[0], rest[1:]
    header = data[: data[0] + 1] if first & 0x40 else b""
    said = _text(coding >> 2 & 0b11, data, length, len(header))
    reference, parts, part = header[3:6] if header[1:3] == b"\x00\x03" else (None, 1, 1)
    return Message(number, said, reference, parts, part, validity)


def _number(kind: int, digits: int, octets: bytes) -> str:
    halves = [half for octet in octets for half in (octet & 0xF, octet >> 4)][:digits]
    country = "+" if kind >> 4 & 0b111 == _INTERNATIONAL else ""
    return country + "".join(str(half) for half in halves)


def _text(coding: int, data: bytes, length: int, header: int) -> str:
    """Without the header, so many octets, that stands in front of it."""
    octets = length if coding == _UCS2 else -(-7 * length // 8)
    if len(data) != octets or octets > _OCTETS_MAX or coding not in {0, _UCS2}:
        raise ValueError("another length than it says")
    if coding == _UCS2:
        return data[header:].decode("utf-16-be")
    return _letters(_septets(data, length)[-(-8 * header // 7) :])


def _septets(data: bytes, count: int) -> list[int]:
    """By writing all bits in a row, the lowest of each octet first."""
    row = "".join(f"{octet:08b}"[::-1] for octet in data)
    return [int(row[at : at + 7][::-1], 2) for at in range(0, 7 * count, 7)]


def _letters(codes: Iterable[int]) -> str:
    said, escaped = "", False
    for code in codes:
        if escaped:
            said += _EXTENSION.get(code, " ")
        elif code != _TO_EXTENSION:
            said += _ALPHABET[code]
        escaped = code == _TO_EXTENSION and not escaped
    return said
