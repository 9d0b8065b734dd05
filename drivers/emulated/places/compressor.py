"""A compressor as an electrical load, and how wear makes it dearer.

- Electrical power: cooling over a coefficient of performance of 2.2 for a cold room and 1.3 for a
  freezer (usual for small condensing units in a warm kitchen), 1 % more for each K above 25 Cel.
- Power factor 0.80 running, 0.60 at 4 W of control electronics at rest (estimates).
- Losing capacity (refrigerant), it draws down to 60 % of its power (estimate).
- Wear, an estimate: 10 % more power after 10,000 hours of running; a start wears as a minute of
  running does, and as ten when it follows another within ten minutes (short-cycling).
"""

_WEAR_PER_S = 0.10 / (10_000 * 3600)
_START_S, _SHORT_START_S = 60, 600
_SHORT_CYCLE_MIN = 10
_WARMER = 0.01  # share for each K
_RATED_AT = 25.0
_IDLE_W, _IDLE_FACTOR, _RUNNING_FACTOR = 4.0, 0.60, 0.80
_EMPTY_SHARE = 0.6


class Compressor:
    """Power, current and energy; `rated_w` is what it draws new, at 25 Cel."""

    def __init__(self, rated_w: float, wear: float) -> None:
        self.wear = wear  # the share it draws more than a new one
        self._rated_w = rated_w
        self._running_w = rated_w
        self._idle_w = _IDLE_W
        self._energy_ws = 0.0  # up to the minute's begin
        self._begun = (0, 0, 0)  # second, ran_s and starts at that moment
        self._minutes_since_start = _SHORT_CYCLE_MIN

    def begin_minute(
        self,
        second: int,
        ran_s: int,
        starts: int,
        *,
        capacity: float,
        ambient: float,
        powered: bool,
    ) -> None:
        """Settle the last minute and see how much it draws from here on."""
        _, ran_before, starts_before = self._begun
        self._energy_ws += self._spent_ws(second, ran_s)
        self._wear_by(ran_s - ran_before, starts - starts_before)
        self._begun = (second, ran_s, starts)
        charge = _EMPTY_SHARE + (1.0 - _EMPTY_SHARE) * capacity
        warmth = 1.0 + _WARMER * (ambient - _RATED_AT)
        self._running_w = self._rated_w * (1.0 + self.wear) * charge * warmth
        self._idle_w = _IDLE_W if powered else 0.0

    def power(self, *, running: bool) -> float:
        """Watts just now."""
        return self._running_w if running else self._idle_w

    def factor(self, *, running: bool) -> float:
        """The power factor; that of nothing is 0."""
        if running:
            return _RUNNING_FACTOR
        return _IDLE_FACTOR if self._idle_w else 0.0

    def current(self, voltage: float, *, running: bool) -> float:
        """Ampere."""
        factor = self.factor(running=running)
        return self.power(running=running) / (voltage * factor) if voltage and factor else 0.0

    def energy(self, second: int, ran_s: int) -> float:
        """Watt hours drawn since the start."""
        return (self._energy_ws + self._spent_ws(second, ran_s)) / 3600

    def _spent_ws(self, second: int, ran_s: int) -> float:
        began, ran_before, _ = self._begun
        ran = ran_s - ran_before
        return ran * self._running_w + (second - began - ran) * self._idle_w

    def _wear_by(self, ran_s: int, starts: int) -> None:
        self._minutes_since_start += 1
        if starts:
            short = self._minutes_since_start < _SHORT_CYCLE_MIN
            ran_s += starts * (_SHORT_START_S if short else _START_S)
            self._minutes_since_start = 0
        self.wear += ran_s * _WEAR_PER_S
