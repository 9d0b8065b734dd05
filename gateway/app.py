"""The composition root: what lives as long as the process, and the tasks that keep it going.

Judging is live before the page, the cloud and the models are loaded; the stop goes the other way,
each stage with a time-out, and ends with the last commit written and the outputs safe. What a
configuration builds is `fitout.py`; how one follows another, `changeover.py`.
"""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import health
from gateway.audit import deeds
from gateway.audit.recording import Audit
from gateway.changeover import Changeover, judge_of
from gateway.clock import Clock, Trust
from gateway.config import schema
from gateway.configuration import Configuration
from gateway.fitout import FitOut
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.lag import LagProbe
from gateway.lan import Lan
from gateway.loading import in_thread
from gateway.modes import Modes
from gateway.notify.notifying import Notifying
from gateway.notify.subscribing import Subscribing
from gateway.orders import Orders
from gateway.presence import Presence
from gateway.reading import Point
from gateway.reloading import Reloading
from gateway.roster import Roster
from gateway.service import Service
from gateway.store.log import Row
from gateway.store.opening import Store
from gateway.store.state import JudgedInput, JudgedReading
from gateway.supervision import CriticalFailure, Supervision
from gateway.sync.outbox import Outbox, outbox_of
from gateway.sync.protocol import Stream
from gateway.sync.ranges import Ranges
from gateway.tasks import Job, Tasks
from gateway.troubles import Troubles
from rules.judge import Judge
from rules.schedule import CREDIBLE_MS

if TYPE_CHECKING:
    from gateway.remote import Remote
    from gateway.serving import Serving
    from gateway.store.history import History
    from gateway.sync.uplink import Uplink

logger = logging.getLogger(__name__)

# Imports what people and the cloud need, and gives what makes their tasks.
LoadServing = Callable[[], Callable[["Gateway", "Options"], "Serving"]]

TICK_S = 0.05  # how late a timer may fire
STORE_HANG_MS = 15_000  # without an answer of the disk the watchdog is not fed
# With the page's second and a last look at a disk that hangs, less than 5 s even all together.
SAFE_DEADLINE_S, COMMIT_DEADLINE_S, GOODBYE_DEADLINE_S, HUNG_S = 1.2, 1.2, 0.5, 0.2
SIGN_DEADLINE_S = 0.3
BEFORE_MS = 60_000  # a window also needs what held when it begins
GARBAGE = 10_000  # new objects before the collector looks


@dataclass(frozen=True, kw_only=True)
class Options:
    """How this process runs, beside what the configuration says."""

    scenario: str | None = None
    port: int | None = None
    demo: bool = False
    cloud_url: str | None = None  # of the demonstration's own broker
    announce: Path | None = None  # where Avahi reads what the LAN is told


class Gateway:
    """One running gateway; `run` returns after an orderly stop, raises CriticalFailure else."""

    tasks: Tasks
    _load_serving: LoadServing

    def __init__(self, file: Path, store: Store, clock: Clock, options: Options) -> None:
        self.store = store
        self.clock = clock
        self.options = options
        self.started_at = clock.now()
        self.oldest_waiting: int | None = None
        self.page_trouble: str | None = None
        self.supervision = Supervision(clock)
        self.hub = Hub(clock.now())
        self.lag = LagProbe()
        self.judging = Judging(Judge((), {}), store.found.entries, store.log, self.hub)
        self.hub.judge = self.supervision.critical("judging", self.judging.observe)
        self.hub.store = store.log.append
        self.outbox: Outbox = outbox_of(store.found.passed, store.found.following, store.found.lost)
        store.log.on_committed = self._committed
        self.uplink: Uplink | None = None
        self.serving: Serving | None = None
        self.remote: Remote | None = None
        self.configuration = Configuration(file, needs_emulation=options.demo)
        self.changeover = Changeover(self)
        self.reloading = Reloading(self.changeover.reload)
        self.fitout = FitOut(
            schema.nothing(file.parent, schema.Web()), self.hub, clock, options.scenario
        )
        self.audit = Audit(store.chain, store.writer, store.log, clock)
        self.judging.done = partial(deeds.record, self.audit)
        self.judging.drive = self.fitout.effects.drive
        self.fitout.effects.locked = self.judging.locked
        self.orders = Orders(self.judging, store.log, clock, self.hub)
        self.orders.driven = self.fitout.effects.drives
        self.modes = Modes(self.hub, clock)
        self.judging.turned = self.modes.turned
        self.roster = Roster(self)
        self.judging.on_duty = self.roster.people
        browsers = store.push_subscriptions
        self.subscribing = Subscribing(browsers, store.path, clock)
        self.notifying = Notifying(store.found.notices, store.log, clock, store.path, browsers)
        self.judging.announce = self.notifying.on_event
        self.judging.tell = self.notifying.on_notice
        install = store.identity.install
        self._lan = Lan(store.log, install, self.fitout.effects.renew)
        self.history: History | None = None
        self.troubles = Troubles(self)
        self.supervision.on_down = self.troubles.task_down
        self._presence = Presence(store.identity, store.log, clock)
        self._stopping = False
        self._close_deadline_s = COMMIT_DEADLINE_S
        self._service = Service()
        self._health = health.Health(store.path, worst_lag_ms=self.lag.take_worst_ms)

    @property
    def config(self) -> schema.Config:
        """What is in force; that of an empty kitchen while nothing is."""
        return self.fitout.config

    @property
    def points(self) -> Mapping[str, Point]:
        return self.fitout.points

    async def past(self, judge: Judge) -> list[JudgedReading | JudgedInput]:
        """The kept readings that the windows of these rules reach back to, and starts since."""
        spans_ms = judge.spans_ms
        if not spans_ms:
            return []
        since = self.clock.now() - max(spans_ms.values()) - BEFORE_MS
        return await self.store.past(since, spans_ms)

    def begin_to_hear(self) -> None:
        """Tie new brokers to the log, then hear what speaks by itself and is not heard yet."""
        self._lan.tie(self.fitout.equipment.sites, self.fitout.actuators_of)
        self.fitout.equipment.listen()
        self.orders.follow(self.points, self.fitout.effects.actuators)

    def status(self) -> str:
        """`starting`, `running`, `degraded`, `stopping` or `config_error`."""
        if self._stopping:
            return "stopping"
        if self._presence.trust is None:
            return "starting"
        if self.configuration.live is None:
            return "config_error"
        return "degraded" if self.troubles.now() else "running"

    async def run(self, stop: asyncio.Event, load_serving: LoadServing) -> None:
        """Live until `stop`; `load_serving` is called in a thread once judging is live."""
        self.supervision.on_failed = stop.set
        asyncio.get_running_loop().set_exception_handler(self.supervision.unexpected)
        try:
            async with asyncio.TaskGroup() as group:
                self.tasks = Tasks(group, self.supervision)
                self._load_serving = load_serving
                judge = judge_of(self.config)
                self._start(judge, await self.past(judge))
                await self.tasks.fit(self.jobs())
                self._service.tell("READY=1")
                state = "collecting" if self.configuration.live else "nothing is guarded"
                logger.info("%s: %d points, epoch %d", state, len(self.points),
                            self.store.identity.epoch)  # fmt: skip
                await stop.wait()
                await self._stop()
                self.tasks.cancel()
        except BaseExceptionGroup:
            await self._stop()
            raise
        finally:
            self._service.close()
            self.fitout.equipment.close()
            if not self.store.close(self._close_deadline_s):
                logger.error("store: the disk hangs; the last second may be missing")
        if self.supervision.failed is not None:
            raise CriticalFailure(self.supervision.failed)

    def _start(self, judge: Judge, past: Iterable[JudgedReading | JudgedInput]) -> None:
        """The first turn: say that we are here, and bring every output where its slots say."""
        self._presence.announce = self._announce
        self._presence.record_what_is_missing()
        self._presence.watch_trust()
        if self.configuration.live is not None:
            self.notifying.use(self.config, self.points)
            self.judging.adopt(judge, self.clock.now(), fresh=True, past=past)
            self.modes.tell(self.config.modes, self.points, self.judging.state.entries)
        self.troubles.raise_alarms()
        self.begin_to_hear()
        self.store.log.commit_soon()

    def jobs(self) -> Iterator[Job]:
        """Every task there has to be just now; the first are those that guard the kitchen."""
        clock = self.clock
        yield Job("log", self.store.log.run, critical=True)
        yield Job("judging", self._tick, critical=True)
        yield from self.fitout.jobs()
        yield Job("notifications", self.notifying.run)
        yield Job("modems", self.notifying.tend, self.config.notifications)
        yield Job("health", self._tell_health)
        yield Job("audit", self.audit.run)
        yield Job("lag", lambda: self.lag.run(clock))
        yield Job("clock trust", self._presence.follow_trust)
        yield Job("space", self._keep_space, self._cloud_takes_rows())
        yield Job("watchdog", lambda: self._service.feed(clock, self._alive))
        yield Job("generation", self.changeover.keep)
        yield Job("reload", self.reloading.run)
        yield Job("changed file", self._watch_file)
        yield Job("serving", self._serve)
        if self.serving is not None:
            yield from self.serving.jobs()

    async def follow_configuration(self) -> None:
        """Have everything else go by the configuration that stands now."""
        if self.serving is not None:
            await self.serving.follow()
        await self.tasks.fit(self.jobs())
        self.tell_of_configuration()
        self._announce()

    def tell_of_configuration(self) -> None:
        """What is wrong with the file becomes an alarm, and every page is shown anew."""
        self.troubles.raise_alarms()
        if self.serving is not None:
            self.serving.show_everything()

    async def _serve(self) -> None:
        """Start the tasks for people and the cloud."""
        parts = await in_thread(self._load_serving, "serving-load")
        # What is there now stays: the collector need not walk through it for every few readings.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
        self.serving = parts(self, self.options)
        await self.serving.follow()
        await self.tasks.fit(self.jobs())

    async def _stop(self) -> None:
        """Safe outputs, the last commit, goodbye to the cloud; each bounded in time."""
        if self._stopping:
            return
        self._stopping = True
        self._service.tell("STOPPING=1")
        logger.info("stopping")
        self.reloading.close()
        self.orders.close()
        await self.tasks.end(["reload"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAFE_DEADLINE_S):
                await self.fitout.effects.make_safe()
        await self._sign_audit()
        log = self.store.log
        log.event("system", {"code": "stopped"}, self.clock.now())
        log.close()
        try:
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                await log.durable()
        except TimeoutError:
            self._close_deadline_s = HUNG_S
        farewells = [site.farewell() for site in self.fitout.equipment.sites.values()]
        if self.uplink is not None:
            farewells.append(self.uplink.drain())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_DEADLINE_S):
                await asyncio.gather(*farewells)
        if self.uplink is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_DEADLINE_S):
                    await self.uplink.close()

    async def _sign_audit(self) -> None:
        """The last entries, if the disk and the library are quick; else the next start does it."""
        await self.tasks.end(["audit"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SIGN_DEADLINE_S):
                await self.audit.sign()

    async def _tick(self) -> None:
        right_once = False  # weeks without internet are seconds of drift
        while True:
            now = self.clock.now()
            emulated = self.config.emulation is not None  # its day is whatever the machine says
            right_once = right_once or self.clock.trust() is not Trust.UNSYNCED
            wall = self.clock.wall()
            believed = emulated or (right_once and wall in CREDIBLE_MS)
            self.judging.tick(now, wall - now if believed else None)
            await self.clock.sleep(TICK_S * self.clock.speed)

    async def _tell_health(self) -> None:
        while True:
            self.fitout.take_health(self._health)
            await self.clock.sleep(health.PERIOD_S)

    async def _watch_file(self) -> None:
        """Where nothing is in force, or in a demonstration, a changed file is taken by itself."""
        configuration, demo = self.configuration, self.options.demo
        await self.reloading.watch(
            lambda: (demo or configuration.live is None) and configuration.changed(), self.clock
        )

    def _cloud_takes_rows(self) -> bool:
        """Whether rows have to wait for a cloud; not known while no configuration is in force."""
        return self.configuration.live is None or self.config.cloud is not None

    async def _keep_space(self) -> None:
        space, lanes = self.store.space, self.outbox.lanes
        space.on_lost = self._lost
        passed = {name: lane.passed for name, lane in lanes.items()}
        await space.run(passed if self._cloud_takes_rows() else None)

    def _lost(self, stream: Stream, ranges: Ranges) -> None:
        """Rows the cloud never had were removed: they wait no longer, and that is said."""
        for first, last in ranges:
            self.outbox.forget(stream, first, last)
        self.store.log.move_cursors(self.outbox.cursors())
        data = {"code": "budget", "stream": stream, "from": ranges[0][0], "to": ranges[-1][1]}
        self.store.log.event("system", data, self.clock.now())

    def _announce(self) -> None:
        if self.uplink is not None:
            self.uplink.announce()

    def _committed(self, rows: list[Row]) -> None:
        if self.uplink is not None:
            self.uplink.committed(rows)
        else:
            self.outbox.committed(rows, linked=False)

    def _alive(self) -> bool:
        return self.clock.now() - self.store.log.turned_at < STORE_HANG_MS * self.clock.speed
