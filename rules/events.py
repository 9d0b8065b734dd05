"""What judging is told, and what it wants done: the input and output of the reducer."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rules.alarm import Alarm
from rules.announcing import Announcing
from rules.base import Observation
from rules.cooks import ByCooks
from rules.escalation import Escalation, StandIn
from rules.exposure import Dose
from rules.kept import CookingTimer, Hands, InMode, Last, Pace, Run, Timer
from rules.memory import Memory
from rules.order import Order
from rules.people import ByPeople
from rules.schedule import State
from rules.slots import Output
from rules.suppression import Suppression

NEVER = 1 << 62
OWN = "system."  # no rule's id has a dot

_OfAlarms = Alarm | Suppression | Escalation | Announcing | StandIn
_OfTime = Timer | CookingTimer | Hands
Entry = Memory | Output | Run | Pace | InMode | Last | State | Dose | Order | _OfTime | _OfAlarms


class Observed(NamedTuple):
    """A new reading of a point."""

    point: str
    seen: Observation
    kept: bool = True  # beyond its deadband; one that decides something is kept in any case


class Elapsed(NamedTuple):
    """Nothing but time has passed."""


class Started(NamedTuple):
    """The process has started with this set of rules, or goes on with it.

    `known` are the actuators that are still as they were driven: only a change drives them.
    """

    known: Collection[str] = ()
    fresh: bool = True  # the process was away: what was seen before counts no more


class Clocked(NamedTuple):
    """The wall clock is so far ahead of kitchen time, or is not to be believed (None)."""

    ahead_ms: int | None


class Asked(NamedTuple):
    """A person wants a rule to run now."""

    rule: str
    by: str


class Switched(NamedTuple):
    """A person puts the kitchen into another mode."""

    mode: str
    value: str
    by: str


class Troubled(NamedTuple):
    """The gateway itself is not whole, or is again; its alarms begin with `OWN`."""

    alarm: str
    standing: bool
    what: str


class Ordered(NamedTuple):
    """A person or the cloud wants a value; taken down, and begun only with `Begun`.

    `until` and `expires` are kitchen ms: how long the slot is wanted, and until when it may begin.
    `refused` is why whoever asks may not, where that was found out before.
    """

    id: str
    actuator: str
    value: bool
    slot: int
    until: int | None
    by: str
    role: str
    origin: str
    expires: int
    refused: str = ""


class Relinquished(NamedTuple):
    """A person or the cloud takes back what was ordered; as `Ordered`."""

    id: str
    actuator: str
    slot: int
    by: str
    role: str
    origin: str
    expires: int
    refused: str = ""


class Begun(NamedTuple):
    """An order has become a row, so it may act."""

    id: str


class ReadBack(NamedTuple):
    """What an actuator really does (None: nobody can tell); `assumed`: it cannot be asked."""

    actuator: str
    value: bool | None
    assumed: bool = False


Event = (
    Observed
    | Elapsed
    | ByPeople
    | ByCooks
    | Started
    | Clocked
    | Asked
    | Switched
    | Troubled
    | Ordered
    | Relinquished
    | Begun
    | ReadBack
)


class Drive(NamedTuple):
    """Bring an actuator to this value."""

    actuator: str
    value: bool
    slot: int | None
    cause: str


class Tell(NamedTuple):
    """Tell people something that is no alarm; `to` is a role, or empty."""

    text: str
    to: str
    rule: str
    priority: str


class Turned(NamedTuple):
    """The kitchen is in this mode now: publish it as the point `mode/<mode>`."""

    mode: str
    value: str


class Record(NamedTuple):
    """Write this event row."""

    kind: str
    data: dict[str, object]


class Announce(NamedTuple):
    """Tell people of an alarm, and write that as an event row of kind `alarm`.

    `to` is a role, `on_duty ROLE`, or empty for whoever the routes name; `data` is the row.
    """

    alarm: str
    to: str
    step: int
    data: dict[str, object]


Effect = Drive | Record | Announce | Tell | Turned


class Step(NamedTuple):
    """What one event changes (None: forget the entry) and what has to be done about it."""

    changes: Mapping[str, Entry | None]
    effects: Sequence[Effect]


NOTHING = Step({}, ())
