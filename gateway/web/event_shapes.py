"""What happened, as the page gets it."""

from collections.abc import Mapping, Sequence

import msgspec


class Happened(msgspec.Struct, frozen=True, gc=False):
    """One event: UTC ms, its kind, whom it is about in the kitchen's words, and its row."""

    at: int
    kind: str
    label: str
    data: Mapping[str, object]  # as docs/protocol.md has it


class RecordView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What happened, newest first; `complete` is False where there is or was more.

    `labels` are those of the points, rules and actuators that a chain may name.
    """

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    complete: bool
    events: Sequence[Happened]
    labels: Mapping[str, str]
    next: str | None = None  # cursor of the page that follows
