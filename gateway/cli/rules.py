"""`kitchen-gateway rules`: what edited rules would have done."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.export import moment
from gateway.cli.options import (
    FAILED,
    MISUSED,
    config_option,
    data_option,
    find_config,
    json_option,
)
from gateway.config import describe
from gateway.config.load import Loaded, load_rules, load_text

if TYPE_CHECKING:
    from gateway.trial.report import Report
    from gateway.trial.trial import Contender


@click.group()
def rules() -> None:
    """Try rules on what has happened."""


@rules.command()
@config_option
@data_option
@click.option("--from", "start", callback=moment, metavar="TIME", show_default="a week before --to",
              help="2026-11-21 or 2026-11-21T14:30+09:00; without an offset UTC.")  # fmt: skip
@click.option("--to", "end", callback=moment, metavar="TIME", show_default="the newest reading",
              help="Up to here, this moment left out.")  # fmt: skip
@click.option("--rules", "edited", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="The edited rules: a file with `rules:`, or a whole configuration.")  # fmt: skip
@click.option("--recording", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="A recorded CSV file instead of the history; a `replay` device has its"
              " columns.")  # fmt: skip
@json_option
def test(  # noqa: PLR0913 - one of each option
    file: Path | None,
    data: Path,
    start: int | None,
    end: int | None,
    edited: Path | None,
    recording: Path | None,
    as_json: bool,
) -> None:
    """Tell what edited rules would have done differently, with the readings that caused it.

    With --rules FILE its rules are compared with those of the configuration; without, those of the
    configuration with the last ones the gateway has proven. Works beside a running gateway, and
    changes nothing.
    """
    import msgspec

    from gateway.cli.difference import in_words
    from gateway.store.errors import StoreError

    if start is not None and end is not None and start >= end:
        raise click.BadParameter("must be before --to", param_hint="--from")
    loaded = _usable(find_config(file))
    try:
        if recording is None:
            report = _on_history(loaded, edited, data, (start, end))
        else:
            report = _on_recording(loaded, edited, recording, (start, end))
    except StoreError as error:
        click.echo(f"kitchen-gateway: {error}", err=True)
        raise SystemExit(FAILED) from error
    click.echo(
        msgspec.json.format(msgspec.json.encode(report)).decode() if as_json else in_words(report)
    )


def _usable(path: Path) -> Loaded:
    """A configuration as it stands; files and secrets it names need not be there for this."""
    try:
        text = path.read_bytes()
    except OSError as error:
        click.echo(f"{path}: cannot be read: {error.strerror}", err=True)
        raise SystemExit(MISUSED) from error
    return _sound(load_text(text, path, proven=True))


def _sound(loaded: Loaded) -> Loaded:
    """Print its problems; exits with 2 when nothing can be judged by it."""
    if loaded.problems:
        click.echo(describe.problems(loaded.problems), err=True)
    if loaded.config is None:
        click.echo(f"{loaded.file} cannot be used; nothing was tried.", err=True)
        raise SystemExit(MISUSED)
    return loaded


def _contenders(loaded: Loaded, edited: Path | None, kept: bytes | None) -> "list[Contender]":
    """Those in force and those to be tried; one alone where they are the same."""
    from gateway.trial.stored import contender

    if edited is not None:
        try:
            text = edited.read_bytes()
        except OSError as error:
            click.echo(f"{edited}: cannot be read: {error.strerror}", err=True)
            raise SystemExit(MISUSED) from error
        after = _sound(load_rules(text, edited, loaded))
        return [contender(loaded, str(loaded.file)), contender(after, str(edited))]
    before = None if kept is None else load_text(kept, loaded.file, proven=True)
    now = contender(loaded, str(loaded.file))
    if before is None or before.content_hash == loaded.content_hash:
        return [now]
    if before.config is None:
        message = "the last rules proven cannot be used any more; there is nothing to compare with"
        click.echo(message, err=True)
        return [now]
    return [contender(before, "the last ones proven"), now]


def _on_history(
    loaded: Loaded, edited: Path | None, data: Path, ends: tuple[int | None, int | None]
) -> "Report":
    from gateway.cli.progress import progress
    from gateway.trial import stored

    contenders = _contenders(loaded, edited, stored.in_force(data))
    assert loaded.config is not None  # noqa: S101 - `_sound` exits
    zone = loaded.config.site.zone
    with progress() as show:
        return stored.on_history(data, contenders, stored.usual(data, *ends), zone, show)


def _on_recording(
    loaded: Loaded, edited: Path | None, file: Path, ends: tuple[int | None, int | None]
) -> "Report":
    from gateway.cli.progress import progress
    from gateway.trial import recorded

    contenders = _contenders(loaded, edited, None)
    assert loaded.config is not None  # noqa: S101 - `_sound` exits
    found = recorded.find(loaded.config, file)
    with progress() as show:
        return recorded.on_recording(found, loaded.config, contenders, ends, show)
