"""Writes the tables of docs/packs.md from the files in rules/packs: run it when one was added."""

import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.config import preset
from gateway.config.preset import Figure, Need, Preset, written
from gateway.config.problem import Report
from gateway.config.typed import FLAW

PAGE = Path(__file__).parent.parent / "docs" / "packs.md"
MARK = "<!-- From here on by scripts/packs_page.py. -->\n"


def page(before: str) -> str:
    """The page with its tables written anew; what stands before the mark is kept."""
    presets = [_read(name) for name in preset.names()]
    lines = ["", "## Limit sets"]
    lines += [line for one in presets if one.is_limit_set for line in _limit_set(one)]
    lines += ["", "## Presets"]
    lines += [line for one in presets if not one.is_limit_set for line in _preset(one)]
    return before.partition(MARK)[0] + MARK + "\n".join(lines) + "\n"


def _read(name: str) -> Preset:
    report = Report(name)
    one = preset.read(name, report)
    if one is FLAW:
        raise SystemExit("\n".join(problem.message for problem in report.sorted()))
    return one


def _limit_set(one: Preset) -> Iterator[str]:
    yield from ("", f"### `{one.name}`", one.label, "", "| figure | | source |", "|---|---|---|")
    for name, figure in one.figures.items():
        yield f"| `{name}` | {written(figure)} | {_cell(figure.source)} |"


def _preset(one: Preset) -> Iterator[str]:
    yield from ("", f"### `{one.name}`", f"{one.label}. {one.about}", "")
    yield from ("| needs | | |", "|---|---|---|")
    for name, need in one.needs.items():
        yield f"| `{name}` | {_kind(need)} | {_cell(need.about)} |"
    yield from ("", "| figure | | | source |", "|---|---|---|---|")
    for name, figure in one.figures.items():
        cells = (f"`{name}`", _value(figure), _cell(figure.about), _cell(figure.source))
        yield f"| {' | '.join(cells)} |"
    yield from ("", f"Rules: {', '.join(f'`{rule}`' for rule in one.rules)}.")


def _kind(need: Need) -> str:
    kind = "actuator" if need.actuator else "zone" if need.zone else str(need.point)
    if need.mode:
        kind = f"mode with {', '.join(need.mode)}"
    if need.units:
        kind = f"{kind} in {' or '.join(need.units)}"
    also = "".join(f", with `{name}`" for name in need.with_)
    return f"{kind}{also}" if not need.optional else f"{kind}, if there is one{also}"


def _value(figure: Figure) -> str:
    value = written(figure) or (f"as `{figure.as_}`" if figure.as_ else "**yours**")
    return f"{value}, or `{figure.limit}`" if figure.limit else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(after, encoding="utf-8")
    elif after != before:
        raise SystemExit("docs/packs.md is not what rules/packs says: scripts/packs_page.py")
