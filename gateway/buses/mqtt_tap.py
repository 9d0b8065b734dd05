"""A broker's byte stream with a tap for PUBLISH: a thousand readings a second go past paho.

Only whole packets are looked at. A PUBLISH is handed over where it arrives; everything else is left
for paho, which runs the session: login, subscriptions, commands, keep-alive. What is sent, paho's
packets and our PUBACKs alike, gathers in one buffer and leaves in one piece.
MQTT 5.0 and 3.1.1, sections 2.1.4 (length), 3.3 (PUBLISH) and 3.4 (PUBACK).
"""

from collections.abc import Callable
from socket import socket
from ssl import SSLWantReadError, SSLWantWriteError
from typing import NamedTuple

from gateway.buses.mqtt_wire import PACKET_MAX, Wire

_READ = 8_192  # bytes taken in one turn of the loop: at most some 200 messages
_UNSENT_MAX = 1_048_576  # bytes the broker has not taken; then paho keeps its own
_PUBLISH, _PUBACK = 0x30, b"\x40\x02"
_RETAIN, _QOS, _DUP = 0x01, 0x06, 0x08
_LENGTH_BYTES = 4
_LATER = (BlockingIOError, SSLWantReadError, SSLWantWriteError)


class Published(NamedTuple):
    """A message as it came; `identifier` is the broker's, b"" at QoS 0."""

    topic: bytes
    payload: bytes
    retain: bool
    duplicate: bool
    identifier: bytes


class Malformed(ValueError):
    """The stream cannot be what it should be; only a new connection helps."""


class Tap(Wire):
    """A `Wire` that is read by `pull` alone; paho gets what is not a PUBLISH."""

    def __init__(self, connection: socket) -> None:
        super().__init__(connection)
        self.five = True  # a PUBLISH of MQTT 5 has properties
        self.on_published: Callable[[Published], None] = lambda _message: None
        self.on_too_large: Callable[[Published], None] = lambda _message: None
        self._kept = b""  # the beginning of a packet
        self._skip = 0  # bytes of a message too large that are still to come
        self._unsent = bytearray()
        self._ended: OSError | None = None
        self._over = False

    @property
    def waiting(self) -> bool:
        """Whether paho has something to read, be it the end."""
        return bool(self._passed) or self._over

    @property
    def unsent(self) -> bool:
        """Whether bytes wait for `flush`."""
        return bool(self._unsent) and not self._over

    def pull(self) -> None:
        """Read once and hand messages over, up to the next packet for paho; raises Malformed."""
        if self._over:
            return
        try:
            data = self._socket.recv(_READ)
        except _LATER:
            return
        except OSError as error:
            self._break(error)
            return
        if data:
            self._sift(data)
        else:
            self._over = True

    def go_on(self) -> None:
        """Hand over what waited behind a packet for paho; raises Malformed."""
        self._sift(b"")

    def close(self) -> None:
        """Write what can be written, such as a farewell, and close."""
        if not self.closed:
            self.flush()
        super().close()

    def recv(self, size: int) -> bytes:
        """As `socket.recv`, for paho."""
        if self._passed:
            chunk = bytes(self._passed[:size])
            del self._passed[:size]
            return chunk
        if self._ended is not None:
            raise self._ended
        if self._over:
            return b""
        raise BlockingIOError

    def send(self, data: bytes | bytearray) -> int:
        """As `socket.send`, for paho: it is written by `flush`."""
        if len(self._unsent) > _UNSENT_MAX:
            raise BlockingIOError
        self._unsent += data
        return len(data)

    def acknowledge(self, identifiers: list[bytes]) -> None:
        """Queue the PUBACKs of these messages, in this order."""
        self._unsent += _PUBACK + _PUBACK.join(identifiers)

    def flush(self) -> None:
        """Write what the system takes now; what breaks is met by the next `pull`."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except _LATER:
                return
            except OSError as error:
                self._break(error)
                return
            del self._unsent[:sent]

    def _break(self, error: OSError) -> None:
        self.failure = self.failure or error
        self._ended, self._over = error, True

    def _sift(self, data: bytes) -> None:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        if self._kept:
            data = self._kept + data
        at, end = 0, len(data)
        while end - at > 1:
            body, length = at + 2, data[at + 1]
            if length & 0x80:
                body, length = _measured(data, at)
                if not body:
                    break
            following = body + length
            if length > PACKET_MAX:
                if not self._drop(data, at, body, following):
                    break
                at = min(following, end)
                continue
            if following > end:
                break
            if data[at] & 0xF0 == _PUBLISH:
                self.on_published(self._published(data, at, body, following))
            else:  # before what follows is handed over, paho must know: it may be the CONNACK
                self._passed += data[at:following]
                at = following
                break
            at = following
        self._kept = data[at:]

    def _drop(self, data: bytes, at: int, body: int, following: int) -> bool:
        """Skip a message too large, once enough of it is there to name it."""
        if data[at] & 0xF0 != _PUBLISH:
            size = following - body
            self._break(ConnectionAbortedError(f"it sent a control packet of {size} bytes"))
            raise Malformed(str(self.failure))
        head = body + 2 + int.from_bytes(data[body : body + 2]) + 2
        if len(data) < max(head, body + 2):
            return False
        self.on_too_large(self._published(data, at, body, head, plain=True))
        self._skip = max(0, following - len(data))
        return True

    def _published(
        self, data: bytes, at: int, body: int, following: int, *, plain: bool = False
    ) -> Published:
        """The packet between `body` and `following`; `plain` leaves its properties alone."""
        flags = data[at]
        start = body + 2
        stop = start + (data[body] << 8 | data[body + 1]) if following >= start else following
        topic, identifier = data[start:stop], b""
        if flags & _QOS:
            identifier = data[stop : stop + 2]
            stop += 2
        if self.five and not plain and stop < following:
            properties = data[stop]
            if properties & 0x80:
                after, size = _measured(data, stop - 1)
                stop = after + size if after else following + 1
            else:
                stop += 1 + properties
        if stop > following or not topic or (flags & _QOS) == _QOS:
            raise Malformed("a PUBLISH that ends inside its own header")
        retain, duplicate = bool(flags & _RETAIN), bool(flags & _DUP)
        return Published(topic, data[stop:following], retain, duplicate, identifier)


def _measured(data: bytes, at: int) -> tuple[int, int]:
    """Where the body of the packet at `at` begins, 0 if that is yet to come, and its length."""
    length = 0
    for place in range(_LENGTH_BYTES):
        if at + 1 + place >= len(data):
            return 0, 0
        byte = data[at + 1 + place]
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return at + 2 + place, length
    raise Malformed("a packet whose length has no end")
