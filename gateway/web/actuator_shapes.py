"""Outputs as the page and the API show them, and what may be asked of one."""

import msgspec


class OverrideView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person or the cloud has ordered, and for how long (UTC ms; None: until taken back)."""

    slot: int
    value: bool
    by: str
    origin: str
    order: str
    until: int | None = None


class ActuatorView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One output: what it is driven to and why, and what it really does."""

    id: str
    label: str
    zone: str = ""
    value: bool  # what it is driven to
    since: int  # UTC ms
    read_back: bool | None  # what it was last read to be; None: nobody can tell
    mismatch: bool = False  # that differs for longer than its deadline
    slot: int | None = None  # that has won; None: nobody wants anything
    cause: str  # "rule/walk_in_warm", "order/…", "run/…"; "safe state"
    label_of_cause: str = ""  # of the rule, in the language of the kitchen
    held_by: str = ""  # "min_off", "needs/hood_fan", …: why it is not what the slot wants
    overrides: tuple[OverrideView, ...] = ()  # the most urgent first
    critical: bool = False  # wants a manager, and a second thought
    locked: bool = False  # there may be gas: nothing may switch it


class OrderView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One order and what has become of it; times are UTC ms."""

    id: str
    actuator: str
    value: bool | None  # None: an override was taken back
    slot: int
    state: str  # accepted, running, succeeded, failed, rejected or expired
    code: str = ""  # why it was refused or failed
    about: str = ""  # the rule, actuator or role the code is about
    by: str
    role: str
    origin: str
    at: int
    until: int | None = None
    ended: int | None = None
    dup: bool = False  # the id was known: nothing was done again


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for: `value` None takes an override back; `for` in seconds."""

    actuator: str
    value: bool | None
    slot: int = 8
    for_s: float | None = msgspec.field(default=None, name="for")
    id: str = ""  # given by the API where the caller has none
