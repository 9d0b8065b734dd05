"""From the configuration to living things: points, drivers on their buses, and who reads them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.base import BusError, DriverError, failed
from gateway import health, lan
from gateway.buses.gpio import Pins, linux_pins
from gateway.buses.i2c import LinuxI2C
from gateway.buses.recording import Message, Recording
from gateway.buses.site import Site
from gateway.buses.worker import BusWorker
from gateway.clock import Clock
from gateway.conditioning import Conditioner, Treatment
from gateway.config import registry
from gateway.config.schema import Actuator, Config, Device, PointSettings
from gateway.effects import Actuator as Driven
from gateway.emulation import EmulatedKitchen
from gateway.hub import Hub
from gateway.listening import Edges, Listener
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
    actuators: dict[str, Driven] = field(default_factory=dict)
    workers: dict[str, BusWorker] = field(default_factory=dict)  # by bus
    recordings: list[Recording] = field(default_factory=list)
    sites: dict[str, Site] = field(default_factory=dict)  # brokers, by bus
    starting: list[Callable[[], None]] = field(default_factory=list)  # begin to listen
    opening: list[Callable[[], None]] = field(default_factory=list)  # begin to be heard
    closing: list[Callable[[], None]] = field(default_factory=list)

    def listen(self) -> None:
        """Begin to hear pushed devices."""
        for start in [*self.starting, *self.opening]:
            start()

    def look_for_silence(self, now: int) -> None:
        """Mark points stale that were not heard of for too long."""
        for site in self.sites.values():
            site.look(now)
        for intake in self.intakes.values():
            intake.look_for_silence(now)

    def close(self) -> None:
        """Give every bus back; a thread that hangs is left behind."""
        for recording in self.recordings:
            recording.close()
        for worker in self.workers.values():
            worker.close()
        for close in self.closing:
            close()


class Builder:
    """Builds the equipment; buses are opened, nothing is read yet."""

    def __init__(
        self, config: Config, points: Mapping[str, Point], hub: Hub, clock: Clock,
        emulated: EmulatedKitchen | None,
    ) -> None:  # fmt: skip
        self._config = config
        self._hub = hub
        self._clock = clock
        self._emulated = emulated
        self._buses: dict[str, Any] = {}  # one object for each kind of bus
        self.equipment = Equipment(dict(points))
        self._points_of: dict[str, list[Point]] = {}
        for point in points.values():
            self._points_of.setdefault(point.device, []).append(point)

    def build(self) -> Equipment:
        """Everything the configuration names; a device that cannot be built is lost, not fatal."""
        for name, bus in self._config.buses.items():
            self._open(name, bus.kind)
        for device in self._config.devices.values():
            try:
                self._device(device)
            except DriverError as error:
                self._lost(device, error)
        for actuator in self._config.actuators.values():
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

    def _open(self, name: str, kind: str) -> None:
        if kind == "i2c":
            path = self._config.buses[name].path
            bus = self._emulated.i2c[name] if self._emulated else LinuxI2C(path)
            self._buses[name] = bus
            self.equipment.closing.append(bus.close)
        elif kind == "gpio":
            try:
                pins = self._emulated.pins[name] if self._emulated else linux_pins()
            except DriverError as error:
                logger.error("bus %s: %s", name, error)
                return
            self._buses[name] = pins
            self.equipment.closing.append(pins.close)
        elif kind == "mqtt":
            self._open_site(name)
            return
        if kind != "recording":
            self.equipment.workers[name] = BusWorker(name)

    def _open_site(self, name: str) -> None:
        if self._emulated is not None:
            emulated = self._emulated.sites[name]
            self._buses[name] = self.equipment.sites[name] = emulated
            self.equipment.opening.append(emulated.open)
            return
        site = lan.open_site(name, self._config.buses[name], self._clock)
        self._buses[name] = self.equipment.sites[name] = site

    def _device(self, device: Device) -> None:
        module = registry.driver(device.driver)
        state = self.equipment.states[device.id] = DeviceState(device.id)
        if device.role == "polled":
            stale_after_s = device.stale_after_s or _KEPT_PERIODS * device.every_s
            intake = self._intake(device.id, device.points, stale_after_s)
            driver = module.Driver(self._bus(device.bus), device.options, self._clock.pause)
            self.equipment.sampled.append(
                Sampled(
                    state,
                    driver,
                    device.metrics,
                    self.equipment.workers[device.bus],
                    intake,
                    device.every_s,
                    device.deadline_s,
                )
            )
        else:
            intake = self._intake(device.id, device.points, device.stale_after_s)
            driver = module.Driver(device.options)
            listener = Listener(state, driver, device.metrics, intake, self._clock)
            self.equipment.starting.append(lambda: self._listen(device, listener))
        self.equipment.intakes[device.id] = intake

    def _listen(self, device: Device, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        if self._config.buses[device.bus].kind == "recording":
            track: Any = device.options
            recording = Recording(
                track,
                Playing(listener),
                clock=self._clock,
                post=loop.call_soon_threadsafe,
                folder=self._config.folder,
            )
            self.equipment.recordings.append(recording)
            recording.start()
            return
        options: Any = device.options
        if device.bus in self.equipment.sites:
            self.equipment.sites[device.bus].listen(options.topic, listener)
            return
        pins: Pins = self._bus(device.bus)
        try:
            pins.watch(options.pin, options.pull, Edges(loop, listener).tell)
        except DriverError as error:
            listener.fail(error)

    def _actuator(self, actuator: Actuator) -> None:
        if actuator.bus in self.equipment.sites:
            self._switched(actuator)
            return
        module = registry.driver(actuator.driver)
        options: Any = actuator.options
        pins: Pins = self._bus(actuator.bus)
        safe = actuator.fail_safe.safe
        pin = pins.output(options.pin, active_high=options.active_high, initial=safe)
        state = self.equipment.states[actuator.id] = DeviceState(actuator.id)
        intake = self._intake(actuator.id, actuator.points, None)
        self.equipment.intakes[actuator.id] = intake
        self.equipment.actuators[actuator.id] = Driven(
            state=state,
            driver=module.Driver(pin, actuator.options),
            metrics=actuator.metrics,
            worker=self.equipment.workers[actuator.bus],
            intake=intake,
            deadline_s=actuator.fail_safe.deadline_s,
            safe=safe,
        )

    def _switched(self, actuator: Actuator) -> None:
        state = self.equipment.states[actuator.id] = DeviceState(actuator.id)
        intake = self._intake(actuator.id, actuator.points, None)
        self.equipment.intakes[actuator.id] = intake
        site = self.equipment.sites[actuator.bus]
        driven, listen = lan.switched(actuator, site, state, intake, self._clock)
        self.equipment.actuators[actuator.id] = driven
        if listen is not None:
            self.equipment.starting.append(listen)

    def _bus(self, name: str) -> Any:  # noqa: ANN401 - each kind of bus has its own class
        if name not in self._buses:
            raise BusError(f"bus {name} could not be opened")
        return self._buses[name]

    def _intake(
        self, device: str, settings: Mapping[str, PointSettings], stale_after_s: float | None
    ) -> Intake:
        conditioners = {}
        for point in self._points_of.get(device, ()):
            metric = point.id.partition("/")[2]
            treatment = _treatment(settings.get(metric, PointSettings()), stale_after_s)
            conditioners[metric] = Conditioner(point, treatment, self._clock.now())
        return Intake(self._hub, conditioners)

    def _lost(self, thing: Device | Actuator, error: DriverError) -> None:
        """It has no driver, but its points say why they have no value."""
        self.equipment.states.setdefault(thing.id, DeviceState(thing.id)).lost(str(error))
        intake = self._intake(thing.id, thing.points, None)
        self.equipment.intakes[thing.id] = intake
        bad = failed(thing.metrics, error.reason)
        self.equipment.starting.append(lambda: intake.take(bad, self._clock.now()))


class Playing:
    """What a recording tells its listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def hear(self, message: Message) -> None:
        self._listener.hear(message)

    def ended(self, error: BusError | None) -> None:
        if error is not None:
            self._listener.fail(error)
        else:
            logger.info("%s: the recording has ended", self._listener.state.id)


def _treatment(settings: PointSettings, stale_after_s: float | None) -> Treatment:
    return Treatment(
        offset=settings.offset,
        deadband=settings.deadband,
        slew_per_s=settings.slew_per_s,
        stale_after_ms=None if stale_after_s is None else round(stale_after_s * 1000),
    )
