"""A deck oven that preheats and works two services a day.

Estimates around common equipment: 25 kJ/K of stone and steel, 12 W/K through the walls, 6 kW, so
that it preheats in about a quarter of an hour; a batch every 15 to 25 minutes opens the door for 12
to 30 s, 60 W/K through it. Its transmitter is 4-20 mA over 100 ohm for 0 to 300 Cel: 0.4 to 2.0 V.
"""

import random

from drivers.emulated.places.day import MINUTE_S
from drivers.emulated.places.heated_box import Build, HeatedBox

_SPAN_CEL, _LOW_V, _SPAN_V = 300.0, 0.4, 1.6
_SERVICES = ((9.5, 14.0), (16.5, 21.0))  # hours of the day
_READY_K = 20.0  # so near to its target it takes batches


class Oven:
    """The oven with its batches."""

    def __init__(self, draw: random.Random, outside: float) -> None:
        build = Build(
            store=25e3 * draw.uniform(0.85, 1.15),
            walls=12.0 * draw.uniform(0.9, 1.1),
            doorway=60.0,
            heater=6000.0 * draw.uniform(0.95, 1.05),
            target=draw.choice((180.0, 200.0, 220.0)),
            hysteresis=4.0,
        )
        self._draw = draw
        self._box = HeatedBox(build, outside)
        self._late_h = draw.uniform(-0.25, 0.25)
        self._on = False
        self._next_batch = self._open_until = 0

    @property
    def temperature(self) -> float:
        """Cel."""
        return self._box.celsius

    @property
    def voltage(self) -> float:
        """What its transmitter gives; it saturates at both ends."""
        share = min(1.0, max(0.0, self._box.celsius / _SPAN_CEL))
        return _LOW_V + _SPAN_V * share

    def begin_minute(self, second: int, hour: float, *, powered: bool) -> None:
        """Switch it on for a service, and put the next batch in when it is due."""
        in_service = any(low <= hour + self._late_h < high for low, high in _SERVICES)
        self._on = in_service and powered
        if second >= self._next_batch:
            self._next_batch = second + MINUTE_S * self._draw.randint(15, 25)
            open_s = self._draw.randint(12, 30)
            if self._on and self._box.celsius > self._box.build.target - _READY_K:
                self._open_until = second + open_s

    def integrate(self, second: int, seconds: int, *, outside: float) -> None:
        """Live through `seconds` from `second` on."""
        door_s = max(0, self._open_until - second)
        self._box.integrate(seconds, outside=outside, supplied=self._on, door_s=door_s)
