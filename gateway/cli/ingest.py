"""`kitchen-gateway ingest`: the reference receiver, to SQLite."""

import asyncio
import signal
from pathlib import Path

import click

from gateway.cli.run import start_logging


@click.command()
@click.option("--url", required=True, metavar="URL", help="mqtt://host:1883 or mqtts://host:8883")
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("cloud.db"),
    show_default=True,
    help="Where the rows go.",
)
@click.option("--username", help="Of the broker.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the broker's password.",
)
@click.option("--ca-file", help="Certificate authority of the broker, PEM.")
def ingest(
    url: str,
    database: Path,
    username: str | None,
    password_file: Path | None,
    ca_file: str | None,
) -> None:
    """Receive what gateways send, store every row once, and acknowledge it."""
    from gateway.buses.mqtt import Broker
    from gateway.clock import SystemClock
    from gateway.sync import ingest as receiver

    start_logging()
    password = password_file.read_text().strip() if password_file else None
    try:
        broker = Broker.from_url(url, username=username, password=password, ca_file=ca_file)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error

    async def main() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await receiver.ingest(broker, database, SystemClock(), stop)

    asyncio.run(main())
