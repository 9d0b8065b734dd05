"""SMS-SUBMIT: the protocol data units that carry one text to one telephone.

Source: 3GPP TS 23.040, 9.2.2.2 (SMS-SUBMIT), 9.1.2.5 (address), 9.2.3.12 (validity) and 9.2.3.24.1
(concatenated messages, 8-bit reference). A text in the GSM alphabet has 160 septets a message, any
other one 70 UTF-16 units, and less where it needs several.
"""

import re
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import TypeVar

from drivers.framing.gsm_alphabet import packed, plain, septets

Letter = TypeVar("Letter", bound=Sized)  # septets, or octets of UTF-16, that stay together

PARTS_MAX = 4
CUT = "..."  # ends a text that was too long

_NUMBER = re.compile(r"\+?[0-9]{3,20}")  # TP-DA has room for 20 digits
_SUBMIT = 0b01
_VALIDITY_RELATIVE = 0b10 << 3
_HEADER_PRESENT = 1 << 6
_DEFAULT_ALPHABET, _UCS2 = 0x00, 0x08  # data coding schemes of TS 23.038
_INTERNATIONAL, _UNKNOWN = 0x91, 0x81  # types of number, both of the ISDN plan
_SEPTETS_ALONE, _SEPTETS_PART = 160, 153
_OCTETS_ALONE, _OCTETS_PART = 140, 134
_HEADER_FILL_BITS = 1  # six octets of header are one bit short of seven septets
_HOUR, _DAY = 60, 24 * 60  # minutes
_NO_CENTRE = b"\x00"  # the SIM knows the number of its service centre


@dataclass(frozen=True, slots=True)
class Submit:
    """One message for the modem: what `AT+CMGS=` wants to know, and what it takes then."""

    length: int  # octets without the service centre
    pdu: bytes


def submits(
    number: str, text: str, *, reference: int = 0, validity_min: int = 24 * 60
) -> tuple[Submit, ...]:
    """The one to `PARTS_MAX` messages for a text; a longer one is cut and ends in dots.

    `reference` (8 bits) tells the telephone which parts belong together. The network gives up
    after `validity_min`. Raises ValueError for what is no telephone number.
    """
    coding, parts = _coded(text)
    address, validity = _address(number), validity_period(validity_min)
    made: list[Submit] = []
    for place, part in enumerate(parts, 1):
        header = b""
        if len(parts) > 1:
            header = bytes([5, 0, 3, reference & 0xFF, len(parts), place])
        first = _SUBMIT | _VALIDITY_RELATIVE | (_HEADER_PRESENT if header else 0)
        unit = bytes([first, 0]) + address + bytes([0, coding, validity])
        unit += _user_data(header, part, coding)
        made.append(Submit(len(unit), _NO_CENTRE + unit))
    return tuple(made)


def is_number(text: str) -> bool:
    """Whether this can be dialled: digits, with `+` in front where the country is told."""
    return _NUMBER.fullmatch(text) is not None


def validity_period(minutes: int) -> int:
    """The octet for at least so many minutes, as far as it reaches (63 weeks)."""
    if minutes <= 12 * _HOUR:
        return max(0, -(-minutes // 5) - 1)
    if minutes <= _DAY:
        return 143 + -(-(minutes - 12 * _HOUR) // 30)
    if minutes <= 30 * _DAY:
        return 166 + -(-minutes // _DAY)
    return min(255, 192 + -(-minutes // (7 * _DAY)))


def _coded(text: str) -> tuple[int, list[list[int]]]:
    """The data coding scheme, and the septets or octets of each part."""
    letters = plain(text)
    if letters is not None:
        codes, dots = [septets(it) for it in letters], [septets(it) for it in CUT]
        parts = _split(codes, dots, _SEPTETS_ALONE, _SEPTETS_PART)
        return _DEFAULT_ALPHABET, [[code for letter in part for code in letter] for part in parts]
    units, points = [_utf16(it) for it in text], [_utf16(it) for it in CUT]
    split = _split(units, points, _OCTETS_ALONE, _OCTETS_PART)
    return _UCS2, [list(b"".join(part)) for part in split]


def _utf16(letter: str) -> bytes:
    """Two octets or four; half a letter becomes a question mark."""
    return letter.encode("utf-16-be", "replace")


def _split(
    letters: Sequence[Letter], dots: Sequence[Letter], alone: int, room: int
) -> list[list[Letter]]:
    """All in one part if `alone` holds it, else parts of `room`, no letter torn."""
    if _size(letters) <= alone:
        return [list(letters)]
    parts: list[list[Letter]] = [[]]
    for letter in letters:
        if _size(parts[-1]) + len(letter) > room:
            if len(parts) == PARTS_MAX:
                _make_room(parts[-1], room - _size(dots))
                parts[-1].extend(dots)
                break
            parts.append([])
        parts[-1].append(letter)
    return parts


def _size(letters: Sequence[Sized]) -> int:
    return sum(len(letter) for letter in letters)


def _make_room(part: list[Letter], room: int) -> None:
    while _size(part) > room:
        part.pop()


def _address(number: str) -> bytes:
    """Length in digits, type, and the digits in swapped halves of octets."""
    if not is_number(number):
        raise ValueError(f"{number!r} is no telephone number: write it such as +821012345678")
    digits = number.removeprefix("+")
    kind = _INTERNATIONAL if number.startswith("+") else _UNKNOWN
    filled = digits + "F" * (len(digits) % 2)
    swapped = "".join(filled[at + 1] + filled[at] for at in range(0, len(filled), 2))
    return bytes([len(digits), kind]) + bytes.fromhex(swapped)


def _user_data(header: bytes, part: Sequence[int], coding: int) -> bytes:
    """The length, in septets or octets with the header among them, and all that it counts."""
    if coding == _UCS2:
        return bytes([len(header) + len(part)]) + header + bytes(part)
    fill_bits = _HEADER_FILL_BITS if header else 0
    ahead = (8 * len(header) + fill_bits) // 7
    return bytes([ahead + len(part)]) + header + packed(part, fill_bits)
