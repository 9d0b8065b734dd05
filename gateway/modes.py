"""What the kitchen is doing just now (open, closed, cleaning, …), as points `mode/<mode>`.

The state of judging holds them; here they are published, so that rules, the history and people see
them like any other point. The first word of the configuration is what a new mode begins with.
"""

import asyncio
from collections.abc import Mapping, Sequence

from gateway.clock import Clock
from gateway.hub import Hub
from gateway.reading import Point, Quality, Reading
from rules.events import Entry, Turned
from rules.kept import InMode

DEVICE = "mode"


class Modes:
    """The modes of one kitchen."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._points: Mapping[str, Point] = {}

    def tell(
        self,
        modes: Mapping[str, Sequence[str]],
        points: Mapping[str, Point],
        entries: Mapping[str, Entry],
    ) -> None:
        """Publish every mode where it stands; on a word that is no longer there, it begins anew."""
        self._points = {name: points[f"{DEVICE}/{name}"] for name in modes}
        for name, words in modes.items():
            entry = entries.get(f"mode/{name}")
            stands = entry.value if isinstance(entry, InMode) and entry.value in words else words[0]
            latest = self._hub.latest.get(f"{DEVICE}/{name}")
            if latest is None or latest.value != stands:
                self._publish(name, stands)

    def turned(self, turned: Turned) -> None:
        """Publish a mode in the next turn of the loop: judging is still at work in this one."""
        asyncio.get_running_loop().call_soon(self._publish, turned.mode, turned.value)

    def _publish(self, mode: str, value: str) -> None:
        point = self._points.get(mode)
        if point is not None:
            self._hub.publish(Reading(point, value, Quality.GOOD, self._clock.now()))
