"""Taking over a changed configuration while the kitchen is guarded: SIGHUP, the API, a mended file.

One task takes the requests in their order, so two at once cannot mix. What is refused leaves
everything as it was.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from gateway.clock import Clock
from gateway.config.problem import Problem

logger = logging.getLogger(__name__)

WAITING_MAX = 8  # requests that wait for their turn
LOOK_S = 2.0  # how often the file is looked at while nothing is in force


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reload; `problems` are those of the file, also where it was taken."""

    result: Literal["applied", "unchanged", "refused"]
    problems: tuple[Problem, ...] = ()
    instead: str = ""  # what runs while the file is refused


class Busy(Exception):
    """As many reloads wait as may, or the gateway is stopping."""


class Reloading:
    """The queue in front of `reload`, which alone exchanges the configuration."""

    def __init__(self, reload: Callable[[str], Awaitable[Outcome]]) -> None:
        self._reload = reload
        self._waiting: deque[tuple[str, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    async def ask(self, by: str) -> Outcome:
        """Have the file taken over, after those who asked before; raises Busy."""
        if self._closed:
            raise Busy("the gateway is stopping")
        if len(self._waiting) >= WAITING_MAX:
            raise Busy(f"{WAITING_MAX} reloads wait already")
        return await self._put(by)

    def ask_soon(self, by: str) -> None:
        """As `ask`, where nobody waits for the outcome; one that waits already will do."""
        if not self._closed and all(who != by for who, _ in self._waiting):
            self._put(by)

    async def run(self) -> None:
        """Take one request after the other, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                by, future = self._waiting.popleft()
                try:
                    outcome = await self._reload(by)
                except BaseException:
                    _refuse(future, "the reload was broken off; see the log")
                    raise
                if not future.done():
                    future.set_result(outcome)

    def close(self) -> None:
        """Refuse those who wait, and whoever asks from now on."""
        self._closed = True
        while self._waiting:
            _refuse(self._waiting.popleft()[1], "the gateway is stopping")

    async def watch(self, changed: Callable[[], bool], clock: Clock) -> None:
        """Notice by ourselves that the file was mended; for ever."""
        while True:
            await clock.sleep(LOOK_S * clock.speed)
            if changed():
                self.ask_soon("the changed file")

    def _put(self, by: str) -> asyncio.Future[Outcome]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((by, future))
        self._wake.set()
        return future


def _refuse(future: asyncio.Future[Outcome], why: str) -> None:
    if not future.done():
        future.set_exception(Busy(why))
        future.exception()  # a signal has nobody who would look
