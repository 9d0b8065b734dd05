"""From the configuration to living things: points, drivers on their buses, and who reads them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from drivers.base import BusError, DriverError, Polled, failed
from gateway import health
from gateway.buses import kinds
from gateway.buses.ladder import BusLadder, Ladder
from gateway.buses.site import Site
from gateway.buses.worker import BusWorker
from gateway.clock import Clock
from gateway.conditioning import Conditioner, Treatment
from gateway.config import registry
from gateway.config.schema import Actuator, Bus, Config, Device, PointSettings
from gateway.debouncing import Debounce
from gateway.effects import Actuator as Driven
from gateway.emulation import EmulatedKitchen
from gateway.hub import Hub
from gateway.listening import Listener
from gateway.reading import Point
from gateway.sampling import DeviceState, Intake, Sampled

logger = logging.getLogger(__name__)

_KEPT_PERIODS = 3  # so many periods without a value make a polled point stale


@dataclass
class Equipment:
    """Everything of one kitchen that touches a bus."""

    points: dict[str, Point]
    intakes: dict[str, Intake] = field(default_factory=dict)  # by device
    states: dict[str, DeviceState] = field(default_factory=dict)
    sampled: list[Sampled] = field(default_factory=list)
    debounced: dict[str, Debounce] = field(default_factory=dict)  # by device
    actuators: dict[str, Driven] = field(default_factory=dict)
    buses: dict[str, Any] = field(default_factory=dict)  # one class for each kind
    workers: dict[str, BusWorker] = field(default_factory=dict)  # by bus, where calls may block
    unbuilt: set[str] = field(default_factory=set)  # devices that have no driver, and say why
    ladders: dict[str, BusLadder] = field(default_factory=dict)  # by bus, of polled devices
    starting: dict[str, Callable[[], None]] = field(default_factory=dict)  # begin to listen
    releasing: dict[str, Callable[[], None]] = field(default_factory=dict)  # give back of its bus

    @property
    def sites(self) -> dict[str, Site]:
        """The brokers of the site, by bus."""
        return {name: bus for name, bus in self.buses.items() if isinstance(bus, Site)}

    def listen(self) -> None:
        """Begin to hear the pushed devices that are not heard yet."""
        while self.starting:
            self.starting.pop(next(iter(self.starting)))()

    def let_go(self, device: str) -> None:
        """Forget a device or actuator, and give back what it holds of its bus."""
        release = self.releasing.pop(device, None)
        if release is not None:
            release()
        self.intakes.pop(device, None)
        self.states.pop(device, None)
        self.actuators.pop(device, None)
        self.starting.pop(device, None)
        self.debounced.pop(device, None)
        self.unbuilt.discard(device)
        for bus in self.ladders.values():
            bus.leave(device)
        self.sampled = [sampled for sampled in self.sampled if sampled.state.id != device]

    def let_go_of_bus(self, name: str) -> None:
        """Give a bus back; a thread that hangs is left behind."""
        worker, bus = self.workers.pop(name, None), self.buses.pop(name, None)
        self.ladders.pop(name, None)
        if worker is not None:
            worker.close()
        if bus is not None:
            bus.close()

    def look_for_silence(self, now: int) -> None:
        """Mark points stale that were not heard of for too long."""
        for site in self.sites.values():
            site.look(now)
        for intake in self.intakes.values():
            intake.look_for_silence(now)

    def close(self) -> None:
        """Give every bus back; a thread that hangs is left behind."""
        for name in {*self.workers, *self.buses}:
            self.let_go_of_bus(name)


class Builder:
    """Builds the equipment; buses are opened, nothing is read yet.

    What `equipment` holds already is left as it is: it was built from the same words.
    """

    def __init__(
        self, config: Config, points: Mapping[str, Point], hub: Hub, clock: Clock,
        emulated: EmulatedKitchen | None, equipment: Equipment | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._hub = hub
        self._clock = clock
        self._emulated = emulated
        self._unopened: dict[str, DriverError] = {}
        self.equipment = equipment or Equipment({})
        self.equipment.points = dict(points)
        self._points_of: dict[str, list[Point]] = {}
        for point in points.values():
            self._points_of.setdefault(point.device, []).append(point)

    def build(self) -> Equipment:
        """Everything the configuration names; a device that cannot be built is lost, not fatal."""
        for name, bus in self._config.buses.items():
            if name not in self.equipment.buses:
                self._open(name, bus)
        for device in self._config.devices.values():
            if device.id in self.equipment.states:
                continue
            try:
                self._device(device)
            except DriverError as error:
                self._lost(device, error)
        for actuator in self._config.actuators.values():
            if actuator.id in self.equipment.actuators:
                self._readjust(actuator)
                continue
            try:
                self._actuator(actuator)
            except DriverError as error:
                self._lost(actuator, error)
        self.intake(health.DEVICE)
        return self.equipment

    def intake(self, device: str) -> Intake:
        """Where somebody who is no device publishes its points."""
        self.equipment.intakes[device] = self._intake(device, {}, None)
        return self.equipment.intakes[device]

    def _open(self, name: str, bus: Bus) -> None:
        if self._emulated is not None:
            self.equipment.buses[name] = self._emulated.buses[name]
            return
        host = kinds.Host(self._clock, self._config.folder)
        try:
            self.equipment.buses[name] = kinds.kind(bus.kind).open_bus(bus.options, host)
        except DriverError as error:
            logger.error("bus %s: %s", name, error)
            self._unopened[name] = error

    def _check_mounted(self, thing: Device | Actuator) -> None:
        """Raises what kept the emulated chip of a thing from its wire."""
        if self._emulated is not None and thing.id in self._emulated.unmounted:
            raise self._emulated.unmounted[thing.id]

    def _device(self, device: Device) -> None:
        self._check_mounted(device)
        module = registry.driver(device.driver)
        state = self.equipment.states[device.id] = DeviceState(device.id)
        if device.role == "polled":
            stale_after_s = device.stale_after_s or _KEPT_PERIODS * device.every_s
            intake = self._intake(device.id, device.points, stale_after_s)

            def again() -> Polled:
                return self._polled(module, device)

            self.equipment.sampled.append(
                Sampled(
                    state,
                    again(),
                    device.metrics,
                    self._worker(device.bus),
                    intake,
                    device.every_s,
                    device.deadline_s,
                    self._ladder(device, stale_after_s),
                    again,
                    getattr(self._bus(device.bus), "recover", _nothing_to_recover),
                )
            )
        else:
            intake = self._intake(device.id, device.points, device.stale_after_s)
            driver = module.Driver(device.options)
            bus = self._bus(device.bus)
            listener = Listener(state, driver, device.metrics, intake, self._clock)
            wait_s: float = getattr(device.options, "debounce_s", 0.0)
            ear: Listener | Debounce = listener
            if wait_s:
                ear = self.equipment.debounced[device.id] = Debounce(listener, wait_s, self._clock)
            self.equipment.starting[device.id] = lambda: bus.listen(device.options, ear)
            self._hold(device, ear)
        self.equipment.intakes[device.id] = intake

    def _ladder(self, device: Device, stale_after_s: float) -> Ladder:
        bus = self.equipment.ladders.setdefault(device.bus, BusLadder())
        return Ladder(
            device.id,
            bus,
            period_ms=round(device.every_s * 1000),
            stale_after_ms=_ms(stale_after_s),
        )

    def _actuator(self, actuator: Actuator) -> None:
        self._check_mounted(actuator)
        module = registry.driver(actuator.driver)
        safe = actuator.fail_safe.safe
        bus = self._bus(actuator.bus)
        driver = module.Driver(bus.claim(actuator.options, initial=safe), actuator.options)
        state = self.equipment.states[actuator.id] = DeviceState(actuator.id)
        intake = self._intake(actuator.id, actuator.points, None)
        self.equipment.intakes[actuator.id] = intake
        on_site = isinstance(bus, Site)
        self.equipment.actuators[actuator.id] = Driven(
            state=state,
            driver=driver,
            metrics=actuator.metrics,
            worker=None if on_site else self._worker(actuator.bus),
            intake=intake,
            deadline_s=actuator.fail_safe.deadline_s,
            safe=safe,
            ready=(lambda: bus.tried) if on_site else (lambda: True),
        )
        if on_site:
            listener = Listener(state, driver, actuator.metrics, intake, self._clock)
            self.equipment.starting[actuator.id] = lambda: bus.listen(actuator.options, listener)
            self._hold(actuator, listener)
        else:
            self._hold(actuator)

    def _readjust(self, actuator: Actuator) -> None:
        """The same wire under another contract or label: its output is not let go of."""
        driven = self.equipment.actuators[actuator.id]
        intake = self._intake(actuator.id, actuator.points, None)
        driven.intake.conditioners = intake.conditioners  # who hears it holds the same intake
        driven.deadline_s = actuator.fail_safe.deadline_s
        driven.safe = actuator.fail_safe.safe
        driven.retired = False

    def _hold(self, thing: Device | Actuator, ear: Listener | Debounce | None = None) -> None:
        """Remember how to give back what a thing takes of its bus."""
        bus = self._bus(thing.bus)
        if isinstance(bus, Site):
            self.equipment.releasing[thing.id] = partial(bus.leave, ear)
        elif hasattr(bus, "release"):
            self.equipment.releasing[thing.id] = partial(bus.release, thing.options)

    def _bus(self, name: str) -> Any:  # noqa: ANN401 - each kind of bus has its own class
        if name in self._unopened:
            raise BusError(f"bus {name}: {self._unopened[name]}")
        return self.equipment.buses[name]

    def _worker(self, bus: str) -> BusWorker:
        workers = self.equipment.workers
        if bus not in workers:
            workers[bus] = BusWorker(bus)
        return workers[bus]

    def _polled(self, module: registry.DriverModule, device: Device) -> Polled:
        """A driver with its bus; one that is `TIMED` is also told the time."""
        timing = {"now_ms": self._clock.now} if getattr(module, "TIMED", False) else {}
        bus = self._bus(device.bus)
        driver: Polled = module.Driver(bus, device.options, self._clock.pause, **timing)
        return driver

    def _intake(
        self, device: str, settings: Mapping[str, PointSettings], stale_after_s: float | None
    ) -> Intake:
        conditioners = {}
        for point in self._points_of.get(device, ()):
            metric = point.id.partition("/")[2]
            treated = treatment(settings.get(metric, PointSettings()), stale_after_s)
            conditioners[metric] = Conditioner(point, treated, self._clock.now())
        return Intake(self._hub, conditioners)

    def _lost(self, thing: Device | Actuator, error: DriverError) -> None:
        """It has no driver, but its points say why they have no value."""
        self.equipment.states.setdefault(thing.id, DeviceState(thing.id)).lost(str(error))
        self.equipment.unbuilt.add(thing.id)
        intake = self._intake(thing.id, thing.points, None)
        self.equipment.intakes[thing.id] = intake
        bad = failed(thing.metrics, error.reason)
        self.equipment.starting[thing.id] = lambda: intake.take(bad, self._clock.now())


def _nothing_to_recover() -> None:
    """A bus that is always open."""


def treatment(settings: PointSettings, stale_after_s: float | None) -> Treatment:
    """How the readings of a point are treated."""
    return Treatment(
        offset=settings.offset,
        deadband=settings.deadband,
        slew_per_s=settings.slew_per_s,
        smooth_s=settings.smooth_s,
        stuck_after_ms=_ms(settings.stuck_after_s),
        stale_after_ms=_ms(stale_after_s),
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
