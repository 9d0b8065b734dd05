"""What judging is told, and what it wants done: the input and output of the reducer."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rules.alarm import Alarm
from rules.base import Observation
from rules.memory import Memory
from rules.order import Order
from rules.slots import Output

NEVER = 1 << 62
OWN = "system."  # no rule's id has a dot

Entry = Memory | Alarm | Output | Order


class Observed(NamedTuple):
    """A new reading of a point."""

    point: str
    seen: Observation


class Elapsed(NamedTuple):
    """Nothing but time has passed."""


class Acknowledged(NamedTuple):
    """A person has seen an alarm."""

    alarm: str
    by: str


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
    | Acknowledged
    | Started
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


class Record(NamedTuple):
    """Write this event row."""

    kind: str
    data: dict[str, object]


Effect = Drive | Record


class Step(NamedTuple):
    """What one event changes (None: forget the entry) and what has to be done about it."""

    changes: Mapping[str, Entry | None]
    effects: Sequence[Effect]


NOTHING = Step({}, ())
