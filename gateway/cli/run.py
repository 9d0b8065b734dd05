"""`kitchen-gateway run`: the daemon."""

import asyncio
import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path

import click

from gateway.cli.options import (
    FAILED,
    config_option,
    data_option,
    find_config,
    load_usable,
    port_option,
)


@click.command()
@config_option
@data_option
@port_option
@click.option("--strict", is_flag=True, help="Exit with 2 on any error in the configuration.")
def run(file: Path | None, data: Path, port: int | None, strict: bool) -> None:
    """Run the gateway until it is told to stop."""
    from gateway.app import Options

    start_logging()
    live(file, data, Options(port=port), strict=strict)


def live(
    file: Path | None, data: Path, options: object, *, strict: bool = False, speed: float = 1.0
) -> None:
    """Start a gateway in this process; returns after an orderly stop, else exits with 1 or 2."""
    from gateway.app import CriticalFailure, Gateway, Options
    from gateway.clock import SystemClock
    from gateway.store.errors import StoreError
    from gateway.store.opening import Store

    assert isinstance(options, Options)  # noqa: S101 - kept out of the imports above
    loaded = load_usable(find_config(file), strict=strict)
    config = loaded.config
    assert config is not None  # noqa: S101 - load_usable exits
    clock = SystemClock(speed)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        store = Store(data, clock)
        gateway = Gateway(loaded, config, store, clock)
        gateway.build(options)
        await gateway.run(stop, options)

    try:
        asyncio.run(main())
    except (StoreError, ValueError) as error:
        click.echo(f"kitchen-gateway: {error}", err=True)
        raise SystemExit(FAILED) from error
    except CriticalFailure as error:
        click.echo(f"kitchen-gateway: {error} failed; outputs are safe", err=True)
        raise SystemExit(FAILED) from error


def start_logging() -> None:
    """One line a message to stderr; under systemd the journal adds the time itself.

    Of a crash, and of the watchdog's SIGABRT, the stacks of all threads are left there too.
    """
    faulthandler.enable()
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format=form if under_systemd else f"%(asctime)s {form}",
    )
