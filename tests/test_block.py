"""A block gives back exactly what was put in, or says that it is damaged."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.reading import QUALITY_OF_CODE, Value
from gateway.store.block import Columns, Damaged, decode, encode, merged, ordered
from gateway.store.rollup import HOUR_MS

CODES = sorted(QUALITY_OF_CODE)
numbers = some.one_of(
    some.floats(allow_nan=False, allow_infinity=False),
    some.decimals(-1_000, 1_000, places=2).map(float),
    some.integers(-(2**63), 2**63),
)
values: some.SearchStrategy[Value] = some.one_of(
    some.none(), some.booleans(), some.text(max_size=20), numbers
)


def columns_of(of: some.SearchStrategy[Value]) -> some.SearchStrategy[Columns]:
    reading = some.tuples(some.integers(0, HOUR_MS - 1), of, some.sampled_from(CODES))
    readings = some.lists(reading, min_size=1, max_size=60)
    return readings.map(lambda found: ordered(_columns(found)))


def _columns(readings: list[tuple[int, Value, int]]) -> Columns:
    at, values, codes = zip(*readings, strict=True)
    return Columns(at, values, bytes(codes))


def same(one: Columns, other: Columns) -> bool:
    """Whether they are equal, booleans no numbers and -0.0 no 0."""
    told = [[(type(value) is bool, str(value)) for value in each.values if not _number(value)]
            for each in (one, other)]  # fmt: skip
    signs = [[math.copysign(1, value) for value in each.values if isinstance(value, float)
              and value == 0.0] for each in (one, other)]  # fmt: skip
    return (
        list(one.at) == list(other.at)
        and list(one.values) == list(other.values)
        and list(one.codes) == list(other.codes)
        and told[0] == told[1]
        and (-1.0 in signs[0]) == (-1.0 in signs[1])
    )


def _number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@given(columns_of(values))
def test_whatever_is_put_in_comes_back(columns: Columns) -> None:
    assert same(decode(encode(columns)), columns)


@given(columns_of(numbers))
def test_numbers_come_back_to_the_last_bit(columns: Columns) -> None:
    assert same(decode(encode(columns)), columns)


@given(columns_of(values), columns_of(values))
def test_two_blocks_become_one_in_the_order_of_time(one: Columns, other: Columns) -> None:
    both = merged(one, other)
    assert list(both.at) == sorted([*one.at, *other.at])
    pairs = [*zip(*one, strict=True), *zip(*other, strict=True)]
    assert sorted(map(repr, zip(*both, strict=True))) == sorted(map(repr, pairs))


def test_readings_of_one_instant_keep_their_order() -> None:
    found = merged(Columns([5, 7], [1.5, 2.5], b"\0\0"), Columns([5, 5], [None, 9], b"\3\0"))
    assert list(zip(*found, strict=True)) == [(5, 1.5, 0), (5, None, 3), (5, 9, 0), (7, 2.5, 0)]


def test_a_steady_sensor_takes_less_than_a_byte_a_reading() -> None:
    at = [second * 1_000 + second % 3 for second in range(3_600)]
    kept = encode(Columns(at, [round(4 + second % 7 / 100, 2) for second in at], bytes(3_600)))
    assert len(kept) < 3_600


@given(columns_of(values), some.data())
def test_a_flipped_bit_is_damage_and_never_a_reading(
    columns: Columns, data: some.DataObject
) -> None:
    kept = bytearray(encode(columns))
    place = data.draw(some.integers(0, len(kept) - 1))
    kept[place] ^= 1 << data.draw(some.integers(0, 7))
    with pytest.raises(Damaged):
        decode(bytes(kept))


@pytest.mark.parametrize("rest", [b"", b"\0", b"\0\0\0\0"])
def test_a_stump_is_damage(rest: bytes) -> None:
    with pytest.raises(Damaged):
        decode(rest)
