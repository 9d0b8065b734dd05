"""Pushed devices: what a bus hears is parsed on the loop and published at once."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Protocol

from drivers.base import DriverError, Metric, Pushed, failed
from gateway.clock import Clock
from gateway.sampling import DeviceState, Intake

logger = logging.getLogger(__name__)


class Listener:
    """One pushed device; `hear` is called on the loop for every edge, line or message."""

    def __init__(
        self,
        state: DeviceState,
        driver: Pushed,
        metrics: Sequence[Metric],
        intake: Intake,
        clock: Clock,
    ) -> None:
        self.state = state
        self._driver = driver
        self._metrics = metrics
        self._intake = intake
        self._clock = clock

    def hear(self, message: Any) -> None:  # noqa: ANN401 - the driver knows its own messages
        """Parse and publish one message; nonsense is BAD with a reason."""
        at = self._clock.now()
        try:
            samples = self._driver.feed(message, at)
        except DriverError as error:
            self.fail(error)
            return
        self.state.heard()
        self._intake.take(samples, at)

    def edges(self) -> Callable[[bool], None]:
        """What takes the levels of a pin in any thread; call it on the loop."""
        return Edges(asyncio.get_running_loop(), self).tell

    def reads(self, level: Callable[[], bool]) -> None:
        """The edges are enough; whoever debounces them needs more."""

    def fail(self, error: DriverError) -> None:
        """The bus can no longer hear the device."""
        self.state.lost(str(error))
        self._darken(error)

    def cut_off(self, error: DriverError) -> None:
        """Its bus is away, which has been said for all of its devices."""
        self.state.cut_off(str(error))
        self._darken(error)

    def _darken(self, error: DriverError) -> None:
        self._intake.take(failed(self._metrics, error.reason), self._clock.now())


class Hearing(Protocol):
    """Who hears the level of a pin, on the loop."""

    @property
    def state(self) -> DeviceState: ...

    def hear(self, level: bool, /) -> None:
        """Take one level."""


class Edges:
    """The levels of one pin on their way to the loop: only the last waits, however it chatters."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: Hearing) -> None:
        self._loop = loop
        self._listener = listener
        self._turn = Lock()
        self._waiting: bool | None = None

    def tell(self, level: bool) -> None:
        """Have a level heard in a coming turn of the loop; may be called in any thread."""
        with self._turn:
            overtaken, self._waiting = self._waiting, level
        if overtaken is not None:
            self._listener.state.coalesced += 1
            return
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        with self._turn:
            level, self._waiting = self._waiting, None
        if level is not None:
            self._listener.hear(level)
