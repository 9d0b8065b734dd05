"""A trial on what an installation has stored: which rules, which stretch, and the report of it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.config.load import Loaded
from gateway.store.errors import StoreError
from gateway.store.past import Past, Stretch
from gateway.trial.report import Report, told
from gateway.trial.trial import Contender, NothingThere, run
from rules.base import looks_at

WARM_UP_MS = 86_400_000  # judged before the stretch, so that what stands at its beginning is known
USUAL_MS = 7 * 86_400_000  # the stretch where none is named: the last week there is

Show = Callable[[float], None]


def contender(loaded: Loaded, source: str) -> Contender:
    """The rules of a configuration that can be used."""
    # It is the daemon's own way to a judge, and it takes much of the daemon with it.
    from gateway.changeover import judge_of

    config = loaded.config
    assert config is not None  # noqa: S101 - the caller has seen to it
    judge = judge_of(config)
    points = {point for rule in config.rules for point in looks_at(rule).points}
    return Contender(source, judge, frozenset(points | judge.hearers.points))


def in_force(data: Path) -> bytes | None:
    """The text of the last configuration that ran without any problem; raises StoreError."""
    with closing(Past(data, Stretch(0, 0))) as past:
        return past.in_force()


def usual(data: Path, start: int | None, end: int | None) -> Stretch:
    """The stretch that is meant where an end is left open; raises StoreError."""
    if start is not None and end is not None:
        return Stretch(start, end)
    with closing(Past(data, Stretch(0, 0))) as past:
        reach = past.reach()
    newest = 0 if reach is None else reach.end
    end = max(newest, start or 0) if end is None else end
    return Stretch(max(0, end - USUAL_MS) if start is None else start, end)


def on_history(
    data: Path, contenders: Sequence[Contender], stretch: Stretch, zone: str, show: Show
) -> Report:
    """Try them on the stored history; raises StoreError, also where there is none."""
    early = Stretch(max(0, stretch.start - WARM_UP_MS), stretch.end)
    wanted = frozenset().union(*(each.points for each in contenders))
    with closing(Past(data, early, wanted)) as past:
        try:
            trial = run(contenders, past.pieces(), stretch, show)
        except NothingThere:
            raise StoreError(_nothing(stretch, past.reach(), zone)) from None
        report = told(contenders, trial, stretch, zone, past.points)
    damaged = [path.name for path in past.damaged]
    return msgspec.structs.replace(report, damaged=damaged, unreadable=past.unreadable)


def _nothing(stretch: Stretch, reach: Stretch | None, zone: str) -> str:
    asked = f"from {_shown(stretch.start, zone)} to {_shown(stretch.end, zone)}"
    if reach is None:
        return f"there is no history {asked}: nothing has been stored yet"
    there = f"from {_shown(reach.start, zone)} to {_shown(reach.end, zone)}"
    return f"there is no history {asked}; there is some {there}"


def _shown(at: int, zone: str) -> str:
    return f"{datetime.fromtimestamp(at / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M}"
