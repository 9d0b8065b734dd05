"""Gas under the kitchen's ceiling, and the detector that hangs there.

Methane is lighter than air, so the detector (NFCS 206: within 0.3 m of the ceiling) feels a layer
that mixes badly: 20 m3 of it, exchanged with the room at 40 to 60 l/s (estimates). A leak of 4 to 6
m3/h is a burst hose of a cooker (estimate). 100 % of the lower explosive limit is 5 % of methane by
volume. The detector has a battery; it gives 0.4 to 2.0 V for 0 to 100 %, and its relay, held closed
while all is well, opens at 20 % and closes again below 15 %.
"""

import random

from drivers.emulated.places.mixing import Mixed

_LAYER_M3 = 20.0
_EXPLOSIVE = 0.05  # share of methane by volume
_LOW_V, _SPAN_V = 0.4, 1.6
_OPENS_AT, _CLOSES_BELOW = 20.0, 15.0
_TRACE = 0.3  # % of the limit, of cooking; estimate


class Gas:
    """The level at the detector in % of the lower explosive limit, from 0 to 100."""

    def __init__(self, draw: random.Random) -> None:
        self._exchange_m3s = draw.uniform(0.040, 0.060)
        self._leak_m3s = draw.uniform(4.0, 6.0) / 3600
        self._level = Mixed(0.0)
        self._relay_open = False

    def begin_minute(self, second: int, busy: float, *, leaking: bool) -> None:
        """Let it leak, or not."""
        leak = 100.0 * self._leak_m3s / self._exchange_m3s / _EXPLOSIVE if leaking else 0.0
        self._level.begin(second, _TRACE * busy + leak, _LAYER_M3 / self._exchange_m3s)
        level = self.level(second)
        if level >= _OPENS_AT:
            self._relay_open = True
        elif level < _CLOSES_BELOW:
            self._relay_open = False

    def level(self, second: int) -> float:
        """% of the lower explosive limit; the detector shows no more than 100."""
        return min(100.0, self._level.at(second))

    def voltage(self, second: int) -> float:
        """What the detector's transmitter gives."""
        return _LOW_V + _SPAN_V * self.level(second) / 100.0

    def relay_open(self) -> bool:
        """Whether the detector calls; it looks once a minute."""
        return self._relay_open
