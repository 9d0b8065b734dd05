"""Rules and forecasts: what refers to points, checked against the points there are.

A rule about a device that is left out is left out with it, and so is a command to an actuator that
is left out; the rest of the kitchen is judged all the same.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from drivers.base import Metric
from gateway import health
from gateway.config import alarms, registry, schema
from gateway.config.equipment import Equipment
from gateway.config.problem import shown_message
from gateway.config.typed import FLAW, Filler, Flaw, Key, Spot, keys_of
from gateway.config.yaml import Map, Node, Sequence
from rules.base import Command, Condition, Priority, Rule

AUTOMATION_SLOTS = range(10, 17)
LIFE_SLOT = 2
DEFAULT_SLOT = 10


class _Entry(NamedTuple):
    """One rule or forecast while it is read."""

    name: str
    tree: Map
    spot: Spot


class References:
    """The points and actuators that rules and forecasts may name."""

    def __init__(
        self, filler: Filler, equipment: Equipment, ladders: Collection[str] | None = ()
    ) -> None:
        self._filler = filler
        self._report = filler.report
        self._equipment = equipment
        self._ladders = ladders
        self.options: dict[str, object] = {}  # by rule, of the sound ones
        self._points = dict(equipment.metrics)
        self._points |= {f"{health.DEVICE}/{metric.name}": metric for metric in health.METRICS}

    def forecasts(self, node: Node | None) -> dict[str, schema.Forecast]:
        """The section `forecasts`; what they publish can be named from then on."""
        forecasts: dict[str, schema.Forecast] = {}
        for entry in self._entries(node, "forecasts"):
            forecast = self._forecast(entry)
            if forecast is not None:
                forecasts[entry.name] = forecast
        for name, forecast in forecasts.items():
            for metric in schema.FORECAST_METRICS[forecast.kind]:
                self._points[f"{name}/{metric.name}"] = metric
        return forecasts

    def rules(self, node: Node | None) -> tuple[Rule, ...]:
        """The section `rules`, compiled, by id."""
        compiled = [self._rule(entry) for entry in self._entries(node, "rules")]
        sound = [rule for rule in compiled if rule is not None]
        self.options = {rule.id: self.options[rule.id] for rule in sound}
        return tuple(sorted(sound, key=lambda rule: rule.id))

    def _entries(self, node: Node | None, section: str) -> Iterator[_Entry]:
        tree = FLAW if node is None else self._filler.map(node, Spot((section,), node.place))
        if tree is FLAW:
            return
        for name, entry in tree.entries.items():
            spot = Spot((section, name), entry.key)
            inner = self._filler.map(entry.node, spot)
            if self._filler.identifier(name, spot) and inner is not FLAW:
                yield _Entry(name, inner, spot)

    def _forecast(self, entry: _Entry) -> schema.Forecast | None:
        if entry.name in self._equipment.names or entry.name == health.DEVICE:
            self._report.add(entry.spot.place, entry.spot.path, "the id is taken by a device")
        metric = self._point(entry, "point", unit="Cel")
        door = self._point(entry, "door", kind="boolean")
        keys = keys_of(schema.Forecast)
        if not isinstance(metric, Metric):
            self._filler.fields(entry.tree, _without(keys, "limit"), entry.spot, also=["limit"])
            return None
        values = self._filler.fields(entry.tree, keys, entry.spot, metric)
        if values is FLAW or (door is None and "door" in entry.tree.entries):
            return None
        values |= {"id": entry.name, "label": values.get("label") or entry.name}
        forecast = self._filler.build(schema.Forecast, values, entry.tree, entry.spot)
        return None if forecast is FLAW else forecast

    def _rule(self, entry: _Entry) -> Rule | None:
        module = self._kind(entry)
        metric = self._point(entry, "point")
        keys = keys_of(schema.RuleEntry)
        on_bad = getattr(module, "ON_BAD", None)
        if on_bad is not None:
            keys = _without(keys, "on_bad")
        also = entry.tree.entries if module is None else keys_of(module.Options)
        values = self._filler.fields(entry.tree, keys, entry.spot, also=also)
        condition: Condition | Flaw = FLAW
        if module is not None and metric is not None:
            condition = self._condition(entry, module, metric)
        if values is FLAW:
            return None
        if on_bad is not None:
            values["on_bad"] = on_bad
        written = self._filler.build(schema.RuleEntry, values, entry.tree, entry.spot)
        return None if written is FLAW else self._compiled(entry, written, condition)

    def _kind(self, entry: _Entry) -> registry.KindModule | None:
        written = entry.tree.entries.get("kind")
        if written is None:
            return None
        spot = entry.spot.at("kind", written.node.place)
        name = self._filler.value(written.node, schema.Id, spot, None)
        if not isinstance(name, str):
            return None
        try:
            return registry.kind(name)
        except registry.NotFound:
            near = self._report.suggestion(name, registry.kind_names())
            self._report.add(spot.place, spot.path, f'got the unknown rule kind "{name}"{near}')
            return None

    def _condition(
        self, entry: _Entry, module: registry.KindModule, metric: Metric
    ) -> Condition | Flaw:
        keys = keys_of(module.Options)
        values = self._filler.fields(entry.tree, keys, entry.spot, metric, also=entry.tree.entries)
        if values is FLAW:
            return FLAW
        options = self._filler.build(module.Options, values, entry.tree, entry.spot)
        if options is FLAW:
            return FLAW
        self.options[entry.name] = options
        try:
            condition: Condition = module.Condition(options)
        except ValueError as error:
            self._report.add(entry.spot.place, entry.spot.path, shown_message(error))
            return FLAW
        return condition

    def _point(
        self, entry: _Entry, key: str, *, unit: str | None = None, kind: str | None = None
    ) -> Metric | None:
        """The metric of the point that is named under a key; None after a problem, or if absent."""
        written = entry.tree.entries.get(key)
        if written is None:
            return None
        spot = entry.spot.at(key, written.node.place)
        name = self._filler.value(written.node, schema.PointId, spot, None)
        if not isinstance(name, str):
            return None
        metric = self._points.get(name)
        if metric is None:
            self._unknown_point(name, entry, spot)
            return None
        if unit is not None and metric.unit != unit:
            message = f'got "{name}", which is in {metric.unit}, expected a point in {unit}'
            self._report.add(spot.place, spot.path, message)
            return None
        if kind is not None and metric.kind != kind:
            self._report.add(spot.place, spot.path, f'got "{name}", expected a {kind} point')
            return None
        return metric

    def _unknown_point(self, name: str, entry: _Entry, spot: Spot) -> None:
        device = name.partition("/")[0]
        if device in self._report.disabled and device in self._equipment.names:
            message = f'left out with "{device}", which has an error of its own'
            self._report.add(spot.place, entry.spot.path, message, device=device)
            return
        near = self._report.suggestion(name, self._points)
        self._report.add(spot.place, spot.path, f'got the unknown point "{name}"{near}')

    def _compiled(
        self, entry: _Entry, written: schema.RuleEntry, condition: Condition | Flaw
    ) -> Rule | None:
        raised = [action.alarm for action in written.then if action.alarm is not None]
        priority = self._priority(entry, written, [alarm.priority for alarm in raised])
        if priority is None:
            return None
        commands = self._commands(entry, written, priority)
        known = alarms.Known(points=self._points, ladders=self._ladders)
        terms = alarms.terms(raised[0] if raised else None, known, self._report, entry.spot)
        if condition is FLAW or commands is FLAW or terms is FLAW or not (raised or commands):
            return None
        return Rule(
            id=entry.name,
            label=written.label or entry.name,
            point=written.point,
            condition=condition,
            for_ms=round(written.for_s * 1000),
            on_bad=written.on_bad,
            priority=priority,
            alarm=bool(raised),
            terms=terms,
            commands=commands,
            advice=written.advice,
            fingerprint=_fingerprint(written.kind, self.options[entry.name]),
        )

    def _priority(
        self, entry: _Entry, written: schema.RuleEntry, alarms: list[Priority]
    ) -> Priority | None:
        path = entry.spot.path
        then = entry.tree.entries["then"].node.place
        named = {*alarms, *([written.priority] if written.priority else [])}
        if not written.then:
            self._report.add(
                then, (*path, "then"), "got an empty list, expected at least one alarm or command"
            )
        elif len(alarms) > 1:
            self._report.add(then, (*path, "then"), "one alarm is enough")
        elif not named:
            self._report.add(entry.spot.place, path, '"priority" is missing (or an alarm)')
        elif len(named) > 1:
            message = f"priority is {written.priority}, but the alarm says {alarms[0]}"
            self._report.add(then, (*path, "then"), message)
        else:
            return named.pop()
        return None

    def _commands(
        self, entry: _Entry, written: schema.RuleEntry, priority: Priority
    ) -> tuple[Command, ...] | Flaw:
        commands: dict[tuple[str, int], Command] = {}
        sound = True
        for index, action in enumerate(written.then):
            if action.command is None:
                continue
            spot = _action_spot(entry, index)
            slot = DEFAULT_SLOT if action.slot is None else action.slot
            problem = self._wrong_command(action.command, slot, priority)
            if (action.command, slot) in commands:
                problem = f'"{action.command}" has its command in slot {slot} already'
            if problem:
                self._report.add(spot.place, spot.path, problem)
                sound = False
            elif action.command in self._report.disabled:
                message = f'the rule does without "{action.command}", which has an error of its own'
                self._report.add(spot.place, spot.path, message, device=action.command)
            else:
                command = Command(actuator=action.command, value=bool(action.value), slot=slot)
                commands[action.command, slot] = command
        return tuple(commands.values()) if sound else FLAW

    def _wrong_command(self, actuator: str, slot: int, priority: Priority) -> str:
        if slot == LIFE_SLOT and priority is not Priority.LIFE:
            return f"slot {LIFE_SLOT} is kept for rules of priority life"
        if slot != LIFE_SLOT and slot not in AUTOMATION_SLOTS:
            return f"slot {slot} is not for rules; 10 to 16 are (and {LIFE_SLOT} for priority life)"
        known = self._equipment.actuators
        disabled = actuator in self._report.disabled and actuator in self._equipment.names
        if actuator not in known and not disabled:
            return (
                f'got the unknown actuator "{actuator}"{self._report.suggestion(actuator, known)}'
            )
        return ""


def _fingerprint(kind: str, options: Any) -> str:  # noqa: ANN401 - each kind has its own class
    """Kind and options; defaults are left out, so that a version with a new one changes nothing."""
    chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)
              if getattr(options, field.name) != field.default}  # fmt: skip
    return " ".join([kind, *(f"{name}={chosen[name]!r}" for name in sorted(chosen))])


def _action_spot(entry: _Entry, index: int) -> Spot:
    then = entry.tree.entries["then"].node
    place = then.items[index].place if isinstance(then, Sequence) else then.place
    return Spot((*entry.spot.path, "then", index), place)


def _without(keys: Mapping[str, Key], name: str) -> dict[str, Key]:
    return {key: kind for key, kind in keys.items() if key != name}
