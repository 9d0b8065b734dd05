"""The points as those see them who ask for all of them: encoded once for all who ask.

Most points are as they were when somebody asked last, so only those that changed are looked at
again. That is asked a hundred times a second on a board that has to judge meanwhile.
"""

import math
from collections.abc import Sequence

import msgspec

from gateway.clock import Clock
from gateway.web.kitchen import Kitchen
from gateway.web.point_shapes import PointView

FRESH_MS = 100  # a value may be so old, as on a live page; an alarm is shown at once
AGES_MS = 1_000  # and what nothing tells of: how old the values are

_json = msgspec.json.Encoder()


class Points(msgspec.Struct, frozen=True):
    """Points in the order of the page."""

    points: Sequence[PointView]


class Shown:
    """Told what changes, and asked for the points; all of it on the loop."""

    def __init__(self, kitchen: Kitchen, clock: Clock) -> None:
        self._kitchen = kitchen
        self._clock = clock
        self._encoded: dict[str, bytes] = {}  # by point, in their order
        self._changed: set[str] = set()
        self._body = b""
        self._fresh_until = -math.inf  # kitchen ms, which may be negative
        self._all_until = -math.inf

    def point_changed(self, point_id: str) -> None:
        self._changed.add(point_id)

    def all_changed(self) -> None:
        self._fresh_until = self._all_until = -math.inf

    def body(self) -> bytes:
        """`Points` as JSON."""
        now = self._clock.now()
        if now >= self._fresh_until:
            self._look(now)
            self._fresh_until = min(now + FRESH_MS, self._all_until)
        return self._body

    def _look(self, now: int) -> None:
        if now >= self._all_until:
            self._encoded = {view.id: _json.encode(view) for view in self._kitchen.points()}
            self._all_until = now + AGES_MS
        elif self._changed:
            for point_id in self._changed & self._encoded.keys():
                if (view := self._kitchen.point(point_id)) is not None:
                    self._encoded[point_id] = _json.encode(view)
        else:
            return
        self._changed.clear()
        self._body = b'{"points":[%b]}' % b",".join(self._encoded.values())
