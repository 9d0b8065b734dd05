"""Whose turn it is: one at a time, who is known before strangers, and few from one place."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator

from gateway.access.errors import Overrun

WAITING_MAX = 64  # strangers: who gives a name and a password
KNOWN_MAX = 16  # places that no stranger takes: PINs on paired tablets, proofs, changes
PLACE_MAX = 4  # from one address, tablet or session


class Turns:
    """Who waits, counted and bounded."""

    def __init__(self) -> None:
        self._taken = False
        self._known: deque[asyncio.Future[None]] = deque()
        self._strangers: deque[asyncio.Future[None]] = deque()
        self._numbers: Counter[bool] = Counter()  # known or not -> how many are here
        self._places: Counter[str] = Counter()
        self.overruns = 0

    @contextlib.asynccontextmanager
    async def take(self, place: str, *, known: bool = False) -> AsyncIterator[None]:
        """Wait for one's turn and have it; raises Overrun where too many wait.

        `place` is where it is asked from; an empty one speaks for many and is not bounded.
        """
        crowded = self._numbers[known] >= (KNOWN_MAX if known else WAITING_MAX)
        if crowded or (place and self._places[place] >= PLACE_MAX):
            self.overruns += 1
            raise Overrun
        self._numbers[known] += 1
        self._places[place] += 1
        try:
            await self._wait(self._known if known else self._strangers)
            try:
                yield
            finally:
                self._pass_on()
        finally:
            self._numbers[known] -= 1
            self._places[place] -= 1
            self._places += Counter()  # forgets the places where nobody is left

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):  # passed over already
                    queue.remove(turn)
            else:  # it had come in this very moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for queue in (self._known, self._strangers):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False
