"""The fit-out of the kitchen: what a configuration names, built, and rebuilt only where it differs.

A device, bus or actuator that stands in the next configuration with the same words is not touched:
its task, its driver, its pin and what it has counted go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from gateway import health
from gateway.clock import Clock, local_hour
from gateway.config.schema import Actuator, Config, Device
from gateway.effects import Effects
from gateway.emulation import EmulatedKitchen, can_dismount, clear_out, emulate, furnish
from gateway.equipment import Builder, Equipment
from gateway.forecasting import Forecasting, Outlook
from gateway.hub import Hub
from gateway.reading import Point
from gateway.sampling import sample
from gateway.tasks import Job

logger = logging.getLogger(__name__)

RETIRE_S = 3.0  # for outputs that are let go to become safe; a bus that hangs does not hold us up
SILENCE_S = 1.0  # how often points are looked over for silence


class Changes(NamedTuple):
    """What the next configuration cannot go on with."""

    devices: frozenset[str]  # and actuators
    buses: frozenset[str]
    world: bool  # the emulated kitchen itself


class FitOut:
    """Everything of one kitchen that touches a bus; lives as long as the process."""

    def __init__(self, config: Config, hub: Hub, clock: Clock, scenario: str | None) -> None:
        self.config = config
        self.points: Mapping[str, Point] = {}
        self.equipment = Equipment({})
        self.effects = Effects(self.equipment.actuators, clock)
        self.emulated: EmulatedKitchen | None = None
        self.forecasting = Forecasting([], hub, clock, self._hour)
        self._hub = hub
        self._clock = clock
        self._scenario = scenario

    def changes(self, config: Config) -> Changes:
        """What differs from what stands, and therefore has to go before `config` can be built."""
        before = self.config
        world = _world(before) != _world(config)
        buses = {name for name, bus in before.buses.items()
                 if world or config.buses.get(name) != bus}  # fmt: skip
        things = set(self.equipment.unbuilt)
        for thing in _things(before):
            other = config.devices.get(thing.id) or config.actuators.get(thing.id)
            if other is None or not _same(thing, other, before, config):
                things.add(thing.id)
                if self.emulated is not None and not can_dismount(self.emulated, thing.bus):
                    buses.add(thing.bus)
        things |= {thing.id for thing in _things(before) if thing.bus in buses}
        return Changes(frozenset(things), frozenset(buses), world)

    async def retire(self, names: Collection[str]) -> None:
        """Outputs that will be let go become safe first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_S):
                await self.effects.retire(names)

    def fit(self, config: Config, points: Mapping[str, Point]) -> None:
        """Take away what `config` changes, and build what is missing; in one turn of the loop.

        Raises what a driver or the emulated kitchen raises against its contract; what stands then
        is incomplete, and a `fit` of the configuration before makes it whole again.
        """
        changes = self.changes(config)
        self._take_away(changes)
        foreseen = _foreseen(self.config, self.points)
        gone = self.points.keys() - points.keys()
        self.config, self.points = config, points
        for point_id in gone:
            self._hub.forget(point_id)
        self._emulate(config)
        builder = Builder(config, points, self._hub, self._clock, self.emulated, self.equipment)
        builder.build()
        if foreseen != _foreseen(config, points):
            self._forecast(builder)

    def troubles(self) -> list[str]:
        """The devices that are lost and the buses that are silent, each with its reason."""
        lost = [state for state in self.equipment.states.values() if state.trouble]
        troubles = [f"{state.id}: {state.trouble}" for state in lost if not state.of_bus]
        for site in self.equipment.sites.values():
            troubles += site.troubles()
        silent = dict.fromkeys(state.trouble for state in lost if state.of_bus)
        troubles += [why for why in silent if why and why not in troubles]
        now = self._clock.now()
        ladders = {name: bus.trouble(now) for name, bus in self.equipment.ladders.items()}
        return troubles + [f"bus {name}: {why}" for name, why in ladders.items() if why]

    def actuators_of(self, bus: str) -> list[str]:
        """The actuators on a bus that could be built."""
        actuators = self.config.actuators.values()
        return [it.id for it in actuators if it.bus == bus and it.id in self.equipment.actuators]

    def jobs(self) -> Iterator[Job]:
        """The tasks that read, drive and play this kitchen."""
        yield Job("silence", self._look_for_silence, critical=True)
        yield Job("actuators", self.effects.watch)
        if self.emulated is not None:
            yield Job("emulation", self.emulated.run, self.emulated)
        for name, site in self.equipment.sites.items():
            yield Job(f"bus {name}", site.run, site)
        for device in self.equipment.sampled:
            yield Job(f"sample {device.state.id}", partial(sample, device, self._clock), device)
        for name, debounce in self.equipment.debounced.items():
            yield Job(f"debounce {name}", debounce.run, debounce)

    def take_health(self, machine: health.Health) -> None:
        """Publish the gateway's own condition."""
        self.equipment.intakes[health.DEVICE].take(machine.read(), self._clock.now())

    def _take_away(self, changes: Changes) -> None:
        if self.emulated is not None:
            things = [thing for thing in _things(self.config) if thing.id in changes.devices]
            clear_out(self.emulated, things, changes.buses)
        for name in changes.devices:
            self.equipment.let_go(name)
        for name in changes.buses:
            self.equipment.let_go_of_bus(name)
        if changes.world:
            self.emulated = None

    def _emulate(self, config: Config) -> None:
        if config.emulation is None:
            return
        if self.emulated is None:
            scenario = self._scenario or config.emulation.scenario
            self.emulated = emulate(config, config.emulation, self._clock, scenario)
        else:
            furnish(self.emulated, config, config.emulation)
        self.emulated.step()

    def _forecast(self, builder: Builder) -> None:
        outlooks = [
            Outlook(settings, builder.intake(name))
            for name, settings in self.config.forecasts.items()
        ]
        before = self.forecasting
        before.close()
        self.forecasting = Forecasting(outlooks, self._hub, self._clock, self._hour)
        self.forecasting.model = before.model

    async def _look_for_silence(self) -> None:
        while True:
            await self._clock.sleep(SILENCE_S * self._clock.speed)
            self.equipment.look_for_silence(self._clock.now())

    def _hour(self) -> float | None:
        # The emulated kitchen has a day of its own.
        return None if self.emulated else local_hour(self._clock.wall(), self.config.site.zone)


def _foreseen(config: Config, points: Mapping[str, Point]) -> list[object]:
    """The forecasts, with the points they look at and publish."""
    return [
        (forecast, {point for point in points.values() if point.device == name},
         points.get(forecast.point), points.get(forecast.door or ""))
        for name, forecast in config.forecasts.items()
    ]  # fmt: skip


def _things(config: Config) -> Iterable[Device | Actuator]:
    return [*config.devices.values(), *config.actuators.values()]


def _world(config: Config) -> tuple[object, ...] | None:
    """What makes another emulated kitchen of it; that of a real one is None."""
    emulation = config.emulation
    return None if emulation is None else (emulation.seed, emulation.scenario)


def _same(thing: Device | Actuator, other: Device | Actuator, old: Config, new: Config) -> bool:
    """Whether what was built for one serves the other.

    Of an actuator only its wire counts: a new label or contract must not let go of the output.
    """
    if _place(thing, old) != _place(other, new):
        return False
    if isinstance(thing, Actuator) and isinstance(other, Actuator):
        wires = [(it.driver, it.bus, it.options, it.metrics) for it in (thing, other)]
        return wires[0] == wires[1]
    return thing == other


def _place(thing: Device | Actuator, config: Config) -> str | None:
    return config.emulation.places.get(thing.id) if config.emulation else None
