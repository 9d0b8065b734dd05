"""What `check` finds in rules that can be read: each file looks for one kind of mistake."""

from collections.abc import Callable, Iterator

from gateway.config.analysis import (
    comparison,
    conflict,
    cycle,
    hearing,
    order,
    period,
    procedure,
    reach,
    silence,
    today,
    words,
)
from gateway.config.analysis.base import Finding, Kitchen
from gateway.config.load import Loaded

ANALYSES: tuple[Callable[[Kitchen], Iterator[Finding]], ...] = (
    reach.find,
    comparison.find,
    order.find,
    cycle.find,
    conflict.find,
    silence.find,
    period.find,
    procedure.find,
    words.find,
    hearing.find,
    today.find,
)


def findings(loaded: Loaded, utc_ms: int | None = None) -> list[Finding]:
    """All of them in the order of the file; none of a configuration that cannot be used.

    With `utc_ms` also what may not come about on that day.
    """
    if loaded.config is None:
        return []
    kitchen = Kitchen(loaded, utc_ms)
    found = [finding for find in ANALYSES for finding in find(kitchen)]
    return sorted(found, key=lambda one: (one.line, one.column, one.path))
