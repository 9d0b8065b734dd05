"""A heated box with a thermostat: an oven, a hot cupboard.

Hot cupboard, estimates around common equipment: 60 kJ/K with the food in it, 9 W/K, 1.2 kW, kept
near 70 Cel day and night, for the 60 Cel of Korean food law (Food Code, hot holding).
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Build:
    """What differs from one heated box to the next; J/K, W/K, W and Cel."""

    store: float
    walls: float
    doorway: float
    heater: float
    target: float
    hysteresis: float


class HeatedBox:
    """One heat store with a heater and a thermostat; stepped by whole seconds."""

    def __init__(self, build: Build, celsius: float) -> None:
        self.build = build
        self.celsius = celsius
        self._heating = False

    def integrate(self, seconds: int, *, outside: float, supplied: bool, door_s: int = 0) -> None:
        """Heat balance (Euler, 1 s); the door is open for the first `door_s` seconds."""
        build = self.build
        celsius, heating = self.celsius, self._heating
        low, high = build.target - build.hysteresis, build.target + build.hysteresis
        for second in range(seconds):
            if celsius >= high:
                heating = False
            elif celsius <= low:
                heating = True
            into = build.walls + (build.doorway if second < door_s else 0.0)
            gain = into * (outside - celsius)
            if heating and supplied:
                gain += build.heater
            celsius += gain / build.store
        self.celsius, self._heating = celsius, heating


def draw_hot_cupboard(draw: random.Random) -> HeatedBox:
    """A hot cupboard as one finds it in the morning: hot."""
    build = Build(
        store=60e3 * draw.uniform(0.8, 1.2),
        walls=9.0 * draw.uniform(0.9, 1.1),
        doorway=0.0,  # a lid, in and out in no time
        heater=1200.0,
        target=draw.uniform(69.0, 72.0),
        hysteresis=1.5,
    )
    return HeatedBox(build, build.target)
