"""What is let into well-mixed air and carried out of it again."""

import math


class Mixed:
    """Exact solution of V dc/dt = source - flow (c - supplied) for a source that holds a while."""

    def __init__(self, value: float) -> None:
        self._from = self._towards = value
        self._tau_s = 1.0
        self._begun = 0

    def begin(self, second: int, towards: float, tau_s: float) -> None:
        """From here on it goes `towards` a value, with the time constant V / flow."""
        self._from = self.at(second)
        self._towards, self._tau_s, self._begun = towards, tau_s, second

    def at(self, second: int) -> float:
        """What it is then, not before the last `begin`."""
        left = math.exp((self._begun - second) / self._tau_s)
        return self._towards + (self._from - self._towards) * left
