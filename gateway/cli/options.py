"""The options and exits that commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.config import describe
from gateway.config.load import Loaded, load

PLACES = (Path("config.yaml"), Path("/etc/kitchen-gateway/config.yaml"))
FAILED, MISUSED = 1, 2  # exit codes; 0 is done

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """`--config FILE`, passed as `file`; None means look in the usual places."""
    return click.option(
        "--config",
        "file",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Default: ./config.yaml, then /etc/kitchen-gateway/config.yaml.",
    )(command)


def data_option(command: Command) -> Command:
    """`--data DIR`: where `gateway.db` lies."""
    return click.option(
        "--data",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("data"),
        show_default=True,
        envvar="STATE_DIRECTORY",
        help="Where the gateway keeps its data.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def port_option(command: Command) -> Command:
    """`--port N`: instead of `web.port`."""
    return click.option(
        "--port", type=click.IntRange(0, 65535), help="Port of the page, instead of web.port."
    )(command)


def find_config(file: Path | None) -> Path:
    """The configuration file meant."""
    return file or next((place for place in PLACES if place.exists()), PLACES[0])


def load_usable(path: Path, *, strict: bool = False) -> Loaded:
    """Load a configuration and print its problems; exits with 2 when it cannot be used."""
    loaded = load(path)
    if loaded.problems:
        click.echo(describe.problems(loaded.problems), err=True)
    if loaded.config is None or (strict and loaded.problems):
        click.echo(f"{path} cannot be used; nothing was started.", err=True)
        raise SystemExit(MISUSED)
    return loaded
