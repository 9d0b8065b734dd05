"""The emulated kitchen: one world, and the honest chip of each configured device on its bus.

Everything from the driver up is what runs in a real kitchen. Drivers without a chip of their own
(a recording is its own world) need nothing here.
"""

import importlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from drivers.base import DriverError
from drivers.emulated.base import Feel
from drivers.emulated.world import World
from gateway.buses.gpio import EmulatedPins
from gateway.buses.i2c import EmulatedI2C
from gateway.clock import Clock
from gateway.config.schema import Actuator, Config, Device, Emulation

STEP_S = 0.1
DEFAULT_PLACE = "kitchen"


class Stepping(Protocol):
    """A chip that has to be moved along because nobody asks it."""

    def step(self) -> None:
        """Bring the wire to what the chip feels."""


@dataclass
class EmulatedKitchen:
    """The world, its buses by id, and the chips by device id."""

    world: World
    clock: Clock
    i2c: dict[str, EmulatedI2C] = field(default_factory=dict)
    pins: dict[str, EmulatedPins] = field(default_factory=dict)
    chips: dict[str, Any] = field(default_factory=dict)  # as many classes as drivers
    stepping: list[Stepping] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)  # chips feel in bus threads

    async def run(self) -> None:
        """Let the world go on, for ever."""
        while True:
            self.step()
            await self.clock.sleep(STEP_S)

    def step(self) -> None:
        """Bring the world and every wire up to now."""
        with self.turn:
            self.world.advance(self.clock.now())
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
    for name, bus in config.buses.items():
        if bus.kind == "gpio" and name not in kitchen.pins:
            kitchen.pins[name] = EmulatedPins()
        if bus.kind == "i2c" and name not in kitchen.i2c:
            kitchen.i2c[name] = EmulatedI2C({})
    things: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    for number, thing in enumerate(things):
        if thing.id in kitchen.chips:
            continue
        place = emulation.places.get(thing.id, DEFAULT_PLACE)
        try:
            chip = _chip(kitchen, thing, place, number + emulation.seed * 1_000)
        except DriverError:  # the builder meets the same wire: the thing is lost there, and says so
            continue
        if chip is None:
            continue
        kitchen.chips[thing.id] = chip
        if thing.bus in kitchen.i2c:
            kitchen.i2c[thing.bus].hang(_option(thing, "address"), chip)
        elif hasattr(chip, "step"):
            kitchen.stepping.append(chip)


def clear_out(
    kitchen: EmulatedKitchen, things: Iterable[Device | Actuator], buses: Iterable[str]
) -> None:
    """Take chips off their wires, and wires away, that a new configuration has changed."""
    for thing in things:
        chip = kitchen.chips.pop(thing.id, None)
        if thing.bus in kitchen.i2c:
            kitchen.i2c[thing.bus].hang(_option(thing, "address"), None)
        kitchen.stepping = [each for each in kitchen.stepping if each is not chip]
    for name in buses:
        kitchen.i2c.pop(name, None)
        kitchen.pins.pop(name, None)


def _chip(kitchen: EmulatedKitchen, thing: Device | Actuator, place: str, seed: int) -> Any:  # noqa: ANN401 - as many classes as drivers
    try:
        module = importlib.import_module(f"drivers.emulated.{thing.driver}")
    except ModuleNotFoundError as error:
        if error.name != f"drivers.emulated.{thing.driver}":
            raise
        return None
    if thing.bus in kitchen.pins:
        line = kitchen.pins[thing.bus].line(_option(thing, "pin"))
        if isinstance(thing, Actuator):
            return module.Chip(thing.options, line)
        return module.Chip(thing.options, _feel(kitchen, place), line)
    return module.Chip(thing.options, _feel(kitchen, place), now_ms=kitchen.clock.now, seed=seed)


def _feel(kitchen: EmulatedKitchen, place: str) -> Feel:
    def feel(quantity: str) -> float | bool:
        with kitchen.turn:
            return kitchen.world.feel(place, quantity)

    return feel


def _option(thing: Device | Actuator, name: str) -> int:
    return int(getattr(thing.options, name))
