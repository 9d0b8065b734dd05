"""Cooking timers: people start them, each comes to its end at its instant, and somebody sees it.

An entry of the state for each, `cooking/<id>`, so that none is forgotten at a power cut. One that
has come to its end stays until somebody has seen it.
"""

import msgspec

from rules.changes import Changes
from rules.cooks import ByCooks, TimerSeen, TimerSet, TimerStopped
from rules.kept import CookingTimer

KEY = "cooking/"
MOST = 64  # at work or waiting to be seen; one more is refused


def take(changes: Changes, event: ByCooks, now: int) -> None:
    """What a person does; nothing where there is no such timer, or it has not come to its end."""
    key = f"{KEY}{event.timer}"
    changes.chain = (f"person {event.by}",)
    match event:
        case TimerSet(label=label, for_ms=for_ms, by=by):
            timer = CookingTimer(label=label, since=now, end=now + for_ms, by=by)
            changes.put(key, timer)
            _record(changes, event.timer, timer, "start", by=by, for_ms=for_ms)
        case TimerStopped(by=by):
            found = changes.get(key)
            if isinstance(found, CookingTimer):
                changes.put(key, None)
                _record(changes, event.timer, found, "stop", by=by)
        case TimerSeen(by=by):
            found = changes.get(key)
            if isinstance(found, CookingTimer) and found.elapsed:
                changes.put(key, None)
                _record(changes, event.timer, found, "acknowledge", by=by)


def fire(changes: Changes, name: str) -> None:
    """A timer has come to its end."""
    key = f"{KEY}{name}"
    timer = changes.get(key)
    if isinstance(timer, CookingTimer):
        changes.put(key, msgspec.structs.replace(timer, elapsed=True))
        _record(changes, name, timer, "elapsed", by=timer.by)


def _record(changes: Changes, name: str, timer: CookingTimer, verb: str, **more: object) -> None:
    changes.record("timer", {"timer": name, "label": timer.label, "verb": verb, **more})
