"""`kitchen-gateway tls`: how a device comes to trust this gateway."""

import socket
from pathlib import Path

import click

from gateway.cli.options import FAILED, config_option, data_option, find_config, load_usable


@click.command()
@config_option
@data_option
@click.option("--host", help="Name or address devices reach it by; default: HOST.local.")
def tls(file: Path | None, data: Path, host: str | None) -> None:
    """Print the authority's fingerprint and a code that phones can read."""
    from gateway.tls.certificate import AUTHORITY, FOLDER, fingerprint
    from gateway.tls.code import address, as_text

    loaded = load_usable(find_config(file))
    web = loaded.web
    if web.tls != "own":
        meant = (
            "the site's own certificate"
            if web.tls == "files"
            else "plain HTTP: anybody on the wire reads and changes what is sent"
        )
        click.echo(f"web.tls is {web.tls}: {meant}")
        return
    try:
        shown = fingerprint((data / FOLDER / AUTHORITY).read_bytes())
    except (OSError, ValueError) as error:
        click.echo(
            f"kitchen-gateway: no authority in {data}: {error}; start the gateway once", err=True
        )
        raise SystemExit(FAILED) from error
    click.echo(f"SHA-256 {shown}")
    if web.plain_port is None:
        click.echo(f"Set web.plain_port for devices to get it, or copy {data / FOLDER / AUTHORITY}")
        return
    link = address(host or f"{socket.gethostname()}.local", web.plain_port, shown)
    click.echo(f"{link}\n{as_text(link)}")
