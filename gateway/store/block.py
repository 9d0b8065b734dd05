"""A point's hour as bytes: columns of times, quality codes and values, and exact again.

Times are told as ticks of the point's own period and how far each was off; numbers as integers of
so many decimals; what does not fit that is kept as doubles or as JSON. Each column is compressed
by itself, and a checksum over all of them keeps a worn card from turning bits into readings.
"""

import struct
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from gateway.reading import Value

_VERSION = 1
_EXACT = 2**53  # up to here a double holds every integer
_DECIMALS_MAX = 6
_EMPTY = 0x80  # in the column of codes: there is no value
_CHECKSUM = struct.Struct("<I")
_TYPES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_DIRECT, _DELTA = 0, 1
_INTEGERS, _DOUBLES, _JSON = 0, 1, 2
# Noise has no repetitions to be found: of 1,000 sensor hours coding the symbols alone won half.
_STRATEGIES = (zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY)

# A byte of `_folded`, and the same number as a signed byte.
_UNFOLDED = bytes(((number >> 1) ^ -(number & 1)) & 0xFF for number in range(256))

_Packed = tuple[int, int, int, bytes]  # mode, width, base, compressed


class Damaged(Exception):
    """These bytes are not what was written."""


class Columns(NamedTuple):
    """Readings of one point in one hour, in the order of time: ms in the hour, values, codes."""

    at: Sequence[int]
    values: Sequence[Value]
    codes: Sequence[int]


class _Body(msgspec.Struct, array_like=True):
    version: int
    count: int
    first: int
    period: int  # 0: `ticks` holds the distances, and nothing was off
    ticks: _Packed
    off: _Packed | None
    codes: bytes  # compressed; empty when all are good and have a value
    kind: int
    decimals: int
    values: _Packed | bytes


def encode(columns: Columns) -> bytes:
    """The bytes of one block; there must be a reading, and time must not step back."""
    at = columns.at
    period, ticks, off = _times(at)
    marks = bytes(
        code | (_EMPTY if value is None else 0)
        for code, value in zip(columns.codes, columns.values, strict=True)
    )
    kind, decimals, values = _values([value for value in columns.values if value is not None])
    codes = zlib.compress(marks, 9) if any(marks) else b""
    body = _Body(
        *(_VERSION, len(at), at[0], period, ticks, off),
        *(codes, kind, decimals, values),
    )
    content = msgspec.msgpack.encode(body)
    return _CHECKSUM.pack(zlib.crc32(content)) + content


def decode(stored: bytes) -> Columns:
    """What was encoded; raises Damaged."""
    content = stored[_CHECKSUM.size :]
    if len(stored) < _CHECKSUM.size or _CHECKSUM.unpack_from(stored)[0] != zlib.crc32(content):
        raise Damaged("a block of the history does not match its checksum")
    try:
        return _decoded(msgspec.msgpack.decode(content, type=_Body))
    except (msgspec.DecodeError, zlib.error, ValueError) as error:
        raise Damaged(f"a block of the history cannot be read: {error}") from error


def _decoded(body: _Body) -> Columns:
    if body.version != _VERSION:
        raise Damaged(f"a block of the history is of version {body.version}, written by another")
    at = _decoded_times(body)
    if not body.codes:
        return Columns(at, _decoded_values(body, body.count), bytes(body.count))
    marks = zlib.decompress(body.codes)
    present = iter(_decoded_values(body, sum(mark < _EMPTY for mark in marks)))
    values = [None if mark & _EMPTY else next(present) for mark in marks]
    return Columns(at, values, bytes(mark & ~_EMPTY for mark in marks))


def merged(one: Columns, other: Columns) -> Columns:
    """Both in the order of time; where that is the same, `one` comes first."""
    return ordered(
        Columns(
            [*one.at, *other.at], [*one.values, *other.values], bytes([*one.codes, *other.codes])
        )
    )


def ordered(columns: Columns) -> Columns:
    """The same readings in the order of time; those of one instant keep theirs."""
    at = columns.at
    if all(earlier <= later for earlier, later in pairwise(at)):
        return columns
    order = sorted(range(len(at)), key=at.__getitem__)
    return Columns(
        [at[place] for place in order],
        [columns.values[place] for place in order],
        bytes(columns.codes[place] for place in order),
    )


def _times(at: Sequence[int]) -> tuple[int, _Packed, _Packed | None]:
    """Period, ticks and how far off; the plain distances where those are shorter."""
    distances = [later - earlier for earlier, later in pairwise(at)]
    plain = _packed(distances)
    period = sorted(distances)[len(distances) // 2] if distances else 0
    if not period:
        return 0, plain, None
    ticks = [(moment - at[0] + period // 2) // period for moment in at]
    off = _packed([moment - at[0] - tick * period for moment, tick in zip(at, ticks, strict=True)])
    steps = _packed([later - earlier for earlier, later in pairwise(ticks)])
    if len(steps[3]) + len(off[3]) < len(plain[3]):
        return period, steps, off
    return 0, plain, None


def _decoded_times(body: _Body) -> list[int]:
    steps = _unpacked(body.ticks, body.count - 1)
    if body.off is None:
        return list(accumulate(steps, initial=body.first))
    period = body.period
    ticks = accumulate(steps, initial=0)
    off = _unpacked(body.off, body.count)
    first = body.first
    return [first + tick * period + by for tick, by in zip(ticks, off, strict=True)]


def _values(values: Sequence[Value]) -> tuple[int, int, _Packed | bytes]:
    numbers: list[float] = [
        value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    if len(numbers) == len(values):
        for decimals in range(_DECIMALS_MAX + 1):
            scaled = _scaled(numbers, decimals)
            if scaled is not None:
                return _INTEGERS, decimals, _packed(scaled)
        if all(_is_double(value) for value in numbers):
            doubles = array("d", numbers)
            return _DOUBLES, 0, _compressed(_planes(doubles.tobytes(), doubles.itemsize))
    return _JSON, 0, zlib.compress(msgspec.json.encode(values), 9)


def _decoded_values(body: _Body, count: int) -> list[Value]:
    values = body.values
    if isinstance(values, bytes):
        if body.kind == _JSON:
            return list(msgspec.json.decode(zlib.decompress(values)))
        doubles = array("d")
        doubles.frombytes(_joined(zlib.decompress(values, -zlib.MAX_WBITS), doubles.itemsize))
        return list(doubles)
    numbers = _unpacked(values, count)
    if not body.decimals:
        return list(numbers)
    scale = 10**body.decimals
    return [number / scale for number in numbers]


def _scaled(values: Sequence[float], decimals: int) -> list[int] | None:
    """The values as whole numbers of so many decimals; None when that is not exactly them."""
    scale = 10**decimals
    scaled = []
    for value in values:
        if not -_EXACT < value * scale < _EXACT:  # not a number compares false
            return None
        number = round(value * scale)
        if number / scale != value or (not number and str(value) == "-0.0"):
            return None
        scaled.append(number)
    return scaled


def _is_double(value: Value) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < _EXACT)


def _packed(numbers: Sequence[int]) -> _Packed:
    """Whole numbers as differences, or as they are above the least, whichever is smaller."""
    if not numbers:
        return _DIRECT, 1, 0, b""
    least = min(numbers)
    direct = [number - least for number in numbers]
    steps = [_folded(b - a) for a, b in pairwise(numbers)]
    if sum(steps) < sum(direct):
        return _DELTA, *_narrow(steps, numbers[0])
    return _DIRECT, *_narrow(direct, least)


def _narrow(numbers: Sequence[int], base: int) -> tuple[int, int, bytes]:
    most = max(numbers, default=0)
    width = next(width for width in _TYPES if most < 1 << 8 * width)
    if not most:
        return width, base, b""
    plain = array(_TYPES[width], numbers).tobytes()
    return width, base, _compressed(_planes(plain, width))


def _unpacked(packed: _Packed, count: int) -> Sequence[int]:
    mode, width, base, compressed = packed
    length = count - (mode == _DELTA)
    if compressed:
        numbers = array(_TYPES[width])
        numbers.frombytes(_joined(zlib.decompress(compressed, -zlib.MAX_WBITS), width))
    else:
        numbers = array("B", bytes(max(0, length)))
    if len(numbers) != length:
        raise Damaged("a column of the history has another length than its block")
    if mode == _DIRECT:
        return [base + number for number in numbers] if base else numbers
    if width == 1:  # nearly always, so worth a way without a loop of our own
        steps: Sequence[int] = array("b", numbers.tobytes().translate(_UNFOLDED))
    else:
        steps = [(number >> 1) ^ -(number & 1) for number in numbers]
    return list(accumulate(steps, initial=base))


def _folded(number: int) -> int:
    """Signed as unsigned: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _planes(plain: bytes, width: int) -> bytes:
    """All lowest bytes, then all next ones: those that hardly change stand together."""
    return b"".join(plain[place::width] for place in range(width))


def _joined(planes: bytes, width: int) -> bytes:
    plain = bytearray(len(planes))
    length = len(planes) // width
    for place in range(width):
        plain[place::width] = planes[place * length : (place + 1) * length]
    return bytes(plain)


def _compressed(plain: bytes) -> bytes:
    tried = []
    for strategy in _STRATEGIES:
        stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
        tried.append(stream.compress(plain) + stream.flush())
    return min(tried, key=len)
