"""`kitchen-gateway reload`: have the running gateway take over the changed configuration."""

from pathlib import Path

import click

from gateway.cli import console
from gateway.cli.options import FAILED, MISUSED, config_option, data_option, find_config
from gateway.config import describe
from gateway.config.load import load


@click.command()
@config_option
@data_option
def reload(file: Path | None, data: Path) -> None:
    """Check the configuration, then have the running gateway go by it."""
    path = find_config(file)
    loaded = load(path)
    if loaded.problems:
        click.echo(describe.problems(loaded.problems), err=True)
    if loaded.config is None:
        click.echo(f"{path} cannot be used; a running gateway keeps what it has", err=True)
        raise SystemExit(MISUSED)
    try:
        outcome = console.ask(data, "POST", "/api/v1/config/reload")
    except console.NotRunning:
        click.echo(f"no gateway runs on {data}; it reads the file when it starts", err=True)
        raise SystemExit(FAILED) from None
    except click.ClickException as error:
        click.echo(f"kitchen-gateway: {error.message}", err=True)
        raise SystemExit(MISUSED) from error
    left_out = sorted({each["device"] for each in outcome["problems"] if each["device"]})
    click.echo(outcome["result"] + (f"; left out: {', '.join(left_out)}" if left_out else ""))
