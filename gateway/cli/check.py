"""`kitchen-gateway check`: everything that is wrong with a configuration, before it is used."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli.options import MISUSED, config_option, find_config, json_option
from gateway.cli.words import counted
from gateway.clock import SystemClock
from gateway.config import describe, packs
from gateway.config.analysis import findings
from gateway.config.analysis.base import Finding, Level
from gateway.config.load import Loaded, load


@click.command()
@click.argument(
    "named", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path)
)
@config_option
@click.option("--strict", is_flag=True, help="Exit with 2 on warnings too.")
@json_option
@click.pass_context
def check(
    context: click.Context, named: Path | None, file: Path | None, *, strict: bool, as_json: bool
) -> None:
    """Check a configuration file; exit with 2 when anything in it is wrong.

    What is likely a mistake, though the gateway can work with it, is a warning.
    """
    path = find_config(named or file)
    loaded = load(path)
    found = findings(loaded, SystemClock().wall())
    click.echo(_as_json(path, loaded, found) if as_json else _in_words(path, loaded, found))
    if not _good(loaded, found) or (strict and found):
        context.exit(MISUSED)


def _good(loaded: Loaded, found: Sequence[Finding]) -> bool:
    return not loaded.problems and not _of(found, Level.ERROR)


def _of(found: Sequence[Finding], level: Level) -> list[Finding]:
    return [finding for finding in found if finding.level is level]


def _in_words(path: Path, loaded: Loaded, found: Sequence[Finding]) -> str:
    lines = [describe.problem(each) for each in loaded.problems]
    lines += _packs(loaded)
    lines += [_line(each) for level in Level for each in _of(found, level)]
    return "\n".join([*lines, _outcome(path, loaded, found)])


def _packs(loaded: Loaded) -> list[str]:
    """What each use of a preset is: `packs.walk_in: fridge@1, kr_restaurant@1; without silent`."""
    uses = {} if loaded.config is None else loaded.config.packs
    return [f"packs.{name}: {packs.told(use)}" for name, use in uses.items()]


def _line(found: Finding) -> str:
    """`config.yaml:40:5: warning: rules.warm.for: …; make it at least 20s`."""
    where = f"{found.file}:{found.line}:{found.column}"
    return f"{where}: {found.level.value}: {found.path}: {found.message}; {found.suggestion}"


def _outcome(path: Path, loaded: Loaded, found: Sequence[Finding]) -> str:
    warnings = counted(len(_of(found, Level.WARNING)), "warning")
    also = f"; {warnings}" if _of(found, Level.WARNING) else ""
    if loaded.problems:
        problems = counted(len(loaded.problems), "problem")
        if loaded.config is None:
            return f"{problems}; the gateway will not use this file"
        return f"{problems}; left out: {', '.join(loaded.disabled)}{also}"
    if not _good(loaded, found):
        errors = counted(len(_of(found, Level.ERROR)), "error")
        return f"{errors}; the gateway uses this file, but these rules are of no use{also}"
    assert loaded.config is not None  # noqa: S101 - else there is a problem
    return f"{path} is good: {describe.contents(loaded.config)}{also}"


def _as_json(path: Path, loaded: Loaded, found: Sequence[Finding]) -> str:
    result = {
        "file": str(path),
        "good": _good(loaded, found),
        "usable": loaded.config is not None,
        "left_out": sorted(loaded.disabled),
        "problems": [asdict(problem) for problem in loaded.problems],
        "packs": {}
        if loaded.config is None
        else {name: packs.told(use) for name, use in loaded.config.packs.items()},
        "findings": [asdict(finding) for finding in found],
    }
    return json.dumps(result, ensure_ascii=False, indent=2)
