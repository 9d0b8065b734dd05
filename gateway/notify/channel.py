"""What every channel is to the rest: a way to hand one notice over to one recipient.

A kind of channel is a module named in `kinds.py`; what it has is told there. A channel neither
retries nor remembers: `notifying.py` does, and has at most two hand-overs going at once, the second
for life safety only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from gateway.clock import Clock
from gateway.notify.notice import Notice

if TYPE_CHECKING:
    from gateway.notify.outbound import Outbound
    from gateway.notify.subscription import Subscriptions


class Refused(Exception):
    """It will never be taken like this: bad address, 4xx, SMTP 5yz. Says who must act."""


class Gone(Refused):
    """404 or 410: there is nobody at this address any more."""


class Unreachable(Exception):
    """It was not taken this time: no connection, time-out, 5xx, SMTP 4yz. Worth another attempt.

    `after_s`: not before so long, where the other side has said so.
    """

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice is for; `address` is what `ADDRESS` names, and `id` empty without a person."""

    id: str
    address: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a channel may be built with."""

    clock: Clock
    outbound: "Outbound"  # the one HTTP client
    folder: Path  # of data
    emulated: bool  # the kitchen is: hardware is its twin
    subscriptions: "Subscriptions | None" = None  # of browsers


@runtime_checkable
class Tended(Protocol):
    """A channel with hardware of its own, which is looked after before it is needed."""

    @property
    def trouble(self) -> str | None:
        """What was wrong at the last look, and who must act."""

    async def look(self) -> None:
        """Find out how it is."""


class Channel(Protocol):
    """One way out; opening it must not connect."""

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:
        """Return once it is taken; raises Refused or Unreachable. Cancelled after 30 s."""

    async def close(self) -> None:
        """Let go of connections; it is not used again."""
