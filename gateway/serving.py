"""What people and the cloud get of the gateway: the page, the uplink, the forecasts.

Imported only once judging is live: aiohttp alone takes longer to load than everything before it.
"""

import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from gateway import __version__
from gateway.access import CODE_LIFE_S, Access, Role
from gateway.buses.mqtt import Broker
from gateway.config.schema import Cloud
from gateway.store.errors import StoreError
from gateway.store.history import History
from gateway.store.tokens import StoredTokens
from gateway.sync.protocol import VERSION
from gateway.sync.uplink import Destination, Uplink
from gateway.view import View
from gateway.web import console
from gateway.web.route import Settings
from gateway.web.server import CannotListen, Server

if TYPE_CHECKING:
    from gateway.app import Gateway, Options

logger = logging.getLogger(__name__)

_OLDEST_S = 5.0
_LISTEN_AGAIN_S = 5.0  # of real time: who holds the port may be our own last start

Work = Callable[[], Awaitable[None]]


def parts(gateway: "Gateway", options: "Options") -> dict[str, Work]:
    """The tasks by name; each can be started again on its own."""
    store, clock = gateway.store, gateway.clock
    tokens = StoredTokens(store.writer, store.reader)
    access = Access(tokens, clock, demo=options.demo)
    works: dict[str, Work] = {"tokens": lambda: tokens.refresh(clock)}
    history = gateway.history = History(store, clock, gateway.config.site.zone)
    works["history"] = history.run
    page = _Page(gateway, access, tokens, options)
    works["page"] = page.run
    if gateway.config.cloud is not None:
        uplink = _uplink(gateway, gateway.config.cloud, options)
        gateway.uplink = uplink
        uplink.changed = page.cloud_changed
        works["cloud"] = uplink.run
        works["oldest"] = lambda: _follow_oldest(gateway)
    forecasting = gateway.forecasting
    if forecasting is not None:
        works["forecast"] = lambda: forecasting.run(store.recent)
    return works


class _Page:
    """The page; what changes before it listens is in its first snapshot anyway."""

    def __init__(
        self, gateway: "Gateway", access: Access, tokens: StoredTokens, options: "Options"
    ) -> None:
        self._gateway = gateway
        self._access = access
        self._tokens = tokens
        self._options = options
        web = gateway.config.web
        port = web.port if options.port is None else options.port
        names = tuple(origin.partition("://")[2] for origin in web.origins)
        self._settings = Settings(
            host=web.listen, port=port, names=names, console=gateway.store.path / console.NAME
        )
        self._server: Server | None = None

    async def run(self) -> None:
        """Serve until cancelled."""
        gateway = self._gateway
        await self._tokens.load()  # before anybody who is logged in can ask
        server = Server(View(gateway), self._access, gateway.clock, self._settings)
        self._server = server
        gateway.hub.show = lambda reading: server.live.point_changed(reading.point.id)
        gateway.judging.alarms_changed = self._alarms_changed
        try:
            await server.open()
            await self._listen(server)
            await self._announce(server.port)
            if server.live.task is not None:
                await server.live.task
        finally:
            await server.stop()

    async def _listen(self, server: Server) -> None:
        """Return once the port could be had; collecting goes on without."""
        gateway = self._gateway
        while True:
            try:
                await server.start()
            except CannotListen as error:
                if gateway.page_trouble is None:
                    logger.error("page: %s; collecting goes on without it", error)
                gateway.page_trouble = str(error)
                await gateway.clock.sleep(_LISTEN_AGAIN_S * gateway.clock.speed)
            else:
                gateway.page_trouble = None
                return

    def _alarms_changed(self, points: Collection[str]) -> None:
        """An alarm changes the page's banners and the tiles of its point."""
        if self._server is not None:
            self._server.live.alarms_changed()
            for point in points:
                self._server.live.point_changed(point)

    def cloud_changed(self) -> None:
        """Have the pages told what the cloud has stored."""
        if self._server is not None:
            self._server.live.cloud_changed()

    async def _announce(self, port: int) -> None:
        """In a demonstration, print the links that open the page from here and from elsewhere."""
        if not self._options.demo:
            return
        life_s = CODE_LIFE_S * self._gateway.clock.speed  # of the people's time, not the kitchen's
        code = await self._access.create_code("demo", Role.STAFF, life_s)
        print(f"\n  On this computer:   http://localhost:{port}/", flush=True)  # noqa: T201
        for address in _addresses():
            link = f"http://{address}:{port}/login?code={code}"
            print(f"  From elsewhere:     {link}   (works once)", flush=True)  # noqa: T201
        print(flush=True)  # noqa: T201


def _uplink(gateway: "Gateway", cloud: Cloud, options: "Options") -> Uplink:
    broker = Broker.from_url(
        options.cloud_url or cloud.url,
        username=cloud.username,
        ca_file=str(cloud.ca_file) if cloud.ca_file else None,
        certificate_file=str(cloud.certificate_file) if cloud.certificate_file else None,
        key_file=str(cloud.key_file) if cloud.key_file else None,
    )
    destination = Destination(
        broker=broker,
        password_file=cloud.password_file,
        tenant=cloud.tenant,
        gateway=cloud.gateway,
        proven=cloud.confirm == "ack",
    )
    store = gateway.store
    uplink = Uplink(
        destination,
        store.identity.install,
        store.identity.epoch,
        gateway.outbox,
        store.log,
        gateway.clock,
        store.fetch,
    )
    uplink.status = partial(_status, gateway)
    uplink.dictionary = partial(_dictionary, gateway)
    return uplink


async def _follow_oldest(gateway: "Gateway") -> None:
    """Look up now and then how old the oldest row is that waits for the cloud."""
    while True:
        lane = gateway.outbox.lanes["tm"]
        missing = next(lane.passed.gaps(lane.last), None)
        with contextlib.suppress(StoreError):  # the log says so; what is shown may be old
            gateway.oldest_waiting = (
                None if missing is None else await gateway.store.oldest_waiting(missing[0])
            )
        await gateway.clock.sleep(_OLDEST_S)


def _addresses() -> list[str]:
    """The addresses under which others on the LAN may reach us; no packet is sent."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: only asks the routing table
            found.append(str(probe.getsockname()[0]))
        except OSError:
            logger.debug("no route: nobody can reach us from elsewhere")
    return found


def _status(gateway: "Gateway") -> dict[str, object]:
    """The body of `st`."""
    model = gateway.forecasting.model if gateway.forecasting else None
    return {
        "v": VERSION,
        "in": gateway.store.identity.install,
        "online": True,
        "epoch": gateway.store.identity.epoch,
        "sw": __version__,
        "cfg": gateway.loaded.content_hash[:12],
        "rules": gateway.loaded.rules_hash[:12],
        "model": None if model is None else model.hash,
        "sim": gateway.config.emulation is not None,
        "clock": gateway.clock.trust().value,
        "outbox": {"n": gateway.outbox.waiting(), "oldest": gateway.oldest_waiting},
    }


def _dictionary(gateway: "Gateway") -> dict[str, object]:
    """The body of `md`."""
    dictionary = gateway.store.dictionary
    channels = [msgspec.to_builtins(row) for row in dictionary.rows]
    install = gateway.store.identity.install
    return {"v": VERSION, "in": install, "ver": dictionary.version, "ch": channels}
