"""`kitchen-gateway user`: people and their passwords; a running gateway knows a change in seconds.

Whoever may write in the data folder owns the gateway, so nobody is asked for a password here.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from gateway.access import Access, NotAllowed, Reach, Role, Unfit, User
from gateway.cli.options import FAILED, data_option, json_option
from gateway.cli.recorded import recorded
from gateway.cli.table import table

Result = TypeVar("Result")
_OWNER = User("console", Role.ADMIN, "console")
_zones = click.option("--zone", "zones", multiple=True, help="Only there; may be given again.")
_devices = click.option("--device", "devices", multiple=True, help="And this one; again for more.")


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
@_zones
@_devices
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

    _run(data, work)
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

    rows = _run(data, work)
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

    _run(data, work)
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

    _run(data, work)
    click.echo(f"{name} has a new password and is logged out everywhere")


@user.command()
@click.argument("name")
@data_option
def pin(data: Path, name: str) -> None:
    """Set a new PIN, which ends every wait."""
    number = _ask("PIN")
    _run(data, lambda access: access.people.set_pin(_OWNER, name, number))
    click.echo(f"{name} has a new PIN")


@user.command()
@click.argument("name")
@data_option
def unlock(data: Path, name: str) -> None:
    """End the wait after wrong tries."""
    _run(data, lambda access: access.people.unlock(_OWNER, name))
    click.echo(f"{name} may try again")


@user.command()
@data_option
def pair(data: Path) -> None:
    """Print a new pairing code, for the first admin to be made in the browser."""
    code = _run(data, lambda access: access.create_pairing_code())
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


def _run(data: Path, work: Callable[[Access], Awaitable[Result]]) -> Result:
    """What `work` gives of the accounts in that data folder; ends with 1 and the reason."""
    from gateway.clock import SystemClock
    from gateway.store.errors import StoreError
    from gateway.store.file import NAME, open_beside
    from gateway.store.people import StoredPeople
    from gateway.store.tokens import StoredTokens
    from gateway.store.worker import StoreWorker

    if not (data / NAME).exists():
        message = f"no gateway has run on the data folder {data}; name its folder with --data DIR"
        raise click.ClickException(message)

    about = str(click.get_current_context().params.get("name", ""))

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
