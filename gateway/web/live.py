"""`/api/v1/live`: server-sent events, a full snapshot on connect and then what changed.

Changes are gathered for a tenth of a second and encoded once; every page gets the same bytes.
Where so many pages look that handing out takes long, frames come less often.
A page that falls behind gets the frames it has missed, or a fresh snapshot instead of a backlog.
"""

import asyncio
import types
from collections import Counter, deque
from collections.abc import AsyncIterator, Generator

import msgspec
from aiohttp import hdrs, web

from gateway.access import Access, Role, User, place_of
from gateway.clock import Clock
from gateway.web.kitchen import Kitchen
from gateway.web.point_shapes import PointView
from gateway.web.route import ACCESS, EVENTS, USER, Problem, Route
from gateway.web.shown import Shown
from gateway.web.status_shapes import Metric
from gateway.web.stream import Stream

FRAME_S = 0.1  # frames are at least so far apart
REST = 4  # times as long as handing out the last one has taken
PULSE_S = 1.0  # and at most so far: by silence a page knows that it has lost the gateway
FRAMES_KEPT = 8  # for pages that are behind by no more
TURN_PAGES = 4  # fed in one turn of the loop: what is read meanwhile is judged in between
STREAMS_MAX = 256
STREAMS_PER_ADDRESS = 32
SEND_DEADLINE_S = 5.0

_RETRY = b"retry: 1000\n\n"
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
_json = msgspec.json.Encoder()


class TooManyStreams(Exception):
    """The gateway, or this address, has as many pages open as it may."""


class Live:
    """Marks what changed, encodes it, and hands it to all pages; all of it on the loop."""

    def __init__(self, kitchen: Kitchen, clock: Clock) -> None:
        self._kitchen = kitchen
        self._clock = clock
        self.shown = Shown(kitchen, clock)
        self._streams: set[Stream] = set()
        self._addresses: Counter[str] = Counter()
        self._points: set[str] = set()
        self._alarms = False
        self._cloud = False
        self._timers = False
        self._wake = asyncio.Event()
        self._kept: bytes | None = None  # the snapshot, until the next frame
        self._recent: deque[bytes] = deque(maxlen=FRAMES_KEPT)
        self._number = 0  # of the last frame
        self.task: asyncio.Task[None] | None = None
        self.frames = 0
        self.refused = 0
        self.resynced = 0
        self.dropped = 0

    def point_changed(self, point_id: str) -> None:
        self._points.add(point_id)
        self.shown.point_changed(point_id)
        self._stir()

    def alarms_changed(self) -> None:
        self._alarms = True
        self.shown.all_changed()
        self._stir()

    def cloud_changed(self) -> None:
        self._cloud = True
        self._stir()

    def timers_changed(self) -> None:
        self._timers = True
        self._stir()

    def show_everything(self) -> None:
        """Send every page a snapshot instead of what it has yet to be sent."""
        self._kept = None
        self._recent.clear()
        self._number += 1
        self.shown.all_changed()
        self._stir()

    def end_streams(self) -> None:
        """Send the pages away; they come back to the next process."""
        for stream in self._streams:
            stream.end()

    async def run(self) -> None:
        """Encode and hand out, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pulse(), name="web.live.pulse")
            while True:
                await self._wake.wait()
                self._wake.clear()
                began = self._clock.now()
                await self.send_changes()
                rest_s = (self._clock.now() - began) / 1000 * REST
                # Kitchen seconds may run faster than those of the people who look.
                await self._clock.sleep(max(FRAME_S * self._kitchen.site().speed, rest_s))

    def join(self, address: str) -> Stream:
        """A place for a page that has come, not open yet; raises TooManyStreams."""
        address = place_of(address)
        if len(self._streams) >= STREAMS_MAX or self._addresses[address] >= STREAMS_PER_ADDRESS:
            self.refused += 1
            raise TooManyStreams
        if not self._streams:
            self._kept = None  # nobody looked, so no frame came meanwhile
        stream = Stream(address)
        self._streams.add(stream)
        self._addresses[address] += 1
        return stream

    async def send_changes(self) -> None:
        """Encode what has changed since the last frame, and hand it out."""
        points, self._points = self._points, set()
        alarms, self._alarms = self._alarms, False
        cloud, self._cloud = self._cloud, False
        timers, self._timers = self._timers, False
        self._kept = None
        if not self._streams:
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
        self._recent.append(self._event("change", changes))
        self._number += 1
        self.frames += 1
        await self._hand_out()

    def feed(self, stream: Stream) -> None:
        """Send a page what it lacks, all of it at first; nothing while it has yet to take more."""
        if stream.takes_more():
            self._bring_up_to_date(stream)
        elif not stream.ended:
            self._wait_for(stream)

    def leave(self, stream: Stream) -> None:
        stream.end()
        self._streams.discard(stream)
        self._addresses[stream.address] -= 1
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
            self._kept = _RETRY + self._event("snapshot", everything)
        return self._kept

    def metrics(self) -> list[Metric]:
        return [
            _gauge("open", "Live pages open now.", len(self._streams)),
            _count("frames", "Changes encoded.", self.frames),
            _count("refused", "Live pages refused because too many were open.", self.refused),
            _count("resynced", "Snapshots sent to a page that fell behind.", self.resynced),
            _count("dropped", "Live pages closed because they took nothing.", self.dropped),
        ]

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep(PULSE_S * self._kitchen.site().speed)
            self._stir()

    def _stir(self) -> None:
        """There is something to tell; where nobody looks the next to come is told everything."""
        if self._streams:
            self._wake.set()

    async def _hand_out(self) -> None:
        for place, stream in enumerate(list(self._streams), 1):
            self.feed(stream)
            if place % TURN_PAGES == 0:
                await _next_turn()

    def _bring_up_to_date(self, stream: Stream) -> None:
        missed = self._number - stream.number
        if missed > len(self._recent):
            self.resynced += stream.waiting_since is not None
            stream.send(self.snapshot())
        elif missed:
            stream.send(b"".join(list(self._recent)[-missed:]))
        stream.number = self._number
        stream.waiting_since = None

    def _wait_for(self, stream: Stream) -> None:
        """It has not taken the last yet; one that takes nothing any more is cut off."""
        now = self._clock.now()
        if stream.waiting_since is None:
            stream.waiting_since = now
        elif now - stream.waiting_since >= SEND_DEADLINE_S * 1000 * self._clock.speed:
            self.dropped += 1
            stream.cut_off()

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
    live, access, user = request.app[LIVE], request.app[ACCESS], request[USER]
    try:
        page = live.join(request.remote or "")
    except TooManyStreams:
        detail = "Too many live pages are open; close one, or try again later."
        raise Problem(503, "too-many-streams", detail, {"Retry-After": "10"}) from None
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await response.prepare(request)
        if request.transport is not None:
            chunked = response.headers.get(hdrs.TRANSFER_ENCODING) == "chunked"
            page.open(request.transport, chunked=chunked, may_look=lambda: access.stands(user))
            live.feed(page)
            while await page.in_use():
                await _renew(access, user)
    except ConnectionResetError:
        pass  # the page was closed: nobody is left to be told
    finally:
        live.leave(page)
    return response


async def _renew(access: Access, user: User) -> None:
    # A tablet on the wall is in use while it shows the kitchen; a manager's open page is not, nor
    # is whoever tapped their PIN into a tablet that all use.
    if not user.role.covers(Role.MANAGER) and not user.tablet:
        await access.renew(user)


@types.coroutine
def _next_turn() -> Generator[None, None, None]:
    """Let the loop do what else has come up."""
    yield


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
