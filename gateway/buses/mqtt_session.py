"""The connection of a session with the site's broker: a `Link` whose messages come from the tap.

Acknowledging is batched and stays apart from the cloud's: PUBACKs are written by `acknowledge_all`,
in the order in which the messages came, and never by paho.
"""

import logging
from collections.abc import Callable, Sequence

from gateway.buses.mqtt import Link
from gateway.buses.mqtt_dial import Broker, LinkError, dial
from gateway.buses.mqtt_tap import Malformed, Published, Tap
from gateway.buses.mqtt_wire import Wire
from gateway.clock import Clock

logger = logging.getLogger(__name__)

RECEIVE_MAX = 256  # messages the broker may have in flight to us (MQTT 5); 3.1.1 brokers choose
_KEEPALIVE_S = 10  # a frozen broker is noticed within twice of it
_TOPICS_A_PACKET = 100


class SessionLink(Link):
    """One connection of a persistent session; messages come by `on_published`, on the loop."""

    def __init__(
        self, broker: Broker, client_id: str, clock: Clock, *, keep_session: bool = True
    ) -> None:
        super().__init__(
            broker,
            client_id,
            clock,
            keep_session=keep_session,
            manual_ack=True,
            keepalive_s=_KEEPALIVE_S,
            receive_max=RECEIVE_MAX,
        )
        self.on_published: Callable[[Published], None] = lambda _message: None
        self.on_too_large: Callable[[Published], None] = lambda _message: None
        self._tap: Tap | None = None

    async def subscribe_all(self, topics: Sequence[str]) -> None:
        """Subscribe at QoS 1; raises LinkError when the broker refuses one of them."""
        for first in range(0, len(topics), _TOPICS_A_PACKET):
            await self.subscribe(topics[first : first + _TOPICS_A_PACKET])

    def unsubscribe(self, topic: str) -> None:
        """Ask to be spared a topic; nobody waits for the answer."""
        self._ready().unsubscribe(topic)

    def acknowledge_all(self, identifiers: list[bytes]) -> None:
        """Let the broker forget these messages; does nothing once the connection is gone."""
        if identifiers and self._connected and self._tap is not None:
            self._tap.acknowledge(identifiers)
            self._write_soon()

    async def _dial(self, *, five: bool) -> Wire:
        wire = await dial(self._broker, self._clock, Tap)
        assert isinstance(wire, Tap)  # noqa: S101 - `Tap` made it
        wire.five = five
        wire.on_published = self._hand_over
        wire.on_too_large = self._refuse
        self._tap = wire
        return wire

    def _hand_over(self, message: Published) -> None:
        try:
            self.on_published(message)
        except Exception:  # an error let through would leave the stream in the middle of a packet
            logger.exception("mqtt: the receiver of %r failed", message.topic)

    def _refuse(self, message: Published) -> None:
        self.oversized += 1
        self.on_too_large(message)

    def _readable(self) -> None:
        client, tap = self._client, self._tap
        if client is None or tap is None:
            return
        try:
            tap.pull()
            while tap.waiting:
                client.loop_read()
                if self._notice():
                    return
                tap.go_on()
        except Malformed as error:
            self._stop(LinkError(f"{self._broker} sent what is not MQTT: {error}"))
            return
        if client.want_write():  # a command leaves in the turn that decided it
            self._writable()
        if tap.more and not self._reading_soon:
            self._reading_soon = True
            self._loop.call_soon(self._read_on)

    def _writable(self) -> None:
        super()._writable()
        client, tap = self._client, self._tap
        if client is None or tap is None or tap.closed:
            return
        tap.flush()
        self._wait_to_write(wanted=tap.unsent or client.want_write())
        if tap.waiting:
            self._readable()
