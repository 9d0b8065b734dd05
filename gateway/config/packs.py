"""`packs:` in the configuration: presets put to use, each rule of theirs an ordinary one.

What a use gives is filled into the rules of the preset as nodes of the tree, so what is wrong with
a value is said where it was written, and what is wrong with a preset in its own file.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from drivers.base import Metric
from gateway.config import preset, schema, texts
from gateway.config.equipment import Equipment
from gateway.config.known import Entry, Known
from gateway.config.preset import Need, Preset
from gateway.config.problem import shown
from gateway.config.scalar import found
from gateway.config.schema import Use
from gateway.config.template import GONE, Template
from gateway.config.typed import FLAW, Filler, Flaw, Spot, keys_of
from gateway.config.yaml import Entry as Written
from gateway.config.yaml import Map, Node, Scalar
from rules.interlocks import EVERYWHERE

USES_MAX = 200
# What may be filled into a text: nothing that could end a quotation or begin another filling.
_FIGURE = re.compile(r"[^\"'{}\\]{1,40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class UseKeys:
    """What every use of a preset may say; its points and figures stand beside it."""

    preset: str
    limits: str | None = None
    label: str = ""
    leave_out: tuple[schema.Id, ...] = ()


class Expanded(NamedTuple):
    """The uses by id, and their rules as the reader of rules takes them."""

    uses: Mapping[str, Use]
    entries: list[Entry]


class Packs:
    """Reads the uses; `modes` are those of the configuration with their words."""

    def __init__(
        self,
        filler: Filler,
        known: Known,
        equipment: Equipment,
        modes: Mapping[str, Collection[str]],
    ) -> None:
        self._filler = filler
        self._report = filler.report
        self._known = known
        self._equipment = equipment
        self._modes = modes
        self._read: dict[str, Preset | Flaw] = {}  # each file once

    def expanded(self, entries: Collection[Entry], taken: Mapping[str, Entry]) -> Expanded:
        """All uses; a rule whose id is `taken` is a problem, and so is whatever does not fit."""
        uses: dict[str, Use] = {}
        rules: dict[str, Entry] = dict(taken)
        if len(entries) > USES_MAX:
            spot = next(iter(entries)).spot
            message = f"got {len(entries)} uses of presets, expected at most {USES_MAX}"
            self._report.add(spot.place, ("packs",), message)
            return Expanded({}, [])
        for entry in entries:
            use = self._use(entry)
            if use is None:
                continue
            uses[entry.name] = use
            for name, tree in use.rules.items():
                spot = Spot(("rules", name), tree.place)
                first = rules.setdefault(name, Entry(name, tree, spot))
                if first.tree is not tree:
                    at = texts.where(first.spot.place, self._report)
                    message = f"{entry.name}: its rule {name} is at {at} already; leave one out"
                    self._report.add(entry.spot.place, entry.spot.path, message)
                else:
                    self._filler.identifier(name, Spot(("packs", entry.name), entry.spot.place))
        return Expanded(uses, [rule for name, rule in rules.items() if name not in taken])

    def _use(self, entry: Entry) -> Use | None:
        one = self._preset(entry, "preset", limits=False)
        if one is None:
            return None
        sound = "limits" not in entry.tree.entries
        limits = self._preset(entry, "limits", limits=True)
        sound = sound or limits is not None
        keys = {"change", *one.needs, *one.figures}
        values = self._filler.fields(entry.tree, keys_of(UseKeys), entry.spot, also=keys)
        given = self._given(entry, one)
        figures = self._figures(entry, one, limits)
        if values is FLAW or given is None or figures is None or not sound:
            return None
        keyed = UseKeys(**values)  # type: ignore[arg-type]
        return self._filled(entry, one, keyed, given, figures)

    def _preset(self, entry: Entry, key: str, *, limits: bool) -> Preset | None:
        """The preset or limit set named under a key; None after a problem, or if absent."""
        written = entry.tree.entries.get(key)
        what = "limit set" if limits else "preset"
        if written is None:
            if not limits:
                message = '"preset" is missing, such as preset: fridge@1'
                self._report.add(entry.spot.place, entry.spot.path, message)
            return None
        spot = entry.spot.at(key, written.node.place)
        name = self._filler.value(written.node, str, spot, None)
        if not isinstance(name, str):
            return None
        if name not in preset.names():
            self._report.add(spot.place, spot.path, self._unknown(name, what))
            return None
        one = self._read.get(name) or self._read.setdefault(name, preset.read(name, self._report))
        if one is FLAW:
            return None
        if one.is_limit_set is not limits:
            message = f'got "{name}", which is no {what}; see docs/packs.md'
            self._report.add(spot.place, spot.path, message)
            return None
        return one

    def _unknown(self, name: str, what: str) -> str:
        """What is said about a name or version there is not."""
        of_it = [
            each for each in preset.names() if each.partition("@")[0] == name.partition("@")[0]
        ]
        if of_it:
            return f'got "{shown(name)}", expected a version there is: {", ".join(of_it)}'
        near = self._report.suggestion(name, preset.names())
        return f'got the unknown {what} "{shown(name)}"{near}'

    def _given(self, entry: Entry, one: Preset) -> dict[str, Node] | None:
        """The nodes of what the preset needs, by name; None after a problem."""
        given: dict[str, Node] = {}
        sound = True
        for name, need in one.needs.items():
            written = entry.tree.entries.get(name)
            if written is None and not need.optional:
                message = f'"{name}" is missing: {need.about}'
                self._report.add(entry.spot.place, entry.spot.path, message)
                sound = False
            elif written is not None:
                sound = self._fits(entry, name, need, written) and sound
                given[name] = written.node
                for other in need.with_:
                    if other not in entry.tree.entries:
                        message = f'"{name}" needs "{other}" beside it: {one.needs[other].about}'
                        self._report.add(written.key, (*entry.spot.path, name), message)
                        sound = False
        return given if sound else None

    def _fits(self, entry: Entry, name: str, need: Need, written: Written) -> bool:
        spot = entry.spot.at(name, written.node.place)
        if need.point is not None:
            return self._point_fits(entry, name, need)
        value = self._filler.value(written.node, str if need.zone else schema.Id, spot, None)
        if not isinstance(value, str):
            return False
        problem = ""
        zones = {it.zone for it in self._equipment.actuators.values() if it.zone} | {EVERYWHERE}
        if need.zone and value not in zones:
            near = self._report.suggestion(value, zones)
            problem = f'got "{shown(value)}", where there is no actuator{near}'
        elif need.actuator and value not in self._equipment.actuators:
            if value not in self._equipment.names or value not in self._report.disabled:
                near = self._report.suggestion(value, self._equipment.actuators)
                problem = f'got the unknown actuator "{value}"{near}'
        elif need.mode and value not in self._modes:
            example = f"modes: {{{value}: [{', '.join(need.mode)}]}}"
            near = self._report.suggestion(value, self._modes)
            problem = f'got the unknown mode "{value}"{near}; it is written {example}'
        elif need.mode and not set(need.mode) <= set(self._modes[value]):
            words = ", ".join(need.mode)
            problem = f"{value} has not all the words this preset needs: {words}"
        if problem:
            self._report.add(spot.place, spot.path, problem)
        return not problem

    def _point_fits(self, entry: Entry, name: str, need: Need) -> bool:
        written = entry.tree.entries[name].node
        if isinstance(written, Scalar) and self._known.left_out(written.text):
            return True  # its rules are left out with the device, each of which says so
        metric = self._known.point(entry, name, kind=need.point)
        if metric is None:
            return False
        if need.units and metric.unit not in need.units:
            spot = entry.spot.at(name, written.place)
            expected = _point_in(metric, need)
            self._report.add(spot.place, spot.path, expected)
            return False
        return True

    def _figures(self, entry: Entry, one: Preset, limits: Preset | None) -> dict[str, Node] | None:
        """The nodes of all figures there are, by name; None after a problem."""
        figures: dict[str, Node] = {}
        used = False
        sound = True
        for name, figure in one.figures.items():
            of_set = None if limits is None else limits.figures.get(figure.limit or "")
            used = used or of_set is not None
            default = figure.value if of_set is None else of_set.value
            written = entry.tree.entries.get(name)
            node = default if written is None else written.node
            if node is None:
                continue
            if not isinstance(node, Scalar) or not _FIGURE.fullmatch(node.text):
                spot = entry.spot.at(name, node.place)
                message = f"got {found(node)}, expected a plain value such as 8 °C or 10min"
                self._report.add(spot.place, spot.path, message)
                sound = False
            figures[name] = node
        for name, figure in one.figures.items():
            if name not in figures and figure.as_ in figures:
                figures[name] = figures[figure.as_]
        if limits is not None and not used:
            spot = entry.spot.at("limits", entry.tree.entries["limits"].node.place)
            message = f"{one.name} takes no figure from {limits.name}; take it out"
            self._report.add(spot.place, spot.path, message)
            sound = False
        return figures if sound else None

    def _filled(
        self,
        entry: Entry,
        one: Preset,
        keys: UseKeys,
        given: Mapping[str, Node],
        figures: Mapping[str, Node],
    ) -> Use | None:
        """The rules with everything filled in; None after a problem."""
        sound = self._all_known(keys.leave_out, one, entry, "leave_out")
        change = self._change(entry, one)
        if change is None or not sound:
            return None
        label = entry.tree.entries.get("label")
        name = Scalar(entry.spot.place, keys.label or entry.name, quoted=True)
        user = f"packs.{entry.name}, {texts.where(entry.spot.place, self._report)}"
        always = {
            "id": Scalar(entry.spot.place, entry.name, quoted=True),
            "label": name if label is None else label.node,
        }
        template = Template({**always, **given}, one.needs, figures, user)
        rules: dict[str, Map] = {}
        for rule, tree in one.rules.items():
            if rule in keys.leave_out:
                continue
            filled = template.rule(_changed(tree, change.get(rule)))
            if filled is not GONE:
                rules[f"{entry.name}_{rule}"] = filled
        for missing in sorted(template.missing):
            figure = one.figures.get(missing)
            about = figure.about if figure else f"{one.name} has nothing of this name"
            message = f'"{missing}" is missing: {about}'
            self._report.add(entry.spot.place, entry.spot.path, message)
        if not rules:
            optional = ", ".join(name for name, need in one.needs.items() if need.optional)
            message = f"no rule is left of {one.name}; it has a use for: {optional}"
            self._report.add(entry.spot.place, entry.spot.path, message)
        if template.missing or not rules:
            return None
        changed = {rule: tuple(it.entries) for rule, it in change.items()}
        return Use(
            preset=one.name,
            limits=keys.limits,
            rules=rules,
            left_out=keys.leave_out,
            changed=changed,
        )

    def _change(self, entry: Entry, one: Preset) -> dict[str, Map] | None:
        """What is written under `change`, by rule; None after a problem."""
        written = entry.tree.entries.get("change")
        if written is None:
            return {}
        spot = entry.spot.at("change", written.key)
        tree = self._filler.map(written.node, spot)
        if tree is FLAW or not self._all_known(tree.entries, one, entry, "change"):
            return None
        change: dict[str, Map] = {}
        for rule, each in tree.entries.items():
            inner = self._filler.map(each.node, spot.at(rule, each.key))
            if inner is FLAW:
                return None
            change[rule] = inner
        return change

    def _all_known(self, names: Collection[str], one: Preset, entry: Entry, key: str) -> bool:
        unknown = [name for name in names if name not in one.rules]
        for name in unknown:
            written = entry.tree.entries[key]
            near = self._report.suggestion(name, one.rules)
            message = f'got "{shown(name)}", which is no rule of {one.name}{near}'
            self._report.add(written.node.place, (*entry.spot.path, key), message)
        return not unknown


def _point_in(metric: Metric, need: Need) -> str:
    units = " or ".join(need.units)
    return f'got a point in "{metric.unit}", expected one in {units}: {need.about}'


def _changed(tree: Map, change: Map | None) -> Map:
    return tree if change is None else Map(tree.place, tree.entries | change.entries)


def told(use: Use) -> str:
    """What a use is, in a few words: `fridge@1, kr_restaurant@1; warm changed (for)`."""
    parts = [", ".join(each for each in (use.preset, use.limits) if each)]
    parts += [f"{rule} changed ({', '.join(keys)})" for rule, keys in use.changed.items()]
    if use.left_out:
        parts.append(f"without {', '.join(use.left_out)}")
    return "; ".join(parts)
