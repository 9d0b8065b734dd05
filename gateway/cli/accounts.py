"""Changing who may do what beside a running gateway, which knows it in seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.access import Access, NotAllowed, Unfit
from gateway.cli.options import FAILED
from gateway.cli.recorded import recorded

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])


def reach_options(command: Command) -> Command:
    """`--zone ZONE --device DEVICE`, each as often as wanted, passed as `zones` and `devices`."""
    devices = click.option(
        "--device", "devices", multiple=True, help="And this one; again for more."
    )
    return click.option("--zone", "zones", multiple=True, help="Only there; again for more.")(
        devices(command)
    )


def accounts(data: Path, work: Callable[[Access], Awaitable[Result]], about: str = "") -> Result:
    """What `work` gives of who may do what in that data folder; ends with 1 and the reason.

    `about` is what the record says it was done to; without one the command's NAME.
    """
    from gateway.clock import SystemClock
    from gateway.store.errors import StoreError
    from gateway.store.file import NAME, open_beside
    from gateway.store.people import StoredPeople
    from gateway.store.tokens import StoredTokens
    from gateway.store.worker import StoreWorker

    if not (data / NAME).exists():
        message = f"no gateway has run on the data folder {data}; name its folder with --data DIR"
        raise click.ClickException(message)

    about = about or str(click.get_current_context().params.get("name", ""))

    async def main() -> Result:
        clock = SystemClock()
        worker = StoreWorker(open_beside(data, clock), "store-writer")
        tokens, people = StoredTokens(worker, worker), StoredPeople(worker, worker)
        try:
            await tokens.load()
            await people.load()
            async with recorded(worker, data, clock, about):
                return await work(Access(tokens, clock, people=people))
        finally:
            worker.close()

    try:
        return asyncio.run(main())
    except KeyError as error:
        raise click.ClickException(f"there is nobody called {error.args[0]}") from error
    except (Unfit, NotAllowed) as error:
        raise click.ClickException(str(error)) from error
    except StoreError as error:
        click.echo(f"kitchen-gateway: {error}", err=True)
        raise SystemExit(FAILED) from error
