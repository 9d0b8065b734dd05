"""The gateway's own condition, as ordinary points: CPU, memory, disk, network, temperature, lag."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from drivers.base import Metric, Reason, Sample, Samples
from gateway.clock import Clock, stopwatch_s

DEVICE = "system"
PERIOD_S = 10.0
_ZONES = Path("/sys/class/thermal")

METRICS = (
    Metric("cpu", "%", 0.0, 100.0, precision=1),
    Metric("memory", "%", 0.0, 100.0, precision=1),
    Metric("resident", "MBy", 0.0, None, precision=1),
    Metric("disk", "%", 0.0, 100.0, precision=1),
    Metric("sent", "kBy/s", 0.0, None, precision=1),
    Metric("received", "kBy/s", 0.0, None, precision=1),
    Metric("temperature", "Cel", -40.0, 125.0, precision=1),
    Metric("loop_lag", "ms", 0.0, None, precision=1),
)


class Health:
    """Reads the machine; cheap enough for the loop (files under /proc and /sys only)."""

    METRICS = METRICS

    def __init__(
        self, data: Path, zones: Path = _ZONES, *, worst_lag_ms: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._data = str(data)
        self._zones = zones
        self._process = psutil.Process()
        self._network: tuple[float, int, int] | None = None
        self._worst_lag_ms = worst_lag_ms  # since it was asked last
        psutil.cpu_percent()

    def read(self) -> Samples:
        """One sample of each metric; what this machine cannot tell is None with a reason."""
        sent, received = self._traffic()
        return {
            "cpu": Sample(psutil.cpu_percent()),
            "memory": Sample(psutil.virtual_memory().percent),
            "resident": Sample(self._process.memory_info().rss / 1e6),
            "disk": Sample(psutil.disk_usage(self._data).percent),
            "sent": sent,
            "received": received,
            "temperature": _temperature(self._zones),
            "loop_lag": Sample(self._worst_lag_ms()),
        }

    def _traffic(self) -> tuple[Sample, Sample]:
        counters = psutil.net_io_counters()
        now = stopwatch_s()
        before, self._network = (
            self._network,
            (now, counters.bytes_sent, counters.bytes_recv),
        )
        if before is None or now <= before[0]:
            waiting = Sample(None, Reason.NOT_STARTED)
            return waiting, waiting
        elapsed = now - before[0]
        return (
            Sample(max(0.0, counters.bytes_sent - before[1]) / elapsed / 1000),
            Sample(max(0.0, counters.bytes_recv - before[2]) / elapsed / 1000),
        )


def _temperature(zones: Path) -> Sample:
    """The first thermal zone, which is the processor's.

    Not psutil's: it reads every hwmon file, and that of a 1-Wire probe blocks for a conversion.
    """
    for file in sorted(zones.glob("thermal_zone*/temp")):
        with suppress(OSError, ValueError):
            return Sample(int(file.read_text()) / 1000)
    return Sample(None, Reason.NO_COMMUNICATION)


async def feed(health: Health, take: Callable[[Samples, int], None], clock: Clock) -> None:
    """Read the machine every few seconds, for ever."""
    while True:
        take(health.read(), clock.now())
        await clock.sleep(PERIOD_S)
