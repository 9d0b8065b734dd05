"""The mains: 220 V at 60 Hz, within the 220 +- 13 V and 60 +- 0.2 Hz that Korean law allows.

Limits: Enforcement Rule of the Electric Utility Act, standards of voltage and frequency. How they
wander, and that a busy kitchen draws the voltage down by 3 V, is an estimate.
"""

import random

_NOMINAL_V, _MOST_OFF_V, _SAG_V = 220.0, 13.0, 3.0
_NOMINAL_HZ, _MOST_OFF_HZ = 60.0, 0.2


class Mains:
    """Voltage and frequency, both 0 while there is no supply; refreshed every minute."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._drift_v = 0.0
        self.present = True
        self.voltage = _NOMINAL_V
        self.frequency = _NOMINAL_HZ

    def begin_minute(self, *, present: bool, busy: float) -> None:
        """Let them wander, by as many chances whether there is a supply or not."""
        self._drift_v += self._draw.gauss(0.0, 0.4) - self._drift_v / 30
        off_hz = self._draw.gauss(0.0, 0.02)
        self.present = present
        off_v = self._drift_v - _SAG_V * busy
        self.voltage = _NOMINAL_V + _within(off_v, _MOST_OFF_V) if present else 0.0
        self.frequency = _NOMINAL_HZ + _within(off_hz, _MOST_OFF_HZ) if present else 0.0


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
