"""`kitchen-gateway dump`: the configuration in force, without a secret, for people and reports."""

import json
from pathlib import Path

import click

from gateway.cli.options import (
    FAILED,
    MISUSED,
    config_option,
    data_option,
    find_config,
    load_usable,
)

NAMES = ("current", "previous", "factory")


@click.command()
@config_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead of YAML.")
@click.option(
    "--generation",
    type=click.Choice(NAMES),
    help="Print one that was good before, as it was written, instead of the file.",
)
@click.option("--packs", is_flag=True, help="Print the rules that packs have become.")
@click.pass_context
def dump(
    context: click.Context,
    file: Path | None,
    data: Path,
    *,
    as_json: bool,
    generation: str | None,
    packs: bool,
) -> None:
    """Print the configuration that is in force: the file without what is left out of it.

    Secrets are references and stay so; anything else that looks like one is blacked out.
    """
    from gateway.config.load import load_text
    from gateway.config.texts import split
    from gateway.config.written import effective, expanded, plain, yaml_of

    path = find_config(file)
    if generation is None:
        loaded = load_usable(path)
    else:
        text = _kept(data, generation)
        if text is None:
            click.echo(f"kitchen-gateway: no {generation} configuration in {data}", err=True)
            context.exit(FAILED)
        loaded = load_text(text, path, proven=True)
        found = split(text)
        if not as_json and not packs and loaded.good and not found.parts:
            click.echo(found.main.decode(), nl=False)
            return
    tree = effective(loaded)
    if tree is None:
        context.exit(MISUSED)
    if packs and loaded.config is not None:
        tree = expanded(tree, loaded.config)
    if as_json:
        click.echo(json.dumps(plain(tree), ensure_ascii=False, indent=2))
    else:
        click.echo(yaml_of(tree), nl=False)


def _kept(data: Path, name: str) -> bytes | None:
    """The text of a generation, or None when there is none that fits its checksum."""
    from gateway.clock import SystemClock
    from gateway.store import generations
    from gateway.store.errors import StoreError
    from gateway.store.file import NAME, open_beside

    if not (data / NAME).exists():
        return None
    try:
        connection = open_beside(data, SystemClock())
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    with connection:
        found = generations.read(connection)
    connection.close()
    generation = getattr(found, name)
    return None if generation is None else generation.text
