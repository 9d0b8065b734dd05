"""A broker's byte stream, cut into MQTT packets so that none can fill the memory.

MQTT 5.0 and 3.1.1, section 2.2: one byte of type and flags, the length in base 128, the body.
"""

from collections.abc import Callable
from socket import socket
from ssl import SSLEOFError, SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import TypeVar

PACKET_MAX = 262_144  # bytes of one incoming packet; larger messages are dropped and counted

_READ = 65_536
_PUBLISH = 0x30
_HEAD_MAX = 1 + 2 + 65_535 + 2  # type, topic, packet identifier: all we need of what we drop
_HEADER_MAX = 5

_Result = TypeVar("_Result")


class Wire:
    """A connected socket that hides messages too large to hold; never blocks once handed over."""

    def __init__(self, connection: socket) -> None:
        self.failure: OSError | None = None  # why the connection broke, when the system said so
        self.closed = False
        self.on_oversized: Callable[[int, int], None] = lambda _qos, _identifier: None
        self._socket = connection
        self._passed = bytearray()
        self._header = bytearray()
        self._head = bytearray()
        self._left = 0
        self._dropping = False
        self._refused: ConnectionAbortedError | None = None  # raised once what came before is read

    @property
    def more(self) -> bool:
        """Whether bytes wait where the selector cannot see them."""
        if self._passed or self._refused is not None:
            return True
        if self.closed or not isinstance(self._socket, SSLSocket):
            return False
        return self._socket.pending() > 0

    @property
    def hung_up(self) -> bool:
        """Whether the other side went away without saying why."""
        return self.failure is None or isinstance(self.failure, ConnectionError | SSLEOFError)

    def recv(self, size: int) -> bytes:
        """As `socket.recv`: b"" at the end, BlockingIOError or SSLWantReadError for not now."""
        while not self._passed:
            if self._refused is not None:
                raise self._refused
            data = self._note(lambda: self._socket.recv(_READ))
            if not data:
                return b""
            self._sift(data)
        chunk = bytes(self._passed[:size])
        del self._passed[:size]
        return chunk

    def send(self, data: bytes | bytearray) -> int:
        return self._note(lambda: self._socket.send(data))

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def _note(self, call: Callable[[], _Result]) -> _Result:
        try:
            return call()
        except (BlockingIOError, SSLWantReadError, SSLWantWriteError):
            raise
        except OSError as error:
            self.failure = self.failure or error
            raise

    def _sift(self, data: bytes) -> None:
        at = 0
        while at < len(data) and self._refused is None:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._take(piece)
            else:
                self._header.append(data[at])
                at += 1
                ended = len(self._header) > 1 and not self._header[-1] & 0x80
                if ended or len(self._header) == _HEADER_MAX:
                    self._start()

    def _start(self) -> None:
        """The fixed header is complete: one byte of type, then the length in base 128."""
        length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(self._header[1:]))
        self._dropping = length > PACKET_MAX
        if self._dropping and self._header[0] & 0xF0 != _PUBLISH:
            self._refused = ConnectionAbortedError(f"it sent a control packet of {length} bytes")
            self.failure = self._refused
            return
        self._left = length
        if self._dropping:
            self._head[:] = self._header[:1]
        else:
            self._passed += self._header
        self._header.clear()

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if not self._dropping:
            self._passed += piece
            return
        self._head += piece[: _HEAD_MAX - len(self._head)]
        if not self._left:
            qos = self._head[0] >> 1 & 3
            end_of_topic = 3 + int.from_bytes(self._head[1:3])
            identifier = int.from_bytes(self._head[end_of_topic : end_of_topic + 2])
            self._head.clear()
            self.on_oversized(qos, identifier)
