"""`/api/v1/live`: server-sent events, a full snapshot on connect and then what changed.

Changes are gathered for a tenth of a second and encoded once; every page gets the same bytes.
Where so many pages look that handing out takes long, frames come less often.
A page that falls behind gets a fresh snapshot instead of a backlog.
"""

import asyncio
import socket
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine

import msgspec
from aiohttp import web

from gateway.access import Access, Role, User
from gateway.clock import Clock
from gateway.web.kitchen import Kitchen, Metric, PointView
from gateway.web.route import ACCESS, EVENTS, USER, Problem, Route

FRAME_S = 0.1  # frames are at least so far apart
REST = 4  # times as long as handing out the last one has taken
PULSE_S = 1.0  # and at most so far: by silence a page knows that it has lost the gateway
QUEUE_FRAMES = 8
TURN_CLIENTS = 2  # pages fed in one turn of the loop: what is read meanwhile is judged in between
STREAMS_MAX = 256
STREAMS_PER_ADDRESS = 32
SEND_DEADLINE_S = 5.0
SEND_BUFFER = 65_536  # bytes the kernel keeps for one slow page
RENEW_FRAMES = 60

_RETRY = b"retry: 1000\n\n"
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
_json = msgspec.json.Encoder()


class TooManyStreams(Exception):
    """The gateway, or this address, has as many pages open as it may."""


class Client:
    """One open page: what it has yet to be sent, at most QUEUE_FRAMES."""

    __slots__ = ("_behind", "_frames", "_ready", "_snapshot", "address", "resynced")

    def __init__(self, address: str, live: "Live") -> None:
        self.address = address
        self.resynced = 0
        self._snapshot = live.snapshot
        self._frames: deque[bytes] = deque()
        self._behind = True
        self._ready = asyncio.Event()
        self._ready.set()

    def put(self, frame: bytes) -> None:
        """Queue a frame; a full queue is thrown away for a snapshot."""
        if self._behind:
            return
        if len(self._frames) == QUEUE_FRAMES:
            self._frames.clear()
            self._behind = True
            self.resynced += 1
        else:
            self._frames.append(frame)
        self._ready.set()

    def start_over(self) -> None:
        """Go on with a snapshot."""
        self._frames.clear()
        self._behind = True
        self._ready.set()

    async def next(self) -> bytes:
        """The next bytes to send."""
        await self._ready.wait()
        if self._behind:
            self._behind = False
            frame = self._snapshot()
        else:
            frame = self._frames.popleft()
        if not self._frames:
            self._ready.clear()
        return frame


class Live:
    """Marks what changed, encodes it, and hands it to all pages; all of it on the loop."""

    def __init__(self, kitchen: Kitchen, clock: Clock) -> None:
        self._kitchen = kitchen
        self._clock = clock
        self._clients: set[Client] = set()
        self._addresses: Counter[str] = Counter()
        self._points: set[str] = set()
        self._alarms = False
        self._cloud = False
        self._timers = False
        self._wake = asyncio.Event()
        self._kept: bytes | None = None  # the snapshot, until the next frame
        self._streams: set[asyncio.Task[None]] = set()
        self._resynced = 0
        self.task: asyncio.Task[None] | None = None
        self.frames = 0
        self.changes = 0  # of anything; what was encoded before the last is out of date
        self.refused = 0
        self.dropped = 0

    def point_changed(self, point_id: str) -> None:
        self._points.add(point_id)
        self.changes += 1
        self._wake.set()

    def alarms_changed(self) -> None:
        self._alarms = True
        self.changes += 1
        self._wake.set()

    def cloud_changed(self) -> None:
        self._cloud = True
        self._wake.set()

    def timers_changed(self) -> None:
        self._timers = True
        self._wake.set()

    def show_everything(self) -> None:
        """Send every page a snapshot instead of what it has yet to be sent."""
        self._kept = None
        self.changes += 1
        for client in self._clients:
            client.start_over()

    async def serve(self, client: Client, sending: Coroutine[None, None, None]) -> None:
        """Let `sending` feed a page until it ends or the server stops; raises what it raises."""
        task = asyncio.create_task(sending, name="web.live.stream")
        self._streams.add(task)
        try:
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()
        finally:
            task.cancel()
            self._streams.discard(task)
            self._leave(client)

    def end_streams(self) -> None:
        """Send the pages away; they come back to the next process."""
        for task in self._streams:
            task.cancel()

    async def run(self) -> None:
        """Encode and hand out, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pulse(), name="web.live.pulse")
            while True:
                await self._wake.wait()
                self._wake.clear()
                began = self._clock.now()
                await self._send_changes()
                rest_s = (self._clock.now() - began) / 1000 * REST
                # Kitchen seconds may run faster than those of the people who look.
                await self._clock.sleep(max(FRAME_S * self._kitchen.site().speed, rest_s))

    def join(self, address: str) -> Client:
        """A page has come; raises TooManyStreams."""
        if len(self._clients) >= STREAMS_MAX or self._addresses[address] >= STREAMS_PER_ADDRESS:
            self.refused += 1
            raise TooManyStreams
        client = Client(address, self)
        self._clients.add(client)
        self._addresses[address] += 1
        return client

    def _leave(self, client: Client) -> None:
        self._clients.discard(client)
        self._resynced += client.resynced
        self._addresses[client.address] -= 1
        self._addresses += Counter()  # forgets the addresses that have none left

    def snapshot(self) -> bytes:
        """Everything, as one event; encoded once for all who need it before the next frame."""
        if self._kept is None:
            everything = {
                "site": self._kitchen.site(),
                "points": self._kitchen.points(),
                "alarms": self._kitchen.alarms(),
                "flood": self._kitchen.flood(),
                "cloud": self._kitchen.cloud(),
                "timers": self._kitchen.timers(),
                "config": self._kitchen.configuration(),
            }
            self._kept = self._event("snapshot", everything)
        return self._kept

    def metrics(self) -> list[Metric]:
        resynced = self._resynced + sum(client.resynced for client in self._clients)
        return [
            _gauge("open", "Live pages open now.", len(self._clients)),
            _count("frames", "Changes encoded.", self.frames),
            _count("refused", "Live pages refused because too many were open.", self.refused),
            _count("resynced", "Snapshots sent to a page that fell behind.", resynced),
            _count("dropped", "Live pages closed because they took nothing.", self.dropped),
        ]

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep(PULSE_S * self._kitchen.site().speed)
            self._wake.set()

    async def _send_changes(self) -> None:
        points, self._points = self._points, set()
        alarms, self._alarms = self._alarms, False
        cloud, self._cloud = self._cloud, False
        timers, self._timers = self._timers, False
        self._kept = None
        if not self._clients:
            return
        changes: dict[str, object] = {}
        if views := self._views(points):
            changes["points"] = views
        if alarms:
            changes["alarms"] = self._kitchen.alarms()
            changes["flood"] = self._kitchen.flood()
        if cloud:
            changes["cloud"] = self._kitchen.cloud()
        if timers:
            changes["timers"] = self._kitchen.timers()
        frame = self._event("change", changes)
        self.frames += 1
        for number, client in enumerate(list(self._clients), 1):
            client.put(frame)
            if number % TURN_CLIENTS == 0:
                await _next_turn()

    def _views(self, points: set[str]) -> list[PointView]:
        views = (self._kitchen.point(point_id) for point_id in points)
        return [view for view in views if view is not None]

    def _event(self, name: str, body: dict[str, object]) -> bytes:
        data = _json.encode({"now": self._clock.wall(), **body})
        return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


LIVE: web.AppKey[Live] = web.AppKey("live", Live)


async def run_live(app: web.Application) -> AsyncIterator[None]:
    """Run the encoder as long as the app runs."""
    task = app[LIVE].task = asyncio.create_task(app[LIVE].run(), name="web.live")
    yield
    task.cancel()
    await asyncio.wait({task})


async def end_streams(app: web.Application) -> None:
    """Done before the app waits for its requests to end: these would not."""
    app[LIVE].end_streams()


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: a snapshot, then changes, until the page stalls or its login ends."""
    live = request.app[LIVE]
    try:
        client = live.join(request.remote or "")
    except TooManyStreams:
        detail = "Too many live pages are open; close one, or try again later."
        raise Problem(503, "too-many-streams", detail, {"Retry-After": "10"}) from None
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await live.serve(client, _send(request, response, client))
    except TimeoutError:
        live.dropped += 1
        if request.transport is not None:
            request.transport.abort()
    except ConnectionResetError:
        pass  # the page was closed: nobody is left to be told
    return response


async def _send(request: web.Request, response: web.StreamResponse, client: Client) -> None:
    access, user = request.app[ACCESS], request[USER]
    await response.prepare(request)
    _bound_buffer(request)
    await response.write(_RETRY)
    frames = 0
    while True:
        frame = await client.next()
        if not access.stands(user):
            return
        async with asyncio.timeout(SEND_DEADLINE_S):
            await response.write(frame)
        frames += 1
        if frames % RENEW_FRAMES == 0:
            await _renew(access, user)


async def _renew(access: Access, user: User) -> None:
    # A tablet on the wall is in use while it shows the kitchen; a manager's open page is not, nor
    # is whoever tapped their PIN into a tablet that all use.
    if not user.role.covers(Role.MANAGER) and not user.tablet:
        await access.renew(user)


async def _next_turn() -> None:
    """Let the loop do what else has come up."""
    loop = asyncio.get_running_loop()
    turned: asyncio.Future[None] = loop.create_future()
    loop.call_soon(turned.set_result, None)
    await turned


def _bound_buffer(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=SEND_BUFFER)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def _count(name: str, text: str, value: int) -> Metric:
    return Metric(name=f"kitchen_live_{name}_total", help=text, kind="counter", value=value)


def _gauge(name: str, text: str, value: int) -> Metric:
    return Metric(name=f"kitchen_live_{name}", help=text, kind="gauge", value=value)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/live",
        handler=stream,
        role=Role.VIEWER,
        media=EVENTS,
    ),
)
