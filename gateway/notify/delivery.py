"""One message on its way to one recipient by one channel: what of it is a row, and how it is timed.

Times are kitchen time in ms. A row is written with the event it tells of, and again whenever its
state changes; it is deleted some time after it has ended.
"""

from enum import StrEnum
from random import Random

import msgspec

from gateway.notify.notice import Notice
from rules.base import Priority

UNSTORED_MS = 2_000  # a disk that refuses keeps nobody from being told
FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 300_000
LONGEST_PAUSE_LIFE_MS = 30_000
_DOUBLINGS = 10
_HOUR_MS = 3_600_000

# After this nobody can do anything with the message any more.
DEADLINE_MS = {
    Priority.LIFE: 24 * _HOUR_MS,
    Priority.HIGH: 12 * _HOUR_MS,
    Priority.MEDIUM: 4 * _HOUR_MS,
    Priority.LOW: 2 * _HOUR_MS,
}


class Status(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  # not tried yet, or to be tried again
    HANDED_OVER = "handed_over"
    PASSED_ON = "passed_on"  # another channel does it
    FAILED = "failed"  # refused for good
    GIVEN_UP = "given_up"  # its deadline has passed, or its channel is gone
    DROPPED = "dropped"  # more waited than there is room for


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message, one channel; `then` are the channels that take over, in their order.

    `people` is one person, but where the channel itself is the destination (`shared`): there it is
    all whom this one message serves, possibly nobody.
    """

    notice: Notice
    channel: str
    people: tuple[str, ...] = ()
    shared: bool = False
    then: tuple[str, ...] = ()
    status: Status = Status.WAITING
    attempts: int = 0
    since: int
    due: int
    deadline: int
    ended: int | None = None
    error: str = ""

    @property
    def key(self) -> str:
        """Of its row; a second one of the same key would be the same message again."""
        return f"{self.notice.id}/{self.channel}/{'' if self.shared else self.people[0]}"

    def encoded(self) -> str:
        """Its row."""
        return msgspec.json.encode(self).decode()


def decode(body: str) -> Delivery:
    """From its row; raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(body, type=Delivery)


def pause_ms(attempts: int, *, life: bool, random: Random) -> int:
    """How long to wait after so many attempts: doubled each time, with jitter, and bounded."""
    longest = LONGEST_PAUSE_LIFE_MS if life else LONGEST_PAUSE_MS
    pause: int = min(longest, FIRST_PAUSE_MS << min(attempts - 1, _DOUBLINGS))
    return round(pause * random.uniform(0.5, 1.0))
