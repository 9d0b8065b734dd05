"""`config.yaml` to a `Config`, or to everything that is wrong with it; `check` and `run` share it.

The files of `rules.d` beside it belong to it.

An error in a device or actuator leaves out that one; any other leaves no configuration.
"""

import hashlib
import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.buses import kinds
from gateway.config import notifications, placing, schema, texts, yaml
from gateway.config.automation import SECTIONS, automation
from gateway.config.equipment import Equipment
from gateway.config.problem import Place, Problem, Report, shown
from gateway.config.scalar import found
from gateway.config.texts import Texts
from gateway.config.typed import FLAW, Filler, Spot, keys_of
from gateway.config.yaml import Map, Node, Scalar

_START = Place(1, 1)
_OTHER_FILE = "name another with --config FILE, or begin one with: kitchen-gateway setup"
# Not read as a whole: one entry's error must not hide the next one's.
_OWN_READERS = ("buses", "devices", "actuators", *SECTIONS, "notifications")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of a file; `config` is None when it cannot be used at all.

    `text` is all its files as one, and the hashes are SHA-256 in hex: of that, and of the rules
    however they are laid out.
    `web` is what could be made of that section alone, so that the page can tell of the problems.
    """

    file: Path
    text: bytes
    config: schema.Config | None
    web: schema.Web
    problems: tuple[Problem, ...]
    disabled: Mapping[str, Problem]
    content_hash: str
    rules_hash: str
    doubts: tuple[str, ...] = ()  # what could not be made sure of, though it is used

    @property
    def good(self) -> bool:
        """Nothing at all is wrong with it."""
        return self.config is not None and not self.problems


def load(path: Path) -> Loaded:
    """Read a configuration file; never raises for what is in it."""
    try:
        found = texts.read(path)
    except OSError as error:
        report = Report(str(path))
        report.add(_START, (), f"cannot be read: {error.strerror}; {_OTHER_FILE}")
        return _loaded(path, b"", None, None, report)
    return _load(found, path, proven=False)


def load_text(whole: bytes, path: Path, *, proven: bool = False) -> Loaded:
    """As `load`, of a `Loaded.text` that is or was in these files; `proven` as for Filler."""
    return _load(texts.split(whole), path, proven=proven)


def load_texts(found: Texts, path: Path, *, proven: bool = False) -> Loaded:
    """As `load`, of files that need not be written yet; `proven` as for Filler."""
    return _load(found, path, proven=proven)


def _load(found: Texts, path: Path, *, proven: bool) -> Loaded:
    report = Report(str(path))
    root = texts.tree(found, report)
    config = None
    if root is not None:
        config = _config(root, Filler(report, path.parent, proven=proven), path.parent)
    return _loaded(path, found.whole, root, config, report)


def load_rules(data: bytes, path: Path, around: Loaded) -> Loaded:
    """The configuration `around`, which can be used, with the rules that stand in another file.

    That file has `rules:`, perhaps with `modes:`, `scenes:` or `forecasts:` of its own beside them,
    or is a whole configuration, which has the same `rules.d`. Problems name it, and are its own.
    """
    report = Report(str(path))
    folder = around.file.parent
    outside = texts.split(around.text)
    root = yaml.parse(data, report)
    config = None
    if isinstance(root, Map) and "site" not in root.entries:
        _only_rules(root, report)
        outer = texts.tree(outside, Report(str(around.file)))
        if isinstance(outer, Map) and not report.problems:
            merged = Map(outer.place, outer.entries | root.entries)
            config = _config(merged, Filler(report, folder, proven=True), folder)
            own = tuple(root.entries)
            report.problems = [one for one in report.problems if one.path.startswith(own)]
    elif root is not None:
        root = texts.tree(replace(outside, main=data), report)
        config = (
            None if root is None else _config(root, Filler(report, folder, proven=True), folder)
        )
    return _loaded(path, data, root, config, report)


def _only_rules(root: Map, report: Report) -> None:
    for name, entry in root.entries.items():
        if name not in SECTIONS:
            message = (
                f'got "{shown(name)}", expected rules alone, or a whole configuration with site'
            )
            report.add(entry.key, (name,), message)
    if "rules" not in root.entries:
        report.add(
            root.place, (), '"rules" is missing, such as rules: {walk_in_warm: {kind: limit}}'
        )


def _loaded(
    path: Path, data: bytes, root: Node | None, config: schema.Config | None, report: Report
) -> Loaded:
    return Loaded(
        file=path,
        text=data,
        config=None if report.fatal else config,
        web=config.web if config else _web(root, path),
        problems=report.sorted(),
        disabled=dict(report.disabled),
        content_hash=hashlib.sha256(data).hexdigest(),
        rules_hash=_rules_hash(root, config),
        doubts=tuple(sorted(report.doubts)),
    )


def _config(root: Node, filler: Filler, folder: Path) -> schema.Config | None:
    spot = Spot((), _START)
    tree = filler.map(root, spot)
    if tree is FLAW:
        return None
    keys = keys_of(schema.Config)
    plain = {key: kind for key, kind in keys.items() if key not in _OWN_READERS}
    values = filler.fields(tree, plain, spot, also=_OWN_READERS)
    section = {key: entry.node for key, entry in tree.entries.items()}
    buses = _buses(section.get("buses"), filler)
    equipment = Equipment(filler, buses)
    equipment.read(section.get("devices"), section.get("actuators"))
    site = FLAW if values is FLAW else values.get("site")
    read = automation(section, filler, equipment, site if isinstance(site, schema.Site) else None)
    told = notifications.read(section.get("notifications"), filler)
    _check_emulation(tree, filler, equipment)
    if values is FLAW:
        return None
    values |= {"devices": equipment.devices, "actuators": equipment.actuators, "buses": buses}
    values |= {**read._asdict(), "notifications": told, "folder": folder}
    config = filler.build(schema.Config, values, tree, spot)
    return None if config is FLAW else config


def _web(root: Node | None, path: Path) -> schema.Web:
    """Where the page is to listen, as far as a broken file can tell."""
    entry = root.entries.get("web") if isinstance(root, Map) else None
    if entry is None:
        return schema.Web()
    unheard = Filler(Report(str(path)), path.parent)  # what is wrong with it was said already
    web = unheard.section(entry.node, schema.Web, Spot(("web",), entry.key))
    return schema.Web() if web is FLAW else web


def _buses(node: Node | None, filler: Filler) -> dict[str, schema.Bus | None]:
    buses: dict[str, schema.Bus | None] = {}
    tree = FLAW if node is None else filler.map(node, Spot(("buses",), node.place))
    if tree is FLAW:
        return buses
    wires: dict[tuple[str, str], str] = {}
    for name, entry in tree.entries.items():
        spot = Spot(("buses", name), entry.key)
        filler.identifier(name, spot)
        bus = buses[name] = _bus(entry.node, filler, spot)
        wire = "" if bus is None else bus.options.wire
        if bus is None or not wire:
            continue
        first = wires.setdefault((bus.kind, wire), name)
        if first != name:
            filler.report.add(spot.place, spot.path, f'{wire} is the bus "{first}" already')
    return buses


def _bus(node: Node, filler: Filler, spot: Spot) -> schema.Bus | None:
    """One bus: its kind, and the keys of that kind beside it."""
    tree = filler.map(node, spot)
    if tree is FLAW:
        return None
    written = tree.entries.get("kind")
    if written is None:
        filler.report.add(spot.place, spot.path, f'"kind" is missing: {", ".join(kinds.MODULES)}')
        return None
    name = filler.value(written.node, str, spot.at("kind", written.key), None)
    if name not in kinds.MODULES:
        if isinstance(name, str):
            _expect(written.node, kinds.MODULES, "kind", spot.at("kind", written.key), filler)
        return None
    shape = kinds.kind(str(name)).Options
    values = filler.fields(tree, keys_of(shape), spot, also=("kind",))
    options = FLAW if values is FLAW else filler.build(shape, values, tree, spot)
    return None if options is FLAW else schema.Bus(kind=str(name), options=options)


def _check_emulation(tree: Map, filler: Filler, equipment: Equipment) -> None:
    """Whether the emulated kitchen knows the scenario and the places, and we the things in it."""
    section = tree.entries.get("emulation")
    if section is None or not isinstance(section.node, Map):
        return
    # The emulated kitchen is loaded only where there is one.
    world = importlib.import_module("drivers.emulated.world")
    spot = Spot(("emulation",), section.key)
    scenario, places = (section.node.entries.get(key) for key in ("scenario", "places"))
    if scenario is not None:
        _expect(scenario.node, world.SCENARIOS, "scenario", spot.at("scenario", _START), filler)
    for name, entry in (
        places.node.entries.items() if places and isinstance(places.node, Map) else ()
    ):
        here = spot.at("places", entry.key).at(name, entry.key)
        _expect(entry.node, world.PLACES, "place", here, filler)
        if name not in equipment.names:
            near = filler.report.suggestion(name, equipment.names)
            filler.report.add(
                entry.key, here.path, f'got the unknown device or actuator "{name}"{near}'
            )
    placing.check(section, equipment.devices, world.PLACES, filler.report)


def _expect(node: Node, known: Iterable[str], what: str, spot: Spot, filler: Filler) -> None:
    if isinstance(node, Scalar) and node.text not in known:
        near = filler.report.suggestion(node.text, known)
        filler.report.add(node.place, spot.path, f"got the unknown {what} {found(node)}{near}")


def _rules_hash(root: Node | None, config: schema.Config | None) -> str:
    rules = root.entries.get("rules") if isinstance(root, Map) else None
    canonical = None if rules is None else _plain(rules.node)
    uses = {} if config is None else config.packs
    of_packs = {name: _plain(tree) for use in uses.values() for name, tree in use.rules.items()}
    text = json.dumps([canonical, of_packs] if of_packs else canonical, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(node: Node) -> object:
    if isinstance(node, Map):
        return {key: _plain(entry.node) for key, entry in node.entries.items()}
    return node.text if isinstance(node, Scalar) else [_plain(item) for item in node.items]
