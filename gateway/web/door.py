"""Where connections come in: who has not finished the head of a request is only remembered.

Reading HTTP wants a parser and a task. Half a request gets neither, so thousands of them cost
little more than their sockets.
"""

import asyncio
import re
import socket
from http import HTTPStatus

from aiohttp import web

from gateway.clock import Clock
from gateway.web.connection import Connection, peer_of
from gateway.web.crowd import Crowd

HEAD_MAX = 16_384  # bytes; what is longer is for the parser to refuse
ACCEPT_TURN = 1  # newcomers in one turn of the loop: what is read meanwhile is judged in between
BACKLOG = 512  # newcomers that the kernel lets wait

_LOOKS = 4  # in the time one has for a head
_BUSY = b"HTTP/1.1 %d Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_HEAD_END = re.compile(rb"\n\r?\n")
_REQUEST = re.compile(rb"[A-Z]{1,16}( |\Z)|\A\Z")


class Door(asyncio.Protocol):
    """One connection up to the end of its first head; then its server's, with all it has sent."""

    __slots__ = ("_doors", "_head", "_server", "transport")

    def __init__(self, server: web.Server, doors: "Doors") -> None:
        self.transport: asyncio.Transport | None = None
        self._server = server
        self._doors = doors
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        peer = peer_of(transport)
        if self._doors.crowd.has_room(peer):
            self.transport = transport
            self._doors.joined(self, peer)
        else:
            transport.write(_BUSY % HTTPStatus.SERVICE_UNAVAILABLE)
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self.transport is None:
            return
        start = max(0, len(self._head) - 2)
        self._head += data
        whole = _HEAD_END.search(self._head, start) or len(self._head) > HEAD_MAX
        if whole or not _REQUEST.match(self._head):
            self._hand_over(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._doors.left(self)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        self._doors.left(self)
        served = Connection(self._server, self._doors.crowd, self._doors.deadline_s)
        transport.set_protocol(served)
        served.connection_made(transport)
        served.data_received(self._head)


class Doors:
    """Those who have yet to finish a head, the longest waiting first; `run` cuts them off."""

    def __init__(self, crowd: Crowd, clock: Clock, deadline_s: float) -> None:
        self.crowd = crowd
        self.deadline_s = deadline_s
        self._clock = clock
        self._since: dict[Door, int] = {}

    def joined(self, door: Door, peer: str) -> None:
        self.crowd.joined(door, peer)
        self._since[door] = self._clock.now()

    def left(self, door: Door) -> None:
        self.crowd.left(door)
        self._since.pop(door, None)

    async def run(self) -> None:
        """For ever."""
        deadline_s = self.deadline_s * self._clock.speed  # kitchen seconds may run faster
        while True:
            await self._clock.sleep(deadline_s / _LOOKS)
            last = self._clock.now() - deadline_s * 1000
            for door in [door for door, since in self._since.items() if since <= last]:
                if door.transport is not None:
                    door.transport.close()


def let_more_wait(listener: asyncio.Server) -> None:
    """A longer queue in the kernel than asyncio takes from it in one turn."""
    for each in listener.sockets:
        with socket.fromfd(each.fileno(), each.family, each.type) as same:
            same.listen(BACKLOG)
