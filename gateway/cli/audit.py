"""`kitchen-gateway audit`: who did what, and whether anybody has changed the record of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import FAILED, data_option, json_option

if TYPE_CHECKING:
    from gateway.audit.key import Key
    from gateway.audit.verify import Known, Report

_HEX = 64


@click.group()
def audit() -> None:
    """Who did what, in a chain that cannot be changed unseen."""


@audit.command()
@data_option
@json_option
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="N:HASH",
    help="What the cloud knows: entry N had this hash. May be repeated.",
)
@click.option(
    "--key",
    "publics",
    multiple=True,
    metavar="HEX",
    help="A public key to trust besides that of the data folder, such as the cloud knows it.",
)
def verify(data: Path, heads: Sequence[str], publics: Sequence[str], *, as_json: bool) -> None:
    """Go through the whole chain; ends with 1 when anything in it was changed.

    It may run beside the gateway.
    """
    from gateway.audit import verify as verifying
    from gateway.store import audit_file
    from gateway.store.errors import StoreError

    known = [_known(head) for head in heads]
    trusted = [_public(public) for public in publics]
    try:
        with audit_file.opened(data, known) as stored:
            report = verifying.verify(stored, _key(data), trusted)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo(_as_json(report) if as_json else _as_text(report))
    raise SystemExit(FAILED if report.findings else 0)


@audit.command()
@data_option
@json_option
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--before", type=click.IntRange(1), help="Only entries before this number.")
def show(data: Path, count: int, before: int | None, *, as_json: bool) -> None:
    """The last entries, newest first."""
    from gateway.audit.lines import line_of
    from gateway.store import audit_file
    from gateway.store.errors import StoreError

    try:
        rows = audit_file.last(data, before, count)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    for row in rows:
        if as_json:
            body = row.body.decode(errors="replace")
            click.echo(json.dumps({"n": row.n, "hash": row.hash.hex(), "entry": body}))
        else:
            click.echo(line_of(row))


def _key(data: Path) -> "Key | None":
    from gateway.audit import key as keys

    try:
        return keys.read(data)
    except (keys.KeyDamaged, OSError) as error:
        raise click.ClickException(str(error)) from error


def _known(text: str) -> "Known":
    from gateway.audit.verify import Known

    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdecimal() and _is_hex(digest)):
        message = f"--head {text}: expected N:HASH, the number of an entry and 64 hex digits"
        raise click.UsageError(message)
    return Known(int(number), digest.lower(), "the cloud")


def _public(text: str) -> bytes:
    if not _is_hex(text):
        message = f"--key {text}: expected a public key of 64 hex digits"
        raise click.UsageError(message)
    return bytes.fromhex(text)


def _is_hex(text: str) -> bool:
    return len(text) == _HEX and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _as_json(report: "Report") -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(report) | {"sound": not report.findings})


def _as_text(report: "Report") -> str:
    lines = [what if n is None else f"entry {n}: {what}" for n, what in report.findings]
    if report.more:
        lines.append(f"and {report.more} more")
    counted = f"{report.entries} entries, {report.checkpoints} checkpoints"
    key = f"key {report.key}" if report.key else "no key"
    if lines:
        return "\n".join([*lines, f"The chain was changed ({counted}, {key})."])
    return f"The chain is whole: {counted}, last entry {report.last}, {key}."
