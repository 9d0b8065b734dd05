"""What stands under `when`: a text that must hold, or a list of what starts a run."""

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from drivers.base import Metric
from gateway.config import quantity, schema
from gateway.config.known import Entry, Known
from gateway.config.scalar import found
from gateway.config.typed import FLAW, Filler, Flaw, Spot
from gateway.config.yaml import Map, Node, Scalar, Sequence
from rules import expression
from rules.alarm import Verb
from rules.base import (
    AlarmHeard,
    Called,
    Due,
    Formula,
    PointChanged,
    PointUnit,
    TimerElapsed,
    Trigger,
)
from rules.schedule import Schedule

_CALLED = "called"
_EXAMPLE = 'expected such as {schedule: "22:00"}, {point: door/open, to: true}, or called'
TRIGGERS_MAX = 16

Schedules = Callable[[Node, Spot], Schedule | Flaw]


class Hours(NamedTuple):
    """What reads the times at one site."""

    schedule: Schedules
    between: Callable[[Node, Spot], Formula | Flaw]


class Triggers:
    """Reads texts and lists; `rules` are the names an alarm may have."""

    def __init__(
        self, filler: Filler, known: Known, schedules: Schedules, rules: Collection[str]
    ) -> None:
        self._filler = filler
        self._report = filler.report
        self._known = known
        self._schedules = schedules
        self._rules = rules

    def formula(self, node: Node, entry: Entry, key: str) -> Formula | Flaw:
        """A text that is true or false; FLAW after a problem."""
        spot = entry.spot.at(key, node.place)
        if not isinstance(node, Scalar):
            self._report.add(node.place, spot.path, f"got {found(node)}, expected a condition")
            return FLAW
        try:
            return expression.condition(node.text, self._known.points, quantity)
        except expression.ExpressionError as error:
            gone = next((it for it in map(self._known.left_out, _points(node.text)) if it), None)
            if gone is not None:
                message = f'left out with "{gone}", which has an error of its own'
                self._report.add(spot.place, entry.spot.path, message, device=gone)
            else:
                self._report.add(spot.place, spot.path, str(error))
            return FLAW

    def triggers(self, node: Sequence, entry: Entry) -> tuple[Trigger, ...] | Flaw:
        """A list of what starts a run; FLAW after a problem."""
        spot = entry.spot.at("when", node.place)
        if not 0 < len(node.items) <= TRIGGERS_MAX:
            count = f"got {len(node.items)} triggers, expected 1 to {TRIGGERS_MAX}"
            self._report.add(node.place, spot.path, count)
            return FLAW
        read = [
            self._trigger(item, entry, spot.at(index, item.place))
            for index, item in enumerate(node.items)
        ]
        schedules = [one for one in read if isinstance(one, Due)]
        if len(schedules) > 1:
            self._report.add(
                node.place, spot.path, "one schedule is enough: it may have many times"
            )
            return FLAW
        sound = tuple(one for one in read if one is not FLAW)
        return sound if len(sound) == len(read) else FLAW

    def _trigger(self, node: Node, entry: Entry, spot: Spot) -> Trigger | Flaw:
        if isinstance(node, Scalar) and node.text == _CALLED:
            return Called()
        if isinstance(node, Map) and "schedule" in node.entries:
            if not self._filler.known(node, ["schedule"], spot):
                return FLAW
            written = node.entries["schedule"]
            planned = self._schedules(written.node, spot.at("schedule", written.key))
            return FLAW if planned is FLAW else Due(schedule=planned)
        readers = {"point": self._point, "alarm": self._alarm, "timer": self._timer}
        for key, read in readers.items():
            if isinstance(node, Map) and key in node.entries:
                return read(node, entry, spot)
        self._report.add(node.place, spot.path, f"got {found(node)}, {_EXAMPLE}")
        return FLAW

    def _point(self, tree: Map, entry: Entry, spot: Spot) -> Trigger | Flaw:
        here = Entry(entry.name, tree, spot)
        metric = self._known.point(here, "point")
        if not self._filler.known(tree, ["point", "to"], spot) or metric is None:
            return FLAW
        point = self._text(tree, "point", schema.PointId, spot)
        written = tree.entries.get("to")
        to: object = None
        if written is not None:
            to = self._filler.value(written.node, _kind(metric), spot.at("to", written.key), metric)
        if point is FLAW or to is FLAW:
            return FLAW
        return PointChanged(point=str(point), to=to)  # type: ignore[arg-type]

    def _alarm(self, tree: Map, entry: Entry, spot: Spot) -> Trigger | Flaw:
        del entry
        alarm = self._text(tree, "alarm", str, spot)
        verb = self._text(tree, "on", Literal["raise", "acknowledge", "return", "clear"], spot)
        if not self._filler.known(tree, ["alarm", "on"], spot) or FLAW in {alarm, verb}:
            return FLAW
        name = str(alarm)
        if name not in self._rules and not name.startswith("system."):
            near = self._report.suggestion(name, self._rules)
            message = f'got "{name}", which is no rule with an alarm{near}'
            self._report.add(spot.place, spot.path, message)
            return FLAW
        return AlarmHeard(alarm=name, verb=str(verb or Verb.RAISE))

    def _timer(self, tree: Map, entry: Entry, spot: Spot) -> Trigger | Flaw:
        del entry
        timer = self._text(tree, "timer", schema.Id, spot)
        if not self._filler.known(tree, ["timer"], spot) or timer is FLAW:
            return FLAW
        return TimerElapsed(timer=str(timer))

    def _text(self, tree: Map, key: str, kind: object, spot: Spot) -> object:
        written = tree.entries.get(key)
        if written is None:
            return None
        return self._filler.value(written.node, kind, spot.at(key, written.key), None)


def _kind(metric: Metric) -> object:
    return {"boolean": bool, "text": str}.get(metric.kind, PointUnit)


def _points(text: str) -> list[str]:
    """What looks like a point in a text, sound or not."""
    return [word.strip("()!=<>, ") for word in text.split() if "/" in word]
