"""`kitchen-gateway reload`: have the running gateway take over the changed configuration."""

from pathlib import Path

import click

from gateway.cli import console
from gateway.cli.options import (
    FAILED,
    MISUSED,
    config_option,
    data_option,
    find_config,
    load_usable,
)


@click.command()
@config_option
@data_option
def reload(file: Path | None, data: Path) -> None:
    """Check the configuration, then have the running gateway go by it."""
    load_usable(find_config(file))
    try:
        outcome = console.ask(data, "POST", "/api/v1/config/reload")
    except console.NotRunning:
        click.echo(f"no gateway runs on {data}; it reads the file when it starts", err=True)
        raise SystemExit(FAILED) from None
    except click.ClickException as error:
        click.echo(f"kitchen-gateway: {error.message}", err=True)
        raise SystemExit(MISUSED) from error
    click.echo(f"{outcome['result']}; {len(outcome['problems'])} problems")
