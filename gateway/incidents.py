"""How a scenario of the emulated kitchen reaches its wires: chips fall silent, a bus locks up.

The world says when; what stands here is only who is hit. What a chip feels needs nothing of this: a
door that stands open, or the mains that a meter lives on.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from drivers.emulated.world import World


class Lockable(Protocol):
    """An emulated bus on which a chip can hold the data line."""

    held: bool

    def lock(self) -> None:
        """From now on every transfer fails, until the bus is initialised anew."""


@dataclass(slots=True)
class _Mounted:
    place: str
    chip: Any  # as many classes as drivers
    silent: bool = False


class Incidents:
    """Acts on the chips and buses it was told of; `act` is called after each step of the world.

    A chip is touched only when an incident begins or ends, so that a fault somebody else has
    switched on stays.
    """

    def __init__(self, world: World) -> None:
        self.buses: list[Lockable] = []
        self._world = world
        self._mounted: list[_Mounted] = []
        self._lockups = 0

    def mount(self, place: str, chip: Any) -> None:  # noqa: ANN401 - any driver's
        """Tell of a chip; one without faults of its own (a load) is left alone."""
        if hasattr(chip, "faults"):
            self._mounted.append(_Mounted(place, chip))

    def dismount(self, chip: Any) -> None:  # noqa: ANN401 - any driver's
        """A chip is no longer there."""
        self._mounted = [each for each in self._mounted if each.chip is not chip]

    def forget(self, bus: Any) -> None:  # noqa: ANN401 - any kind's
        """A bus is no longer there."""
        self.buses = [each for each in self.buses if each is not bus]

    def act(self) -> None:
        """Bring chips and buses to what the world says is the matter now."""
        unplugged = self._world.unplugged()
        for each in self._mounted:
            silent = each.place in unplugged
            if silent is not each.silent:
                each.silent = each.chip.faults.silent = silent
        lockups, held = self._world.lockups(), self._world.holds_bus()
        for bus in self.buses:
            bus.held = held
            if lockups > self._lockups:
                bus.lock()
        self._lockups = lockups
