"""Keeps tasks alive: named tasks, a restart with back-off, and an end to patience."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from gateway.clock import Clock

logger = logging.getLogger(__name__)

PATIENCE = 3  # failures within PATIENCE_MS, then a task is down
PATIENCE_MS = 300_000
BACK_OFF_S = (1.0, 5.0, 15.0)

Work = Callable[[], Awaitable[None]]
Given = ParamSpec("Given")


class CriticalFailure(Exception):
    """A task without which the kitchen is not guarded has failed: outputs are safe, exit 1."""


@dataclass
class Supervision:
    """Which tasks run, which were restarted, and which are down."""

    clock: Clock
    restarts: dict[str, int] = field(default_factory=dict)
    down: dict[str, str] = field(default_factory=dict)  # name -> the error that ended it
    on_down: Callable[[str, str], None] = lambda name, error: None
    failed: str | None = None  # the critical task that has ended, which ends everything
    on_failed: Callable[[], None] = lambda: None
    loose: int = 0  # bugs that no task has met: in a callback of the loop

    async def supervise(self, name: str, work: Work, *, critical: bool = False) -> None:
        """Run `work` until it ends; a bug in it is logged with its traceback and it starts again.

        A critical task is not restarted: `on_failed` is to stop the gateway in order, while the
        tasks that write the last commit still live.
        """
        failures: deque[int] = deque(maxlen=PATIENCE)
        while True:
            try:
                await work()
            except Exception as error:
                logger.exception("task %s failed", name)
                if critical:
                    self._fail(name)
                    return
                now = self.clock.now()
                failures.append(now)
                self.restarts[name] = self.restarts.get(name, 0) + 1
                if len(failures) == PATIENCE and now - failures[0] < PATIENCE_MS:
                    self.down[name] = str(error)
                    logger.error("task %s is down: failed %d times in 5 min", name, PATIENCE)
                    self.on_down(name, str(error))
                    return
                await self.clock.sleep(BACK_OFF_S[min(len(failures), len(BACK_OFF_S)) - 1])
            else:
                return

    def critical(self, name: str, decide: Callable[Given, bool]) -> Callable[Given, bool]:
        """`decide`, whose bug ends everything as a critical task's does, whoever has called it.

        After that it decides nothing any more, so that what makes the outputs safe can go on.
        """

        def guarded(*given: Given.args, **named: Given.kwargs) -> bool:
            if self.failed == name:
                return False
            try:
                return decide(*given, **named)
            except Exception:
                logger.exception("%s failed", name)
                self._fail(name)
                return False

        return guarded

    def unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take an error no task has met, as the loop's exception handler: logged and counted."""
        self.loose += 1
        loop.default_exception_handler(context)

    def _fail(self, name: str) -> None:
        self.failed = self.failed or name
        self.on_failed()
