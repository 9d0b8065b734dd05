"""Cooking timers as people see them, and what people do with them."""

from typing import TYPE_CHECKING

from gateway.audit.entry import Detail
from gateway.web.kitchen_errors import TooManyTimers, UnknownTimer
from gateway.web.rule_shapes import TimerView
from rules.cooking import KEY, MOST
from rules.cooks import TimerSeen, TimerSet, TimerStopped
from rules.kept import CookingTimer, Timer

if TYPE_CHECKING:
    from gateway.app import Gateway


def listed(gateway: "Gateway") -> list[TimerView]:
    """Those of people and those of rules, the first to end first."""
    ahead_ms = gateway.clock.wall() - gateway.clock.now()
    found = [
        view
        for key, entry in gateway.judging.state.entries.items()
        if (view := _view(key, entry, ahead_ms)) is not None
    ]
    return sorted(found, key=lambda view: (view.due, view.id))


async def start(gateway: "Gateway", event: TimerSet) -> TimerView:
    """Return once it is stored; raises TooManyTimers."""
    entries = gateway.judging.state.entries
    key = f"{KEY}{event.timer}"
    if key not in entries and sum(each.startswith(KEY) for each in entries) >= MOST:
        raise TooManyTimers
    gateway.judging.cook(event, gateway.clock.now())
    entry = gateway.judging.state.entries[key]
    detail: dict[str, Detail] = {"id": event.timer, "for_s": event.for_ms // 1000}
    gateway.audit.record("start_timer", event.label, by=event.by, detail=detail)
    await gateway.store.log.durable()
    view = _view(key, entry, gateway.clock.wall() - gateway.clock.now())
    assert view is not None  # noqa: S101 - it has just been made
    return view


async def end(gateway: "Gateway", event: TimerStopped | TimerSeen) -> None:
    """Return once it is stored; raises UnknownTimer."""
    entry = gateway.judging.state.entries.get(f"{KEY}{event.timer}")
    if not isinstance(entry, CookingTimer) or (isinstance(event, TimerSeen) and not entry.elapsed):
        raise UnknownTimer(event.timer)
    gateway.judging.cook(event, gateway.clock.now())
    action = "see_timer" if isinstance(event, TimerSeen) else "stop_timer"
    gateway.audit.record(action, entry.label, by=event.by, detail={"id": event.timer})
    await gateway.store.log.durable()


def _view(key: str, entry: object, ahead_ms: int) -> TimerView | None:
    name = key.partition("/")[2]
    match entry:
        case CookingTimer():
            return TimerView(
                id=name,
                label=entry.label,
                state="elapsed" if entry.elapsed else "running",
                since=entry.since + ahead_ms,
                due=entry.end + ahead_ms,
                by=entry.by,
            )
        case Timer():
            return TimerView(
                id=name,
                label=name,
                state="running",
                since=entry.since + ahead_ms,
                due=entry.due + ahead_ms,
                by="rule",
                stoppable=False,
            )
        case _:
            return None
