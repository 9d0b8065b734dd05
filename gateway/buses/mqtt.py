"""One MQTT connection on the asyncio loop: the only place that knows paho-mqtt (2.1 or later).

A `Link` lives for one connection and never reconnects by itself: whoever owns it knows what is
to be sent again. MQTT 5 is tried first, then 3.1.1; nothing here depends on 5.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.buses.mqtt_dial import Broker, LinkError, dial, explain
from gateway.buses.mqtt_wire import PACKET_MAX, Wire
from gateway.clock import Clock

__all__ = ["PACKET_MAX", "Broker", "Link", "LinkError", "Message", "Will"]

logger = logging.getLogger(__name__)

_SESSION_S = 7 * 86_400  # how long a broker keeps what a `keep_session` client has missed
_UNSENT_MAX = 16_777_216  # bytes of payloads the broker has not taken off our hands
_PACKETS_A_TURN = 64  # read before the rest of the loop has its turn
_TICK_S = 1.0
_SUBSCRIBE_S = 10.0
_REFUSAL = 0x80  # reason codes from here on are failures
_UNSUPPORTED_PROTOCOL = 0x84
_KEEPALIVE = 0x8D
_TAKEN_OVER = 0x8E
_LOGIN = {0x86, 0x87, 0x8C}
_IDENTIFIER = 0x85
_RECEIVE_MAX = 65_535
_MESSAGE_MAX = 268_435_460  # MQTT 5.0, section 2.1.4: five bytes of header and what they can count
# A PUBLISH around its payload, MQTT 5.0, section 3.3: header, length of topic, identifier, no
# properties.
_AROUND = 5 + 2 + 2 + 1
_MALFORMED = (struct.error, IndexError, KeyError, ValueError, MQTTException)


@dataclass(frozen=True)
class Message:
    """A message as the broker delivered it; `mid` is the broker's, for `acknowledge`."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    mid: int


@dataclass(frozen=True)
class Will:
    """What the broker publishes for us when the connection ends without a farewell."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class _NoVersion5(LinkError):
    """The broker does not speak MQTT 5: try 3.1.1."""


class _Client(Client):
    """paho, handed a socket that is already connected."""

    def __init__(self, wire: Wire, client_id: str, *, five: bool, keep_session: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if five else not keep_session,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._wire = wire
        self.max_inflight_messages_set(0)

    def _create_socket(self) -> Wire:
        return self._wire


class Link:
    """One connection to a broker.

    All that begins with `on_` is a plain call on the loop. `on_lost` comes at most once, and never
    for a `close` of our own. A message of ours ends with `on_puback`, or, with a reason code of
    MQTT 5, with `on_refused`: NO_LISTENER for one that was taken though nobody subscribes to it.
    With `manual_ack` the broker keeps a message until `acknowledge`. Messages over PACKET_MAX are
    dropped and counted in `oversized`.
    """

    NO_LISTENER = 0x10
    NOT_AUTHORIZED = 0x87
    TOO_LARGE = 0x95

    def __init__(  # noqa: PLR0913 - each one is a fact of the connection
        self,
        broker: Broker,
        client_id: str,
        clock: Clock,
        *,
        will: Will | None = None,
        keep_session: bool = False,
        manual_ack: bool = False,
        keepalive_s: int = 30,
        receive_max: int | None = None,
    ) -> None:
        self.on_message: Callable[[Message], None] = lambda _message: None
        self.on_puback: Callable[[int], None] = lambda _mid: None
        self.on_refused: Callable[[int, int], None] = lambda _mid, _code: None
        self.on_oversized: Callable[[], None] = lambda: None
        self.on_lost: Callable[[LinkError], None] = lambda _error: None
        self.protocol = ""  # "5" or "3.1.1" once connected
        self.receive_maximum = _RECEIVE_MAX  # QoS 1 messages the broker takes without a PUBACK
        self.maximum_packet = _MESSAGE_MAX  # bytes of a packet the broker says it takes
        self.oversized = 0  # incoming messages over PACKET_MAX
        self.session_present = False  # the broker has kept what a `keep_session` client missed
        self.refused = 0  # of our messages, by an MQTT 5 broker; the first is logged
        self._broker = broker
        self._client_id = client_id
        self._clock = clock
        self._will = will
        self._keep_session = keep_session
        self._manual_ack = manual_ack
        self._keepalive_s = keepalive_s
        self._receive_max = receive_max  # messages in flight to us, of MQTT 5
        self._loop = asyncio.get_running_loop()
        self._client: _Client | None = None
        self._wire: Wire | None = None
        self._connected = False
        self._closing = False
        self._writing = False
        self._reading_soon = False
        self._writing_soon = False
        self._waiting_to_write = False
        self._unsent = 0
        self._farewell: ReasonCode | None = None  # the broker's, of MQTT 5
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._subscribing: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._tick_handle: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        return self._connected

    def room(self, topic: str) -> int:
        """Bytes of payload the broker takes under that topic, as far as it has said."""
        return self.maximum_packet - _AROUND - len(topic.encode())

    async def connect(self, deadline_s: float = 10.0) -> None:
        """Connect and log in within the deadline (real seconds); raises LinkError."""
        try:
            async with asyncio.timeout(deadline_s):
                try:
                    await self._greet(five=True, patience_s=deadline_s / 2)
                except _NoVersion5:
                    await self._greet(five=False, patience_s=deadline_s)
        except TimeoutError:
            raise LinkError(
                f"{self._broker} did not answer within {deadline_s:g} s: "
                "check the broker, its address and the network"
            ) from None

    async def subscribe(self, topics: Sequence[str], qos: int = 1) -> None:
        """Subscribe and wait until the broker has agreed; raises LinkError when it does not."""
        client = self._ready()
        _, mid = client.subscribe([(topic, qos) for topic in topics])
        if mid is None:
            raise LinkError(f"{self._broker} is not connected any more")
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._subscribing[mid] = answer
        try:
            async with asyncio.timeout(_SUBSCRIBE_S):
                codes = await answer
        except TimeoutError:
            raise LinkError(f"{self._broker} did not answer to a subscription") from None
        finally:
            self._subscribing.pop(mid, None)
        if len(codes) != len(topics):
            raise LinkError(f"{self._broker} answered to {len(codes)} of {len(topics)} topics")
        refused = [t for t, code in zip(topics, codes, strict=True) if code.value >= _REFUSAL]
        if refused:
            raise LinkError(
                f"{self._broker} does not let {self._client_id} subscribe to "
                f"{', '.join(refused)}: its access list must allow it"
            )

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int:  # noqa: FBT002 - as MQTT has it
        """Hand over a message and return its packet identifier, which `on_puback` names later.

        Raises LinkError when not connected, or when the broker has stopped taking data.
        """
        client = self._ready()
        self._unsent = len(payload) + (self._unsent if client.want_write() else 0)
        if self._unsent > _UNSENT_MAX:
            raise LinkError(f"{self._broker} takes no more: {_UNSENT_MAX} bytes wait to be sent")
        info = client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkError(f"{self._broker}: message not taken ({info.rc.name})")
        return info.mid

    def acknowledge(self, message: Message) -> None:
        """Let the broker forget a message of a `manual_ack` link; raises LinkError when lost."""
        if message.qos:
            self._ready().ack(message.mid, message.qos)

    async def close(self, deadline_s: float = 2.0) -> None:
        """Say farewell, so that no will is published; whatever happens, closed afterwards."""
        self._closing = True
        client = self._client
        try:
            if client is not None and self._connected:
                client.disconnect()
                async with asyncio.timeout(deadline_s):
                    await self._gone
        except TimeoutError:
            logger.warning("mqtt: %s did not take our farewell, cut", self._broker)
        finally:
            self._end(LinkError("closed"))

    # Connecting

    async def _greet(self, *, five: bool, patience_s: float) -> None:
        """One attempt in one version of the protocol, up to the CONNACK.

        Raises _NoVersion5 also for a broker that says nothing: some know no better.
        """
        self._welcome = self._loop.create_future()
        self._farewell = None
        wire = await self._dial(five=five)
        client = self._prepare(wire, five=five)
        try:
            if five:
                client.connect(
                    self._broker.host,
                    self._broker.port,
                    self._keepalive_s,
                    clean_start=not self._keep_session,
                    properties=self._session_properties(),
                )
            else:
                client.connect(self._broker.host, self._broker.port, self._keepalive_s)
            async with asyncio.timeout(patience_s):
                await self._welcome
        except BaseException as error:
            self._connected = False
            self._release()
            if five and isinstance(error, TimeoutError):
                raise _NoVersion5(f"{self._broker} says nothing to MQTT 5") from error
            raise
        self.protocol = "5" if five else "3.1.1"
        self._tick_handle = self._loop.call_later(_TICK_S, self._tick)

    async def _dial(self, *, five: bool) -> Wire:
        del five
        return await dial(self._broker, self._clock)

    def _prepare(self, wire: Wire, *, five: bool) -> _Client:
        client = _Client(wire, self._client_id, five=five, keep_session=self._keep_session)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._will is not None:
            will = self._will
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._connack
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.on_publish = self._puback
        client.on_subscribe = self._suback
        client.on_socket_open = self._socket_open
        client.on_socket_close = self._socket_close
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._no_write
        wire.on_oversized = self._drop
        self._client, self._wire = client, wire
        return client

    def _session_properties(self) -> Properties | None:
        if not self._keep_session:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_S
        if self._receive_max is not None:
            properties.ReceiveMaximum = self._receive_max
        return properties

    def _ready(self) -> _Client:
        if self._client is None or not self._connected:
            raise LinkError(f"{self._broker} is not connected")
        return self._client

    # What paho tells us

    def _connack(
        self,
        client: Client,
        _data: object,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if client is not self._client or self._welcome.done():
            return
        if code.value < _REFUSAL:
            self.receive_maximum = getattr(properties, "ReceiveMaximum", _RECEIVE_MAX)
            self.maximum_packet = getattr(properties, "MaximumPacketSize", _MESSAGE_MAX)
            self.session_present = flags.session_present
            self._connected = True
            self._welcome.set_result(None)
        elif code.value == _UNSUPPORTED_PROTOCOL:
            self._welcome.set_exception(_NoVersion5(f"{self._broker}: {code}"))
        else:
            self._welcome.set_exception(LinkError(self._refusal(code)))

    def _refusal(self, code: ReasonCode) -> str:
        if code.value in _LOGIN:
            name = self._broker.username
            who = f"user {name!r}" if name is not None else "clients without a user name"
            return f"{self._broker} does not let in {who} ({code}): check user name and password"
        if code.value == _IDENTIFIER:
            return f"{self._broker} does not accept the client id {self._client_id!r}"
        return f"{self._broker} refused the connection: {code}"

    def _disconnected(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server or code.value == _KEEPALIVE:
            self._farewell = code

    def _message(self, _client: Client, _data: object, arrived: MQTTMessage) -> None:
        try:
            topic = arrived.topic
        except UnicodeDecodeError:
            logger.warning("mqtt: %s sent a topic that is not UTF-8, dropped", self._broker)
            self._ready().ack(arrived.mid, arrived.qos)
            return
        message = Message(topic, bytes(arrived.payload), arrived.retain, arrived.qos, arrived.mid)
        try:
            self.on_message(message)
        except Exception:  # an error let through would leave paho in the middle of a packet
            logger.exception("mqtt: the receiver of %s failed", topic)
        if not self._manual_ack and self._connected:
            self.acknowledge(message)

    def _puback(
        self,
        _client: Client,
        _data: object,
        mid: int,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._writing:  # a QoS 0 message has left; its number may be that of another in flight
            return
        if code.value < _REFUSAL and code.value != self.NO_LISTENER:
            self.on_puback(mid)
            return
        if code.value >= _REFUSAL:
            self.refused += 1
            if self.refused == 1:
                logger.warning("mqtt: %s refused message %d: %s", self._broker, mid, code)
        self.on_refused(mid, code.value)

    def _suback(
        self,
        _client: Client,
        _data: object,
        mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        answer = self._subscribing.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def _drop(self, qos: int, mid: int) -> None:
        self.oversized += 1
        self.on_oversized()
        if qos and self._client is not None:
            self._client.ack(mid, qos)

    # The socket on the loop

    def _socket_open(self, _client: Client, _data: object, _socket: object) -> None:
        if self._wire is not None:
            self._loop.add_reader(self._wire.fileno(), self._readable)

    def _socket_close(self, _client: Client, _data: object, _socket: object) -> None:
        self._forget_socket()

    def _want_write(self, _client: Client, _data: object, _socket: object) -> None:
        self._write_soon()

    def _write_soon(self) -> None:
        """Write at the end of this turn: a writer for each message would cost two system calls."""
        if not self._writing_soon:
            self._writing_soon = True
            self._loop.call_soon(self._write_on)

    def _no_write(self, _client: Client, _data: object, _socket: object) -> None:
        self._wait_to_write(wanted=False)

    def _wait_to_write(self, *, wanted: bool) -> None:
        if self._wire is None or self._wire.closed or wanted == self._waiting_to_write:
            return
        self._waiting_to_write = wanted
        if wanted:
            self._loop.add_writer(self._wire.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._wire.fileno())

    def _forget_socket(self) -> None:
        self._wait_to_write(wanted=False)
        if self._wire is not None and not self._wire.closed:
            self._loop.remove_reader(self._wire.fileno())

    def _readable(self) -> None:
        for _ in range(_PACKETS_A_TURN):
            client, wire = self._client, self._wire
            if client is None or wire is None:
                return
            try:
                client.loop_read()
            except _MALFORMED as error:  # paho 2.1 lets some of them through
                self._stop(_NoVersion5(f"{self._broker} sent what is not MQTT: {error}"))
                return
            if self._notice() or not wire.more:
                return
        if not self._reading_soon:
            self._reading_soon = True
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._reading_soon = False
        self._readable()

    def _write_on(self) -> None:
        self._writing_soon = False
        self._writable()

    def _writable(self) -> None:
        client = self._client
        if client is None:
            return
        self._writing = True
        try:
            client.loop_write()
        finally:
            self._writing = False
        if not self._notice():
            self._wait_to_write(wanted=client.want_write())

    def _tick(self) -> None:
        if self._client is None:
            return
        self._tick_handle = self._loop.call_later(_TICK_S, self._tick)
        self._client.loop_misc()
        self._notice()

    # The end

    def _notice(self) -> bool:
        """Whether paho has let go of the socket; tells those who wait, once."""
        if self._client is None or self._client.socket() is not None:
            return self._client is None
        self._stop(self._what_happened())
        return True

    def _stop(self, error: LinkError) -> None:
        if self._welcome.done():
            self._end(error)
        else:
            self._welcome.set_exception(error)

    def _what_happened(self) -> LinkError:
        wire = self._wire
        if not self._connected and (wire is None or wire.hung_up):
            asked = self._broker.tls and not self._broker.certificate_file
            hint = "; does it want a client certificate?" if asked else ""
            return _NoVersion5(f"{self._broker} hung up before we were logged in{hint}")
        failure = wire.failure if wire is not None else None
        if failure is not None:
            return LinkError(explain(failure, self._broker, self._clock))
        code = self._farewell
        if code is None:
            return LinkError(f"the connection to {self._broker} was lost")
        if code.value == _TAKEN_OVER:
            return LinkError(
                f"another client has logged in to {self._broker} as {self._client_id!r}: "
                "each must get a name of its own"
            )
        if code.value == _KEEPALIVE:
            return LinkError(f"{self._broker} has fallen silent: check it and the network")
        return LinkError(f"{self._broker} ended the connection: {code}")

    def _end(self, error: LinkError) -> None:
        was_connected, self._connected = self._connected, False
        self._release()
        if not self._gone.done():
            self._gone.set_result(None)
        for answer in self._subscribing.values():
            if not answer.done():
                answer.set_exception(error)
        if was_connected and not self._closing:
            self.on_lost(error)

    def _release(self) -> None:
        if self._tick_handle is not None:
            self._tick_handle.cancel()
        self._forget_socket()
        if self._wire is not None:
            self._wire.close()
        self._client = self._wire = None
