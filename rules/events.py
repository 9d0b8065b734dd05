"""What judging is told, and what it wants done: the input and output of the reducer."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rules.alarm import Alarm
from rules.announcing import Announcing
from rules.base import Observation
from rules.escalation import Duty, Escalation
from rules.memory import Memory
from rules.people import ByPeople
from rules.slots import Output
from rules.suppression import Suppression

NEVER = 1 << 62
OWN = "system."  # no rule's id has a dot

Entry = Memory | Alarm | Output | Suppression | Escalation | Announcing | Duty


class Observed(NamedTuple):
    """A new reading of a point."""

    point: str
    seen: Observation


class Elapsed(NamedTuple):
    """Nothing but time has passed."""


class Started(NamedTuple):
    """The process has started with this set of rules, or goes on with it.

    `known` are the actuators that are still as they were driven: only a change drives them.
    """

    known: Collection[str] = ()


class Troubled(NamedTuple):
    """The gateway itself is not whole, or is again; its alarms begin with `OWN`."""

    alarm: str
    standing: bool
    what: str


Event = Observed | Elapsed | Started | Troubled | ByPeople


class Drive(NamedTuple):
    """Bring an actuator to this value."""

    actuator: str
    value: bool
    slot: int | None
    cause: str


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


Effect = Drive | Record | Announce


class Step(NamedTuple):
    """What one event changes (None: forget the entry) and what has to be done about it."""

    changes: Mapping[str, Entry | None]
    effects: Sequence[Effect]


NOTHING = Step({}, ())
