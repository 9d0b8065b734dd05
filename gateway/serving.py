"""What people and the cloud get of the gateway: the page, the uplink, the forecasts.

Imported only once judging is live: aiohttp alone takes longer to load than everything before it.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from gateway import __version__, console
from gateway.access import CODE_LIFE_S, LOOPBACK_PEERS, Access, Role
from gateway.announcing import Announcer, Offered
from gateway.buses.mqtt import Broker
from gateway.config.schema import Cloud, Web
from gateway.remote import Remote
from gateway.store.errors import StoreError
from gateway.store.history import History
from gateway.store.people import StoredPeople
from gateway.store.tokens import StoredTokens
from gateway.sync.protocol import VERSION
from gateway.sync.uplink import Destination, Uplink
from gateway.tasks import Job
from gateway.tls.certificate import AUTHORITY, Certificate, NoCertificate, Wanted, fingerprint
from gateway.tls.certificate import FOLDER as TLS_FOLDER
from gateway.view import View
from gateway.web.address import own_addresses
from gateway.web.plain import Plain
from gateway.web.route import Settings
from gateway.web.server import CannotListen, Server

if TYPE_CHECKING:
    from gateway.app import Gateway, Options

logger = logging.getLogger(__name__)

_OLDEST_S = 5.0
GOODBYE_S = 0.5
_LISTEN_AGAIN_S = 5.0  # of real time: who holds the port may be our own last start


class Serving:
    """The page, the uplink and the forecasts; `follow` has them go by another configuration."""

    def __init__(self, gateway: "Gateway", options: "Options") -> None:
        self._gateway = gateway
        self._options = options
        self._cloud: Cloud | None = None
        store, audit = gateway.store, gateway.audit
        self._tokens = StoredTokens(store.writer, store.reader, audit)
        self._people = StoredPeople(store.writer, store.reader, audit)
        access = Access(self._tokens, gateway.clock, people=self._people, demo=options.demo)
        self._history = History(gateway.store, gateway.clock, gateway.config.site.zone)
        gateway.history = self._history
        self._page = _Page(gateway, access, self._known, options)

    def jobs(self) -> Iterator[Job]:
        """The tasks; each can be started again on its own."""
        gateway, uplink = self._gateway, self._gateway.uplink
        forecasting = gateway.fitout.forecasting
        yield Job("tokens", lambda: self._tokens.refresh(gateway.clock))
        yield Job("people", lambda: self._people.refresh(gateway.clock))
        yield Job("history", self._history.run)
        yield Job("page", self._page.run)
        if uplink is not None:
            yield Job("cloud", uplink.run, uplink)
            yield Job("oldest", lambda: _follow_oldest(gateway))
        yield Job("forecast", lambda: forecasting.run(gateway.store.recent), forecasting)

    async def follow(self) -> None:
        """Go by the configuration in force; a cloud and a page it does not change stay as they are.

        A cloud that is left is told goodbye, so that it does not wait for us.
        """
        gateway, cloud = self._gateway, self._gateway.config.cloud
        self._history.zone = gateway.config.site.zone
        self._page.use(gateway.config.web)
        if cloud == self._cloud:
            return
        before, self._cloud, gateway.uplink = gateway.uplink, cloud, None
        if gateway.remote is not None:
            gateway.remote.close()
            gateway.remote = None
        if before is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await before.close()
            gateway.outbox.unlink()
        if cloud is not None:
            gateway.uplink = _uplink(gateway, cloud, self._options)
            gateway.uplink.changed = self._page.cloud_changed
            gateway.remote = _remote(gateway, cloud, gateway.uplink)

    async def _known(self) -> None:
        """Read who may do what."""
        await self._tokens.load()
        await self._people.load()

    def show_everything(self) -> None:
        """Have every open page shown anew from the beginning."""
        self._page.show_everything()


class _Page:
    """The page; what changes before it listens is in its first snapshot anyway."""

    def __init__(
        self,
        gateway: "Gateway",
        access: Access,
        known: Callable[[], Awaitable[None]],
        options: "Options",
    ) -> None:
        self._gateway = gateway
        self._access = access
        self._known = known
        self._options = options
        self._settings = self._settings_of(gateway.config.web)
        self._moved = asyncio.Event()
        self._server: Server | None = None
        self._announcer = Announcer(options.announce)
        self._offered: Offered | None = None

    def use(self, web: Web) -> None:
        """Listen where this says; the page that stands is not touched unless that has changed."""
        settings = self._settings_of(web)
        self._tell_lan()  # its name may be another
        if settings != self._settings:
            self._settings = settings
            self._moved.set()

    def show_everything(self) -> None:
        """Send every open page a full snapshot."""
        if self._server is not None:
            self._server.live.show_everything()

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._known()  # before anybody who is logged in can ask
        while True:
            await self._serve_here()

    async def _serve_here(self) -> None:
        """Serve until the page has to move; raises what ended the feeding of live pages."""
        gateway = self._gateway
        self._moved.clear()
        settings = self._settings
        certificate = await self._certificate(settings)
        if certificate is None and settings.tls != "off":
            return  # another address or certificate is wanted by now
        context = None if certificate is None else certificate.context
        server = Server(View(gateway), self._access, gateway.clock, settings, context)
        self._server = server
        gateway.hub.show = lambda reading: server.live.point_changed(reading.point.id)
        gateway.judging.alarms_changed = self._alarms_changed
        gateway.judging.timers_changed = server.live.timers_changed
        moved = asyncio.create_task(self._moved.wait(), name="page moved")
        beside = contextlib.AsyncExitStack()
        try:
            await server.open()
            if await self._listen(server):
                plain_port = await self._serve_beside(beside, server, settings, certificate)
                self._offered = _offered(server.port, plain_port, settings, certificate)
                self._tell_lan()
                await self._announce(server.port)
                feeding = {server.live.task} if server.live.task is not None else set()
                await asyncio.wait({moved, *feeding}, return_when=asyncio.FIRST_COMPLETED)
                for task in feeding:
                    if task.done():
                        task.result()
        finally:
            moved.cancel()
            self._offered = None
            self._announcer.withdraw()
            await beside.aclose()
            await server.stop()

    def _tell_lan(self) -> None:
        """Have the page found by name, once it can be opened."""
        if self._offered is not None:
            self._announcer.tell(self._gateway.config.site.label, self._offered)

    async def _certificate(self, settings: Settings) -> Certificate | None:
        """What to serve HTTPS with, once it can be had; None without, or when the page moves."""
        gateway = self._gateway
        if settings.tls == "off":
            return None
        wanted = partial(wanted_certificate, settings)
        certificate = Certificate(gateway.store.path, gateway.clock, wanted)
        while not self._moved.is_set():
            try:
                await certificate.prepare()
            except NoCertificate as error:
                # Never plain HTTP instead: passwords would go over the wire in the clear.
                if gateway.page_trouble is None:
                    logger.error("page: %s; collecting goes on without it", error)
                gateway.page_trouble = str(error)
                await gateway.clock.sleep(_LISTEN_AGAIN_S * gateway.clock.speed)
            else:
                return certificate
        return None

    async def _serve_beside(
        self,
        beside: contextlib.AsyncExitStack,
        server: Server,
        settings: Settings,
        certificate: Certificate | None,
    ) -> int | None:
        """With HTTPS: renew the certificate, and redirect from the plain port, which it tells."""
        if certificate is None:
            if not self._options.demo and settings.host not in LOOPBACK_PEERS:
                logger.warning(
                    "page: plain HTTP: anybody on this wire can read passwords and do what whoever "
                    "logs in may do; set web.tls, see docs/tls.md"
                )
            return None
        renewing = asyncio.create_task(certificate.watch(), name="certificate")
        beside.callback(renewing.cancel)
        if settings.plain_port is not None:
            folder = certificate.folder if settings.tls == "own" else None
            plain = Plain(settings, folder, server.port)
            beside.push_async_callback(plain.stop)
            try:
                await plain.start()
            except OSError as error:
                logger.error("page: web.plain_port %d: %s", settings.plain_port, error.strerror)
            else:
                return plain.port
        return None

    def _settings_of(self, web: Web) -> Settings:
        port = web.port if self._options.port is None else self._options.port
        names = tuple(origin.partition("://")[2] for origin in web.origins)
        socket_of_commands = self._gateway.store.path / console.NAME
        if self._options.demo:  # on this machine, for a look
            return Settings(host=web.listen, port=port, names=names, console=socket_of_commands)
        return Settings(
            host=web.listen,
            port=port,
            names=names,
            proxies=web.proxies,
            tls=web.tls,
            plain_port=web.plain_port,
            authority=self._gateway.store.path / TLS_FOLDER if web.tls == "own" else None,
            certificate_file=web.certificate_file,
            key_file=web.key.file if web.key else None,
            console=socket_of_commands,
        )

    async def _listen(self, server: Server) -> bool:
        """Return once the port could be had, or another is wanted; collecting goes on without."""
        gateway = self._gateway
        while not self._moved.is_set():
            try:
                await server.start()
            except CannotListen as error:
                if gateway.page_trouble is None:
                    logger.error("page: %s; collecting goes on without it", error)
                gateway.page_trouble = str(error)
                await gateway.clock.sleep(_LISTEN_AGAIN_S * gateway.clock.speed)
            else:
                gateway.page_trouble = None
                return True
        return False

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

    async def _announce_pairing(self) -> None:
        """Until there is an admin, say once the code that makes the first; that is the console."""
        if self._access.people.has_admin():
            return
        try:
            code = await self._access.create_pairing_code(CODE_LIFE_S * self._gateway.clock.speed)
        except StoreError as error:
            logger.error("no pairing code for the first admin: %s", error)
            return
        spaced = f"{code[:5]}-{code[5:]}"
        minutes = round(CODE_LIFE_S / 60)
        logger.warning("no admin yet: pairing code %s, once, within %d min", spaced, minutes)

    async def _announce(self, port: int) -> None:
        """In a demonstration, print the links that open the page from here and from elsewhere."""
        if not self._options.demo:
            await self._announce_pairing()
            return
        life_s = CODE_LIFE_S * self._gateway.clock.speed  # of the people's time, not the kitchen's
        code = await self._access.create_code("demo", Role.STAFF, life_s)
        print(f"\n  On this computer:   http://localhost:{port}/", flush=True)  # noqa: T201
        for address in own_addresses():
            link = f"http://{address}:{port}/login?code={code}"
            print(f"  From elsewhere:     {link}   (works once)", flush=True)  # noqa: T201
        print(flush=True)  # noqa: T201


def _offered(
    port: int, plain_port: int | None, settings: Settings, certificate: Certificate | None
) -> Offered | None:
    """What others on the LAN may open; None where the page is for this machine alone."""
    if settings.host in LOOPBACK_PEERS:
        return None
    trust = None
    if certificate is not None and settings.tls == "own":
        with contextlib.suppress(OSError, ValueError):  # the page then says it to who opens it
            trust = fingerprint((certificate.folder / AUTHORITY).read_bytes())
    return Offered(
        port=port, secure=certificate is not None, plain_port=plain_port, fingerprint=trust
    )


def wanted_certificate(settings: Settings) -> Wanted:
    """Whose certificate the page needs just now; addresses come and go."""
    if settings.tls == "files":
        return Wanted(
            mode="files", certificate_file=settings.certificate_file, key_file=settings.key_file
        )
    host = socket.gethostname().lower()
    named = [urlsplit(f"//{name}").hostname or "" for name in settings.names]
    names = ["localhost", host, f"{host}.local", *named, "127.0.0.1", "::1", *own_addresses()]
    return Wanted(mode="own", host=host, names=tuple(dict.fromkeys(filter(None, names))))


def _uplink(gateway: "Gateway", cloud: Cloud, options: "Options") -> Uplink:
    broker = Broker.from_url(
        options.cloud_url or cloud.url,
        username=cloud.username,
        ca_file=str(cloud.ca_file) if cloud.ca_file else None,
        certificate_file=str(cloud.certificate_file) if cloud.certificate_file else None,
        key_file=str(cloud.key.file) if cloud.key else None,
    )
    destination = Destination(
        broker=broker,
        password=cloud.password,
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


def _remote(gateway: "Gateway", cloud: Cloud, uplink: Uplink) -> Remote:
    """The commands of a cloud, over its link."""
    try:
        key = cloud.trusted_key()
    except (OSError, ValueError) as error:
        logger.error("cloud: command_key_file: %s; commands are refused", error)
        key = None
    store = gateway.store
    address = f"{cloud.tenant}/{cloud.gateway}"
    remote = Remote(address, key, gateway.orders, store.log, gateway.clock)
    remote.install = store.identity.install
    remote.answer, remote.clear = uplink.answer, uplink.clear_command
    remote.configuration = partial(_configuration_hash, gateway)
    remote.denied = partial(_command_denied, gateway)
    remote.recover(gateway.judging.orders())
    uplink.on_command = remote.receive
    return remote


def _command_denied(gateway: "Gateway", command_id: str, code: str) -> None:
    """Nobody knows who it was from, as nothing in it is proven."""
    gateway.audit.record("command", command_id, by="cloud", origin="cloud", refused=code)


def _configuration_hash(gateway: "Gateway") -> str | None:
    """What `st` calls `cfg`."""
    live = gateway.configuration.live
    return live.content_hash[:12] if live else None


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


def _status(gateway: "Gateway") -> dict[str, object]:
    """The body of `st`."""
    model, live = gateway.fitout.forecasting.model, gateway.configuration.live
    return {
        "v": VERSION,
        "in": gateway.store.identity.install,
        "online": True,
        "epoch": gateway.store.identity.epoch,
        "sw": __version__,
        "state": gateway.status(),
        "cfg": _configuration_hash(gateway),
        "rules": live.rules_hash[:12] if live else None,
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
