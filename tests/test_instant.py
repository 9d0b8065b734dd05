"""Moments as people type them become UTC ms, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway import instant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1795226400000", 1_795_226_400_000),
        ("2026-11-21", 1_795_219_200_000),
        ("2026-11-21T02:00:00Z", 1_795_226_400_000),
        ("2026-11-21T11:00+09:00", 1_795_226_400_000),
        ("2026-11-21T11:00:00.250+09:00", 1_795_226_400_250),
        ("2026-11-21T11:00 09:00", 1_795_226_400_000),  # as a URL brings it
        ("2026-11-21 02:00", 1_795_226_400_000),
        (" 0 ", 0),
    ],
)
def test_ms_dates_and_iso_times_are_understood(text: str, at: int) -> None:
    assert instant.parse(text) == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "-1", "1969-12-31", "9" * 40, "2026-13-01", "10000-01-01"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"wanted 2026-11-21|between 1970 and 9999"):
        instant.parse(text)


@given(some.integers(0, instant.LATEST_MS))
def test_what_is_written_is_read_back(at: int) -> None:
    assert instant.parse(instant.written(at)) == at
