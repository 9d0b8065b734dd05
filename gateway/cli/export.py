"""`kitchen-gateway export`: readings as CSV, whole or not at all."""

import csv
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from gateway.cli.options import FAILED, data_option
from gateway.cli.progress import progress

if TYPE_CHECKING:
    from gateway.store.export import Export, Part

HEADER = ("time", "point", "value", "unit", "reason")
# A table calculation runs a cell that begins like this; a number may begin with a sign.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def moment(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """UTC ms of what was typed."""
    from gateway import instant

    try:
        return None if text is None else instant.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command()
@data_option
@click.option("--point", "points", multiple=True, metavar="ID",
              help="Only this point, such as walk_in/temperature; may be given again.")  # fmt: skip
@click.option("--from", "start", callback=moment, metavar="TIME", default="0", show_default="all",
              help="2026-11-21 or 2026-11-21T14:30+09:00; without an offset UTC.")  # fmt: skip
@click.option("--to", "end", callback=moment, metavar="TIME", show_default="all",
              help="Up to here, this moment left out.")  # fmt: skip
@click.option("--output", "-o", default="-", show_default=True, metavar="FILE",
              help="Where to; - is the terminal or a pipe.")  # fmt: skip
def export(data: Path, points: tuple[str, ...], start: int, end: int | None, output: str) -> None:
    """Write readings as CSV, while the gateway runs or not.

    Columns: time (UTC), point, value, unit, reason (empty: good). A reading without a value is in
    there too, with why. Hours come in order, in each of them one point after the other; what the
    log has and the history has not yet comes last.
    """
    from gateway.instant import LATEST_MS
    from gateway.store.errors import StoreError
    from gateway.store.export import Export

    end = LATEST_MS if end is None else end
    if start >= end:
        raise click.BadParameter("must be before --to", param_hint="--from")
    try:
        reading = Export(data, points, start, end)
        with closing(reading), _opened(output) as file:
            count = _write(reading, file, start, end)
    except StoreError as error:
        raise _failure(str(error)) from error
    except BrokenPipeError:
        # Who read us has seen enough; Python would say so once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except OSError as error:
        raise _failure(f"{output}: {_why(error)}; nothing was written") from error
    if reading.damaged:
        names = ", ".join(path.name for path in reading.damaged)
        raise _failure(f"{count:,} readings written, but {names} is damaged and left out")
    click.echo(f"{count:,} readings", err=True)


def _write(reading: "Export", file: TextIO, start: int, end: int) -> int:
    writer = csv.writer(file)
    writer.writerow(HEADER)
    count = 0
    with progress() as show:
        for part in reading.parts():
            for row in _rows(part, start, end):
                writer.writerow(row)
                count += 1
            show(part.done)
    return count


def _rows(part: "Part", start: int, end: int) -> Iterator[tuple[str, ...]]:
    from gateway.instant import written
    from gateway.store.rollup import HOUR_MS, level

    base = part.hour * HOUR_MS
    point, unit = _safe(part.point), _safe(part.unit)
    for after, value, code in zip(*part.columns, strict=True):
        at = base + after
        if start <= at < end:
            yield written(at), point, _cell(value), unit, level(code) or ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _safe(value)
    from gateway.store.log import shortest

    return str(shortest(value))


def _safe(text: str) -> str:
    """A text that no table calculation takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


@contextmanager
def _opened(output: str) -> Iterator[TextIO]:
    """The terminal, or a file that is there under its name only once it is whole."""
    if output == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(output)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; make room on it, or name a file on another one"
    return error.strerror or str(error)


def _failure(message: str) -> SystemExit:
    click.echo(f"kitchen-gateway: {message}", err=True)
    return SystemExit(FAILED)
