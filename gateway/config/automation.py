"""The sections that refer to points and actuators: modes, scenes, forecasts, packs, rules."""

from collections.abc import Mapping
from typing import NamedTuple

from drivers.base import Metric
from gateway.config import schema
from gateway.config.actions import Actions
from gateway.config.alarms import LadderEntry, Terms, ladders
from gateway.config.duty import duty
from gateway.config.equipment import Equipment
from gateway.config.forecasts import forecasts
from gateway.config.known import MODE, Entry, Known
from gateway.config.packs import Packs
from gateway.config.rules import Rules
from gateway.config.schedule import schedule
from gateway.config.times import Times
from gateway.config.triggers import Hours
from gateway.config.typed import FLAW, Filler, Flaw, Spot
from gateway.config.yaml import Node
from rules.base import Formula, Rule
from rules.schedule import Schedule
from rules.shift import Duty

SECTIONS = ("modes", "scenes", "shifts", "escalations", "forecasts", "packs", "rules")
_WORDS = range(2, 21)  # of a mode


class Automation(NamedTuple):
    """What came of the sections; `rule_options` are the options of each kind's condition."""

    modes: Mapping[str, tuple[str, ...]]
    scenes: Mapping[str, tuple[schema.Action, ...]]
    shifts: Duty | None
    escalations: Mapping[str, LadderEntry]
    forecasts: Mapping[str, schema.Forecast]
    packs: Mapping[str, schema.Use]
    rules: tuple[Rule, ...]
    rule_options: Mapping[str, object]


def automation(
    section: Mapping[str, Node], filler: Filler, equipment: Equipment, site: schema.Site | None
) -> Automation:
    """Read them all; what is wrong goes to the report. Without a sound `site` schedules wait."""
    known = Known(filler, equipment)
    modes = _modes(section.get("modes"), filler)
    for name in modes:
        known.points[f"{MODE}/{name}"] = Metric(name, "", kind="text")
    scenes = _scenes(section.get("scenes"), filler)
    outlooks = forecasts(
        _entries(section.get("forecasts"), "forecasts", filler), filler, known,
        frozenset(equipment.names),
    )  # fmt: skip
    entries = _entries(section.get("rules"), "rules", filler)
    actions = Actions(filler.report, equipment, modes, scenes)
    times = None if site is None else Times(filler, site)
    shifts = _shifts(section.get("shifts"), times)
    escalations = ladders(section.get("escalations"), filler, shifts)
    terms = Terms(filler.report, known.points, escalations)

    def scheduled(node: Node, spot: Spot) -> Schedule | Flaw:
        return FLAW if times is None else schedule(times, node, spot)

    def between(node: Node, spot: Spot) -> Formula | Flaw:
        return FLAW if times is None else times.between(node, spot)

    packs = Packs(filler, known, equipment, modes)
    uses = packs.expanded(
        _entries(section.get("packs"), "packs", filler), {entry.name: entry for entry in entries}
    )
    entries += uses.entries
    names = [entry.name for entry in entries]
    rules = Rules(filler, known, actions, terms, Hours(scheduled, between), names)
    return Automation(
        modes,
        scenes,
        shifts,
        escalations or {},
        outlooks,
        uses.uses,
        rules.compiled(entries),
        rules.options,
    )


def _shifts(node: Node | None, times: Times | None) -> Duty | None:
    if node is None or times is None:
        return None
    found = duty(times, node, Spot(("shifts",), node.place))
    return None if found is FLAW else found


def _entries(node: Node | None, section: str, filler: Filler) -> list[Entry]:
    tree = FLAW if node is None else filler.map(node, Spot((section,), node.place))
    found: list[Entry] = []
    for name, entry in {} if tree is FLAW else tree.entries.items():
        spot = Spot((section, name), entry.key)
        inner = filler.map(entry.node, spot)
        if filler.identifier(name, spot) and inner is not FLAW:
            found.append(Entry(name, inner, spot))
    return found


def _modes(node: Node | None, filler: Filler) -> dict[str, tuple[str, ...]]:
    kind = Mapping[str, tuple[schema.Id, ...]]
    if node is None:
        return {}
    spot = Spot(("modes",), node.place)
    read = filler.value(node, kind, spot, None)
    modes: dict[str, tuple[str, ...]] = read if isinstance(read, dict) else {}
    for name, words in modes.items():
        if len(words) not in _WORDS or len(set(words)) < len(words):
            message = f"{name}: expected 2 to 20 different words, such as [open, closed, cleaning]"
            filler.report.add(spot.place, (*spot.path, name), message)
    return {name: words for name, words in modes.items() if len(words) in _WORDS}


def _scenes(node: Node | None, filler: Filler) -> dict[str, tuple[schema.Action, ...]]:
    if node is None:
        return {}
    spot = Spot(("scenes",), node.place)
    read = filler.value(node, Mapping[str, tuple[schema.Action, ...]], spot, None)
    scenes: dict[str, tuple[schema.Action, ...]] = read if isinstance(read, dict) else {}
    for name, actions in scenes.items():
        if any(action.scene is not None or action.alarm is not None for action in actions):
            message = f"{name}: a scene holds neither scenes nor alarms"
            filler.report.add(spot.place, (*spot.path, name), message)
    return scenes
