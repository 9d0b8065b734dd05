"""How far long work is, on a terminal; nothing where nobody looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress() -> Iterator["Show"]:
    """A line on the terminal, gone once the work has ended."""
    show = Show(shown=sys.stderr.isatty())
    yield show
    show.end()


class Show:
    """Called with the share that is done, 0 to 1."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._last = -1

    def __call__(self, done: float) -> None:
        percent = min(100, int(done * 100))
        if self._shown and percent != self._last:
            self._last = percent
            click.echo(f"\r{percent:3} %", nl=False, err=True)

    def end(self) -> None:
        if self._shown and self._last >= 0:
            click.echo("\r      \r", nl=False, err=True)
