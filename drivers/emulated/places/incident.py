"""The incidents that can be played, and what each does when; time is seconds since the start."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.emulated.places.day import MINUTE_S

SCENARIOS: Mapping[str, str] = {
    "normal": "an ordinary day",
    "door-left-open": "one minute after the start the cold room stays open for 25 minutes",
    "compressor-failing": "from one minute after the start the cooling fades to nothing in 2 hours",
    "sensor-unplugged": "one minute after the start the sensor of the cold room answers no more",
    "bus-lockup": "one minute after the start an I2C chip holds the bus; initialising it anew frees"
    " it, until 10 minutes later nothing does for 30 minutes",
    "mains-lost": "one minute after the start the mains fail for 4 hours",
    "gas-leak": "from one minute after the start a cooker's hose leaks gas for 30 minutes",
}

BEGINS_S = MINUTE_S
_LEFT_OPEN_S = 25 * MINUTE_S
_FADE_S = 2 * 3600
_FREED_S = 10 * MINUTE_S
_HELD_S = 30 * MINUTE_S
_DARK_S = 4 * 3600
_LEAK_S = 30 * MINUTE_S


@dataclass(frozen=True, slots=True)
class Incident:
    """One scenario by its name; raises ValueError for one that is not in SCENARIOS."""

    scenario: str

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            known = ", ".join(SCENARIOS)
            raise ValueError(f"unknown scenario {self.scenario!r}; known: {known}")

    def leaves_open(self, second: int) -> bool:
        """Whether somebody has left the door of the cold room open."""
        return self._plays("door-left-open", second, _LEFT_OPEN_S)

    def capacity(self, second: int) -> float:
        """The share of its cooling the compressor of the cold room has left."""
        if self.scenario != "compressor-failing":
            return 1.0
        return min(1.0, max(0.0, 1.0 - (second - BEGINS_S) / _FADE_S))

    def unplugs(self, second: int) -> frozenset[str]:
        """The places whose sensor has lost its cable."""
        unplugged = self.scenario == "sensor-unplugged" and second >= BEGINS_S
        return frozenset({"cold_room"}) if unplugged else frozenset()

    def lockups(self, second: int) -> int:
        """How many times a chip has begun to hold the I2C bus."""
        if self.scenario != "bus-lockup":
            return 0
        return (second >= BEGINS_S) + (second >= BEGINS_S + _FREED_S)

    def holds_bus(self, second: int) -> bool:
        """Whether initialising the I2C bus anew is in vain."""
        return self._plays("bus-lockup", second - _FREED_S, _HELD_S)

    def mains(self, second: int) -> bool:
        """Whether there is a supply."""
        return not self._plays("mains-lost", second, _DARK_S)

    def leaks(self, second: int) -> bool:
        """Whether gas leaks in the kitchen."""
        return self._plays("gas-leak", second, _LEAK_S)

    def _plays(self, scenario: str, second: int, lasts_s: int) -> bool:
        return self.scenario == scenario and 0 <= second - BEGINS_S < lasts_s
