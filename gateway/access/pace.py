"""How often one address may be wrong, whatever it guesses at, and one person or token come in."""

from gateway.access.errors import TooManyTries, TooOften
from gateway.clock import Clock

LOGINS_MAX = 60  # of one person or token in a minute; each is a commit, and an entry for good
ADDRESSES_MAX = 256  # beyond them the one silent longest is forgotten: nobody else is refused

_WRONG_MAX = 10  # wrong logins of one address in a minute
_WINDOW_MS = 60_000


class Pace:
    """Remembers wrong logins for a minute, with those under way among them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: dict[str, list[int]] = {}

    def check(self, peer: str) -> None:
        """Raise TooManyTries when this address must wait."""
        self._wrong = _recent(self._wrong, self._clock.now())
        if len(self._wrong.get(peer, ())) >= _WRONG_MAX:
            raise TooManyTries

    def take(self, peer: str) -> int:
        """Count a try before it is made, as `check` allows, and say when that was."""
        now = self._clock.now()
        tries = self._wrong.pop(peer, [])
        if len(self._wrong) >= ADDRESSES_MAX:  # whoever has that many is held up by other bounds
            del self._wrong[next(iter(self._wrong))]
        self._wrong[peer] = [*tries, now]
        return now

    def give_back(self, peer: str, at: int) -> None:
        """The try of then was not wrong; those of the same address that were stay counted."""
        tries = self._wrong.get(peer, [])
        if at in tries:
            tries.remove(at)


class Entries:
    """Remembers for a minute who came in; of those there are no more than people and tokens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entered: dict[str, list[int]] = {}

    def spend(self, who: str) -> None:
        """Count one who has proven who they are; raises TooOften."""
        now = self._clock.now()
        self._entered = _recent(self._entered, now)
        entered = self._entered.setdefault(who, [])
        if len(entered) >= LOGINS_MAX:
            raise TooOften((entered[0] + _WINDOW_MS - now) / 1000)
        entered.append(now)


def _recent(times: dict[str, list[int]], now: int) -> dict[str, list[int]]:
    recent = {who: [at for at in when if at > now - _WINDOW_MS] for who, when in times.items()}
    return {who: when for who, when in recent.items() if when}
