"""`kitchen-gateway run`: the daemon."""

import asyncio
import errno
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import (
    FAILED,
    config_option,
    data_option,
    find_config,
    load_usable,
    port_option,
)

if TYPE_CHECKING:
    from gateway.app import Gateway, LoadServing, Options
    from gateway.serving import Serving


@click.command()
@config_option
@data_option
@port_option
@click.option("--strict", is_flag=True, help="Exit with 2 on any error in the configuration.")
@click.option(
    "--announce",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A service file of Avahi's, kept so that the page is found by name on the LAN.",
)
def run(
    file: Path | None, data: Path, port: int | None, strict: bool, announce: Path | None
) -> None:
    """Run the gateway until it is told to stop."""
    from gateway.app import Options

    start_logging()
    live(file, data, Options(port=port, announce=announce), strict=strict)


def load_serving() -> "Callable[[Gateway, Options], Serving]":
    """Import the page, the uplink and the forecasts; it takes longer than all before it."""
    from gateway.loading import load_aiohttp

    load_aiohttp()
    from gateway.serving import Serving

    return Serving


def live(
    file: Path | None,
    data: Path,
    options: "Options",
    *,
    strict: bool = False,
    speed: float = 1.0,
    load_serving: "LoadServing" = load_serving,
) -> None:
    """Start a gateway in this process; returns after an orderly stop, else exits with 1 or 2."""
    from gateway.app import Gateway
    from gateway.clock import PacedClock, SystemClock
    from gateway.store.errors import StoreError
    from gateway.store.opening import Store
    from gateway.supervision import CriticalFailure

    path = find_config(file)
    if strict:
        load_usable(path, strict=True)
    clock = SystemClock() if speed == 1.0 else PacedClock(speed)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        gateway = Gateway(path, Store(data, clock), clock, options)
        loop.add_signal_handler(signal.SIGHUP, _hung_up, gateway, stop)
        gateway.changeover.begin(gateway.configuration.read())
        await gateway.run(stop, load_serving)

    try:
        asyncio.run(main())
    except StoreError as error:
        click.echo(f"kitchen-gateway: {error}", err=True)
        raise SystemExit(FAILED) from error
    except CriticalFailure as error:
        click.echo(f"kitchen-gateway: {error} failed; outputs are safe", err=True)
        raise SystemExit(FAILED) from error


def _hung_up(gateway: "Gateway", stop: asyncio.Event) -> None:
    """SIGHUP: take the file over, unless it means that the terminal we run in was closed."""
    try:
        os.tcgetpgrp(sys.stderr.fileno())
    except OSError as error:
        if error.errno == errno.EIO:
            stop.set()
            return
    gateway.reloading.ask_soon("SIGHUP")


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
