"""The dining room with people in it: 24 seats, 48 m2, 134 m3.

- A guest gives off 5.2 ml/s of CO2 (0.31 l/min at 1.2 met, ASHRAE 62.1), 80 W of heat and 80 W of
  vapour, food included (ASHRAE Fundamentals, restaurant), which is 0.033 g/s at 2,450 J/g.
- Ventilation 150 l/s, a little over ASHRAE 62.1 for a restaurant (3.8 l/s a person and 0.9 l/(s m2)
  = 134 l/s): 1,320 ppm with every seat taken. Without the mains 20 l/s through cracks (estimate).
- Estimates: 800 kJ/K of air and furniture, 300 W/K to the outside with the ventilation, an air
  conditioner of 2 kW/K towards 23 Cel, who comes when and in groups of how many, 45 min a meal;
  nobody is seated in the dark.
"""

import math
import random

from drivers.emulated.places.air import DENSITY, relative
from drivers.emulated.places.day import MINUTE_S
from drivers.emulated.places.kitchen import OUTDOOR_PPM
from drivers.emulated.places.mixing import Mixed

_SEATS, _STAFF = 24, 2
_GROUPS = (1, 2, 2, 2, 3, 4)
_MEAL_MIN = 45.0
_OPEN_HOURS = (11.0, 22.0)
_FULL = 20.0  # guests there at the busiest, on average
_VOLUME = 134.0
_AIRY_M3S, _STILL_M3S = 0.150, 0.020
_CO2_M3S, _HEAT_W, _VAPOUR_GS = 5.2e-6, 80.0, 0.033
_STORE, _OUTSIDE_WK, _COOLER_WK, _COMFORT_CEL = 800e3, 300.0, 2000.0, 23.0
_OUTDOOR_VAPOUR = 6.5  # g/kg


class DiningRoom:
    """Guests come and go by the minute; the air follows them."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._leave_at: list[int] = []  # a second for each guest, at most a seat for each
        self._outside = draw.uniform(8.0, 18.0)
        self._co2 = Mixed(OUTDOOR_PPM + 60.0)
        self._temperature = Mixed(_COMFORT_CEL - 1.0)
        self._vapour = Mixed(_OUTDOOR_VAPOUR + 0.5)

    @property
    def people(self) -> int:
        """Guests, and the staff while there are any."""
        return len(self._leave_at) + (_STAFF if self._leave_at else 0)

    def begin_minute(self, second: int, hour: float, busy: float, *, powered: bool) -> None:
        """Who comes and who goes, and what that does to the air."""
        self._leave_at = [each for each in self._leave_at if each > second]
        if powered and _OPEN_HOURS[0] <= hour < _OPEN_HOURS[1]:
            self._seat(second, busy)
        people = self.people
        flow = _AIRY_M3S if powered else _STILL_M3S
        exchange_s = _VOLUME / flow
        self._co2.begin(second, OUTDOOR_PPM + 1e6 * _CO2_M3S * people / flow, exchange_s)
        vapour = _OUTDOOR_VAPOUR + _VAPOUR_GS * people / (flow * DENSITY)
        self._vapour.begin(second, vapour, exchange_s)
        cooler = _COOLER_WK if powered else 0.0
        conducts = _OUTSIDE_WK + cooler
        gain = _HEAT_W * people + _OUTSIDE_WK * self._outside + cooler * _COMFORT_CEL
        self._temperature.begin(second, gain / conducts, _STORE / conducts)

    def temperature(self, second: int) -> float:
        """Cel."""
        return self._temperature.at(second)

    def humidity(self, second: int) -> float:
        """Relative humidity in %."""
        return relative(self._vapour.at(second), self._temperature.at(second))

    def co2(self, second: int) -> float:
        """Parts per million."""
        return self._co2.at(second)

    def _seat(self, second: int, busy: float) -> None:
        mean_group = sum(_GROUPS) / len(_GROUPS)
        if self._draw.random() >= _FULL * busy / (mean_group * _MEAL_MIN):
            return
        group = self._draw.choice(_GROUPS)
        meal_min = self._draw.lognormvariate(math.log(_MEAL_MIN), 0.3)
        if len(self._leave_at) + group <= _SEATS:
            self._leave_at += [second + round(MINUTE_S * meal_min)] * group
