"""`kitchen-gateway user`: people and their passwords; a running gateway knows a change in seconds.

Whoever may write in the data folder owns the gateway, so nobody is asked for a password here.
"""

import json
import sys
from pathlib import Path

import click

from gateway.access import Access, Reach, Role, User
from gateway.cli.accounts import accounts, reach_options
from gateway.cli.options import data_option, json_option
from gateway.cli.table import table

_OWNER = User("console", Role.ADMIN, "console")


@click.group()
def user() -> None:
    """Let people in: by password, or by PIN on a paired tablet."""


@user.command()
@click.argument("name")
@click.option("--label", help="The name as people read it; default: NAME.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.STAFF.value,
    show_default=True,
    help="What they may do.",
)
@reach_options
@click.option("--pin", is_flag=True, help="Ask for a PIN instead of a password.")
@data_option
def add(  # noqa: PLR0913 - options of a command
    data: Path, name: str, label: str | None, role: str, zones: tuple[str, ...],
    devices: tuple[str, ...], *, pin: bool,
) -> None:  # fmt: skip
    """Make an account; asks for the password, or reads it from a pipe."""
    secret = _ask("PIN" if pin else "Password")
    password, number = ("", secret) if pin else (secret, "")

    async def work(access: Access) -> None:
        await access.people.add(
            _OWNER, name, label or name, Role(role),
            password=password, pin=number, reach=Reach(zones, devices),
        )  # fmt: skip

    accounts(data, work, f"{name} ({role}, {Reach(zones, devices)})")
    click.echo(f"{name} may log in as {role}")


@user.command(name="list")
@json_option
@data_option
def show(data: Path, *, as_json: bool) -> None:
    """Who has an account, and who has to wait after wrong tries."""

    async def work(access: Access) -> list[dict[str, object]]:
        return [
            {
                "id": it.id,
                "label": it.label,
                "role": it.role.value,
                "password": bool(it.password),
                "pin": bool(it.pin),
                "zones": list(it.reach.zones),
                "devices": list(it.reach.devices),
                "locked_s": access.people.locked_s(it.id),
            }
            for it in access.people.all()
        ]

    rows = accounts(data, work)
    if as_json:
        click.echo(json.dumps({"people": rows}, ensure_ascii=False))
        return
    shown = [tuple(_cell(value) for value in row.values()) for row in rows]
    heads = ("id", "label", "role", "password", "pin", "zones", "devices", "locked_s")
    click.echo(table(heads, shown))


@user.command()
@click.argument("name")
@data_option
def remove(data: Path, name: str) -> None:
    """Remove an account; whoever is logged in with it no longer is."""

    async def work(access: Access) -> None:
        await access.people.remove(_OWNER, name)
        await access.log_out_everywhere(name)

    accounts(data, work)
    click.echo(f"{name} is removed")


@user.command()
@click.argument("name")
@data_option
def passwd(data: Path, name: str) -> None:
    """Set a new password, which ends every wait and logs out everywhere."""
    password = _ask("Password")

    async def work(access: Access) -> None:
        await access.people.set_password(_OWNER, name, password)
        await access.log_out_everywhere(name)

    accounts(data, work)
    click.echo(f"{name} has a new password and is logged out everywhere")


@user.command()
@click.argument("name")
@data_option
def pin(data: Path, name: str) -> None:
    """Set a new PIN, which ends every wait and logs out of every tablet."""
    number = _ask("PIN")

    async def work(access: Access) -> None:
        await access.people.set_pin(_OWNER, name, number)
        await access.log_out_of_tablets(name)

    accounts(data, work)
    click.echo(f"{name} has a new PIN")


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@data_option
def role(data: Path, name: str, role: str) -> None:
    """Give another role, which logs out everywhere."""

    async def work(access: Access) -> None:
        await access.people.change(_OWNER, name, role=Role(role))
        await access.log_out_everywhere(name)

    accounts(data, work, f"{name} ({role})")
    click.echo(f"{name} is {role} from now on and is logged out everywhere")


@user.command()
@click.argument("name")
@data_option
def unlock(data: Path, name: str) -> None:
    """End the wait after wrong tries."""
    accounts(data, lambda access: access.people.unlock(_OWNER, name))
    click.echo(f"{name} may try again")


@user.command()
@data_option
def pair(data: Path) -> None:
    """Print a new pairing code, for the first admin to be made in the browser."""
    code = accounts(data, lambda access: access.create_pairing_code())
    click.echo(f"{code[:5]}-{code[5:]}   once, within 15 minutes")


def _ask(what: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt(what, hide_input=True, confirmation_prompt=True)
    return typed


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return " ".join(value)
    return f"{value:.0f}" if isinstance(value, float) and value else str(value or "")
