"""Sets of row numbers, held against Python's own sets."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sync.ranges import RangeSet

RANGES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(-2, 8)).map(lambda it: (it[0], it[0] + it[1]))
)


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for start, end in ranges for number in range(start, end + 1)}


@given(RANGES)
def test_a_range_set_is_the_set_of_its_numbers_in_the_fewest_sorted_ranges(
    ranges: list[tuple[int, int]],
) -> None:
    found, model = RangeSet(ranges), numbers(ranges)
    assert numbers(found.ranges) == model
    assert len(found) == len(model)
    assert [number for number in range(-3, 75) if number in found] == sorted(model)
    assert all(start <= end for start, end in found.ranges)
    neighbours = zip(found.ranges, found.ranges[1:], strict=False)
    assert all(later[0] > earlier[1] + 1 for earlier, later in neighbours)


@given(RANGES, st.integers(0, 80))
def test_the_gaps_are_what_is_missing_oldest_first(
    ranges: list[tuple[int, int]], until: int
) -> None:
    gaps = list(RangeSet(ranges).gaps(until))
    assert numbers(gaps) == set(range(1, until + 1)) - numbers(ranges)
    assert gaps == sorted(gaps)
    assert RangeSet(gaps).ranges == gaps


@given(RANGES, RANGES, st.integers(1, 80), st.integers(1, 80))
def test_gaps_from_the_middle_common_ranges_and_discarding_are_those_of_sets(
    ranges: list[tuple[int, int]], others: list[tuple[int, int]], since: int, until: int
) -> None:
    found, model = RangeSet(ranges), numbers(ranges)
    assert numbers(list(found.gaps(until, since))) == set(range(since, until + 1)) - model
    assert numbers(list(found.common(RangeSet(others)))) == model & numbers(others)
    found.discard(since, until)
    assert numbers(found.ranges) == model - set(range(since, until + 1))


@given(RANGES)
def test_the_order_of_adding_and_adding_twice_make_no_difference(
    ranges: list[tuple[int, int]],
) -> None:
    assert RangeSet(ranges).ranges == RangeSet([*reversed(ranges), *ranges]).ranges


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    found = RangeSet([(5, 3)])
    assert found.ranges == []
    assert 4 not in found


def test_numbers_too_large_for_a_machine_word_are_numbers_too() -> None:
    found = RangeSet([(10, 2**70)])
    assert 10 in found
    assert 2**70 in found
    assert 2**70 + 1 not in found
    assert 9 not in found


def test_the_oldest_ranges_are_kept_when_there_are_too_many() -> None:
    found = RangeSet((number, number) for number in range(1, 100, 2))
    assert found.oldest(3) == [(1, 1), (3, 3), (5, 5)]
    assert found.oldest(1_000) == found.ranges
