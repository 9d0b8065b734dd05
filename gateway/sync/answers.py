"""Answers to commands on their way to the broker: sent again over each link until it has them."""

from collections.abc import Iterator

ANSWERS_MAX = 500


class Answers:
    """Payloads of `res` in the order in which they came; the oldest makes room, and is counted."""

    def __init__(self) -> None:
        self._waiting: dict[int, bytes] = {}  # by a number of ours
        self._sent: dict[int, int] = {}  # MQTT's number -> ours
        self._flying: set[int] = set()
        self._next = 0
        self.dropped = 0

    def put(self, payload: bytes) -> None:
        """Have one sent."""
        if len(self._waiting) >= ANSWERS_MAX:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            self._flying.discard(oldest)
            self.dropped += 1
        self._waiting[self._next] = payload
        self._next += 1

    def unsent(self) -> Iterator[tuple[int, bytes]]:
        """Those to be sent over this link, with our number for `sent`."""
        for number, payload in list(self._waiting.items()):
            if number not in self._flying:
                yield number, payload

    def sent(self, number: int, mid: int) -> None:
        """One has been handed to the broker."""
        self._flying.add(number)
        self._sent[mid] = number

    def ended(self, mid: int) -> bool:
        """The broker has said something about one, whatever it is; False if it is none of ours."""
        number = self._sent.pop(mid, None)
        if number is None:
            return False
        self._flying.discard(number)
        self._waiting.pop(number, None)
        return True

    def unlink(self) -> None:
        """The link is gone: what the broker has not confirmed is sent again."""
        self._sent.clear()
        self._flying.clear()
