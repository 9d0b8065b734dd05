"""Replays a recorded file (CSV or gzipped CSV with a header row) as if it happened now.

Source: any recording with one column for each quantity. Each row also reports its number in the
file as metric `row`, so that a recorded value can be found again wherever it went.
Tested: files written by the tests, with gaps, broken cells and several recordings in one file.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from drivers.base import DurationS, Metric, Reason, Sample, Samples

BUS = "recording"
ROLE = "pushed"

# A decimal comma, "1_000" and "0x10" are no numbers here, whatever Python thinks of them.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {
    "1": True, "1.0": True, "true": True, "yes": True, "on": True,
    "0": False, "0.0": False, "false": False, "no": False, "off": False,
}  # fmt: skip
_METRIC = re.compile(r"[a-z0-9_]{1,36}")
_RAW_MAX = 32  # characters of a broken cell worth showing
_ROW = Metric("row", "1", low=1.0, precision=0)


@dataclass(frozen=True, kw_only=True)
class Column:
    """Where a metric stands in the file, and what it is."""

    column: str
    unit: str  # UCUM
    kind: Literal["number", "boolean"] = "number"
    precision: int = 6  # decimals worth storing


@dataclass(frozen=True, kw_only=True)
class Time:
    """The columns that tell when a row was recorded, joined by a blank."""

    columns: tuple[str, ...]
    format: str = "iso"  # ISO 8601, or a strptime format; without an offset it is UTC


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: replay`; either `time` or `period`."""

    file: str
    columns: dict[str, Column]  # by metric
    time: Time | None = None
    period: DurationS | None = None  # of a file that holds no times
    pace: float = 1.0  # so many times faster than recorded
    repeat: bool = False
    group: str | None = None  # column; where it changes another recording starts

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        if not self.columns:
            raise ValueError("columns: name at least one, as metric: {column: …, unit: …}")
        for metric in self.columns:
            if not _METRIC.fullmatch(metric) or metric == _ROW.name:
                raise ValueError(f"columns: {metric!r} must be [a-z0-9_]{{1,36}} and not 'row'")
        if (self.time is None) == (self.period is None):
            raise ValueError("time, period: give one of them, not both")
        if self.time is not None and not self.time.columns:
            raise ValueError("time.columns: name at least one column")
        if self.period is not None and not 0 < self.period < math.inf:
            raise ValueError("period: must be longer than 0")
        if not 0 < self.pace < math.inf:
            raise ValueError("pace: must be greater than 0")


class Driver:
    """One file; its metrics are the columns the options name, and `row`."""

    METRICS: tuple[Metric, ...]

    def __init__(self, options: Options) -> None:
        self._columns = options.columns
        self.METRICS = (
            _ROW,
            *(
                Metric(name, column.unit, kind=column.kind, precision=column.precision)
                for name, column in options.columns.items()
            ),
        )

    def feed(self, message: tuple[int, Mapping[str, str]], at: int) -> Samples:  # noqa: ARG002
        """The samples of one row: its number from 1 and its cells by column name.

        A cell that is absent, empty, not finite or no value of its kind is a gap, not a number.
        """
        number, cells = message
        samples = {_ROW.name: Sample(float(number), raw=number)}
        for metric, column in self._columns.items():
            samples[metric] = _sample(cells.get(column.column, ""), column.kind)
        return samples


def _sample(cell: str, kind: Literal["number", "boolean"]) -> Sample:
    text = cell.strip()
    value = _boolean(text) if kind == "boolean" else _number(text)
    if value is None:
        return Sample(None, Reason.SENSOR_FAILURE, raw=text[:_RAW_MAX])
    return Sample(value)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.lower())
