"""How well alarms serve the kitchen: the figures of EEMUA 191 and ANSI/ISA-18.2 over event rows.

An alarm counts when people saw it raised, so not while it was hidden. Targets: about 1 in 10
minutes is manageable and 144 to 150 a day acceptable; more than 10 in 10 minutes is a flood until
fewer than 5 come; priorities about 5 % high, 15 % medium, 80 % low (EEMUA 191; ISA-18.2 of 2009,
IEC 62682); 3 or more raises of one alarm in a minute are chattering; 24 h standing is stale.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rules.announcing import CHATTER_FROM, CHATTER_MS, FLOOD_BELOW, FLOOD_FROM, FLOOD_MS

HOUR_MS = 3_600_000
STALE_MS = 24 * HOUR_MS
TOP = 10


class Flood(msgspec.Struct, frozen=True):
    """More alarms than people can follow; `end` is None while it lasts. UTC ms."""

    start: int = msgspec.field(name="from")
    end: int | None = msgspec.field(name="to")
    alarms: int


class Often(msgspec.Struct, frozen=True):
    """One of the alarms that come most often, and its share of all."""

    id: str
    count: int
    share: float


class Chatter(msgspec.Struct, frozen=True):
    """An alarm that came and went; `most` raises in one minute."""

    id: str
    most: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between two moments; rates are None over no time, times None of no alarm."""

    raised: int
    per_hour: float | None
    most_in_10_min: int
    flood_share: float | None  # of the time
    floods: Sequence[Flood]
    chattering: Sequence[Chatter]
    stale: Sequence[str]
    top: Sequence[Often]
    priorities: Mapping[str, int]
    acknowledged: int
    acknowledge_mean_s: float | None
    shelved: int
    suppressed: int


class AlarmRow(msgspec.Struct, frozen=True):
    """One event of an alarm; `at` is UTC ms."""

    at: int
    id: str
    verb: str
    state: str
    priority: str


def figures(
    rows: Iterable[AlarmRow], start: int, end: int, standing: Mapping[str, int] | None = None
) -> Figures:
    """The figures of the events from `start` up to `end`, which are in order; all UTC ms.

    `standing` says since when each alarm stands now: what began before `start` is stale as well.
    """
    rows = list(rows)
    raises = [row for row in rows if row.verb == "raise" and row.state == "unacknowledged"]
    times = [row.at for row in raises]
    floods = _floods(times)
    hours = (end - start) / HOUR_MS
    flooded = sum((end if it.end is None else min(it.end, end)) - it.start for it in floods)
    counts = Counter(row.id for row in raises)
    waits_ms = _waits_ms(rows)
    return Figures(
        raised=len(raises),
        per_hour=round(len(raises) / hours, 2) if hours > 0 else None,
        most_in_10_min=_most_within(times, FLOOD_MS),
        flood_share=round(flooded / (end - start), 4) if hours > 0 else None,
        floods=[it if it.end is None or it.end <= end else _open(it) for it in floods],
        chattering=_chattering(raises),
        stale=_stale(rows, standing or {}, end),
        top=[Often(name, n, round(n / len(raises), 3)) for name, n in counts.most_common(TOP)],
        priorities=dict(Counter(row.priority for row in raises)),
        acknowledged=len(waits_ms),
        acknowledge_mean_s=round(sum(waits_ms) / len(waits_ms) / 1000, 1) if waits_ms else None,
        shelved=sum(1 for row in rows if row.verb == "shelve"),
        suppressed=sum(1 for row in rows if row.verb == "raise" and row.state == "suppressed"),
    )


def _open(flood: Flood) -> Flood:
    return Flood(flood.start, None, flood.alarms)


def _floods(times: Sequence[int]) -> list[Flood]:
    """From the alarm that is too much to the moment fewer than five are left in the window."""
    floods: list[Flood] = []
    window: deque[int] = deque()
    start, count = None, 0
    for at in times:
        ends = window[-FLOOD_BELOW] + FLOOD_MS if len(window) >= FLOOD_BELOW else at
        if start is not None and ends <= at:
            floods.append(Flood(start, ends, count))
            start = None
        window.append(at)
        while window[0] <= at - FLOOD_MS:
            window.popleft()
        count += 1
        if start is None and len(window) >= FLOOD_FROM:
            start, count = at, len(window)
    if start is not None:
        floods.append(Flood(start, window[-FLOOD_BELOW] + FLOOD_MS, count))
    return floods


def _most_within(times: Sequence[int], span_ms: int) -> int:
    most = 0
    window: deque[int] = deque()
    for at in times:
        window.append(at)
        while window[0] <= at - span_ms:
            window.popleft()
        most = max(most, len(window))
    return most


def _chattering(raises: Sequence[AlarmRow]) -> list[Chatter]:
    by_alarm: dict[str, list[int]] = {}
    for row in raises:
        by_alarm.setdefault(row.id, []).append(row.at)
    most = {name: _most_within(times, CHATTER_MS) for name, times in by_alarm.items()}
    found = [Chatter(name, count) for name, count in most.items() if count >= CHATTER_FROM]
    return sorted(found, key=lambda it: (-it.most, it.id))


def _stale(rows: Sequence[AlarmRow], standing: Mapping[str, int], end: int) -> list[str]:
    """The alarms that have stood for a day or more, at the end or in between."""
    since = {name: at for name, at in standing.items() if at < end}
    stale: set[str] = set()
    for row in rows:
        if row.verb == "raise":
            since.setdefault(row.id, row.at)
        elif row.verb in ("return", "clear") and row.at - since.pop(row.id, row.at) >= STALE_MS:
            stale.add(row.id)
    stale |= {name for name, at in since.items() if end - at >= STALE_MS}
    return sorted(stale)


def _waits_ms(rows: Sequence[AlarmRow]) -> list[int]:
    """How long each alarm that was acknowledged had waited for it."""
    since: dict[str, int] = {}
    waits = []
    for row in rows:
        if row.verb == "raise" and row.state == "unacknowledged":
            since.setdefault(row.id, row.at)
        elif row.verb == "acknowledge" and row.id in since:
            waits.append(row.at - since.pop(row.id))
        elif row.verb in ("clear", "shelve", "remove"):
            since.pop(row.id, None)
    return waits
