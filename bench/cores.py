"""One core for a process, and the others for us and whoever we start: as two machines have it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def apart(pid: int) -> Iterator[None]:
    """For as long as the block lasts; on a machine of one core nothing changes."""
    all_of_them = os.sched_getaffinity(0)
    its, *ours = sorted(all_of_them)
    if not ours:
        yield
        return
    _hold(pid, {its})
    _hold(os.getpid(), set(ours))
    try:
        yield
    finally:
        _hold(pid, all_of_them)
        _hold(os.getpid(), all_of_them)


def _hold(pid: int, cores: set[int]) -> None:
    """All threads there are; those to come inherit it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)
