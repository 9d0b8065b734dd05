"""Alarms as people see them: what hides one, who is told, what was."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from gateway.alarm_kpi import Figures


class ShelvedView(msgspec.Struct, frozen=True, gc=False):
    """Who hid an alarm, why, and until when (UTC ms)."""

    by: str
    reason: str
    until: int


class SuppressedView(msgspec.Struct, frozen=True, gc=False):
    """Which point hides an alarm by design, and until when at most (UTC ms)."""

    point: str
    until: int | None


class RemovedView(msgspec.Struct, frozen=True, gc=False):
    """Who took an alarm out of service, why, and since when (UTC ms)."""

    by: str
    reason: str
    since: int


class EscalationView(msgspec.Struct, frozen=True, gc=False):
    """How many steps were told, the last of them to whom, and when the next is due (UTC ms)."""

    steps: int
    to: str
    following: int | None


class FloodView(msgspec.Struct, frozen=True, gc=False):
    """More alarms than people can follow: since when (UTC ms), and how many in 10 minutes."""

    since: int
    alarms: int
    held: int  # that wait for the gathered message


class DutyView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who fills a role now; `handed_over_by` and `until` (UTC ms) where it was taken over."""

    role: str
    people: Sequence[str]
    handed_over_by: str | None = None
    until: int | None = None


class EventView(msgspec.Struct, frozen=True, gc=False):
    """One event of alarms: UTC ms, and the row as `docs/protocol.md` has it."""

    at: int
    label: str
    data: Mapping[str, object]


class AlarmHistoryView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What happened to alarms, newest first; `complete` is False where there is or was more."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    complete: bool
    events: Sequence[EventView]
    next: str | None = None  # cursor of the page that follows


class KpiView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The figures of a time; not `complete` where rows of it are no longer kept."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    complete: bool
    figures: Figures
    labels: Mapping[str, str]  # of the alarms named in them


AlarmState = Literal[
    "unacknowledged",
    "acknowledged",
    "returned",
    "normal",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
]


class CommandView(msgspec.Struct, frozen=True, gc=False):
    """What an alarm's rule has already made an actuator do."""

    actuator: str
    value: bool
    label: str = ""  # of the actuator, in the language of the kitchen


class AlarmView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One alarm; times are UTC ms, `advice` is what to do now, one step a line."""

    id: str
    label: str
    priority: str  # "life", "high", "medium" or "low"
    state: AlarmState
    since: int
    advice: str = ""
    point: str | None = None
    value: float | bool | str | None = None
    unit: str = ""
    returned: int | None = None
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    commands: tuple[CommandView, ...] = ()
    procedure: str = ""  # at length, one step a line
    group: str = ""
    first_out: str = ""  # the alarm its group's burst began with
    stands: bool = True  # whether its condition holds, hidden or not
    latch: bool = False
    shelve_max_s: float = 0.0
    shelved: ShelvedView | None = None
    suppressed: SuppressedView | None = None
    removed: RemovedView | None = None
    unseen: int = 0  # how often it was raised while hidden
    escalation: EscalationView | None = None
    chattering: bool = False
