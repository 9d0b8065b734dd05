"""Polled devices: a tick, a deadline, and the ladder of what is done about a read that fails."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from drivers.base import DriverError, Metric, Polled, Reason, Samples, failed
from gateway.buses.ladder import Ladder, Step
from gateway.buses.worker import BusBusy, BusHangs, BusWorker, NoAnswer
from gateway.clock import Clock
from gateway.conditioning import Conditioner
from gateway.hub import Hub

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class DeviceState:
    """How a device is doing; shown on the page and under /metrics."""

    id: str
    reads: int = 0
    failures: int = 0
    skipped_ticks: int = 0  # without a read: one hung or took long, or the device rests
    retries: int = 0  # further tries within a tick
    reinitialised: int = 0  # times it was read with a new driver
    down: bool = False  # tried only now and then
    bounces: int = 0  # bursts of edges that ended as one change, or as none
    coalesced: int = 0  # changes of a pin that a later one has overtaken
    dark: bool = False  # every point of it has been said to be BAD
    trouble: str | None = None  # why its last read failed, None while it works
    last_trouble: str | None = None  # of the last failure since the start
    of_bus: bool = False  # the trouble is its bus's, which is said once for all that hangs there

    def lost(self, why: str) -> None:
        """Say once that a device is lost."""
        self.failures += 1
        if self.trouble is None:
            logger.warning("%s: lost: %s", self.id, why)
        self.trouble = self.last_trouble = why

    def heard(self) -> None:
        """Say once that a device is back."""
        self.reads += 1
        if self.trouble is not None:
            if not self.of_bus:
                logger.warning("%s: back", self.id)
            self.trouble, self.of_bus = None, False

    def cut_off(self, why: str) -> None:
        """Its bus is away; nothing is said here."""
        self.failures += 1
        self.trouble, self.of_bus = why, True
        self.last_trouble = why


class Intake:
    """Samples of one device become readings at the hub."""

    def __init__(self, hub: Hub, conditioners: Mapping[str, Conditioner]) -> None:
        self._hub = hub
        self.conditioners = conditioners  # by metric name

    def take(self, samples: Samples, at: int) -> None:
        """Condition and publish what a driver returned; unknown metrics have no point."""
        conditioners, publish = self.conditioners, self._hub.publish
        for metric, sample in samples.items():
            conditioner = conditioners.get(metric)
            if conditioner is not None:
                publish(conditioner.take(sample, at), keep=conditioner.keep)

    def look_for_silence(self, now: int) -> None:
        """Publish a BAD reading for every point that has not been heard of for too long."""
        for conditioner in self.conditioners.values():
            reading = conditioner.silence(now)
            if reading is not None:
                self._hub.publish(reading)


@dataclass(slots=True)
class Sampled:
    """A polled device with what its reading needs; `again` makes it a new driver."""

    state: DeviceState
    driver: Polled
    metrics: Sequence[Metric]
    worker: BusWorker
    intake: Intake
    period_s: float
    deadline_s: float
    ladder: Ladder
    again: Callable[[], Polled]
    recover: Callable[[], object] = lambda: None  # opens its bus again
    held_s: float = 0.0  # how long the tick at work has held the bus, in real time


async def sample(device: Sampled, clock: Clock) -> None:
    """Read a device on the grid of its period, for ever."""
    period_ms = max(1, round(device.period_s * 1000))
    due = clock.now()
    while True:
        await read_once(device, clock)
        due += period_ms
        late = clock.now() - due
        if late > 0:
            missed = -(-late // period_ms)
            device.state.skipped_ticks += missed
            due += missed * period_ms
        await clock.sleep((due - clock.now()) / 1000)


async def read_once(device: Sampled, clock: Clock, *, forced: bool = False) -> None:
    """One tick: a read in the bus thread; a failure is BAD for every metric, with its reason.

    `forced` also asks a device that rests, because a person waits for it.
    """
    state, ladder = device.state, device.ladder
    # On a bus that hangs no step can be taken, nor is it used up.
    step = Step.READ if device.worker.hanging else ladder.next(clock.now(), forced=forced)
    if step is Step.REST:
        state.skipped_ticks += 1
        return
    if step is not Step.READ:
        _say(device, step)
    device.held_s = 0.0
    try:
        samples, at = await _tried(device, step, clock)
    except (BusHangs, BusBusy) as error:
        state.skipped_ticks += 1
        # Of a bus that is only busy the last value is not wrong: if this goes on it becomes stale.
        if isinstance(error, BusHangs) and not state.dark:
            _darken(device, error, clock.now())
        return
    except DriverError as error:
        held_s = device.deadline_s if isinstance(error, NoAnswer) else device.held_s
        _failed(device, error, clock.now(), held_s * 1000)
        return
    ladder.answered(at)
    state.dark = state.down = False
    faults = [name for name, seen in samples.items() if seen.reason is Reason.SENSOR_FAILURE]
    if faults:
        state.lost(f"{', '.join(faults)}: bad data")
    else:
        state.heard()
    device.intake.take(samples, at)


async def _tried(device: Sampled, step: Step, clock: Clock) -> tuple[Samples, int]:
    """What the first try that succeeds gives; raises the error of the last one."""
    began = clock.now()
    for tries in count(1):
        tried_at = clock.now()
        left_s = device.deadline_s - (tried_at - began) / 1000 / clock.speed
        try:
            return await device.worker.call(lambda: _read(device, step, clock), left_s)
        except (BusHangs, BusBusy, NoAnswer):
            raise
        except DriverError as error:
            took_ms = (clock.now() - tried_at) / clock.speed
            if not device.ladder.retries(error, tries, took_ms, left_s * 1000 - took_ms):
                raise
            device.state.retries += 1
    raise AssertionError  # the ladder has an end


def _read(device: Sampled, step: Step, clock: Clock) -> tuple[Samples, int]:
    """One try, in the bus thread."""
    began = clock.now()
    try:
        if step is Step.REOPEN:
            device.recover()
        if step is not Step.READ:
            device.driver = device.again()
        return device.driver.read(), clock.now()
    finally:
        device.held_s += (clock.now() - began) / 1000 / clock.speed


def _say(device: Sampled, step: Step) -> None:
    """Count a step of the ladder; in an outage each is said once."""
    state, bus = device.state, device.ladder.bus
    if step is Step.REOPEN and not bus.told:
        bus.told = True
        logger.warning("bus %s: nothing answers on it; opening it again", device.worker.name)
    if not device.ladder.down:
        logger.info("%s: initialising it again", state.id)
    state.reinitialised += 1


def _failed(device: Sampled, error: DriverError, at: int, held_ms: float) -> None:
    """Take the ladder's next step down, and say so once."""
    state, ladder, was_down = device.state, device.ladder, device.state.down
    ladder.failed(error, at, held_ms)
    _darken(device, error, at)
    state.down = ladder.down
    if ladder.down:
        rest_s = ladder.rest_ms / 1000
        state.trouble = f"{error}; down, tried again every {rest_s:g} s"
        if not was_down:
            logger.warning("%s: down; tried again after %g s, later less often", state.id, rest_s)


def _darken(device: Sampled, error: DriverError, at: int) -> None:
    device.state.dark = True
    device.state.lost(str(error))
    device.intake.take(failed(device.metrics, error.reason), at)
