"""`kitchen-gateway check`: everything that is wrong with a configuration, before it is used."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli.options import MISUSED, config_option, find_config, json_option
from gateway.config import describe
from gateway.config.load import Loaded, load


@click.command()
@click.argument(
    "named", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path)
)
@config_option
@json_option
@click.pass_context
def check(context: click.Context, named: Path | None, file: Path | None, as_json: bool) -> None:
    """Check a configuration file; exit with 2 when anything in it is wrong."""
    path = find_config(named or file)
    loaded = load(path)
    click.echo(_as_json(path, loaded) if as_json else _in_words(path, loaded))
    if loaded.problems:
        context.exit(MISUSED)


def _in_words(path: Path, loaded: Loaded) -> str:
    if not loaded.problems and loaded.config is not None:
        return f"{path} is good: {describe.contents(loaded.config)}"
    count = len(loaded.problems)
    outcome = (
        f"{count} problem{'' if count == 1 else 's'}; the gateway will not use this file"
        if loaded.config is None
        else f"{count} problem{'' if count == 1 else 's'}; left out: {', '.join(loaded.disabled)}"
    )
    return f"{describe.problems(loaded.problems)}\n{outcome}"


def _as_json(path: Path, loaded: Loaded) -> str:
    result = {
        "file": str(path),
        "good": not loaded.problems,
        "usable": loaded.config is not None,
        "left_out": sorted(loaded.disabled),
        "problems": [asdict(problem) for problem in loaded.problems],
    }
    return json.dumps(result, ensure_ascii=False, indent=2)
