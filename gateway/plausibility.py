"""Whether a number within range can be believed: it may have jumped, or not moved for too long."""


class Slew:
    """Two of three: a jump is believed when the next value confirms it.

    The change allowed grows with the time since the value it is compared to, of which at least
    one second counts: two readings in quick succession differ by noise alone.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._accepted: tuple[float, int] | None = None  # the last value let through
        self._doubted: tuple[float, int] | None = None

    def passes(self, value: float, at: int) -> bool:
        """Whether a value of kitchen time `at` is believed; a doubted one waits for a witness."""
        for known in (self._accepted, self._doubted):
            if known is None or self._near(value, at, *known):
                self._accepted, self._doubted = (value, at), None
                return True
            if self._doubted is None:
                break
        self._doubted = (value, at)
        return False

    def _near(self, value: float, at: int, known: float, known_at: int) -> bool:
        return abs(value - known) <= self._per_s * max(at - known_at, 1_000) / 1000


class Stuck:
    """A raw value that is exactly the same for too long: no honest sensor is without noise.

    Only time between two values counts, so that a time without any (the device was lost) neither
    makes a point stuck nor hides that it is.
    """

    def __init__(self, after_ms: int) -> None:
        self._after_ms = after_ms
        self._raw: float | str | None = None
        self._same_ms = 0
        self._seen_at: int | None = None  # None after a failure

    def missed(self) -> None:
        """There was no value."""
        self._seen_at = None

    def holds(self, raw: float | str | None, at: int) -> bool:
        """Whether the value has not moved for too long, this one included."""
        if raw != self._raw:
            self._raw, self._same_ms = raw, 0
        elif self._seen_at is not None:
            self._same_ms += at - self._seen_at
        self._seen_at = at
        return self._same_ms >= self._after_ms
