"""The site's MQTT broker as a bus: what every such bus offers, and its emulated twin.

The twin starts no broker: an emulated device hands its message straight to who listens.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.base import DriverError

logger = logging.getLogger(__name__)


class Audience(Protocol):
    """Who hears a topic."""

    def hear(self, message: tuple[bytes, bool]) -> None:
        """Take a payload; True beside it: the broker had kept it."""

    def fail(self, error: DriverError) -> None:
        """A message came that cannot be taken."""

    def cut_off(self, error: DriverError) -> None:
        """The broker is away, which is said once for all."""


class Commits(Protocol):
    """What of the log is needed to know when a message is durable."""

    on_durable: list[Callable[[int], None]]

    def await_commit(self) -> int:
        """The number of the commit that will hold what was handed over so far."""

    def press(self) -> None:
        """Commit at once: nothing more comes before."""

    @property
    def dropped(self) -> int:
        """Readings that found no room, so far."""


@dataclass(slots=True)
class Counters:
    """What came and went since the start; shown under /metrics."""

    connects: int = 0
    messages: int = 0
    repeated: int = 0  # of them, delivered again and not heard twice
    foreign: int = 0  # of them, on topics of nobody here
    oversized: int = 0
    commands: int = 0
    unheard: int = 0  # commands the broker refused, or has nobody for
    sessions_lost: int = 0  # the broker forgot what it kept for us


class Site(Protocol):
    """A broker of the site; nothing here waits but `run` and `close`."""

    name: str
    counters: Counters
    on_up: Callable[[], None]  # told at each connection

    def listen(self, topic: str, audience: Audience) -> None:
        """Have a topic heard; only before `run`."""

    def join(self, commits: Commits, client_id: str) -> None:
        """Say where the readings go and who we are to the broker; before `run`."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Hand a command over, at least once; raises BusError while the broker is away."""

    def check(self) -> None:
        """Raises BusError once the broker has been away for some seconds."""

    def look(self, now: int) -> None:
        """Tell the devices when the broker has been away for too long; call it every second."""

    def troubles(self) -> list[str]:
        """What a person should know, each in a few words."""

    @property
    def tried(self) -> bool:
        """Whether it is known if the broker can be reached."""

    @property
    def unacknowledged(self) -> int:
        """Messages that wait for their commit."""

    async def run(self) -> None:
        """Be connected, for ever."""

    async def close(self) -> None:
        """Say farewell."""


class EmulatedSite:
    """A `Site` in the air: `post` is how emulated devices publish, `take` how they are told."""

    tried = True
    unacknowledged = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.counters = Counters()
        self.on_up: Callable[[], None] = lambda: None
        self._audiences: dict[str, list[Audience]] = {}
        self._takers: dict[str, list[Callable[[bytes], None]]] = {}
        self._early: dict[str, bytes] | None = {}  # the last of each topic, until `open`

    def take(self, topic: str, taker: Callable[[bytes], None]) -> None:
        """Have an emulated device told what is published under a topic."""
        self._takers.setdefault(topic, []).append(taker)

    def post(self, topic: str, payload: bytes) -> None:
        """An emulated device publishes, on the loop."""
        if self._early is not None:
            self._early[topic] = payload
            return
        for audience in self._audiences.get(topic, ()):
            self.counters.messages += 1
            audience.hear((payload, False))

    def open(self) -> None:
        """Begin to deliver."""
        early, self._early = self._early or {}, None
        for topic, payload in early.items():
            self.post(topic, payload)

    def listen(self, topic: str, audience: Audience) -> None:
        self._audiences.setdefault(topic, []).append(audience)

    def join(self, commits: Commits, client_id: str) -> None:
        """Nothing here waits for a PUBACK."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        del retain
        self.counters.commands += 1
        for taker in self._takers.get(topic, ()):
            taker(payload)
        self.post(topic, payload)

    def check(self) -> None:
        """It is always there."""

    def look(self, now: int) -> None:
        """It is always there."""

    def troubles(self) -> list[str]:
        return []

    async def run(self) -> None:
        """It is always connected."""

    async def close(self) -> None:
        """There is nobody to say farewell to."""
