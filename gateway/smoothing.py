"""A point that follows its sensor slowly, as food follows the air around it."""

import math


class Smoothing:
    """A first-order low-pass: after a step, 63 % of it shows after one time constant.

    The weight of a value grows with the time since the one before, so that lost readings and
    uneven periods change nothing, and after a long silence the first value stands for itself.
    """

    def __init__(self, over_s: float) -> None:
        self._over_ms = over_s * 1000
        self._value = math.nan
        self._at = 0

    def take(self, value: float, at: int) -> float:
        """The smoothed value at kitchen time `at`; finite, and between the values it saw."""
        before = self._value
        if math.isnan(before):
            smoothed = value
        else:
            weight = -math.expm1((self._at - at) / self._over_ms)
            # Two products: the difference of two huge values may be no float.
            smoothed = before * (1.0 - weight) + value * weight
            smoothed = min(max(smoothed, min(before, value)), max(before, value))
        self._value, self._at = smoothed, at
        return smoothed
