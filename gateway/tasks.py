"""The named tasks of the gateway: supervised, and exchanged where what they work on has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from gateway.supervision import Supervision

Work = Callable[[], Awaitable[None]]

END_S = 5.0  # a task that does not end when it is told to is left behind


class Job(NamedTuple):
    """One task: its name, what it does, and on what; another `subject` needs another task."""

    name: str
    work: Work
    subject: object = None
    critical: bool = False


class Tasks:
    """What runs just now; changed by one caller at a time."""

    def __init__(self, group: asyncio.TaskGroup, supervision: Supervision) -> None:
        self._group = group
        self._supervision = supervision
        self._running: dict[str, tuple[object, asyncio.Task[None]]] = {}
        self._turn = asyncio.Lock()

    async def fit(self, jobs: Iterable[Job]) -> None:
        """Run these and no others; a task whose subject is the same, or equal, goes on as it is."""
        wanted = {job.name: job for job in jobs}
        async with self._turn:
            await self.end(
                name
                for name, (subject, _) in list(self._running.items())
                if name not in wanted or wanted[name].subject != subject
            )
            for job in wanted.values():
                if job.name not in self._running:
                    self._start(job)

    async def end(self, names: Iterable[str]) -> None:
        """Cancel these and wait until they have ended."""
        ending = [self._running.pop(name)[1] for name in names if name in self._running]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=END_S)

    def cancel(self) -> None:
        """Cancel all, and wait for none."""
        for _, task in self._running.values():
            task.cancel()

    def _start(self, job: Job) -> None:
        self._supervision.down.pop(job.name, None)
        supervised = self._supervision.supervise(job.name, job.work, critical=job.critical)
        task = self._group.create_task(supervised, name=job.name)
        self._running[job.name] = (job.subject, task)
