"""What people do about alarms; each is an input of judging and a row."""

from typing import NamedTuple


class Acknowledged(NamedTuple):
    """A person has seen an alarm."""

    alarm: str
    by: str


class Shelved(NamedTuple):
    """A person hides an alarm for a time, and says why."""

    alarm: str
    by: str
    reason: str
    for_ms: int


class Unshelved(NamedTuple):
    """A person wants a shelved alarm back."""

    alarm: str
    by: str


class Reset(NamedTuple):
    """A person has made sure that what latched is over."""

    alarm: str
    by: str


class OutOfService(NamedTuple):
    """A manager takes an alarm out of service, and says why."""

    alarm: str
    by: str
    reason: str


class BackInService(NamedTuple):
    """A manager puts an alarm back into service."""

    alarm: str
    by: str


class HandedOver(NamedTuple):
    """A person takes over a role for a time, whatever the shift calendar says."""

    role: str
    person: str
    by: str
    for_ms: int


ByPeople = Acknowledged | Shelved | Unshelved | Reset | OutOfService | BackInService | HandedOver
# By the name each has in the stored inputs of judging.
BY_NAME: dict[str, type[ByPeople]] = {
    "acknowledge": Acknowledged,
    "shelve": Shelved,
    "unshelve": Unshelved,
    "reset": Reset,
    "out_of_service": OutOfService,
    "in_service": BackInService,
    "hand_over": HandedOver,
}
NAMES = {shape: name for name, shape in BY_NAME.items()}
