"""A switch, plug or relay that takes commands on the site's MQTT broker.

Source: MQTT 5.0 and 3.1.1; the words are the maker's own. Tested: mosquitto 2.0 only.

Not for what must be safe without us: a device on the LAN keeps its last state when the gateway,
the broker or the network is gone. Choose one with a time-out of its own, and wire it to fail safe.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from drivers.base import CorruptData, MessageBus, Metric, Reason, Sample, Samples

BUS = "mqtt"
ROLE = "acting"

_UNCONFIRMED_READS = 2  # the one that follows a write, and the next
_WILDCARDS = "+#\0"
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under an actuator with `driver: mqtt_switch`."""

    topic: str  # of commands
    on: str = "ON"
    off: str = "OFF"
    retain: bool = False  # have the broker keep the last command
    state_topic: str | None = None  # where the device says what it really does
    state_key: str | None = None  # of the JSON object it says it in; else the bare word
    state_on: str | None = None  # the words there, when they are others
    state_off: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        for key, topic in (("topic", self.topic), ("state_topic", self.state_topic)):
            if topic is not None and (not topic or set(topic) & set(_WILDCARDS)):
                raise ValueError(
                    f'{key}: got "{topic[:60]}", expected one topic, without wildcards'
                )
        if self.state_topic == self.topic:
            raise ValueError("state_topic: would hear our own commands; leave it out")
        if self.state_topic is None and (self.state_key or self.state_on or self.state_off):
            raise ValueError("state_topic: is missing beside state_key, state_on or state_off")
        if self.on == self.off or (self.state_on or self.on) == (self.state_off or self.off):
            raise ValueError("off: must be another word than on")


class Driver:
    """One switch; `read()` without a state topic only says what the broker was last given."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("state", "1", kind="boolean"),)

    def __init__(self, bus: MessageBus, options: Options) -> None:
        self._bus = bus
        self._options = options
        self._words = {
            (options.state_on or options.on).lower(): True,
            (options.state_off or options.off).lower(): False,
        }
        self._given: bool | None = None  # the last command the broker has taken
        self._heard: bool | None = None  # what the device last said
        self._unconfirmed = 0  # reads since a command the device has said nothing about

    def write(self, value: bool) -> None:
        """Publish the command; raises BusError while the broker is away."""
        options = self._options
        self._given, self._unconfirmed = None, 1
        payload = (options.on if value else options.off).encode()
        self._bus.publish(options.topic, payload, retain=options.retain)
        self._given = value

    def read(self) -> Samples:
        """What the device last said; what it was told, as SUBSTITUTED, where it says nothing.

        Raises BusError once the broker has been away for some seconds.
        """
        self._bus.check()
        if self._options.state_topic is None:
            return {"state": _assumed(self._given)}
        if 0 < self._unconfirmed <= _UNCONFIRMED_READS:
            self._unconfirmed += 1
            return {"state": _assumed(self._given)}
        if self._unconfirmed or self._heard is None:
            return {"state": Sample(None, Reason.NO_COMMUNICATION)}
        return {"state": Sample(self._heard)}

    def feed(self, message: tuple[bytes, bool], at: int) -> Samples:  # noqa: ARG002
        """What the device says on its state topic; raises CorruptData for other words."""
        payload, _retained = message
        word = self._word(payload)
        value = self._words.get(word.strip().lower())
        if value is None:
            raise CorruptData(f"neither on nor off: {word[:32]!r}")
        self._heard, self._unconfirmed = value, 0
        return {"state": Sample(value, raw=word[:32])}

    def _word(self, payload: bytes) -> str:
        try:
            if self._options.state_key is None:
                return payload[:100].decode()
            document = _decode(payload)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise CorruptData(f"no state: {str(error)[:100] or 'nested too deeply'}") from error
        found = document.get(self._options.state_key) if isinstance(document, dict) else None
        if isinstance(found, (dict, list)) or found is None:
            raise CorruptData(f"no word under {self._options.state_key!r}")
        return str(found)[:100] if not isinstance(found, int) or abs(found) < 1 << 64 else ""


def _assumed(value: bool | None) -> Sample:
    if value is None:
        return Sample(None, Reason.NO_COMMUNICATION)
    return Sample(value, Reason.SUBSTITUTED)
