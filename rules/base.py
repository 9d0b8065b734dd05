"""The form every rule is compiled to, and the little it may see of the world."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

from rules.terms import PLAIN, AlarmTerms

# Markers read by the configuration loader: how a text such as "8 °C" or "10min" becomes a float.
DurationS = Annotated[float, "duration_s"]
PointUnit = Annotated[float, "point_unit"]


class Observation(Protocol):
    """A reading as a rule sees it."""

    @property
    def value(self) -> float | bool | str | None: ...
    @property
    def good(self) -> bool: ...
    @property
    def at(self) -> int: ...


class OnBad(StrEnum):
    """What a rule does while its point has no usable value; every rule must choose."""

    HOLD = "hold"  # nothing changes and a running `for` runs on
    IGNORE = "ignore"  # a running `for` is dropped; what is active stays until a good value clears
    ALARM = "alarm"  # counts as the condition being true
    SAFE = "safe"  # the condition ends and what the rule commands is relinquished


class Condition(Protocol):
    """The part of a rule that differs between kinds.

    One on numbers may also have `calm`, the lowest and the highest good number that cannot make it
    hold: an inactive rule is not asked about these.
    """

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        """Whether the condition holds; None means no opinion: stay as you are."""


class Priority(StrEnum):
    """How urgent an alarm is; `life` is kept for danger to people."""

    LIFE = "life"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Occupy a slot of an actuator while the rule is active."""

    actuator: str
    value: bool
    slot: int


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One compiled rule: when this condition holds for so long, then do that."""

    id: str
    label: str
    point: str
    condition: Condition
    for_ms: int
    on_bad: OnBad
    priority: Priority
    alarm: bool  # whether it raises an alarm under its own id
    terms: AlarmTerms = PLAIN
    commands: tuple[Command, ...]
    advice: str = ""  # what a person should do now
    fingerprint: str = ""  # of the condition: another one has nothing to remember
