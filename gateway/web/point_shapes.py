"""Points and their past as the page and the API show them."""

from collections.abc import Sequence
from typing import Literal

import msgspec

PointState = Literal["ok", "alarm", "life", "acknowledged", "returned", "latched", "stale", "fault"]


class Band(msgspec.Struct, frozen=True, gc=False):
    """What the rules allow a point to be, in its own unit; None is an open end."""

    low: float | None = None
    high: float | None = None


class PointView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One point as a person sees it now."""

    id: str
    label: str  # in the language of the kitchen
    metric: str = ""  # what of it, to be added in the viewer's language; may be empty
    origin: Literal["device", "forecast", "gateway"] = "device"
    secondary: bool = False  # no tile of its own
    of: str = ""  # the point that a forecast is about
    unit: str  # UCUM
    value: float | bool | str | None  # None whenever quality is "bad"
    quality: str  # "good", "uncertain" or "bad"
    reason: str | None = None
    at: int  # UTC ms of this value, or of the moment it was found missing
    age_s: float
    state: PointState
    zone: str = ""
    kind: str = "number"  # or "boolean", "text"
    precision: int = 1  # decimals worth showing
    period_s: float = 0.0  # how often a value is due; 0 for pushed points
    low: float | None = None  # range of the instrument
    high: float | None = None
    limit: Band | None = None
    last: float | bool | str | None = None  # last good value
    last_at: int | None = None  # its UTC ms
    raw: float | bool | str | None = None  # what the driver read, before calibration and filter
    simulated: bool = False


class SeriesView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One point over time: `rows` as `columns` say, in order; null is "no value"."""

    point: str
    unit: str  # UCUM
    step: str
    start: int = msgspec.field(name="from")  # UTC ms
    end: int = msgspec.field(name="to")
    complete: bool = True  # False: part of it cannot be read, or is not yet in the history
    columns: Sequence[str]
    rows: msgspec.Raw
