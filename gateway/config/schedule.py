"""Schedules as they are written: a time, a cron line, or a mapping with one of them."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from gateway.config.scalar import found
from gateway.config.times import Times, written
from gateway.config.typed import FLAW, Flaw, Spot
from gateway.config.yaml import Node, Scalar, Sequence
from rules.base import DurationS
from rules.days import WEEKDAYS, Days, On
from rules.occurrences import SunTime, Trigger, cron
from rules.schedule import CREDIBLE_MS, IfMissed, Schedule

_LATE_S = 3600.0
_WORDS_OF_A_TIME = 3  # sunset - 30min
_EXAMPLES = '{at: "22:00", days: mon-fri} or {cron: "*/15 8-22 * * *"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleKeys:
    """What a schedule has beside `cron`, `at` and `days`."""

    on: On = On.EVERY_DAY
    missed: IfMissed = IfMissed.ONCE
    late_within_s: Annotated[DurationS, "1..86400"] = _LATE_S


def schedule(times: Times, node: Node, spot: Spot) -> Schedule | Flaw:
    """One schedule; what is wrong with it goes to the report."""
    if isinstance(node, Scalar) and node.value is not None:
        key = "cron" if len(node.text.split()) > _WORDS_OF_A_TIME else "at"
        return _scheduled(times, key, node, spot, Days(), ScheduleKeys())
    tree = times.filler.map(node, spot)
    if tree is FLAW:
        return FLAW
    keys = times.section(tree, ScheduleKeys, spot, ("cron", "at", "days"))
    days = times.days(tree, FLAW if keys is FLAW else keys.on, spot)
    named = [key for key in ("cron", "at") if key in tree.entries]
    if len(named) != 1:
        message = f'expected either "at" or "cron", such as {_EXAMPLES}'
        times.report.add(spot.place, spot.path, message)
        return FLAW
    entry = tree.entries[named[0]]
    here = spot.at(named[0], entry.key)
    if keys is FLAW or days is FLAW:  # what else is wrong is said too
        _scheduled(times, named[0], entry.node, here, Days(), ScheduleKeys())
        return FLAW
    return _scheduled(times, named[0], entry.node, here, days, keys)


def _scheduled(
    times: Times, key: str, node: Node, spot: Spot, days: Days, keys: ScheduleKeys
) -> Schedule | Flaw:
    def read() -> Trigger:
        return (
            cron(written(node), times.zone, days) if key == "cron" else times.trigger_at(node, days)
        )

    trigger = times.tried(node, spot, read)
    if trigger is FLAW:
        return FLAW
    if trigger.after(trigger.order_at(CREDIBLE_MS.start)) is None:
        times.report.add(node.place, spot.path, f"got {found(node)}, which never comes")
        return FLAW
    return Schedule(
        trigger=trigger,
        of=f"{key} {_plain(node)} {_fingerprint(times, days, trigger)}",
        if_missed=keys.missed,
        late_within_ms=round(keys.late_within_s * 1000),
    )


def _plain(node: Node) -> str:
    nodes = node.items if isinstance(node, Sequence) else [node]
    return ", ".join(" ".join(written(one).split()) for one in nodes)


def _fingerprint(times: Times, days: Days, trigger: Trigger) -> str:
    """What else makes it the schedule it is; the zone does not."""
    chosen = ",".join(WEEKDAYS[day] for day in sorted(days.weekdays))
    site = times.site
    where = () if days.on is On.EVERY_DAY else (site.country, *site.holidays)
    sun = dataclasses.astuple(trigger.sun) if isinstance(trigger, SunTime) else ()
    return " ".join(str(part) for part in (chosen, days.on, *where, *sun))
