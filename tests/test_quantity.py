"""Durations and quantities as people write them."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import quantity
from gateway.config.quantity import QuantityError

NUMBERS = st.floats(-1e5, 1e5).map(lambda value: round(value, 3))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("10min", 600.0),
        ("1h", 3600.0),
        ("500ms", 0.5),
        ("1d", 86_400.0),
        ("0s", 0.0),
        ("1.5 h", 5400.0),
        (" 2 min ", 120.0),
        ("366d", 366 * 86_400.0),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert quantity.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30", '"1h"; did you mean "30s"?'),
        ("10m", '(ms, s, min, h, d); did you mean "10min"?'),
        ("10 fortnights", 'got "10 fortnights", expected a duration'),
        ("12:30", 'got "12:30"'),
        ("-5s", "0s to 366d"),
        ("367d", "0s to 366d"),
        ("s", 'such as "30s"'),
        ("", 'such as "30s"'),
        ("1h30min", 'got "1h30min", expected a duration'),
        ("nan s", "expected a duration"),
        ("9" * 400 + "s", "expected a duration"),
        ("1,5h", 'got "1,5h"'),
    ],
)
def test_what_is_no_duration_is_told_what_one_looks_like(text: str, words: str) -> None:
    with pytest.raises(QuantityError) as told:
        quantity.duration(text)
    assert words in str(told.value)
    assert "30s" in str(told.value)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("8 °C", "Cel", 8.0),
        ("8℃", "Cel", 8.0),
        ("8C", "Cel", 8.0),
        ("281.15 K", "Cel", 8.0),
        ("46.4 °F", "Cel", 8.0),
        ("41 ℉", "Cel", 5.0),
        ("39 °F", "[degF]", 39.0),
        ("-18 °C", "[degF]", -0.4),
        ("\u221218 °C", "Cel", -18.0),  # U+2212 MINUS SIGN
        ("-40 °F", "Cel", -40.0),
        ("0 °C", "K", 273.15),
        ("60 %", "%", 60.0),
        ("60％", "%", 60.0),
        ("1000 ppm", "[ppm]", 1000.0),
        ("0.1 %", "[ppm]", 1000.0),
        ("2 kW", "W", 2000.0),
        ("1 lb", "kg", 0.45359237),
        ("300 lx", "lx", 300.0),
        ("0.5", "1", 0.5),
        ("5 foo", "foo", 5.0),
        ("1 bar", "hPa", 1000.0),
    ],
)
def test_a_quantity_takes_the_unit_of_its_point(text: str, unit: str, value: float) -> None:
    assert quantity.absolute(text, unit) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("-0.3 K", "Cel", -0.3),
        ("-0.3 °C", "Cel", -0.3),
        ("1.8 °F", "Cel", 1.0),
        ("1 K", "[degF]", 1.8),
        ("5 %", "%", 5.0),
        ("50 g", "kg", 0.05),
    ],
)
def test_a_difference_is_scaled_and_never_shifted(text: str, unit: str, value: float) -> None:
    assert quantity.difference(text, unit) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("2 K/min", "Cel", 2 / 60),
        ("3.6 °F/min", "Cel", 2 / 60),
        ("1 K / s", "Cel", 1.0),
        ("100 ppm/min", "[ppm]", 100 / 60),
        ("2 L/min/s", "L/min", 2.0),
        ("1/s", "1", 1.0),
    ],
)
def test_a_rate_is_per_second(text: str, unit: str, value: float) -> None:
    assert quantity.rate(text, unit) == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("8", "Cel", ["1 °C", "8 without a unit"]),
        ("8 lx", "Cel", ["°C", "lx is no °C"]),
        ("8 °C", "%", ["1 %", "°C is no %"]),
        ("8 parsec", "Cel", ['unknown unit "parsec"']),
        ("8,5 °C", "Cel", ['got "8,5 °C"']),
        ("8:30 °C", "Cel", ['got "8:30 °C"']),
        ("warm", "Cel", ['got "warm"']),
        ("", "Cel", ["1 °C"]),
        ("8 °C", "1", ["a number", "°C is no"]),
        ("1e400 °C", "Cel", ["unknown unit"]),
    ],
)
def test_a_wrong_unit_is_named_beside_the_wanted_one(
    text: str, unit: str, words: list[str]
) -> None:
    with pytest.raises(QuantityError) as told:
        quantity.absolute(text, unit)
    for word in words:
        assert word in str(told.value)


@pytest.mark.parametrize("text", ["2 K", "2 K/fortnight", "2", "K/min", "2 lx/min"])
def test_a_change_without_its_time_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        quantity.rate(text, "Cel")


@given(NUMBERS)
def test_fahrenheit_is_what_its_definition_says(fahrenheit: float) -> None:
    celsius = quantity.absolute(f"{fahrenheit} °F", "Cel")
    assert celsius == pytest.approx((fahrenheit - 32) * 5 / 9, abs=1e-6)


@given(NUMBERS, st.sampled_from(sorted(set(quantity.UNITS) - {"1"})))
def test_a_value_in_the_points_own_unit_is_not_touched(number: float, unit: str) -> None:
    assert quantity.absolute(f"{number} {unit}", unit) == number


@given(NUMBERS, NUMBERS, st.sampled_from(["K", "Cel", "[degF]"]))
def test_a_difference_is_the_distance_of_two_values(a: float, b: float, unit: str) -> None:
    apart = quantity.absolute(f"{a} °F", unit) - quantity.absolute(f"{b} °F", unit)
    assert quantity.difference(f"{a - b:.9f} °F", unit) == pytest.approx(apart, abs=1e-5)


@given(st.text(max_size=80))
def test_any_text_is_a_finite_number_or_an_error_that_says_so(text: str) -> None:
    for read in (quantity.duration, lambda given: quantity.absolute(given, "Cel")):
        value = None
        with contextlib.suppress(QuantityError):
            value = read(text)
        assert value is None or math.isfinite(value)
