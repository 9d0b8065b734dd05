"""Puts the application on a port, with bounds on connections and on slow heads of requests."""

import asyncio
import errno
import logging
import ssl

from aiohttp import web

from gateway.access import Access
from gateway.clock import Clock
from gateway.web import build_app, console
from gateway.web.crowd import CROWD, Crowd
from gateway.web.door import ACCEPT_TURN, Door, Doors, let_more_wait
from gateway.web.kitchen import Kitchen
from gateway.web.live import LIVE, Live
from gateway.web.route import COUNTERS, Counters, Settings

logger = logging.getLogger(__name__)

STOP_DEADLINE_S = 1.0
HANDSHAKE_DEADLINE_S = 10.0


class CannotListen(Exception):
    """The page cannot be put on its address; the message says who must change what."""


class Server:
    """The web server: `start`, then `stop`; `live` takes the hub's changes from the beginning."""

    def __init__(
        self,
        kitchen: Kitchen,
        access: Access,
        clock: Clock,
        settings: Settings,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._app = build_app(kitchen, access, clock, settings)
        self._doors = Doors(self.crowd, clock, settings.header_deadline_s)
        self._sweeping: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._console: asyncio.Server | None = None
        self.port = settings.port
        self.started = asyncio.Event()

    @property
    def live(self) -> Live:
        return self._app[LIVE]

    @property
    def crowd(self) -> Crowd:
        return self._app[CROWD]

    @property
    def counters(self) -> Counters:
        return self._app[COUNTERS]

    async def open(self) -> None:
        """Begin to serve the commands of this machine, and nobody else yet."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=STOP_DEADLINE_S)
        await self._runner.setup()
        self._sweeping = asyncio.create_task(self._doors.run(), name="web.doors")
        if self._settings.console is not None:
            self._console = await console.listen(self._settings.console, self._accept)

    async def start(self) -> None:
        """Listen; raises CannotListen. With port 0 `port` tells the one that was given."""
        if self._runner is None:
            await self.open()
        loop = asyncio.get_running_loop()
        host, port = self._settings.host, self._settings.port
        try:
            self._listener = await loop.create_server(
                self._accept, host, port, backlog=ACCEPT_TURN, ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_DEADLINE_S,
            )  # fmt: skip
        except OSError as error:
            raise CannotListen(_why(error, host, port)) from error
        let_more_wait(self._listener)
        self.port = self._listener.sockets[0].getsockname()[1]
        self.started.set()
        logger.info("page on http%s://%s:%d", "" if self._tls is None else "s", host, self.port)

    async def run(self) -> None:
        """Start, serve until cancelled, and stop; raises what ended the feeding of live pages."""
        try:
            await self.start()
            if self.live.task is not None:
                await self.live.task
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Take no more, end the live pages, and give the rest STOP_DEADLINE_S."""
        for listener in (self._listener, self._console):
            if listener is not None:
                listener.close()
        self._listener = self._console = None
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _accept(self) -> asyncio.BaseProtocol:
        if self._runner is None or self._runner.server is None:
            return _Gone()
        return Door(self._runner.server, self._doors)


class _Gone(asyncio.Protocol):
    """The server is being stopped; who comes now is sent away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program; choose another with --port or web.port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is reserved for the system; choose one above 1023 with web.port"
    if error.errno in (errno.EADDRNOTAVAIL, None):  # Python 3.13 gives no number
        return f"{host} is not an address of this machine; correct web.listen"
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"
