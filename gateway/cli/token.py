"""`kitchen-gateway token`: secrets for programs; a running gateway knows a new one in seconds."""

import asyncio
from pathlib import Path

import click

from gateway.access import Access, Role
from gateway.cli.options import FAILED, data_option
from gateway.cli.recorded import recorded


@click.group()
def token() -> None:
    """Let programs in: `Authorization: Bearer TOKEN`."""


@token.command()
@data_option
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help="What it may do.",
)
@click.option("--name", default="api", show_default=True, help="Who it is for; shown in records.")
@click.option("--days", type=click.IntRange(1, 3650), help="Valid for so long; default: for ever.")
def create(data: Path, role: str, name: str, days: int | None) -> None:
    """Create a token and print it; it is shown this once."""
    from gateway.clock import SystemClock
    from gateway.store.errors import StoreError
    from gateway.store.file import NAME, open_beside
    from gateway.store.tokens import StoredTokens
    from gateway.store.worker import StoreWorker

    if not (data / NAME).exists():
        message = f"no gateway has run on the data folder {data}; name its folder with --data DIR"
        raise click.ClickException(message)

    async def make() -> str:
        clock = SystemClock()
        worker = StoreWorker(open_beside(data, clock), "store-writer")
        access = Access(StoredTokens(worker, worker), clock)
        try:
            async with recorded(worker, data, clock, f"{name} ({role})"):
                return await access.create_token(name, Role(role), days and days * 86_400.0)
        finally:
            worker.close()

    try:
        click.echo(asyncio.run(make()))
    except StoreError as error:
        click.echo(f"kitchen-gateway: {error}", err=True)
        raise SystemExit(FAILED) from error
