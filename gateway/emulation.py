"""The emulated kitchen: one world, and the honest chip of each configured device on its bus.

Everything from the driver up is what runs in a real kitchen. Drivers without a chip of their own
(a recording is its own world) need nothing here.
"""

import importlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from drivers.base import DriverError, WrongDevice
from drivers.emulated.base import Feel
from drivers.emulated.world import World
from gateway.buses import kinds
from gateway.clock import Clock
from gateway.config.placing import DEFAULT_PLACE
from gateway.config.schema import Actuator, Config, Device, Emulation
from gateway.incidents import Incidents

STEP_S = 0.1


class Stepping(Protocol):
    """A chip that has to be moved along because nobody asks it."""

    def step(self) -> None:
        """Bring the wire to what the chip feels."""


@dataclass
class EmulatedKitchen:
    """The world, its buses by id, and the chips by device id."""

    world: World
    clock: Clock
    buses: dict[str, Any] = field(default_factory=dict)  # the twin of each; one class a kind
    chips: dict[str, Any] = field(default_factory=dict)  # as many classes as drivers
    unmounted: dict[str, DriverError] = field(default_factory=dict)  # things without their chip
    stepping: list[Stepping] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)  # chips feel in bus threads

    def __post_init__(self) -> None:
        self.incidents = Incidents(self.world)

    async def run(self) -> None:
        """Let the world go on, for ever."""
        while True:
            self.step()
            await self.clock.sleep(STEP_S)

    def step(self) -> None:
        """Bring the world and every wire up to now."""
        with self.turn:
            self.world.advance(self.clock.now())
            self.incidents.act()
        for chip in self.stepping:
            chip.step()


def emulate(config: Config, emulation: Emulation, clock: Clock, scenario: str) -> EmulatedKitchen:
    """Build the twin of every configured bus; raises ValueError for an unknown scenario."""
    kitchen = EmulatedKitchen(World(emulation.seed, scenario), clock)
    kitchen.world.advance(clock.now())
    furnish(kitchen, config, emulation)
    return kitchen


def furnish(kitchen: EmulatedKitchen, config: Config, emulation: Emulation) -> None:
    """Give every bus its twin and every thing its chip, where it has none yet."""
    host = kinds.Host(kitchen.clock, config.folder)
    for name, bus in config.buses.items():
        if name in kitchen.buses:
            continue
        twin: Any = kinds.kind(bus.kind).emulate_bus(host)
        kitchen.buses[name] = twin
        if bus.kind == "i2c":
            kitchen.incidents.buses.append(twin)
    things: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    for number, thing in enumerate(things):
        make = None if thing.id in kitchen.chips else _maker(thing.driver)
        if make is None:
            continue
        place = emulation.places.get(thing.id, DEFAULT_PLACE)
        mount = kinds.Mount(
            thing.options,
            _feel(kitchen, place),
            seed=number + emulation.seed * 1_000,
            acting=isinstance(thing, Actuator),
        )
        try:
            chip = kitchen.buses[thing.bus].mount(make, mount)
        except DriverError as error:  # for the builder to say: the thing is lost
            kitchen.unmounted[thing.id] = error
            continue
        kitchen.chips[thing.id] = chip
        kitchen.incidents.mount(place, chip)
        if hasattr(chip, "step"):
            kitchen.stepping.append(chip)


def clear_out(
    kitchen: EmulatedKitchen, things: Iterable[Device | Actuator], buses: Iterable[str]
) -> None:
    """Take chips off their wires, and wires away, that a new configuration has changed."""
    for thing in things:
        chip = kitchen.chips.pop(thing.id, None)
        kitchen.unmounted.pop(thing.id, None)
        kitchen.stepping = [each for each in kitchen.stepping if each is not chip]
        kitchen.incidents.dismount(chip)
        if chip is not None and can_dismount(kitchen, thing.bus):
            kitchen.buses[thing.bus].dismount(thing.options)
    for name in buses:
        kitchen.incidents.forget(kitchen.buses.pop(name, None))


def can_dismount(kitchen: EmulatedKitchen, bus: str) -> bool:
    """Whether one chip can leave that bus without the others."""
    return hasattr(kitchen.buses.get(bus), "dismount")


def _maker(driver: str) -> Callable[..., Any] | None:
    """What makes the honest chip of a driver, if it has one."""
    try:
        module = importlib.import_module(f"drivers.emulated.{driver}")
    except ModuleNotFoundError as error:
        if error.name != f"drivers.emulated.{driver}":
            raise
        return None
    make: Callable[..., Any] = module.Chip
    return make


def _feel(kitchen: EmulatedKitchen, place: str) -> Feel:
    def feel(quantity: str) -> float | bool:
        with kitchen.turn:
            try:
                return kitchen.world.feel(place, quantity)
            except ValueError as error:
                raise WrongDevice(f"{error}; choose another in emulation.places") from error

    return feel
