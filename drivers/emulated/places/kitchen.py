"""The air of the kitchen: heat, vapour and CO2 of cooking, and the weather outside.

CO2 by mass balance in 100 m3: a person at work gives off 8 ml/s (about 1.8 met; ASHRAE 62.1 has
5.2 ml/s at 1.2 met), burners at full load 0.4 l/s (15 kW of natural gas), of which the hood catches
85 %; the hood draws up to 1 m3/s and stops with the mains, and then the burners do too. Outdoors
420 ppm. Temperature, vapour, pressure (1013 hPa, a slow random walk) and the flows are estimates.
"""

import random

from drivers.emulated.places.air import relative
from drivers.emulated.places.mixing import Mixed

OUTDOOR_PPM = 420.0
_VOLUME = 100.0
_COOKS = 3
_COOK_M3S, _BURNERS_M3S, _ESCAPES = 8e-6, 4e-4, 0.15
_HOOD_M3S, _LEAST_M3S, _STILL_M3S = 0.85, 0.15, 0.05
_PRESSURE_HPA = 1013.0
_TWO_DAYS_MIN = 2880


class Kitchen:
    """`ambient` is its temperature when nobody cooks, `rush_warmth` what the rush adds."""

    def __init__(
        self, weather: random.Random, draw: random.Random, ambient: float, rush_warmth: float
    ) -> None:
        self._weather = weather
        self._draw = draw
        self._ambient = ambient
        self._rush_warmth = rush_warmth
        self._drift = 0.0
        self._co2 = Mixed(OUTDOOR_PPM + 60.0)
        self.temperature = ambient
        self.vapour = 9.0  # g/kg
        self.pressure = _PRESSURE_HPA + draw.gauss(0.0, 4.0)

    @property
    def humidity(self) -> float:
        """Relative humidity in %."""
        return relative(self.vapour, self.temperature)

    def begin_minute(self, second: int, busy: float, *, powered: bool) -> None:
        """What cooking and weather make of it."""
        self._drift += self._weather.gauss(0.0, 0.1) - self._drift / 30
        self.temperature = self._ambient + self._rush_warmth * busy + self._drift
        self.vapour = 7.5 + 4.5 * busy + 0.5 * self._drift
        back = (self.pressure - _PRESSURE_HPA) / _TWO_DAYS_MIN
        self.pressure += self._draw.gauss(0.0, 0.08) - back
        given_off = _COOKS * _COOK_M3S * (busy > 0.0)
        flow = _STILL_M3S
        if powered:
            given_off += _BURNERS_M3S * _ESCAPES * busy
            flow = _LEAST_M3S + _HOOD_M3S * busy
        self._co2.begin(second, OUTDOOR_PPM + 1e6 * given_off / flow, _VOLUME / flow)

    def co2(self, second: int) -> float:
        """Parts per million."""
        return self._co2.at(second)
