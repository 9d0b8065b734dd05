"""Polled devices: a tick, a deadline, and a count of the ticks that a hanging read has cost."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drivers.base import DriverError, Metric, Polled, Reason, Samples, failed
from gateway.buses.worker import BusHangs, BusWorker
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
    skipped_ticks: int = 0
    coalesced: int = 0  # changes of a pin that a later one has overtaken
    dark: bool = False  # every point of it has been said to be BAD
    trouble: str | None = None  # why its last read failed, None while it works
    of_bus: bool = False  # the trouble is its bus's, which is said once for all that hangs there

    def lost(self, why: str) -> None:
        """Say once that a device is lost."""
        self.failures += 1
        if self.trouble is None:
            logger.warning("%s: lost: %s", self.id, why)
        self.trouble = why

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


class Intake:
    """Samples of one device become readings at the hub."""

    def __init__(self, hub: Hub, conditioners: Mapping[str, Conditioner]) -> None:
        self._hub = hub
        self.conditioners = conditioners  # by metric name

    def take(self, samples: Samples, at: int) -> None:
        """Condition and publish what a driver returned; unknown metrics have no point."""
        for metric, sample in samples.items():
            conditioner = self.conditioners.get(metric)
            if conditioner is not None:
                reading = conditioner.take(sample, at)
                self._hub.publish(reading, keep=conditioner.keep)

    def look_for_silence(self, now: int) -> None:
        """Publish a BAD reading for every point that has not been heard of for too long."""
        for conditioner in self.conditioners.values():
            reading = conditioner.silence(now)
            if reading is not None:
                self._hub.publish(reading)


@dataclass(frozen=True, slots=True)
class Sampled:
    """A polled device with what its reading needs."""

    state: DeviceState
    driver: Polled
    metrics: Sequence[Metric]
    worker: BusWorker
    intake: Intake
    period_s: float
    deadline_s: float


async def sample(device: Sampled, clock: Clock) -> None:
    """Read a device on the grid of its period, for ever."""
    period_ms = max(1, round(device.period_s * 1000))
    due = clock.now()
    while True:
        await read_once(device, clock.now)
        due += period_ms
        late = clock.now() - due
        if late > 0:
            missed = -(-late // period_ms)
            device.state.skipped_ticks += missed
            due += missed * period_ms
        await clock.sleep((due - clock.now()) / 1000)


async def read_once(device: Sampled, now: Callable[[], int]) -> None:
    """One read in the bus thread; a failure is BAD for every metric, with its reason."""
    state = device.state
    try:
        samples, at = await device.worker.call(
            lambda: (device.driver.read(), now()), device.deadline_s
        )
    except BusHangs as error:
        state.skipped_ticks += 1
        if not state.dark:  # another device of the bus has not come back
            _darken(device, error, now())
        return
    except DriverError as error:
        _darken(device, error, now())
        return
    state.dark = False
    faults = [name for name, seen in samples.items() if seen.reason is Reason.SENSOR_FAILURE]
    if faults:
        state.lost(f"{', '.join(faults)}: bad data")
    else:
        state.heard()
    device.intake.take(samples, at)


def _darken(device: Sampled, error: DriverError, at: int) -> None:
    device.state.dark = True
    device.state.lost(str(error))
    device.intake.take(failed(device.metrics, error.reason), at)
