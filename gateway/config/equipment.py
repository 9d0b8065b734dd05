"""Devices and actuators: their own keys and their driver's, side by side in one entry.

Whatever is wrong with one of them leaves out that one alone: any problem under its path enters
`Report.disabled`, and only what is not in there is built.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from drivers.base import DriverError, Metric
from gateway import health
from gateway.config import interlocks, registry, schema
from gateway.config.problem import Place, shown_message
from gateway.config.registry import DriverModule
from gateway.config.scalar import found
from gateway.config.typed import FLAW, Filler, Flaw, Spot, keys_of
from gateway.config.yaml import Map, Node

_WIRES = ("address", "pin")  # options that two devices on one bus cannot share
_OF_POLLED = ("every", "deadline")
_OF_NUMBERS = ("smooth", "stuck_after")

Thing = TypeVar("Thing", schema.Device, schema.Actuator)


class _Section(NamedTuple):
    name: str
    shape: type[schema.Device] | type[schema.Actuator]
    roles: tuple[str, ...]
    other: str  # where a driver of another role belongs


_DEVICES = _Section("devices", schema.Device, ("polled", "pushed"), "actuators")
_ACTUATORS = _Section("actuators", schema.Actuator, ("acting",), "devices")


class _Entry(NamedTuple):
    """One entry while it is read."""

    name: str
    tree: Map
    spot: Spot
    section: _Section


class Equipment:
    """The devices and actuators of one file; `buses` has None for one that is itself wrong."""

    def __init__(self, filler: Filler, buses: Mapping[str, schema.Bus | None]) -> None:
        self._filler = filler
        self._report = filler.report
        self._buses = buses
        self._taken: dict[tuple[str, str, object], str] = {}
        self._first: dict[str, tuple[str, bool]] = {}  # by bus: who came first, and must be alone
        self.names: dict[str, Place] = {}  # also of what is left out
        self.devices: dict[str, schema.Device] = {}
        self.actuators: dict[str, schema.Actuator] = {}
        self._needing: dict[str, Spot] = {}  # where the needs of an actuator stand
        self.metrics: dict[str, Metric] = {}  # by point id, of what is not left out

    def read(self, devices: Node | None, actuators: Node | None) -> None:
        """Read both sections."""
        for entry in self._entries(devices, _DEVICES):
            values = self._values(entry)
            if values is not FLAW:
                self.devices[entry.name] = schema.Device(**values)  # type: ignore[arg-type]
        for entry in self._entries(actuators, _ACTUATORS):
            values = self._values(entry)
            if values is not FLAW:
                del values["role"]
                self.actuators[entry.name] = schema.Actuator(**values)  # type: ignore[arg-type]
        interlocks.check(self.actuators, self._needing, self.names, self._report)
        self.devices = self._sound(self.devices)
        self.actuators = self._sound(self.actuators)

    def _sound(self, things: Mapping[str, Thing]) -> dict[str, Thing]:
        sound = {name: it for name, it in things.items() if name not in self._report.disabled}
        for thing in sound.values():
            self.metrics |= {f"{thing.id}/{metric.name}": metric for metric in thing.metrics}
        return sound

    def _entries(self, node: Node | None, section: _Section) -> Iterator[_Entry]:
        tree = FLAW if node is None else self._filler.map(node, Spot((section.name,), node.place))
        if tree is FLAW:
            return
        for name, entry in tree.entries.items():
            spot = Spot((section.name, name), entry.key)
            first = self.names.setdefault(name, entry.key)
            if first is not entry.key:
                message = f"the id is taken: line {first.line} has a device of that name"
                self._report.add(entry.key, spot.path, message)
            self._filler.identifier(name, spot)
            if name == health.DEVICE:
                message = f'the id "{name}" is kept for the gateway itself'
                self._report.add(entry.key, spot.path, message)
            inner = self._filler.map(entry.node, spot)
            if inner is not FLAW:
                yield _Entry(name, inner, spot, section)

    def _values(self, entry: _Entry) -> dict[str, object] | Flaw:
        """The arguments of the entry's dataclass."""
        module = self._driver(entry)
        shared = {
            key: kind
            for key, kind in keys_of(entry.section.shape).items()
            if key not in ("points", "needs")
        }
        own = {} if module is None else keys_of(module.Options)
        also = {"points", *self._needs_key(entry), *(entry.tree.entries if module is None else own)}
        values = self._filler.fields(entry.tree, shared, entry.spot, also=also)
        if module is None:
            return FLAW
        options = self._options(entry, module)
        metrics = self._metrics(entry, module, options)
        points = FLAW if metrics is FLAW else self._points(entry, metrics)
        if values is FLAW or options is FLAW or points is FLAW:
            return FLAW
        self._check_bus(entry, module, options, str(values["bus"]))
        if entry.section is _DEVICES:
            self._set_periods(entry, module, values)
        if "needs" in entry.tree.entries and entry.section is _ACTUATORS:
            written = entry.tree.entries["needs"]
            spot = self._needing[entry.name] = entry.spot.at("needs", written.node.place)
            values["needs"] = interlocks.needs(written.node, self._filler, spot)
        values["label"] = values.get("label") or entry.name
        given = {"id": entry.name, "options": options, "metrics": metrics, "role": module.ROLE}
        return FLAW if entry.name in self._report.disabled else values | given | {"points": points}

    def _needs_key(self, entry: _Entry) -> tuple[str, ...]:
        return ("needs",) if entry.section is _ACTUATORS else ()

    def _driver(self, entry: _Entry) -> DriverModule | None:
        written = entry.tree.entries.get("driver")
        if written is None:
            return None  # `fields` says that it is missing
        spot = entry.spot.at("driver", written.node.place)
        name = self._filler.value(written.node, schema.Id, spot, None)
        if not isinstance(name, str):
            return None
        try:
            module = registry.driver(name)
        except registry.NotFound:
            near = self._report.suggestion(name, registry.driver_names())
            self._report.add(spot.place, spot.path, f'got the unknown driver "{name}"{near}')
            return None
        except ImportError as error:
            message = f'the driver "{name}" cannot be loaded: {shown_message(error)}; install it'
            self._report.add(spot.place, spot.path, message)
            return None
        if module.ROLE not in entry.section.roles:
            message = f'"{name}" belongs under "{entry.section.other}"'
            self._report.add(spot.place, spot.path, message)
            return None
        return module

    def _options(self, entry: _Entry, module: DriverModule) -> object:
        keys = keys_of(module.Options)
        values = self._filler.fields(entry.tree, keys, entry.spot, also=entry.tree.entries)
        if values is FLAW:
            return FLAW
        return self._filler.build(module.Options, values, entry.tree, entry.spot)

    def _metrics(
        self, entry: _Entry, module: DriverModule, options: object
    ) -> tuple[Metric, ...] | Flaw:
        if options is FLAW and not registry.fixed_metrics(module):
            return FLAW
        try:
            return registry.metrics_of(module, options)
        except (ValueError, OSError, DriverError) as error:
            self._report.add(entry.spot.place, entry.spot.path, shown_message(error))
            return FLAW

    def _points(
        self, entry: _Entry, metrics: tuple[Metric, ...]
    ) -> dict[str, schema.PointSettings] | Flaw:
        points = {metric.name: schema.PointSettings() for metric in metrics}
        written = entry.tree.entries.get("points")
        if written is None:
            return points
        spot = entry.spot.at("points", written.key)
        tree = self._filler.map(written.node, spot)
        if tree is FLAW:
            return FLAW
        self._filler.known(tree, points, spot)
        for metric in metrics:
            inner = tree.entries.get(metric.name)
            if inner is not None:
                here = spot.at(metric.name, inner.key)
                self._check_kind(inner.node, metric, here)
                settings = self._filler.section(inner.node, schema.PointSettings, here, metric)
                if settings is not FLAW:
                    points[metric.name] = settings
        return points

    def _check_kind(self, node: Node, metric: Metric, spot: Spot) -> None:
        written = node.entries if isinstance(node, Map) and metric.kind != "number" else {}
        for key in _OF_NUMBERS:
            if key in written:
                message = f"{metric.name} is no number; {key} is for numbers"
                self._report.add(written[key].key, (*spot.path, key), message)

    def _check_bus(self, entry: _Entry, module: DriverModule, options: object, bus: str) -> None:
        place = entry.tree.entries["bus"].node.place
        path = (*entry.spot.path, "bus")
        if bus not in self._buses:
            near = self._report.suggestion(bus, self._buses)
            self._report.add(place, path, f'got the unknown bus "{bus}"{near}')
            return
        kind = self._buses[bus]
        if kind is not None and kind.kind != module.BUS:
            message = (
                f'got "{bus}", which is of kind {kind.kind}, expected a bus of kind {module.BUS}'
            )
            self._report.add(place, path, message)
        self._check_alone(entry, bus, options)
        for wire in _WIRES:
            value = getattr(options, wire, None)
            if value is not None:
                self._check_free(entry, bus, wire, value)

    def _check_alone(self, entry: _Entry, bus: str, options: object) -> None:
        """Whether this device, and the first of its bus, leave the other one room on the line."""
        alone = bool(getattr(options, "alone", False))
        first, first_alone = self._first.setdefault(bus, (entry.name, alone))
        if first != entry.name and (alone or first_alone):
            who = entry.name if alone else first
            place = entry.tree.entries["bus"].node.place
            message = f'"{who}" has no address of its own and must be alone on "{bus}"'
            self._report.add(place, (*entry.spot.path, "bus"), message)

    def _check_free(self, entry: _Entry, bus: str, wire: str, value: object) -> None:
        holder = self._taken.setdefault((bus, wire, value), entry.name)
        if holder == entry.name:
            return
        written = entry.tree.entries.get(wire)
        place = written.node.place if written else entry.spot.place
        number = f"0x{value:02x}" if wire == "address" and isinstance(value, int) else value
        message = f'{wire} {number} of bus "{bus}" is taken by "{holder}"'
        self._report.add(place, (*entry.spot.path, wire), message)

    def _set_periods(self, entry: _Entry, module: DriverModule, values: dict[str, object]) -> None:
        """A polled device is stale after three periods, and a read ends within its period."""
        given = entry.tree.entries
        if module.ROLE == "pushed":
            for key in _OF_POLLED:
                if key in given:
                    message = "it speaks by itself; only polled devices have this key"
                    self._report.add(given[key].key, (*entry.spot.path, key), message)
            values["every_s"] = 0.0
            return
        every_s = values.setdefault("every_s", schema.EVERY_S)
        if not isinstance(every_s, float):
            raise TypeError(f"every_s is {every_s!r}")
        least_s = registry.every_at_least_s(module)
        if every_s < least_s and "every" in given:
            node = given["every"].node
            message = (
                f"got {found(node)}, expected at least {least_s:g}s: it has nothing new before"
            )
            self._report.add(node.place, (*entry.spot.path, "every"), message)
        deadline_s = getattr(module, "DEADLINE_S", schema.DEADLINE_S)
        values.setdefault("deadline_s", min(deadline_s, every_s))
        if values.get("stale_after_s") is None:
            values["stale_after_s"] = schema.STALE_AFTER_PERIODS * every_s
