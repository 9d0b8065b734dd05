"""The form every rule is compiled to, and the little it may see of the world.

A rule with a condition is active while that holds; one with triggers runs its actions once for each
of them (`docs/adr/0018-two-sorts-of-rule.md`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

from rules.terms import PLAIN, AlarmTerms

if TYPE_CHECKING:
    from rules.formula.evaluation import Unknown, World
    from rules.schedule import Schedule

# Markers read by the configuration loader: how a text such as "8 °C" or "10min" becomes a float.
DurationS = Annotated[float, "duration_s"]
PointUnit = Annotated[float, "point_unit"]
PointRate = Annotated[float, "point_rate"]  # per second

Value = float | bool | str | None


class Observation(Protocol):
    """A reading as a rule sees it."""

    @property
    def value(self) -> Value: ...
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
    """The part of a rule that differs between kinds that look at one point.

    One on numbers may also have `calm`, the lowest and the highest good number that cannot make it
    hold: an inactive rule is not asked about these.
    """

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        """Whether the condition holds; None means no opinion: stay as you are."""


class Formula(Protocol):
    """A condition over several points, compiled from its text (`rules/expression.py`)."""

    @property
    def points(self) -> tuple[str, ...]: ...
    @property
    def windows(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def every_ms(self) -> int | None:
        """How often time alone may change its answer; None: only readings do."""

    def holds(self, world: "World", *, active: bool = False) -> "bool | Unknown":
        """Whether it holds now; UNSEEN also for no opinion: stay as you are."""


class Priority(StrEnum):
    """How urgent an alarm is; `life` is kept for danger to people."""

    LIFE = "life"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Occupy a slot of an actuator: while the rule is active, or when it runs for `expires_ms`."""

    actuator: str
    value: bool
    slot: int
    expires_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Tell somebody something, once."""

    text: str
    to: str = ""  # a role; empty goes where alarms of the rule's priority go


@dataclass(frozen=True, kw_only=True)
class StartTimer:
    """Start a kitchen timer anew, or stop it with 0."""

    timer: str
    for_ms: int


@dataclass(frozen=True, kw_only=True)
class Note:
    """Write an entry into the record, in a person's words."""

    text: str


@dataclass(frozen=True, kw_only=True)
class SetMode:
    """Put the kitchen into another mode: the point `mode/<mode>` takes this value."""

    mode: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Go on with the next action later."""

    for_ms: int


Action = Command | Notify | StartTimer | Note | SetMode | Wait


@dataclass(frozen=True, kw_only=True)
class PointChanged:
    """A point takes another value, or this one, coming from another."""

    point: str
    to: Value = None


@dataclass(frozen=True, kw_only=True)
class AlarmHeard:
    """Something happens to an alarm: `raise`, `acknowledge`, `return`, `clear`."""

    alarm: str
    verb: str


@dataclass(frozen=True, kw_only=True)
class TimerElapsed:
    """A kitchen timer has come to its end."""

    timer: str


@dataclass(frozen=True, kw_only=True)
class Due:
    """The rule's schedule comes round."""

    schedule: "Schedule"


@dataclass(frozen=True, kw_only=True)
class Called:
    """Somebody asks for the rule by its name."""


Trigger = PointChanged | AlarmHeard | TimerElapsed | Due | Called


class Mode(StrEnum):
    """What becomes of a trigger that comes while the rule still runs."""

    SINGLE = "single"  # it is counted, and nothing else
    RESTART = "restart"  # the run begins again
    QUEUED = "queued"  # it waits its turn


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One compiled rule: when this condition holds for so long, or this happens, then do that."""

    id: str
    label: str
    point: str  # what its alarm is about; empty for one that is about none
    condition: Condition | None = None
    formula: Formula | None = None  # a condition over several points
    gate: Formula | None = None  # its `if`
    triggers: tuple[Trigger, ...] = ()
    mode: Mode = Mode.SINGLE
    for_ms: int = 0
    on_bad: OnBad
    priority: Priority
    alarm: bool  # whether it raises an alarm under its own id
    commands: tuple[Command, ...] = ()  # while it is active
    actions: tuple[Action, ...] = ()  # once, when it becomes active or runs
    advice: str = ""  # what a person should do now
    terms: AlarmTerms = PLAIN
    lockout: str = ""  # zone in which nothing may be switched while it stands
    fingerprint: str = ""  # of the condition: another one has nothing to remember


class Sights(NamedTuple):
    """All that a rule with a condition looks at."""

    points: tuple[str, ...]
    every_ms: int | None  # how often it looks again though nothing came


def looks_at(rule: Rule) -> Sights:
    """What makes a rule look again when it changes."""
    formulas = [formula for formula in (rule.formula, rule.gate) if formula is not None]
    points = {point for formula in formulas for point in formula.points}
    if rule.condition is not None:
        points.add(rule.point)
    periods = [formula.every_ms for formula in formulas if formula.every_ms is not None]
    return Sights(tuple(sorted(points)), min(periods, default=None))
