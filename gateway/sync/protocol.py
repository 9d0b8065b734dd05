"""The words of `kg/v1` that both ends share; `docs/protocol.md` is the contract.

Identity of a row is (install, stream, s). Encoding here is by hand where the exact bytes matter:
a row that is sent again must be the same row.
"""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

VERSION = 1
STREAMS: tuple["Stream", ...] = ("tm", "ev")
ROWS_MAX = 1_000  # rows in one envelope
READINGS_MAX = 10_000  # readings in one row
WIRE_MAX = 131_072  # bytes of one payload on the wire
PLAIN_MAX = 4_194_304  # bytes of one payload after decompression
RANGES_MAX = 1_000  # ranges in one acknowledgement
ACK_PLAIN_MAX = 65_536  # bytes of one acknowledgement after decompression
NAME = re.compile(r"[A-Za-z0-9_-]{1,36}")
INSTALL = re.compile(r"[0-9a-f]{32}")

Stream = Literal["tm", "ev"]
Cursor = Literal["tm", "ev", "tm.lost", "ev.lost"]  # what of a stream passed, what is lost
LOST: Mapping[Stream, Cursor] = {"tm": "tm.lost", "ev": "ev.lost"}
Range = tuple[int, int]
_Ranges = Annotated[list[Range], msgspec.Meta(max_length=RANGES_MAX)]

_COMPRESSION = 6
_json = msgspec.json.Encoder()


class Ack(msgspec.Struct, frozen=True):
    """What a receiver has committed: closed ranges of `s`."""

    install: str = msgspec.field(name="in")
    tm: _Ranges = []
    ev: _Ranges = []


def topic(tenant: str, gateway: str, leaf: str) -> str:
    """The full topic of one gateway; raises ValueError on a name the protocol forbids."""
    for name in (tenant, gateway):
        if not NAME.fullmatch(name):
            message = f"{name!r} is not a name of the protocol: letters, digits, _ and -, 1 to 36"
            raise ValueError(message)
    return f"kg/v1/{tenant}/gw/{gateway}/{leaf}"


def telemetry_row(
    s: int,
    *,
    epoch: int,
    dictionary: int,
    t0: int,
    columns: tuple[Sequence[int], Sequence[int], Sequence[object]],
    quality: Mapping[str, int],
) -> bytes:
    """The JSON of one telemetry row; `columns` are point indices, ms after `t0`, and values."""
    indices, offsets, values = columns
    row: dict[str, Any] = {"s": s, "e": epoch, "md": dictionary, "t0": t0}
    row |= {"c": indices, "dt": offsets, "x": values}
    if quality:
        row["q"] = quality
    return _json.encode(row)


def event_row(s: int, *, epoch: int, t0: int, kind: str, data: Mapping[str, object]) -> bytes:
    """The JSON of one event row."""
    return _json.encode({"s": s, "e": epoch, "t0": t0, "k": kind, "d": data})


def envelope(install: str, rows: Iterable[bytes], *, historical: bool) -> bytes:
    """The payload that carries these rows, compressed when that is smaller."""
    head = b'{"v":1,"in":"%s","h":%d,"rows":[' % (install.encode(), historical)
    return pack(head + b",".join(rows) + b"]}")


def document(body: Mapping[str, object]) -> bytes:
    """The payload of a dictionary, status or acknowledgement."""
    return pack(_json.encode(body))


def acknowledgement(payload: bytes) -> Ack:
    """The content of an `ack`; raises ValueError, and is cheap, for whatever may be sent."""
    try:
        return msgspec.json.decode(unpack(payload, ACK_PLAIN_MAX), type=Ack)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def pack(plain: bytes) -> bytes:
    """`plain`, or its zlib stream when that is smaller."""
    if len(plain) < 120:  # noqa: PLR2004 - below this zlib has never won
        return plain
    squeezed = zlib.compress(plain, _COMPRESSION)
    return squeezed if len(squeezed) < len(plain) else plain


def unpack(payload: bytes, plain_max: int = PLAIN_MAX) -> bytes:
    """The JSON of a payload; raises ValueError when it is too large or a broken stream."""
    wire_max = min(WIRE_MAX, plain_max)
    if len(payload) > wire_max:
        message = f"payload of {len(payload)} bytes, at most {wire_max}"
        raise ValueError(message)
    if payload[:1] != b"\x78":
        return payload
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(payload, plain_max + 1)
    except zlib.error as error:
        message = f"broken zlib stream: {error}"
        raise ValueError(message) from error
    if len(plain) > plain_max:
        message = f"more than {plain_max} bytes after decompression"
        raise ValueError(message)
    if not stream.eof:
        message = "zlib stream ends early"
        raise ValueError(message)
    if stream.unused_data:
        message = "bytes after the end of the zlib stream"
        raise ValueError(message)
    return plain
