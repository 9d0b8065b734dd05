"""A share of this machine's processor that stands for a smaller board (cgroup v1, as root).

From the shared page on performance, section 3. A quota does not slow what is short: it says whether
there is enough, and a latency only where it runs out.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ZERO_2_W = 0.09  # of a core of this machine
TIMES_SLOWER = 11  # is a core of it
_GROUPS = Path("/sys/fs/cgroup/cpu")
_PERIOD_US = 20_000


def may_hold() -> bool:
    """Whether `held` can do anything here."""
    return os.access(_GROUPS / "cgroup.procs", os.W_OK)


@contextmanager
def held(pid: int, share: float) -> Iterator[None]:
    """Hold a process to that share of a core; all of it: leave it alone."""
    if share >= 1.0:
        yield
        return
    group = _GROUPS / f"kitchen-bench-{pid}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(round(_PERIOD_US * share)))
        (group / "cgroup.procs").write_text(str(pid))
        yield
        (_GROUPS / "cgroup.procs").write_text(str(pid))
    finally:
        group.rmdir()
