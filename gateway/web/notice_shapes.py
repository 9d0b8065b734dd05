"""Messages to people, and the channels they go by, as the page and the API show them."""

from collections.abc import Sequence
from typing import Literal

import msgspec


class NoticeView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One message on its way by one channel, or what became of it; times are UTC ms."""

    notice: str  # the same on every channel and at every attempt
    alarm: str
    verb: str
    priority: str
    title: str
    at: int  # of the event
    channel: str
    people: Sequence[str]  # none where the channel itself is the destination
    state: Literal["waiting", "handed_over", "passed_on", "failed", "given_up", "dropped"]
    attempts: int
    next_at: int | None  # while it waits
    ended: int | None
    error: str


class ChannelView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One channel; the counters are since the start."""

    id: str
    kind: str
    label: str
    state: Literal["ok", "down", "unused"]  # `down`: it is tried only now and then
    error: str  # of the last attempt, if that failed
    handed_over_at: int | None  # UTC ms
    waiting: int
    attempts: int
    handed_over: int
    unreachable: int
    failed: int
    given_up: int
    passed_on: int
    dropped: int


class NotificationsView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who was told, and who could not be; messages newest first."""

    channels: Sequence[ChannelView]
    notices: Sequence[NoticeView]
    not_told: int  # people, or destinations, whom no channel could tell since the start
