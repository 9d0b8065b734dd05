"""The presets and limit sets in `rules/packs/*.yaml`, by name and version: `fridge@1`.

They come with the package and are never changed after a release: what is better is a new version.
`docs/packs.md` tells of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import rules
from gateway.config import yaml
from gateway.config.problem import Place, Report
from gateway.config.typed import FLAW, Filler, Flaw, Spot, keys_of
from gateway.config.yaml import Map, Node, Scalar

FOLDER = "rules/packs"
_OUTSIDE = {"key": None}
_START = Place(1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a preset is given by its user: a point, an actuator, a mode or a zone, by its name.

    `with_` are others that must be given where this one is.
    """

    point: Literal["number", "boolean"] | None = None
    units: tuple[str, ...] = ()  # of a number, any of these; none: any at all
    actuator: bool = False
    mode: tuple[str, ...] = ()  # words it must have
    zone: bool = False
    optional: bool = False
    with_: tuple[str, ...] = ()
    about: str

    def __post_init__(self) -> None:
        if (self.point is not None) + self.actuator + bool(self.mode) + self.zone != 1:
            raise ValueError("expected either point, actuator, mode or zone")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number of a preset: its own (`value`), or its user's where it has none.

    `limit` is the figure of a limit set that takes its place, `as_` the figure of the preset that
    it equals where nobody says otherwise.
    """

    value: Node | None = field(default=None, metadata=_OUTSIDE)
    limit: str | None = None
    as_: str | None = None
    source: str
    about: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One file: rules whose `{…}` are filled in, or figures that others go by (a limit set)."""

    name: str = field(metadata=_OUTSIDE)
    label: str
    about: str = ""
    needs: Mapping[str, Need] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(metadata=_OUTSIDE)
    rules: Mapping[str, Map] = field(metadata=_OUTSIDE)

    @property
    def is_limit_set(self) -> bool:
        return not self.rules


@cache
def names() -> tuple[str, ...]:
    """All there are, presets and limit sets."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def read(name: str, report: Report) -> Preset | Flaw:
    """One of `names()`; what is wrong with the file goes to the report."""
    file = f"{FOLDER}/{name}.yaml"
    root = yaml.parse((_folder() / f"{name}.yaml").read_bytes(), report, file)
    filler = Filler(report, _folder())
    spot = Spot((), _START._replace(file=file))
    tree = FLAW if root is None else filler.map(root, spot)
    if tree is FLAW:
        return FLAW
    values = filler.fields(tree, keys_of(Preset), spot, also=("figures", "rules"))
    figures = _figures(_under(tree, "figures"), filler)
    written = {
        key: entry.node
        for key, entry in _under(tree, "rules").entries.items()
        if isinstance(entry.node, Map)
    }
    if values is FLAW or figures is FLAW:
        return FLAW
    return filler.build(
        Preset, values | {"name": name, "figures": figures, "rules": written}, tree, spot
    )


def _figures(tree: Map, filler: Filler) -> dict[str, Figure] | Flaw:
    figures: dict[str, Figure] = {}
    for name, entry in tree.entries.items():
        spot = Spot(("figures", name), entry.key)
        inner = filler.map(entry.node, spot)
        values = FLAW if inner is FLAW else filler.fields(inner, keys_of(Figure), spot, None, _OWN)
        if inner is FLAW or values is FLAW:
            return FLAW
        written = inner.entries.get("value")
        figures[name] = Figure(value=None if written is None else written.node, **values)  # type: ignore[arg-type]
    return figures


_OWN = ("value",)  # taken as it is written: what it means is for the rule it stands in


def _under(tree: Map, section: str) -> Map:
    entry = tree.entries.get(section)
    return entry.node if entry is not None and isinstance(entry.node, Map) else Map(tree.place)


def written(figure: Figure) -> str:
    """The value of a figure, as it stands in the file; empty where the user has to give it."""
    return figure.value.text if isinstance(figure.value, Scalar) else ""


def _folder() -> Path:
    return Path(rules.__file__).parent / "packs"
