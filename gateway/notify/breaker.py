"""A breaker: what fails again and again is asked only now and then, until it answers."""

from random import Random

FAILURES = 3  # in a row, then it opens
REST_MS = 15_000  # before the first try of an open one; doubled with each that fails
REST_MAX_MS = 300_000
_DOUBLINGS = 8


class Breaker:
    """Closed while things go well; times are kitchen time, `speed` how fast that runs."""

    def __init__(self, random: Random, speed: float = 1.0) -> None:
        self._random = random
        self._speed = speed
        self.failures = 0  # in a row
        self.opened_at: int | None = None
        self.again_at = 0  # when an open one may be tried

    def allows(self, now: int) -> bool:
        """Whether to try now; an open one allows a single caller that waits for the outcome."""
        return self.opened_at is None or now >= self.again_at

    def open_for(self, now: int) -> int:
        """How long it has been open, in ms; 0 while closed."""
        return 0 if self.opened_at is None else now - self.opened_at

    def succeeded(self) -> None:
        """It answered, be it with a no."""
        self.failures = 0
        self.opened_at = None

    def failed(self, now: int) -> None:
        """It did not."""
        self.failures += 1
        if self.failures < FAILURES:
            return
        if self.opened_at is None:
            self.opened_at = now
        rest_ms = min(REST_MAX_MS, REST_MS * 2 ** min(self.failures - FAILURES, _DOUBLINGS))
        self.again_at = now + round(rest_ms * self._random.uniform(0.5, 1.0) * self._speed)
