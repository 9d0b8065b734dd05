"""What happened, in the words of the kitchen: events of the log, and what they are about."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from gateway.store import events
from gateway.store.errors import StoreError
from gateway.web.event_shapes import Happened, RecordView
from gateway.web.kitchen_errors import NoRecord

if TYPE_CHECKING:
    from gateway.app import Gateway

EVENTS_MAX = 1_000  # in one answer, the newest
_ABOUT = ("rule", "id", "actuator", "mode", "timer")


async def between(gateway: "Gateway", start: int, end: int, kinds: Collection[str]) -> RecordView:
    """Events from `start` up to `end`, UTC ms, newest first; raises NoRecord."""
    try:
        found = await events.between(gateway.store.reader, start, end, kinds)
    except StoreError as error:
        raise NoRecord(str(error)) from None
    labels = _labels(gateway)
    rows = found.rows[-EVENTS_MAX:]
    return RecordView(
        start=start,
        end=end,
        complete=found.complete and len(rows) == len(found.rows),
        events=[
            Happened(row.at, row.kind, _label(row.data, labels), row.data) for row in reversed(rows)
        ],
        labels=labels,
    )


def _labels(gateway: "Gateway") -> Mapping[str, str]:
    """Names by id: of points, of rules (and so of alarms), of actuators."""
    points = {name: point.label for name, point in gateway.points.items() if point.label}
    outputs = {name: each.label for name, each in gateway.config.actuators.items()}
    return points | outputs | {rule.id: rule.label for rule in gateway.config.rules}


def _label(data: Mapping[str, object], labels: Mapping[str, str]) -> str:
    about = next((str(data[key]) for key in _ABOUT if data.get(key)), "")
    return labels.get(about, about)
