"""`kitchen-gateway token`: secrets for programs; a running gateway knows a new one in seconds."""

from pathlib import Path

import click

from gateway.access import Access, Reach, Role
from gateway.access.person import check_reach
from gateway.cli.accounts import accounts, reach_options
from gateway.cli.options import data_option
from gateway.cli.table import table


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
@reach_options
def create(
    data: Path, role: str, name: str, days: int | None, zones: tuple[str, ...],
    devices: tuple[str, ...],
) -> None:  # fmt: skip
    """Create a token and print it; it is shown this once."""
    reach, life_s = Reach(zones, devices), days and days * 86_400.0

    async def work(access: Access) -> str:
        check_reach(reach)
        return await access.create_token(name, Role(role), life_s, reach)

    click.echo(accounts(data, work, f"{name} ({role}, {reach})"))


@token.command(name="list")
@data_option
def show(data: Path) -> None:
    """Which tokens there are, without their secrets."""

    async def work(access: Access) -> list[tuple[str, ...]]:
        return [
            (row.id, row.user, row.role.value, " ".join((*row.reach.zones, *row.reach.devices)))
            for row in access.tokens()
        ]

    click.echo(table(("id", "name", "role", "reach"), accounts(data, work)))


@token.command()
@click.argument("token_id")
@data_option
def withdraw(data: Path, token_id: str) -> None:
    """End a token; the id is that of `token list`."""

    async def work(access: Access) -> None:
        if not await access.withdraw_token(token_id):
            raise click.ClickException(f"there is no token {token_id}: see token list")

    accounts(data, work, token_id)
    click.echo(f"{token_id} is withdrawn")
