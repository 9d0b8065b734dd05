"""What people see about alarms beside the alarm itself: what hides it, who is told, what was."""

from collections.abc import Mapping, Sequence

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
