"""The composition root: what lives as long as the process, and the tasks that keep it going.

Judging is live before the page, the cloud and the models are loaded; the stop goes the other way,
each stage with a time-out, and ends with the last commit written and the outputs safe. What a
configuration builds is `fitout.py`; how one follows another, `changeover.py`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import health
from gateway.changeover import Changeover, judge_of
from gateway.clock import Clock
from gateway.config import describe, schema
from gateway.config.load import Loaded
from gateway.configuration import Configuration, whole
from gateway.fitout import FitOut
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.loading import in_thread
from gateway.points import points_of
from gateway.presence import Presence
from gateway.reading import Point
from gateway.reloading import Reloading
from gateway.service import Service
from gateway.store.errors import StoreError
from gateway.store.log import Row
from gateway.store.opening import Store
from gateway.supervision import CriticalFailure, Supervision
from gateway.sync.outbox import Outbox, outbox_of
from gateway.sync.protocol import Stream
from gateway.sync.ranges import Ranges
from gateway.tasks import Job, Tasks
from rules.judge import Judge

if TYPE_CHECKING:
    from gateway.serving import Serving
    from gateway.sync.uplink import Uplink

logger = logging.getLogger(__name__)

# Imports what people and the cloud need, and gives what makes their tasks.
LoadServing = Callable[[], Callable[["Gateway", "Options"], "Serving"]]

TICK_S = 0.05  # how late a timer may fire
STORE_HANG_MS = 15_000  # without an answer of the disk the watchdog is not fed
# With the page's second and a last look at a disk that hangs, less than 5 s even all together.
SAFE_DEADLINE_S, COMMIT_DEADLINE_S, GOODBYE_DEADLINE_S, HUNG_S = 1.2, 1.2, 0.5, 0.2
TOLD_MAX = 500  # characters of a trouble in an alarm


@dataclass(frozen=True, kw_only=True)
class Options:
    """How this process runs, beside what the configuration says."""

    scenario: str | None = None
    port: int | None = None
    demo: bool = False
    cloud_url: str | None = None  # of the demonstration's own broker


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
        self.supervision = Supervision(clock, on_down=self._on_down)
        self.hub = Hub(clock.now())
        self.judging = Judging(Judge((), {}), store.found.entries, store.log, self.hub)
        self.hub.judge = self.supervision.critical("judging", self.judging.observe)
        self.hub.store = store.log.append
        self.outbox: Outbox = outbox_of(store.found.passed, store.found.following, store.found.lost)
        store.log.on_committed = self._committed
        self.uplink: Uplink | None = None
        self.serving: Serving | None = None
        self.configuration = Configuration(file, needs_emulation=options.demo)
        self.reloading = Reloading(Changeover(self).reload)
        self.fitout = FitOut(
            schema.nothing(file.parent, schema.Web()), self.hub, clock, options.scenario
        )
        self.judging.drive = self.fitout.effects.drive
        self._presence = Presence(store.identity, store.log, clock)
        self._stopping = False
        self._close_deadline_s = COMMIT_DEADLINE_S
        self._service = Service()
        self._health = health.Health(store.path)

    @property
    def config(self) -> schema.Config:
        """What is in force; that of an empty kitchen while nothing is."""
        return self.fitout.config

    @property
    def points(self) -> Mapping[str, Point]:
        return self.fitout.points

    def build(self, loaded: Loaded) -> None:
        """Build the file's configuration, else the last good one, else only what the page needs.

        Raises StoreError; what a configuration cannot be built for becomes one of its problems.
        """
        configuration = self.configuration
        for candidate in configuration.candidates(loaded, self.store.generations):
            config = candidate.loaded.config
            assert config is not None  # noqa: S101 - else it would be no candidate
            try:
                self.fitout.fit(config, self.store.register(points_of(config)))
            except StoreError:
                raise
            except Exception as error:
                logger.exception("config: %s cannot be built", candidate.source)
                if candidate.source == "file":
                    why = f"it cannot be built: {type(error).__name__}: {error}; see the log"
                    configuration.refuse(loaded, (whole(loaded.file, why), *loaded.problems))
            else:
                configuration.accept(candidate, loaded)
                break
        else:
            empty = schema.nothing(loaded.file.parent, loaded.web)
            self.fitout.fit(empty, self.store.register(points_of(empty)))
            configuration.refuse(loaded, configuration.why or loaded.problems)
        if configuration.refused is not None:
            logger.error("config: the file is not used: %s", configuration.instead())
        for problem in configuration.live.problems if configuration.live else ():
            logger.error("config: %s", describe.problem(problem))

    def status(self) -> str:
        """`starting`, `running`, `degraded`, `stopping` or `config_error`."""
        if self._stopping:
            return "stopping"
        if self._presence.trust is None:
            return "starting"
        if self.configuration.live is None:
            return "config_error"
        return "degraded" if self.troubles() else "running"

    def troubles(self) -> list[str]:
        """What keeps the gateway from being whole, each in a few words."""
        troubles = [f"task {name}: {why}" for name, why in self.supervision.down.items()]
        if self.supervision.loose:
            troubles.append(f"unexpected errors: {self.supervision.loose}; see the log")
        troubles += self.fitout.troubles()
        troubles += self.configuration.troubles()
        if self.store.log.failing:
            troubles.append(f"store: {self.store.log.failing}")
        if self.page_trouble:
            troubles.append(f"page: {self.page_trouble}")
        return troubles

    async def run(self, stop: asyncio.Event, load_serving: LoadServing) -> None:
        """Live until `stop`; `load_serving` is called in a thread once judging is live."""
        self.supervision.on_failed = stop.set
        asyncio.get_running_loop().set_exception_handler(self.supervision.unexpected)
        try:
            async with asyncio.TaskGroup() as group:
                self.tasks = Tasks(group, self.supervision)
                self._load_serving = load_serving
                self._start()
                await self.tasks.fit(self.jobs())
                self._service.tell("READY=1")
                logger.info("collecting: %d points, epoch %d", len(self.points),
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

    def _start(self) -> None:
        """The first turn: say that we are here, and bring every output where its slots say."""
        self._presence.announce = self._announce
        self._presence.record_what_is_missing()
        self._presence.watch_trust()
        if self.configuration.live is not None:
            self.judging.adopt(judge_of(self.config), self.clock.now())
        self.raise_what_is_wrong()
        self.fitout.equipment.listen()
        self.store.log.commit_soon()

    def jobs(self) -> Iterator[Job]:
        """Every task there has to be just now; the first are those that guard the kitchen."""
        clock = self.clock
        yield Job("log", self.store.log.run, critical=True)
        yield Job("judging", self._tick, critical=True)
        yield from self.fitout.jobs()
        yield Job("health", self._tell_health)
        yield Job("lag", lambda: self._health.probe_lag(clock))
        yield Job("clock trust", self._presence.follow_trust)
        yield Job("space", self._keep_space, self._cloud_takes_rows())
        yield Job("watchdog", lambda: self._service.feed(clock, self._alive))
        yield Job("generation", self.keep_generation)
        yield Job("reload", self.reloading.run)
        yield Job("mended file", self._watch_file)
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
        self.raise_what_is_wrong()
        if self.serving is not None:
            self.serving.show_everything()

    async def keep_generation(self) -> None:
        """Keep what is in force for a start that cannot use the file; only what is wholly good."""
        live = self.configuration.live
        if live is None or not live.good or self.configuration.source != "file":
            return
        try:
            await self.store.keep_generation(live.text, self.clock.wall())
        except StoreError as error:
            logger.error("config: cannot be kept as the last good one: %s", error)

    def raise_what_is_wrong(self) -> None:
        """What guards nothing, and what is not whole, is an alarm for as long as that lasts."""
        standing = self.configuration.alarms()
        standing |= {_task_down(name): why for name, why in self.supervision.down.items()}
        now = self.clock.now()
        before = self.judging.troubles()
        for name, said in before.items():
            if standing.get(name, "")[:TOLD_MAX] != said:
                self.judging.trouble(name, "", now, standing=False)
        for name, what in standing.items():
            self.judging.trouble(name, what[:TOLD_MAX], now)

    async def _serve(self) -> None:
        """Start the tasks for people and the cloud."""
        parts = await in_thread(self._load_serving, "serving-load")
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
        await self.tasks.end(["reload"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAFE_DEADLINE_S):
                await self.fitout.effects.make_safe()
        log = self.store.log
        log.event("system", {"code": "stopped"}, self.clock.now())
        log.close()
        try:
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                await log.durable()
        except TimeoutError:
            self._close_deadline_s = HUNG_S
        if self.uplink is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_DEADLINE_S):
                    await self.uplink.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_DEADLINE_S):
                    await self.uplink.close()

    async def _tick(self) -> None:
        while True:
            self.judging.tick(self.clock.now())
            await self.clock.sleep(TICK_S * self.clock.speed)

    async def _tell_health(self) -> None:
        while True:
            self.fitout.take_health(self._health)
            await self.clock.sleep(health.PERIOD_S)

    async def _watch_file(self) -> None:
        """While nothing is in force, a mended file is taken over by itself."""
        configuration = self.configuration
        await self.reloading.watch(
            configuration.file, self.clock, lambda: configuration.live is None
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

    def _on_down(self, name: str, error: str) -> None:
        data = {"code": "task_down", "task": name, "error": error[:TOLD_MAX]}
        self.store.log.event("system", data, self.clock.now())
        self.judging.trouble(_task_down(name), error[:TOLD_MAX], self.clock.now())


def _task_down(name: str) -> str:
    return f"task_down.{name.replace(' ', '_')}"
