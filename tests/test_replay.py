"""The replay driver: cells become samples, gaps stay gaps, every row can be found again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Metric, Reason
from drivers.replay import Column, Driver, Options, Time

TEMPERATURE = Column(column="S1_Temp", unit="Cel")
MOTION = Column(column="S6_PIR", unit="1", kind="boolean")


def options_of(**columns: Column) -> Options:
    return Options(file="kitchen.csv", columns=columns, period=1.0)


def heard(cell: str, column: Column = TEMPERATURE) -> tuple[object, Reason | None]:
    sample = Driver(options_of(seen=column)).feed((1, {column.column: cell}), 0)["seen"]
    return sample.value, sample.reason


def test_the_metrics_are_the_named_columns_and_the_row() -> None:
    driver = Driver(options_of(temperature=TEMPERATURE, motion=MOTION))
    assert (
        Metric("row", "1", low=1.0, precision=0),
        Metric("temperature", "Cel", precision=6),
        Metric("motion", "1", kind="boolean", precision=6),
    ) == driver.METRICS


def test_each_row_brings_its_number_and_every_metric() -> None:
    driver = Driver(options_of(temperature=TEMPERATURE, motion=MOTION))
    samples = driver.feed((8084, {"S1_Temp": "24.94", "S6_PIR": "0", "other": "x"}), 0)
    assert {name: sample.value for name, sample in samples.items()} == {
        "row": 8084.0,
        "temperature": 24.94,
        "motion": False,
    }


@pytest.mark.parametrize("cell", [
    "", " ", "NaN", "nan", "inf", "-Infinity", "1e999", "24,94", "1_000", "0x10", "٣", "--", "24 C",
])  # fmt: skip
def test_a_cell_that_is_no_number_is_a_gap(cell: str) -> None:
    assert heard(cell) == (None, Reason.SENSOR_FAILURE)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("24.94", 24.94), (" -3 ", -3.0), ("+.5", 0.5), ("1E-3", 0.001), ("7.", 7.0)],
)
def test_a_decimal_number_is_taken_as_it_stands(cell: str, value: float) -> None:
    assert heard(cell) == (value, None)


@pytest.mark.parametrize(
    ("cell", "value"), [("1", True), ("0", False), ("1.0", True), ("FALSE", False), ("yes", True)]
)
def test_a_boolean_may_be_written_in_several_ways(cell: str, value: bool) -> None:
    assert heard(cell, MOTION) == (value, None)


@pytest.mark.parametrize("cell", ["", "2", "open", "nan"])
def test_a_cell_that_is_no_boolean_is_a_gap(cell: str) -> None:
    assert heard(cell, MOTION) == (None, Reason.SENSOR_FAILURE)


def test_an_absent_cell_is_a_gap_and_the_row_still_counts() -> None:
    samples = Driver(options_of(temperature=TEMPERATURE)).feed((3, {}), 0)
    assert samples["temperature"].value is None
    assert samples["row"].value == 3.0


def test_a_broken_cell_can_be_seen_but_not_without_end() -> None:
    sample = Driver(options_of(t=TEMPERATURE)).feed((1, {"S1_Temp": "ERR" * 100}), 0)["t"]
    assert isinstance(sample.raw, str)
    assert len(sample.raw) == 32


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_python_writes_is_read_back_exactly(value: float) -> None:
    assert heard(repr(value)) == (value, None)


@given(st.text(max_size=40))
def test_no_text_at_all_gives_a_number_that_is_not_finite(cell: str) -> None:
    value, reason = heard(cell)
    if value is None:
        assert reason is Reason.SENSOR_FAILURE
    else:
        assert isinstance(value, float)
        assert math.isfinite(value)


TIME = Time(columns=("Date", "Time"), format="%Y/%m/%d %H:%M:%S")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"columns": {}}, "columns: name at least one"),
        ({"columns": {"row": TEMPERATURE}}, "columns: 'row' must"),
        ({"columns": {"Temp C": TEMPERATURE}}, "columns: 'Temp C' must"),
        ({"time": TIME}, "time, period: give one"),
        ({"period": None}, "time, period: give one"),
        ({"period": None, "time": Time(columns=())}, r"time\.columns: name"),
        ({"period": 0.0}, "period: must be longer"),
        ({"period": math.inf}, "period: must be longer"),
        ({"pace": 0.0}, "pace: must be greater"),
        ({"pace": math.nan}, "pace: must be greater"),
    ],
)
def test_options_that_cannot_be_played_name_their_key(
    changed: dict[str, object], words: str
) -> None:
    sound: dict[str, object] = {
        "file": "kitchen.csv", "columns": {"t": TEMPERATURE}, "period": 1.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=words):
        Options(**(sound | changed))  # type: ignore[arg-type]
