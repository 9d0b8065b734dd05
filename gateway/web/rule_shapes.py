"""Rules, modes and cooking timers as the page and the API show them."""

from typing import Literal

import msgspec


class RuleView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One rule as it stands; times are UTC ms."""

    id: str
    label: str
    priority: str
    runs: bool  # it has triggers, and no condition
    state: str  # idle, pending, active, running or suspended
    since: int | None = None
    why: str | None = None  # it is suspended
    next: int | None = None  # when its schedule comes round
    waits_for_clock: bool = False  # nothing scheduled runs before the clock is believed
    callable: bool = False  # people may run it


class ModeView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One mode of the kitchen; `by` a person or `rule/<id>`, `since` in UTC ms."""

    id: str
    value: str
    words: tuple[str, ...]
    by: str | None = None
    since: int | None = None


class TimerView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A cooking timer; `elapsed` ones wait until somebody has seen them. Times are UTC ms."""

    id: str
    label: str
    state: Literal["running", "elapsed"]
    since: int
    due: int
    by: str  # a person, or "rule"
    stoppable: bool = True  # False: a rule has started it, and alone ends it
