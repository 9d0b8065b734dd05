"""Carries out what judging wants of actuators, and reads back what they really do."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from drivers.base import Acting, DriverError, Metric, Samples, failed
from gateway.buses.worker import BusWorker
from gateway.clock import Clock
from gateway.sampling import DeviceState, Intake
from rules.events import Drive

logger = logging.getLogger(__name__)

READ_BACK_S = 5.0


@dataclass(slots=True)
class Actuator:
    """An actuator with what driving it needs; `wanted` is what judging last asked for.

    Without a `worker` its driver only queues what it is given, and is called on the loop.
    """

    state: DeviceState
    driver: Acting
    metrics: tuple[Metric, ...]
    worker: BusWorker | None
    intake: Intake
    deadline_s: float
    safe: bool
    ready: Callable[[], bool] = lambda: True  # False while its bus is still being opened
    wanted: bool | None = None
    retired: bool = False  # its configuration goes, and it is left safe
    mismatches: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Effects:
    """The actuators of one kitchen."""

    def __init__(self, actuators: Mapping[str, Actuator], clock: Clock) -> None:
        self.actuators = actuators
        self.locked: Callable[[str], bool] = lambda actuator: False  # there is gas: switch nothing
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    def drive(self, drive: Drive) -> None:
        """Start bringing an actuator to a value; once outputs are being made safe, do nothing."""
        if self._stopping:
            return
        actuator = self.actuators.get(drive.actuator)
        if actuator is None:
            logger.error("%s: no such actuator; %s had no effect", drive.actuator, drive.cause)
            return
        if actuator.retired:
            return
        actuator.wanted = drive.value
        if not actuator.ready():
            return
        if actuator.worker is None:
            self._queue(actuator)
        else:
            self._begin(actuator)

    def drives(self, name: str) -> bool:
        """Whether an actuator is still where judging wants it, not on its way out."""
        actuator = self.actuators.get(name)
        return actuator is not None and not (self._stopping or actuator.retired)

    def renew(self, names: Iterable[str]) -> None:
        """Bring these where they are wanted, anew: their bus is back and may have missed it."""
        for name in names:
            actuator = self.actuators.get(name)
            if actuator is not None and actuator.wanted is not None:
                self._begin(actuator)

    async def watch(self) -> None:
        """Read every actuator back now and then, and correct one that does not do as wanted."""
        while True:
            await self._clock.sleep(READ_BACK_S)
            for actuator in list(self.actuators.values()):
                if actuator.wanted is not None and actuator.ready():
                    await self._bring(actuator, only_if_different=True)

    async def retire(self, names: Collection[str]) -> None:
        """Bring outputs to their safe state that are to be let go; nothing drives them any more."""
        leaving = [self.actuators[name] for name in names if name in self.actuators]
        for actuator in leaving:
            actuator.retired = True
            actuator.wanted = actuator.safe
        await asyncio.gather(*(self._begin(it) for it in leaving), return_exceptions=True)

    async def make_safe(self) -> None:
        """Bring every output to its safe state, for good; a hanging bus costs one deadline."""
        self._stopping = True
        for actuator in self.actuators.values():
            actuator.wanted = actuator.safe
        tasks = [self._begin(actuator) for actuator in self.actuators.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, actuator: Actuator) -> asyncio.Task[None]:
        """Bring one where it is wanted, in a task of its own; a bug in it is seen to."""

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                logger.error("%s: driving it failed", actuator.state.id, exc_info=error)
                actuator.state.lost(f"driving it failed: {error}")

        name = f"drive {actuator.state.id}"
        task = asyncio.get_running_loop().create_task(self._bring(actuator), name=name)
        self._running.add(task)
        task.add_done_callback(ended)
        return task

    async def _bring(self, actuator: Actuator, *, only_if_different: bool = False) -> None:
        async with actuator.turn:
            wanted, locked = bool(actuator.wanted), self._locked(actuator)

            def act() -> tuple[Samples, bool]:
                if locked:
                    return actuator.driver.read(), False
                differs = only_if_different and _differs(actuator.driver.read(), wanted)
                if differs or not only_if_different:
                    actuator.driver.write(wanted)
                return actuator.driver.read(), differs

            try:
                if actuator.worker is None:
                    samples, drifted = act()
                else:
                    samples, drifted = await actuator.worker.call(act, actuator.deadline_s)
            except DriverError as error:
                self._failed(actuator, error)
                return
        self._brought(actuator, samples, wanted=wanted, drifted=drifted)

    def _queue(self, actuator: Actuator) -> None:
        """Hand a command over in this very turn; what comes of it is published in the next.

        Judging is still at work: a reading that came now would be stored before its cause.
        """
        loop, wanted = asyncio.get_running_loop(), bool(actuator.wanted)
        try:
            if not self._locked(actuator):
                actuator.driver.write(wanted)
        except DriverError as error:
            loop.call_soon(self._failed, actuator, error)
        else:
            loop.call_soon(self._read_back, actuator, wanted)

    def _locked(self, actuator: Actuator) -> bool:
        """Whether it may only be read; one that is let go of becomes safe in any case."""
        leaves = self._stopping or actuator.retired
        return not leaves and self.locked(actuator.state.id)

    def _read_back(self, actuator: Actuator, wanted: bool) -> None:
        try:
            samples = actuator.driver.read()
        except DriverError as error:
            self._failed(actuator, error)
        else:
            self._brought(actuator, samples, wanted=wanted)

    def _failed(self, actuator: Actuator, error: DriverError) -> None:
        actuator.state.lost(str(error))
        actuator.intake.take(failed(actuator.metrics, error.reason), self._clock.now())

    def _brought(
        self, actuator: Actuator, samples: Samples, *, wanted: bool, drifted: bool = False
    ) -> None:
        word, refuses = "on" if wanted else "off", _differs(samples, wanted)
        if drifted or refuses:
            actuator.mismatches += 1
        if refuses:
            actuator.state.lost(f"does not go {word} as wanted")
        else:
            if drifted:
                logger.warning("%s: was not %s as wanted; corrected", actuator.state.id, word)
            actuator.state.heard()
        actuator.intake.take(samples, self._clock.now())


def _differs(samples: Samples, wanted: bool) -> bool:
    return any(sample.value is not wanted for sample in samples.values())
