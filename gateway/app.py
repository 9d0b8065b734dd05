"""The composition root: a configuration becomes objects, then supervised tasks.

Judging is live before the page, the cloud and the models are loaded; the stop goes the other way,
each stage with a time-out, and ends with the last commit written and the outputs safe.
"""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import health, lan
from gateway.clock import Clock, Trust, local_hour
from gateway.config import describe
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.effects import Effects
from gateway.emulation import EmulatedKitchen, emulate
from gateway.equipment import Builder
from gateway.forecasting import Forecasting, Outlook
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.lag import LagProbe
from gateway.loading import in_thread
from gateway.points import points_of
from gateway.sampling import sample
from gateway.service import Service
from gateway.store.log import Row
from gateway.store.opening import Store
from gateway.supervision import CriticalFailure, Supervision
from gateway.sync.outbox import Outbox, outbox_of
from gateway.sync.protocol import Stream
from gateway.sync.ranges import Ranges
from rules.judge import Judge

if TYPE_CHECKING:
    from gateway.store.history import History
    from gateway.sync.uplink import Uplink

logger = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
# Imports what people and the cloud need, and gives what makes their tasks.
LoadServing = Callable[[], Callable[["Gateway", "Options"], Mapping[str, Work]]]

TICK_S = 0.05  # how late a timer may fire
SILENCE_S = 1.0  # how often points are looked over for silence
STORE_HANG_MS = 15_000  # without an answer of the disk the watchdog is not fed
# With the page's second and a last look at a disk that hangs, less than 5 s even all together.
SAFE_DEADLINE_S, COMMIT_DEADLINE_S, GOODBYE_DEADLINE_S, HUNG_S = 1.2, 1.2, 0.5, 0.2
GARBAGE = 10_000  # new objects before the collector looks
_TRUST_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How this process runs, beside what the configuration says."""

    scenario: str | None = None
    port: int | None = None
    demo: bool = False
    cloud_url: str | None = None  # of the demonstration's own broker


class Gateway:
    """One running gateway; `run` returns after an orderly stop, raises CriticalFailure else."""

    def __init__(self, loaded: Loaded, config: Config, store: Store, clock: Clock) -> None:
        self.loaded = loaded
        self.config = config
        self.store = store
        self.clock = clock
        self.started_at = clock.now()
        self.oldest_waiting: int | None = None
        self.page_trouble: str | None = None
        self.supervision = Supervision(clock, on_down=self._on_down)
        self.points = store.register(points_of(config))
        self.hub = Hub(clock.now())
        self.lag = LagProbe()
        contracts = {name: thing.fail_safe.contract() for name, thing in config.actuators.items()}
        judge = Judge(config.rules, contracts)
        self.judging = Judging(judge, store.found.entries, store.log, self.hub)
        self.hub.judge = self.supervision.critical("judging", self.judging.observe)
        self.hub.store = store.log.append
        self.outbox: Outbox = outbox_of(store.found.passed, store.found.following, store.found.lost)
        self.uplink: Uplink | None = None
        self.emulated: EmulatedKitchen | None = None
        self.forecasting: Forecasting | None = None
        self.history: History | None = None
        self._stopping = False
        self._close_deadline_s = COMMIT_DEADLINE_S
        self._service = Service()
        self._trust: Trust | None = None

    def build(self, options: Options) -> None:
        """Make everything that touches a bus; raises ValueError for an unknown scenario."""
        emulation = self.config.emulation
        if emulation is not None:
            scenario = options.scenario or emulation.scenario
            self.emulated = emulate(self.config, emulation, self.clock, scenario)
        builder = Builder(self.config, self.points, self.hub, self.clock, self.emulated)
        self.equipment = builder.build()
        self.effects = Effects(self.equipment.actuators, self.clock)
        self.judging.drive = self.effects.drive
        install, sites = self.store.identity.install, self.equipment.sites
        lan.join(sites, self.store.log, install, self._actuators_of, self.effects.renew)
        self._health = health.Health(self.store.path, worst_lag_ms=self.lag.take_worst_ms)
        outlooks = [
            Outlook(settings, builder.intake(name))
            for name, settings in self.config.forecasts.items()
        ]
        self.forecasting = Forecasting(outlooks, self.hub, self.clock, self._hour)
        self.store.log.on_committed = self._committed

    def _actuators_of(self, bus: str) -> list[str]:
        actuators = self.config.actuators.values()
        return [it.id for it in actuators if it.bus == bus and it.id in self.effects.actuators]

    def status(self) -> str:
        """`starting`, `running`, `degraded` or `stopping`."""
        if self._stopping:
            return "stopping"
        if self._trust is None:
            return "starting"
        return "degraded" if self.troubles() else "running"

    def troubles(self) -> list[str]:
        """What keeps the gateway from being whole, each in a few words."""
        troubles = [f"task {name}: {why}" for name, why in self.supervision.down.items()]
        if self.supervision.loose:
            troubles.append(f"unexpected errors: {self.supervision.loose}; see the log")
        lost = [state for state in self.equipment.states.values() if state.trouble]
        troubles += [f"{state.id}: {state.trouble}" for state in lost if not state.of_bus]
        for site in self.equipment.sites.values():
            troubles += site.troubles()
        silent = dict.fromkeys(state.trouble for state in lost if state.of_bus)
        troubles += [why for why in silent if why and why not in troubles]
        troubles += [f"{name}: {problem.message}" for name, problem in self.loaded.disabled.items()]
        if self.store.log.failing:
            troubles.append(f"store: {self.store.log.failing}")
        if self.history is not None and self.history.failing:
            troubles.append(f"history: {self.history.failing}")
        now = self.clock.now()
        silent = {name: bus.trouble(now) for name, bus in self.equipment.ladders.items()}
        troubles += [f"bus {name}: {why}" for name, why in silent.items() if why]
        late = self.lag.trouble()
        if late:
            troubles.append(f"loop: {late}")
        if self.page_trouble:
            troubles.append(f"page: {self.page_trouble}")
        return troubles

    async def run(self, stop: asyncio.Event, options: Options, load_serving: LoadServing) -> None:
        """Live until `stop`; `load_serving` is called in a thread once judging is live."""
        self.supervision.on_failed = stop.set
        asyncio.get_running_loop().set_exception_handler(self.supervision.unexpected)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = self._collect(group)
                self._start()
                self._service.tell("READY=1")
                logger.info("collecting: %d points, epoch %d", len(self.points),
                            self.store.identity.epoch)  # fmt: skip
                serving = self.supervision.supervise(
                    "serving", lambda: self._serve(group, tasks, options, load_serving)
                )
                tasks.append(group.create_task(serving, name="serving"))
                await stop.wait()
                await self._stop()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup:
            await self._stop()
            raise
        finally:
            self._service.close()
            self.equipment.close()
            if not self.store.close(self._close_deadline_s):
                logger.error("store: the disk hangs; the last second may be missing")
        if self.supervision.failed is not None:
            raise CriticalFailure(self.supervision.failed)

    def _start(self) -> None:
        """The first turn: say that we are here, and bring every output where its slots say."""
        clock, log = self.clock, self.store.log
        self._record_what_is_missing()
        self._watch_trust()
        self.judging.start(clock.now())
        self._raise_what_is_left_out()
        self.equipment.listen()
        log.commit_soon()

    def _collect(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """The tasks without which the kitchen is not guarded."""
        supervise, clock = self.supervision.supervise, self.clock
        if self.emulated is not None:
            self.emulated.step()
        critical: dict[str, Work] = {
            "log": self.store.log.run,
            "judging": self._tick,
            "silence": self._look_for_silence,
        }
        restarted: dict[str, Work] = {
            "actuators": self.effects.watch,
            "health": lambda: health.feed(
                self._health, self.equipment.intakes[health.DEVICE].take, clock
            ),
            "lag": lambda: self.lag.run(clock),
            "clock trust": self._follow_trust,
            "space": self._keep_space,
            "watchdog": lambda: self._service.feed(clock, self._alive),
        }
        if self.emulated is not None:
            restarted["emulation"] = self.emulated.run
        for name, site in self.equipment.sites.items():
            restarted[f"bus {name}"] = site.run
        for device in self.equipment.sampled:
            restarted[f"sample {device.state.id}"] = _bound(sample, device, clock)
        for debounce in self.equipment.debounced:
            restarted[f"debounce {debounce.state.id}"] = debounce.run
        tasks = [
            group.create_task(supervise(name, work, critical=True), name=name)
            for name, work in critical.items()
        ]
        return tasks + [
            group.create_task(supervise(name, work), name=name) for name, work in restarted.items()
        ]

    async def _serve(
        self,
        group: asyncio.TaskGroup,
        tasks: list[asyncio.Task[None]],
        options: Options,
        load_serving: LoadServing,
    ) -> None:
        """Start the tasks for people and the cloud."""
        parts = (await in_thread(load_serving, "serving-load"))(self, options)
        # What is there now stays: the collector need not walk through it for every few readings.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
        supervise = self.supervision.supervise
        tasks += [
            group.create_task(supervise(name, work), name=name) for name, work in parts.items()
        ]

    async def _stop(self) -> None:
        """Safe outputs, the last commit, goodbye to the cloud; each bounded in time."""
        if self._stopping:
            return
        self._stopping = True
        self._service.tell("STOPPING=1")
        logger.info("stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAFE_DEADLINE_S):
                await self.effects.make_safe()
        log = self.store.log
        log.event("system", {"code": "stopped"}, self.clock.now())
        log.close()
        try:
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                await log.durable()
        except TimeoutError:
            self._close_deadline_s = HUNG_S
        farewells = [site.farewell() for site in self.equipment.sites.values()]
        if self.uplink is not None:
            farewells.append(self.uplink.drain())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_DEADLINE_S):
                await asyncio.gather(*farewells)
        if self.uplink is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_DEADLINE_S):
                    await self.uplink.close()

    async def _tick(self) -> None:
        while True:
            self.judging.tick(self.clock.now())
            await self.clock.sleep(TICK_S * self.clock.speed)

    async def _look_for_silence(self) -> None:
        while True:
            await self.clock.sleep(SILENCE_S * self.clock.speed)
            self.equipment.look_for_silence(self.clock.now())

    def _hour(self) -> float | None:
        # The emulated kitchen has a day of its own.
        return None if self.emulated else local_hour(self.clock.wall(), self.config.site.zone)

    async def _keep_space(self) -> None:
        space, lanes = self.store.space, self.outbox.lanes
        space.on_lost = self._lost
        passed = {name: lane.passed for name, lane in lanes.items()}
        await space.run(None if self.config.cloud is None else passed)

    def _lost(self, stream: Stream, ranges: Ranges) -> None:
        """Rows the cloud never had were removed: they wait no longer, and that is said."""
        for first, last in ranges:
            self.outbox.forget(stream, first, last)
        self.store.log.move_cursors(self.outbox.cursors())
        data = {"code": "budget", "stream": stream, "from": ranges[0][0], "to": ranges[-1][1]}
        self.store.log.event("system", data, self.clock.now())

    async def _follow_trust(self) -> None:
        while True:
            await self.clock.sleep(_TRUST_S)
            self._watch_trust()

    def _watch_trust(self) -> None:
        """Write down how far the clock is trusted, at the start and whenever that changes."""
        trust = self.clock.trust()
        if trust is self._trust:
            return
        self._trust = trust
        data = {
            "epoch": self.store.identity.epoch,
            "boot_id": self.clock.boot_id,
            "mono": self.clock.monotonic_ms(),
            "wall": self.clock.wall(),
            "trust": trust.value,
        }
        self.store.log.event("boot", data, self.clock.now())
        if self.uplink is not None:
            self.uplink.announce()

    def _record_what_is_missing(self) -> None:
        """The time in which nobody collected is said, not left out."""
        left_at, left_trust = self.store.identity.left_at, self.store.identity.left_trust
        if left_at is not None:
            until, trust = max(left_at, self.clock.wall()), self.clock.trust()
            if left_trust is Trust.UNSYNCED:
                trust = left_trust
            data: dict[str, object] = {
                "from": left_at,
                "to": until,
                "cause": "not running",
                "trust": trust.value,
            }
            self.store.log.event("gap", data, self.clock.now())

    def _raise_what_is_left_out(self) -> None:
        """A device with an error in its configuration guards nothing: an alarm says so."""
        now = self.clock.now()
        left_out = {
            f"left_out.{name}": describe.problem(problem)[:200]
            for name, problem in self.loaded.disabled.items()
        }
        for name in self.judging.troubles() - set(left_out):
            self.judging.trouble(name, "", now, standing=False)
        for name, what in left_out.items():
            self.judging.trouble(name, what, now)

    def _committed(self, rows: list[Row]) -> None:
        if self.uplink is not None:
            self.uplink.committed(rows)
        else:
            self.outbox.committed(rows, linked=False)

    def _alive(self) -> bool:
        return self.clock.now() - self.store.log.turned_at < STORE_HANG_MS * self.clock.speed

    def _on_down(self, name: str, error: str) -> None:
        data = {"code": "task_down", "task": name, "error": error[:200]}
        self.store.log.event("system", data, self.clock.now())
        self.judging.trouble(f"task_down.{name.replace(' ', '_')}", error[:200], self.clock.now())


def _bound(work: Callable[..., Awaitable[None]], *arguments: object) -> Work:
    return lambda: work(*arguments)
