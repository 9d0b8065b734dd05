"""Moist air.

Magnus, as in WMO No. 8: vapour pressure over water 6.112 hPa exp(17.62 t / (243.12 + t)), over ice
6.112 hPa exp(22.46 t / (272.62 + t)). Relative humidity is over water below 0 Cel too, as sensors
state it: air full of frost at -20 Cel has 82 %.
"""

import math

HEAT = 1006.0  # J/(kg K)
DENSITY = 1.2  # kg/m3 at 20 Cel
_HPA = 1013.25


def saturated(celsius: float) -> float:
    """Vapour in air saturated over water, g/kg."""
    pressure = 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))
    return 621.98 * pressure / (_HPA - pressure)


def frosty(celsius: float) -> float:
    """Vapour in air saturated over ice, g/kg."""
    pressure = 6.112 * math.exp(22.46 * celsius / (272.62 + celsius))
    return 621.98 * pressure / (_HPA - pressure)


def relative(vapour: float, celsius: float) -> float:
    """Relative humidity in % of air with `vapour` g/kg."""
    return min(100.0, 100.0 * vapour / saturated(celsius))
