"""The points that rules and forecasts may name, and what is said about one they may not."""

from typing import NamedTuple

from drivers.base import Metric
from gateway import health
from gateway.config import schema
from gateway.config.equipment import Equipment
from gateway.config.typed import Filler, Spot
from gateway.config.yaml import Map

MODE = "mode"  # the points of modes are mode/<mode>
_KINDS = {"number": "a number", "boolean": "a point that is on or off", "text": "a text"}


class Entry(NamedTuple):
    """One rule, forecast or scene while it is read."""

    name: str
    tree: Map
    spot: Spot


class Known:
    """Every point of the configuration, by id; grows while it is read."""

    def __init__(self, filler: Filler, equipment: Equipment) -> None:
        self._filler = filler
        self._report = filler.report
        self._equipment = equipment
        self.points = dict(equipment.metrics)
        self.points |= {f"{health.DEVICE}/{metric.name}": metric for metric in health.METRICS}

    def point(
        self, entry: Entry, key: str, *, unit: str | None = None, kind: str | None = None
    ) -> Metric | None:
        """The metric of the point that is named under a key; None after a problem, or if absent."""
        written = entry.tree.entries.get(key)
        if written is None:
            return None
        spot = entry.spot.at(key, written.node.place)
        name = self._filler.value(written.node, schema.PointId, spot, None)
        if not isinstance(name, str):
            return None
        metric = self.points.get(name)
        if metric is None:
            self.unknown(name, entry, spot)
            return None
        if unit is not None and metric.unit != unit:
            message = f'got "{name}", which is in {metric.unit}, expected a point in {unit}'
            self._report.add(spot.place, spot.path, message)
            return None
        if kind is not None and metric.kind != kind:
            said = f'got "{name}", which is {_KINDS[metric.kind]}, expected {_KINDS[kind]}'
            self._report.add(spot.place, spot.path, said)
            return None
        return metric

    def unknown(self, name: str, entry: Entry, spot: Spot) -> None:
        """Say that there is no such point, or that its device was left out."""
        device = self.left_out(name)
        if device:
            message = f'left out with "{device}", which has an error of its own'
            self._report.add(spot.place, entry.spot.path, message, device=device)
            return
        near = self._report.suggestion(name, self.points)
        self._report.add(spot.place, spot.path, f'got the unknown point "{name}"{near}')

    def left_out(self, point: str) -> str:
        """The device of a point, if it was left out for an error of its own."""
        device = point.partition("/")[0]
        gone = device in self._report.disabled and device in self._equipment.names
        return device if gone else ""
