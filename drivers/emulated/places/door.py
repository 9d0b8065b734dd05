"""A door that is opened more often in the rush: a Poisson process that follows the day."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from drivers.emulated.places.day import busyness


@dataclass(frozen=True, slots=True)
class Habits:
    """How often and how long it is opened; all of it estimates."""

    quiet: float  # openings an hour when nobody is busy
    rush: float  # so many more at the busiest
    median_s: float = 11.0
    most_s: int = 90
    delivery_hours: tuple[float, float] = (8.0, 10.5)
    delivery_share: float = 0.12  # of the openings in those hours
    delivery_s: tuple[int, int] = (60, 180)


class Door:
    """One door by its own habits; who holds it open is the caller's business."""

    def __init__(
        self, draw: random.Random, habits: Habits, hour_at: Callable[[int], float]
    ) -> None:
        self._draw = draw
        self._habits = habits
        self._hour_at = hour_at
        self._open_at = self._close_at = 0
        self._draw_opening()

    def is_open(self, second: int) -> bool:
        """Whether it is open; `second` never goes back."""
        self._skip_past(second)
        return self._open_at <= second

    def changes_at(self, second: int) -> int:
        """The next second at which it opens or closes."""
        self._skip_past(second)
        return self._close_at if self._open_at <= second else self._open_at

    def _skip_past(self, second: int) -> None:
        while self._close_at <= second:
            self._draw_opening()

    def _draw_opening(self) -> None:
        """Next opening, by thinning the busiest rate."""
        draw, habits = self._draw, self._habits
        most = habits.quiet + habits.rush
        second = float(self._close_at)
        while True:
            second += draw.expovariate(most / 3600)
            hour = self._hour_at(int(second))
            if draw.random() * most < habits.quiet + habits.rush * busyness(hour):
                break
        low, high = habits.delivery_hours
        if low <= hour < high and draw.random() < habits.delivery_share:
            open_s = draw.randint(*habits.delivery_s)
        else:
            usual = draw.lognormvariate(math.log(habits.median_s), 0.7)
            open_s = min(habits.most_s, 2 + int(usual))
        self._open_at = int(second) + 1
        self._close_at = self._open_at + open_s
