"""The GSM 7 bit default alphabet: letters to septets, and septets packed into octets.

Source: 3GPP TS 23.038, 6.2.1 (default alphabet and its extension) and 6.1.2.1.1 (packing).
"""

from collections.abc import Mapping, Sequence

ESCAPE = 0x1B  # the next septet is of the extension table

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_SEPTETS: Mapping[str, tuple[int, ...]] = {
    **{letter: (code,) for code, letter in enumerate(_BASIC) if code != ESCAPE},
    **{letter: (ESCAPE, code) for letter, code in _EXTENSION.items()},
}
# Signs of our own messages that the alphabet lacks. One of them alone would make every message
# one of 70 letters instead of 160.
_PLAIN = str.maketrans(
    {
        "°": "", "\N{NO-BREAK SPACE}": " ", "\t": " ", "–": "-", "—": "-", "−": "-", "·": "-",
        "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "≥": ">=", "≤": "<=", "→": "->",
        "µ": "u", "μ": "u", "²": "2", "³": "3",
    }
)  # fmt: skip


def plain(text: str) -> str | None:
    """`text` in letters of the alphabet, lesser signs replaced; None where it cannot be told so."""
    replaced = text.translate(_PLAIN)
    return replaced if all(letter in _SEPTETS for letter in replaced) else None


def septets(letter: str) -> tuple[int, ...]:
    """The one or two septets of a letter; raises KeyError for one the alphabet lacks."""
    return _SEPTETS[letter]


def packed(codes: Sequence[int], fill_bits: int = 0) -> bytes:
    """Septets as octets, the first in the lowest bits, after so many bits of nothing."""
    bits = 0
    for place, code in enumerate(codes):
        bits |= code << (7 * place + fill_bits)
    size = (7 * len(codes) + fill_bits + 7) // 8
    return bits.to_bytes(size, "little")
