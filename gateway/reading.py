"""Points, readings and the quality table: what travels from the bus to the cloud."""

from enum import Enum
from typing import Literal

import msgspec

from drivers.base import Reason

Value = float | bool | str | None
Origin = Literal["device", "forecast", "gateway"]


class Quality(Enum):
    """Level, reason, code in `kg/v1` rows, code in Sparkplug B; one row for each reason.

    BAD always travels with the value None. Sparkplug knows only 0, 192 and 500
    (Sparkplug 3.0, payloads-propertyset-quality-value-value).
    """

    GOOD = ("good", None, 0, 192)
    CALIBRATION_OVERDUE = ("uncertain", Reason.CALIBRATION_OVERDUE, 1, 192)
    STALE = ("bad", Reason.STALE, 2, 500)
    SENSOR_FAILURE = ("bad", Reason.SENSOR_FAILURE, 3, 0)
    OUT_OF_RANGE = ("bad", Reason.OUT_OF_RANGE, 4, 0)
    NO_COMMUNICATION = ("bad", Reason.NO_COMMUNICATION, 5, 500)
    SUBSTITUTED = ("uncertain", Reason.SUBSTITUTED, 7, 192)
    STUCK = ("bad", Reason.STUCK, 8, 0)
    NOT_STARTED = ("bad", Reason.NOT_STARTED, 9, 500)

    def __init__(self, level: str, reason: Reason | None, code: int, sparkplug: int) -> None:
        self.level = level
        self.reason = reason
        self.code = code
        self.sparkplug = sparkplug
        self.bad = level == "bad"


QUALITY_OF_REASON = {quality.reason: quality for quality in Quality if quality.reason}
QUALITY_OF_CODE = {quality.code: quality for quality in Quality}


class Point(msgspec.Struct, frozen=True, gc=False):
    """One metric of one device in this kitchen; `index` is given once and never reused."""

    index: int
    id: str  # "walk_in/temperature"
    label: str  # for people, in their language
    unit: str  # UCUM
    kind: str  # "number", "boolean" or "text"
    low: float | None = None  # range of the instrument
    high: float | None = None
    precision: int = 2  # decimals worth storing
    period_s: float = 0.0  # how often a value is due; 0 for pushed points
    simulated: bool = False
    secondary: bool = False  # kept and sent, but no tile of its own
    metric: str = ""  # to be added to the label by who shows it; empty where that says it all
    origin: Origin = "device"
    zone: str = ""

    @property
    def device(self) -> str:
        return self.id.partition("/")[0]


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A point's value at one instant; BAD quality means `value` is None."""

    point: Point
    value: Value
    quality: Quality
    at: int  # kitchen time, ms
    raw: Value = None

    @property
    def good(self) -> bool:
        """The value may be used to decide: present, and not known to be wrong."""
        return not self.quality.bad
