"""What people do about cooking timers; each is an input of judging and a row."""

from typing import NamedTuple


class TimerSet(NamedTuple):
    """A person starts a timer; a known id begins anew."""

    timer: str
    label: str
    for_ms: int
    by: str


class TimerStopped(NamedTuple):
    """A person does not want a timer any more."""

    timer: str
    by: str


class TimerSeen(NamedTuple):
    """A person has seen that a timer came to its end."""

    timer: str
    by: str


ByCooks = TimerSet | TimerStopped | TimerSeen
# By the name each has in the stored inputs of judging.
BY_NAME: dict[str, type[ByCooks]] = {
    "timer_set": TimerSet,
    "timer_stop": TimerStopped,
    "timer_seen": TimerSeen,
}
NAMES = {shape: name for name, shape in BY_NAME.items()}
