"""Presets and limit sets as people see them: which there are, and what those in use became."""

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from gateway.config import preset
from gateway.config.problem import Report
from gateway.config.schema import Use
from gateway.config.typed import FLAW


class FigureView(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a preset or limit set; `value` is empty where the kitchen has to give it."""

    name: str
    value: str
    source: str
    about: str = ""
    limit: str | None = None  # the figure of a limit set that takes its place


class PackView(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `rules/packs/`, with its version in the name."""

    name: str
    kind: str  # "preset" or "limits"
    label: str
    about: str = ""
    rules: Sequence[str] = ()
    figures: Sequence[FigureView] = ()


class UseView(msgspec.Struct, frozen=True, kw_only=True):
    """A preset put to use: the rules it became, what was left out, and what was changed of it."""

    id: str
    preset: str
    limits: str | None
    rules: Sequence[str]
    left_out: Sequence[str] = ()
    changed: Mapping[str, Sequence[str]] = {}  # keys, by rule


class PacksView(msgspec.Struct, frozen=True):
    """What is in use, and everything there is."""

    uses: Sequence[UseView]
    packs: Sequence[PackView]


@cache
def packs() -> tuple[PackView, ...]:
    """Everything that comes with the gateway; reads files, so not on the loop."""
    return tuple(view for name in preset.names() if (view := _pack(name)) is not None)


def uses(found: Mapping[str, Use]) -> list[UseView]:
    """What the configuration in force has put to use."""
    return [
        UseView(
            id=name,
            preset=use.preset,
            limits=use.limits,
            rules=list(use.rules),
            left_out=use.left_out,
            changed=use.changed,
        )
        for name, use in found.items()
    ]


def _pack(name: str) -> PackView | None:
    found = preset.read(name, Report(preset.FOLDER))
    if found is FLAW:
        return None
    return PackView(
        name=name,
        kind="limits" if found.is_limit_set else "preset",
        label=found.label,
        about=found.about,
        rules=list(found.rules),
        figures=[
            FigureView(
                name=figure_name,
                value=preset.written(figure),
                source=figure.source,
                about=figure.about,
                limit=figure.limit,
            )
            for figure_name, figure in found.figures.items()
        ],
    )
