"""The emulated kitchen: one world, and the honest chip of each configured device on its bus.

Everything from the driver up is what runs in a real kitchen. Drivers without a chip of their own
(a recording is its own world) need nothing here.
"""

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from drivers.base import DriverError
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
    host = kinds.Host(clock, config.folder)
    for name, bus in config.buses.items():
        twin: Any = kinds.kind(bus.kind).emulate_bus(host)
        kitchen.buses[name] = twin
        if bus.kind == "i2c":
            kitchen.incidents.buses.append(twin)
    things: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    for number, thing in enumerate(things):
        make = _maker(thing.driver)
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
        except DriverError:  # the builder meets the same wire: the thing is lost there, and says so
            continue
        kitchen.chips[thing.id] = chip
        kitchen.incidents.mount(place, chip)
        if hasattr(chip, "step"):
            kitchen.stepping.append(chip)
    return kitchen


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
            return kitchen.world.feel(place, quantity)

    return feel
