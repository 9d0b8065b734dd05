"""Contacts that chatter: after an edge the level is read again, once it has had time to settle.

Not the edges but the level decides, so that a lost edge cannot leave a door open for ever.
"""

import asyncio
from collections.abc import Callable

from drivers.base import DriverError
from gateway.clock import Clock
from gateway.listening import Edges, Listener

AGAIN_S = 1.0  # a pin that cannot be read is read again after this


class Debounce:
    """Stands between the edges of one pin and its listener; `run` must run for it to hear."""

    def __init__(self, listener: Listener, wait_s: float, clock: Clock) -> None:
        self.state = listener.state
        self._level: Callable[[], bool] | None = None  # None: nobody watches the pin
        self._listener = listener
        self._wait_s = wait_s
        self._clock = clock
        self._told: bool | None = None  # the level that was published last; None: none, or BAD
        self._edges = 0  # since then
        self._coalesced = 0  # of the device, when it was read last
        self._edge = asyncio.Event()

    def edges(self) -> Callable[[bool], None]:
        """As of the listener."""
        return Edges(asyncio.get_running_loop(), self).tell

    def reads(self, level: Callable[[], bool]) -> None:
        """Learn how the level can be read again."""
        self._level = level

    def fail(self, error: DriverError) -> None:
        """The pin cannot be heard just now; it is read again until it can."""
        self._lost(error)
        self._edge.set()

    def hear(self, level: bool) -> None:
        """Take the level after an edge; where the contact stands at first is published at once."""
        if self._told is None:
            self._publish(level)
            return
        self._edges += 1
        self._edge.set()

    async def run(self) -> None:
        """Publish what is still so after the wait, for ever."""
        while True:
            await self._edge.wait()
            await self._clock.sleep(self._wait_s)
            self._edge.clear()  # an edge from here on begins another wait
            coalesced = self.state.coalesced
            if self._edges + coalesced - self._coalesced > 1:
                self.state.bounces += 1
            self._edges, self._coalesced = 0, coalesced
            await self._settle()

    async def _settle(self) -> None:
        """Read the pin, until it can be read, and publish a level that is news."""
        while self._level is not None:
            try:
                level = self._level()
            except DriverError as error:
                self._lost(error)
                await self._clock.sleep(AGAIN_S)
            else:
                if level is not self._told:
                    self._publish(level)
                return

    def _lost(self, error: DriverError) -> None:
        if self._told is not None or self.state.trouble is None:
            self._told = None
            self._listener.fail(error)

    def _publish(self, level: bool) -> None:
        self._told = level
        self._listener.hear(level)
