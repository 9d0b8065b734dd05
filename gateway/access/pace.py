"""How often one address may be wrong: ten times a minute, whatever it guesses at."""

from gateway.access.errors import TooManyTries
from gateway.clock import Clock

_WRONG_MAX = 10  # wrong logins of one address in a minute
_WINDOW_MS = 60_000
_ADDRESSES_MAX = 256


class Pace:
    """Remembers wrong logins for a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: dict[str, list[int]] = {}

    def check(self, peer: str) -> None:
        """Raise TooManyTries when this address, or too many addresses, must wait."""
        since = self._clock.now() - _WINDOW_MS
        recent = {who: [at for at in when if at > since] for who, when in self._wrong.items()}
        self._wrong = {who: when for who, when in recent.items() if when}
        crowded = len(self._wrong) >= _ADDRESSES_MAX and peer not in self._wrong
        if crowded or len(self._wrong.get(peer, ())) >= _WRONG_MAX:
            raise TooManyTries

    def wrong(self, peer: str) -> None:
        """Count one."""
        self._wrong[peer] = [*self._wrong.get(peer, ()), self._clock.now()]

    def right(self, peer: str) -> None:
        """Whoever got in may begin anew."""
        self._wrong.pop(peer, None)
