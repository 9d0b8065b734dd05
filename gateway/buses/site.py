"""The site's MQTT broker as a kind of bus, and its emulated twin.

The twin starts no broker: an emulated device hands its message straight to who listens. What
speaks to a real one is imported when it is opened.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from drivers.base import DriverError
from gateway.buses.kinds import Host, Mount
from gateway.clock import Clock
from gateway.config import checks
from gateway.config.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of a bus of kind `mqtt`: the broker, as under `cloud`."""

    url: Annotated[str, "broker"]
    username: str | None = None
    password: Secret | None = None
    ca_file: Annotated[Path, "file"] | None = None
    certificate_file: Annotated[Path, "file"] | None = None
    key: Secret | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what does not go together."""
        checks.login(self)

    @property
    def wire(self) -> str:
        """What no two buses can share."""
        return self.url


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


class Site:
    """A broker of the site, as far as it is the same for a real one and its twin.

    Commands are only queued, so they are given on the loop; nothing waits but `run` and `farewell`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.counters = Counters()
        self.on_up: Callable[[], None] = lambda: None  # told at each connection
        self._audiences: dict[bytes, list[Audience]] = {}  # by topic
        self._everybody: list[Audience] = []  # also who only takes commands

    def listen(self, options: Any, audience: Audience) -> None:  # noqa: ANN401 - its driver's own
        """Have a device heard: under `state_topic` where it has one, else under `topic`."""
        topic = getattr(options, "state_topic", options.topic)
        self._everybody.append(audience)
        if topic is not None:
            self._audiences.setdefault(topic.encode(), []).append(audience)

    def leave(self, audience: object) -> None:
        """Tell a device nothing more; the broker is told to stop once it sends something for it."""
        self._everybody = [each for each in self._everybody if each is not audience]
        for topic, heard_by in list(self._audiences.items()):
            left = [each for each in heard_by if each is not audience]
            if left:
                self._audiences[topic] = left
            else:
                del self._audiences[topic]

    def claim(self, options: object, *, initial: bool) -> "Site":
        """What an acting driver publishes to; its first command comes with the first connection."""
        del options, initial
        return self

    def join(self, commits: Commits, client_id: str, name: str) -> None:
        """Say where the readings go and who we are to the broker; before `run`."""

    def overhear(self, name: str) -> None:
        """Instead of `join`, for a look: the daemon's own session stays as it is."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Hand a command over, at least once; raises BusError while the broker is away."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises BusError once the broker has been away for some seconds."""

    def look(self, now: int) -> None:
        """Tell the devices when the broker has been away for too long; call it every second."""

    def troubles(self) -> list[str]:
        """What a person should know, each in a few words."""
        return []

    @property
    def tried(self) -> bool:
        """Whether it is known if the broker can be reached."""
        return True

    @property
    def unacknowledged(self) -> int:
        """Messages that wait for their commit."""
        return 0

    async def run(self) -> None:
        """Be connected, for ever."""

    async def farewell(self) -> None:
        """Leave in order; the broker keeps what comes in the meantime."""

    def close(self) -> None:
        """Nothing is left open after `run`."""


class EmulatedSite(Site):
    """A broker in the air: `post` is how emulated devices publish, `take` how they are told."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("emulated")
        self._clock = clock
        self._takers: dict[str, list[Callable[[bytes], None]]] = {}
        self._unheard: dict[bytes, bytes] = {}  # the last of each topic nobody has listened to yet

    def mount(self, make: Callable[..., Any], mount: Mount) -> Any:  # noqa: ANN401 - as many classes as drivers
        """The emulated device behind a driver's settings."""
        if mount.acting:
            return make(mount.options, self.take, self.post)
        return make(mount.options, mount.feel, self.post, self._clock.now)

    def dismount(self, options: Any) -> None:  # noqa: ANN401 - its driver's own
        """An emulated device is told nothing more."""
        self._takers.pop(options.topic, None)

    def take(self, topic: str, taker: Callable[[bytes], None]) -> None:
        """Have an emulated device told what is published under a topic."""
        self._takers.setdefault(topic, []).append(taker)

    def post(self, topic: str, payload: bytes) -> None:
        """An emulated device publishes, on the loop."""
        audiences = self._audiences.get(topic.encode())
        if audiences is None:
            self._unheard[topic.encode()] = payload
            return
        for audience in audiences:
            self.counters.messages += 1
            audience.hear((payload, False))

    def listen(self, options: Any, audience: Audience) -> None:  # noqa: ANN401 - its driver's own
        super().listen(options, audience)
        for topic in self._unheard.keys() & self._audiences.keys():
            self.post(topic.decode(), self._unheard.pop(topic))

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        del retain
        self.counters.commands += 1
        asyncio.get_running_loop().call_soon(self._deliver, topic, payload)

    def _deliver(self, topic: str, payload: bytes) -> None:
        """Not before judging is done: what a device says to a command comes after it."""
        for taker in self._takers.get(topic, ()):
            taker(payload)
        if topic.encode() in self._audiences:
            self.post(topic, payload)


def open_bus(options: Options, host: Host) -> Site:
    """The broker at `url`; it is connected by `run`, so nothing can fail yet."""
    from gateway.buses.mqtt_dial import Broker
    from gateway.buses.mqtt_site import SiteBroker

    broker = Broker.from_url(
        options.url,
        username=options.username,
        ca_file=str(options.ca_file) if options.ca_file else None,
        certificate_file=str(options.certificate_file) if options.certificate_file else None,
        key_file=str(options.key.file) if options.key else None,
    )
    return SiteBroker(broker, options.password, host.clock)


def emulate_bus(host: Host) -> EmulatedSite:
    """Its twin."""
    return EmulatedSite(host.clock)
