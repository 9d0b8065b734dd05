"""One person with an account: what is stored, and what a person may be called and given."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.access.errors import Unfit
from gateway.access.role import Role

PEOPLE_MAX = 500
PASSWORD_LEAST = 10  # characters
PASSWORD_MOST = 128
PIN_DIGITS = 6
REACH_MAX = 64  # zones or devices of one person

_ID = re.compile(r"[a-z0-9_]{1,36}")
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")
_LABEL_MAX = 60
_FEWEST_CHARACTERS = 5  # different ones in a password
_FEWEST_DIGITS = 3  # different ones in a PIN
_RUNS = ("01234567890", "09876543210")


class Reach(msgspec.Struct, frozen=True):
    """Where somebody may control and acknowledge; with neither named, everywhere."""

    zones: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((*self.zones, *self.devices)) or "everywhere"

    @property
    def everywhere(self) -> bool:
        return not self.zones and not self.devices

    def covers(self, device: str, zone: str) -> bool:
        """Whether this device of that zone is within reach; `""` is no zone."""
        return self.everywhere or device in self.devices or (bool(zone) and zone in self.zones)

    def within(self, other: "Reach") -> bool:
        """Whether this names nothing that `other` does not."""
        if other.everywhere:
            return True
        named = set(self.zones) <= set(other.zones) and set(self.devices) <= set(other.devices)
        return named and not self.everywhere


EVERYWHERE = Reach()


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a person; the id is that of `people` in the configuration, if any."""

    id: str
    label: str
    role: Role
    created: int  # kitchen time, ms
    password: str = ""  # argon2id, encoded; empty: cannot log in with a password
    pin: str = ""  # the same, of the PIN
    reach: Reach = EVERYWHERE
    spared: bytes = b""  # the session that outlives the last new password or PIN: it gave that


class Lock(msgspec.Struct, frozen=True):
    """Wrong tries in a row, and when the last one was, in kitchen ms.

    `places` has those of each place (an address, or a session) where they were made.
    """

    wrong: int
    last: int
    places: dict[str, "Lock"] = {}


# The account as it is to be, or None for none.
Edit = Callable[[Mapping[str, Person]], Person | None]


class PeopleStore(Protocol):
    """Where people are kept. What answers at once answers from memory; the rest once committed."""

    def person(self, person_id: str) -> Person | None: ...

    def people(self) -> list[Person]:
        """In the order of their ids."""

    def lock(self, key: str) -> Lock | None: ...

    async def edit(self, person_id: str, edit: Edit, action: str = "") -> None:
        """Keep what `edit` makes of an account; nothing else changes any in between.

        It is given everybody as stored at that moment, in another thread; what it raises is raised
        here, and then nothing is changed. The record calls it `action`, or by what it turns out
        to be.
        """

    async def keep_lock(self, key: str, lock: Lock | None) -> None:
        """Overwrite, or with None remove."""


def check_names(person_id: str, label: str) -> None:
    """Raise Unfit for an id or a label that nobody can have."""
    if not _ID.fullmatch(person_id):
        raise Unfit("the id is 1 to 36 of a-z, 0-9 and _; the label is for the name", "id")
    if not 1 <= len(label) <= _LABEL_MAX or not label.isprintable() or label != label.strip():
        raise Unfit(f"the label is a name of 1 to {_LABEL_MAX} printable characters", "label")


def check_reach(reach: Reach) -> None:
    """Raise Unfit for more or longer names than anybody has zones."""
    names = (*reach.zones, *reach.devices)
    if len(names) > REACH_MAX or any(not 1 <= len(name) <= _LABEL_MAX for name in names):
        raise Unfit(f"at most {REACH_MAX} zones and devices, by their ids", "reach")


def check_password(password: str, person_id: str, label: str) -> None:
    """Raise Unfit for a password that would be guessed or cannot be typed again."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        message = f"a password has {PASSWORD_LEAST} to {PASSWORD_MOST} characters"
        raise Unfit(message, "password_length")
    folded = password.casefold()
    if len(set(folded)) < _FEWEST_CHARACTERS or person_id in folded or label.casefold() in folded:
        message = "that password is easy to guess: no name in it, and not one thing repeated"
        raise Unfit(message, "password_easy")


def check_pin(pin: str) -> None:
    """Raise Unfit for a PIN that is not six digits, or among the first that are guessed."""
    if not _PIN.fullmatch(pin):
        raise Unfit(f"a PIN has {PIN_DIGITS} digits", "pin_digits")
    if len(set(pin)) < _FEWEST_DIGITS or any(pin in run for run in _RUNS):
        message = "that PIN is easy to guess: not one digit or pair repeated, and no run of them"
        raise Unfit(message, "pin_easy")
