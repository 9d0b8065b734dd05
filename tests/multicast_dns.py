"""Asks the LAN for a name as a phone does: one question by multicast (RFC 6762, 5.1)."""

import socket
import struct
from dataclasses import dataclass

GROUP, PORT = "224.0.0.251", 5353
KINDS = {"A": 1, "PTR": 12, "TXT": 16, "SRV": 33}
_POINTER = 0xC0
_ANSWER_S = 0.5


@dataclass(frozen=True)
class Record:
    """One answer; `data` is an address, a name, `host:port`, or the texts in their order."""

    name: str
    kind: str
    data: str | tuple[str, ...]


def ask(name: str, kind: str, interface: str) -> list[Record]:
    """Every record of the first answer that comes through that address of ours; none if none."""
    labels = b"".join(bytes([len(it)]) + it for it in (each.encode() for each in split(name)))
    question = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + labels + struct.pack("!xHH", KINDS[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((interface, 0))
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        asking.settimeout(_ANSWER_S)
        asking.sendto(question, (GROUP, PORT))
        try:
            return _records(asking.recv(9_000))
        except TimeoutError:
            return []


def split(name: str) -> list[str]:
    """The labels; the first may have dots and spaces where it names a service."""
    before, mark, after = name.partition("._http")
    return [
        *([before] if mark else before.split(".")),
        *(f"_http{after}".split(".") if mark else []),
    ]


def _records(message: bytes) -> list[Record]:
    _, _, questions, *counts = struct.unpack_from("!6H", message)
    at = 12
    for _ in range(questions):
        _, at = _name(message, at)
        at += 4
    found = []
    for _ in range(sum(counts)):
        name, at = _name(message, at)
        number, _, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        kind = next((word for word, it in KINDS.items() if it == number), str(number))
        found.append(Record(name, kind, _data(message, at, length, kind)))
        at += length
    return found


def _data(message: bytes, at: int, length: int, kind: str) -> str | tuple[str, ...]:
    if kind == "A":
        return socket.inet_ntoa(message[at : at + 4])
    if kind == "PTR":
        return _name(message, at)[0]
    if kind == "SRV":
        return f"{_name(message, at + 6)[0]}:{struct.unpack_from('!H', message, at + 4)[0]}"
    texts, end = [], at + length
    while kind == "TXT" and at < end:
        texts.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return tuple(texts)


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name and where the message goes on after it; compressed ones are followed."""
    labels: list[str] = []
    after = 0
    while size := message[at]:
        if size & _POINTER == _POINTER:
            after = after or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            continue
        labels.append(message[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels), after or at + 1
