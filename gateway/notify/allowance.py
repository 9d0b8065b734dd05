"""How many messages one recipient may cost us: an alarm storm must not empty a prepaid card."""

from collections import deque

_HOUR_MS = 3_600_000
_RECIPIENTS_MAX = 256


class Allowance:
    """So many messages in any hour, for each address; times are kitchen time in ms.

    It begins anew with the process: a restart gives at most one hour's messages more.
    """

    def __init__(self, per_hour: int) -> None:
        self.per_hour = per_hour
        self._spent: dict[str, deque[int]] = {}

    def left(self, address: str, now: int) -> int:
        """How many messages it may still get; below nothing where life safety has gone on."""
        spent = self._spent.get(address)
        if spent is None:
            return self.per_hour
        while spent and now - spent[0] >= _HOUR_MS:
            spent.popleft()
        return self.per_hour - len(spent)

    def spend(self, address: str, now: int) -> None:
        """One message has gone out."""
        if address not in self._spent and len(self._spent) >= _RECIPIENTS_MAX:
            del self._spent[min(self._spent, key=self._latest)]
        self._spent.setdefault(address, deque(maxlen=10 * self.per_hour)).append(now)

    def _latest(self, address: str) -> int:
        spent = self._spent[address]
        return spent[-1] if spent else 0
