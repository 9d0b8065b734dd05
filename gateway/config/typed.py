"""Fills dataclasses from the tree, guided by their annotations, and reports all that does not fit.

A field's key in the file is its name without a trailing `_`, a duration's also without `_s`
(`every_s` is written `every`), or what `metadata={"key": …}` says; None keeps it out of the file.
`Annotated` markers are plain strings, so that drivers and rules need no import for them:
`"duration_s"`, `"point_unit"`, `"point_difference"`, `"point_rate"` (per second), a unit of its own
as in `"unit hPa"` and `"difference K"`, a range such as `"1..65535"` or `"0.."`, and the names of
`checks.TEXTS` and `checks.FILES`.
"""

import dataclasses
import enum
import functools
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from drivers.base import Metric
from gateway.config import checks, scalar, secret
from gateway.config.problem import Place, Report, Steps, shown, shown_message
from gateway.config.scalar import Wrong, found
from gateway.config.secret import Secret, SecretError
from gateway.config.yaml import Map, Node, Scalar, Sequence

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

_KEYS: dict[type[object], Mapping[str, "Key"]] = {}  # by dataclass, once read
# What this key was called in an earlier release.
_RENAMED = {"password_file": "password: {secret: mqtt}", "key_file": "key: {secret: mqtt_key}"}


_ADDRESSES = range(0x08, 0x78)  # of I2C, without those that are reserved
_EXAMPLES = {
    "site": "{label: Our kitchen, zone: Asia/Seoul}",
    "driver": "sht3x",
    "bus": "i2c",
    "fail_safe": "{safe: off, on_sensor_loss: hold, max_on: 10min}",
    "kind": "limit",
    "point": "walk_in/temperature",
    "on_bad": "hold",
    "then": "[{alarm: high}]",
}


class Flaw(enum.Enum):
    """Stands for a value that could not be read; its problem is in the report."""

    FLAW = "flaw"


FLAW: Final = Flaw.FLAW


class Spot(NamedTuple):
    """Where in the file, and under which path, something is being read."""

    path: Steps
    place: Place

    def at(self, step: str | int, place: Place) -> "Spot":
        return Spot((*self.path, step), place)


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key of the file and the field it fills."""

    field: str
    kind: object
    required: bool


def keys_of(shape: type[object]) -> Mapping[str, Key]:
    """The keys a dataclass takes from the file."""
    if shape not in _KEYS:
        _KEYS[shape] = types.MappingProxyType(_keys_of(shape))
    return _KEYS[shape]


def _keys_of(shape: type[object]) -> dict[str, Key]:
    hints = get_type_hints(shape, include_extras=True)
    keys: dict[str, Key] = {}
    for field in dataclasses.fields(cast("type[DataclassInstance]", shape)):
        hint = hints[field.name]
        key = field.metadata.get("key", _key(field.name, hint))
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if key is not None:
            keys[key] = Key(field.name, hint, required)
    return keys


def _key(name: str, hint: object) -> str:
    name = name.removesuffix("_")
    return name.removesuffix("_s") if "duration_s" in _markers(hint) else name


@functools.cache  # asked for each value of the file
def _parts(kind: object) -> tuple[object, tuple[Any, ...]]:
    """What an annotation is made of: its origin, and what stands in its brackets."""
    return get_origin(kind), get_args(kind)


def _markers(hint: object) -> tuple[object, ...]:
    if get_origin(hint) is Annotated:
        return get_args(hint)[1:]
    return tuple(mark for part in get_args(hint) for mark in _markers(part))


class Filler:
    """Reads one file's tree; relative file names are taken from `folder`.

    `proven`: it was good before, so the files it names are not looked at again. One that has gone
    since is for who uses it to say, and no reason to leave a kitchen unguarded.
    """

    def __init__(self, report: Report, folder: Path, *, proven: bool = False) -> None:
        self.report = report
        self._folder = folder
        self.proven = proven

    def section(
        self, node: Node, shape: type[T], spot: Spot, metric: Metric | None = None
    ) -> T | Flaw:
        """One dataclass from one mapping, or where it has a short form, from one value."""
        short = getattr(shape, "SHORT", None)
        if short is not None and isinstance(node, Scalar):
            value = self.value(node, keys_of(shape)[short].kind, spot, metric)
            return (
                FLAW if value is FLAW else self.build(shape, {short: value}, Map(node.place), spot)
            )
        tree = self.map(node, spot)
        if tree is FLAW:
            return FLAW
        values = self.fields(tree, keys_of(shape), spot, metric)
        return FLAW if values is FLAW else self.build(shape, values, tree, spot)

    def map(self, node: Node, spot: Spot) -> Map | Flaw:
        """The node as a mapping; a key with nothing under it counts as an empty one."""
        if isinstance(node, Map):
            return node
        if isinstance(node, Scalar) and node.value is None:
            return Map(node.place)
        self.report.add(node.place, spot.path, f"got {found(node)}, expected keys and values")
        return FLAW

    def fields(
        self,
        tree: Map,
        keys: Mapping[str, Key],
        spot: Spot,
        metric: Metric | None = None,
        also: Iterable[str] = (),
    ) -> dict[str, object] | Flaw:
        """The values by field name, all read before it is given up; others read keys `also`."""
        values: dict[str, object] = {}
        for name, entry in tree.entries.items():
            key = keys.get(name)
            if key is not None:
                here = spot.at(name, entry.key)
                values[key.field] = self.value(entry.node, key.kind, here, metric)
        sound = self.known(tree, {*keys, *also}, spot)
        for name, key in keys.items():
            if key.required and name not in tree.entries:
                self.report.add(spot.place, spot.path, f'"{name}" is missing{_example(name)}')
                sound = False
        return values if sound and FLAW not in values.values() else FLAW

    def known(self, tree: Map, keys: Iterable[str], spot: Spot) -> bool:
        """Whether the mapping has no other keys; each other one is a problem."""
        allowed = set(keys)
        for name, entry in tree.entries.items():
            if name in allowed:
                continue
            message = f'got the unknown key "{shown(name)}"{self.report.suggestion(name, allowed)}'
            if name in _RENAMED and _RENAMED[name].partition(":")[0] in allowed:
                message = f'got "{name}", expected {_RENAMED[name]} (see docs/config-changes.md)'
            self.report.add(entry.key, (*spot.path, name), message)
        return allowed.issuperset(tree.entries)

    def build(self, shape: type[T], values: dict[str, object], tree: Map, spot: Spot) -> T | Flaw:
        """Call the dataclass; what its `__post_init__` refuses becomes a problem.

        A message that begins with a key is shown at that key.
        """
        try:
            return shape(**values)
        except ValueError as error:
            first = str(error).split(maxsplit=1)[0].strip(":,") if str(error) else ""
            entry = tree.entries.get(first)
            place = entry.node.place if entry else spot.place
            self.report.add(place, spot.path, shown_message(error))
            return FLAW

    def value(self, node: Node, kind: object, spot: Spot, metric: Metric | None) -> object:
        """One value of any supported annotation, or FLAW."""
        try:
            return self._value(node, kind, (), spot, metric)
        except Wrong as wrong:
            self.report.add(node.place, spot.path, str(wrong))
            return FLAW

    def _value(
        self,
        node: Node,
        kind: object,
        markers: tuple[object, ...],
        spot: Spot,
        metric: Metric | None,
    ) -> object:
        origin, arguments = _parts(kind)
        if origin is Annotated:
            return self._value(node, arguments[0], arguments[1:], spot, metric)
        if origin is Union or origin is types.UnionType:
            if isinstance(node, Scalar) and node.value is None:
                return None
            inner = next(part for part in arguments if part is not types.NoneType)
            return self._value(node, inner, markers, spot, metric)
        if kind is Secret:
            return self._secret(node)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self.section(node, kind, spot, metric)
        if origin is tuple:
            return self._items(node, arguments[0], spot, metric)
        if origin is dict or origin is Mapping:
            return self._entries(node, arguments[1], spot, metric)
        return self._scalar(node, kind, markers, metric)

    def _entries(
        self, node: Node, kind: object, spot: Spot, metric: Metric | None
    ) -> dict[str, object] | Flaw:
        tree = self.map(node, spot)
        if tree is FLAW:
            return FLAW
        values: dict[str, object] = {}
        for name, entry in tree.entries.items():
            here = spot.at(name, entry.key)
            values[name] = self.value(entry.node, kind, here, metric)
            if not self.identifier(name, here):
                values[name] = FLAW
        return FLAW if FLAW in values.values() else values

    def identifier(self, name: str, spot: Spot) -> bool:
        """Whether a key may be an id."""
        try:
            checks.identifier(name)
        except ValueError as error:
            self.report.add(spot.place, spot.path, str(error))
            return False
        return True

    def _items(
        self, node: Node, kind: object, spot: Spot, metric: Metric | None
    ) -> tuple[object, ...] | Flaw:
        if not isinstance(node, Sequence):
            raise Wrong(f'got {found(node)}, expected a list such as "[a, b]"')
        values = tuple(
            self.value(item, kind, spot.at(index, item.place), metric)
            for index, item in enumerate(node.items)
        )
        return FLAW if FLAW in values else values

    def _scalar(
        self, node: Node, kind: object, markers: tuple[object, ...], metric: Metric | None
    ) -> object:
        if not isinstance(node, Scalar):
            raise Wrong(f"got {found(node)}, expected a single value")
        origin, arguments = _parts(kind)
        if origin is Literal:
            return self._choice(node, {_as_key(option): option for option in arguments})
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return self._choice(node, {str(member.value): member for member in kind})
        if kind is Path:
            return self._file(node, markers)
        return scalar.read(node, kind, markers, metric)

    def _choice(self, node: Scalar, options: Mapping[str, object]) -> object:
        if node.text in options:
            return options[node.text]
        value = node.value
        for option in options.values():
            if type(option) is type(value) and option == value:
                return option
        near = self.report.nearest(node.text, options)
        # Sheets and boards write the address of a chip in hex, whatever was typed here.
        in_hex = all(type(one) is int and one in _ADDRESSES for one in options.values())
        names = (f"0x{one:02x}" if in_hex else name for name, one in options.items())
        raise Wrong(f"got {found(node)}, expected one of {', '.join(names)}{near}")

    def _secret(self, node: Node) -> Secret:
        """A reference to a secret; what stands there instead of one is never repeated."""
        entries = node.entries if isinstance(node, Map) else {}
        named = entries["secret"].node if entries.keys() == {"secret"} else None
        name = named.text if isinstance(named, Scalar) else ""
        try:
            return secret.referred(name, self._folder, look=not self.proven)
        except SecretError as error:
            raise Wrong(shown_message(error)) from None

    def _file(self, node: Scalar, markers: tuple[object, ...]) -> Path:
        path = self._folder / scalar.text(node, ())
        for marker in () if self.proven else markers:
            try:
                checks.FILES[str(marker)](path)
            except ValueError as error:
                raise Wrong(shown_message(error)) from None
        return path


def _as_key(option: object) -> str:
    return str(option).lower() if isinstance(option, bool) else str(option)


def _example(name: str) -> str:
    return f", such as {name}: {_EXAMPLES[name]}" if name in _EXAMPLES else ""
