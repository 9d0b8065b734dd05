"""How fast the uplink goes: rows in one message of the outage, and how long an `ack` may take."""

BATCH_MAX = 250  # rows of the outage in one message
_GROW_AFTER = 50  # full messages that got through before a larger one is tried
_SMOOTHING = 8


class Batch:
    """Rows of the outage in one message: fewer while large messages do not get through.

    A broker of MQTT 3.1.1 says neither how much it takes nor why it hung up.
    """

    def __init__(self) -> None:
        self.rows = BATCH_MAX
        self._landed = 0

    def failed(self, rows: int) -> None:
        """A message of so many rows did not get through; that of one row cannot be made smaller."""
        if rows > 1:
            self.rows = min(self.rows, rows // 2)
            self._landed = 0

    def landed(self, rows: int) -> None:
        """A message of so many rows has arrived."""
        if rows < self.rows or self.rows == BATCH_MAX:
            return
        self._landed += 1
        if self._landed == _GROW_AFTER:
            self.rows = min(BATCH_MAX, self.rows * 2)
            self._landed = 0


class Delay:
    """How long the receiver has taken of late: up at once, down little by little."""

    def __init__(self) -> None:
        self.usual_ms = 0.0

    def observe(self, ms: int) -> None:
        """An acknowledgement came so long after the first sending."""
        self.usual_ms = max(float(ms), self.usual_ms + (ms - self.usual_ms) / _SMOOTHING)

    def deadline_ms(self, least: int, most: int) -> int:
        """How long to wait before sending again."""
        return int(min(most, max(least, 2 * self.usual_ms)))
