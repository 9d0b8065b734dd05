"""The runs of one step: what a rule does once for each trigger, action by action."""

import msgspec

from rules.base import Action, Command, Mode, Note, Notify, Rule, SetMode, StartTimer, Wait
from rules.changes import Changes
from rules.events import Tell, Turned
from rules.kept import InMode, Run, Timer
from rules.outputs import Outputs
from rules.slots import Occupant

QUEUE_MOST = 10


class Runs:
    """Every run of the kitchen, as this step leaves it."""

    def __init__(self, changes: Changes, outputs: Outputs) -> None:
        self._changes = changes
        self._outputs = outputs

    def begin(self, rule: Rule, now: int) -> bool:
        """Run a rule's actions, or have that wait its turn; False: it runs and lets nobody in."""
        entry = self._changes.get(f"run/{rule.id}")
        if not isinstance(entry, Run) or rule.mode is Mode.RESTART:
            self._changes.put(f"run/{rule.id}", None)
            self._proceed(rule, Run(0, now, 0, self._changes.chain), now)
            return True
        if rule.mode is Mode.QUEUED and entry.waiting < QUEUE_MOST:
            waiting = msgspec.structs.replace(entry, waiting=entry.waiting + 1)
            self._changes.put(f"run/{rule.id}", waiting)
            return True
        self._changes.record("rule", {"rule": rule.id, "verb": "passed over"})
        return False

    def resume(self, rule: Rule, now: int) -> None:
        """Go on after a wait."""
        entry = self._changes.get(f"run/{rule.id}")
        if isinstance(entry, Run):
            self._changes.chain = entry.chain
            self._proceed(rule, entry, now)

    def _proceed(self, rule: Rule, run: Run, now: int) -> None:
        while True:
            for number, action in enumerate(rule.actions[run.action :], run.action + 1):
                if isinstance(action, Wait):
                    due = now + action.for_ms
                    waits = msgspec.structs.replace(run, action=number, due=due)
                    self._changes.put(f"run/{rule.id}", waits)
                    return
                self._act(rule, action, now)
            if not run.waiting:
                break
            run = msgspec.structs.replace(run, action=0, waiting=run.waiting - 1)
        if self._changes.get(f"run/{rule.id}") is not None:
            self._changes.put(f"run/{rule.id}", None)

    def _act(self, rule: Rule, action: Action, now: int) -> None:
        match action:
            case Command(actuator=actuator, value=value, slot=slot, expires_ms=expires_ms):
                until = None if expires_ms is None else now + expires_ms
                self._outputs.occupy(actuator, slot, Occupant(value, f"run/{rule.id}", until))
            case Notify(text=text, to=to):
                self._changes.effects.append(Tell(text, to, rule.id, rule.priority.value))
                self._changes.record("notice", {"rule": rule.id, "text": text, "to": to or None})
            case StartTimer(timer=timer, for_ms=for_ms):
                self._timer(timer, for_ms, now)
            case Note(text=text):
                self._changes.record("record", {"rule": rule.id, "text": text})
            case SetMode(mode=mode, value=value):
                switch(self._changes, mode, value, f"rule/{rule.id}", now)
            case Wait():
                raise AssertionError("a wait is no action of its own")

    def _timer(self, timer: str, for_ms: int, now: int) -> None:
        key = f"timer/{timer}"
        if for_ms:
            self._changes.put(key, Timer(now + for_ms, now))
            self._changes.record("timer", {"timer": timer, "verb": "start", "for_ms": for_ms})
        elif self._changes.get(key) is not None:
            self._changes.put(key, None)
            self._changes.record("timer", {"timer": timer, "verb": "stop"})


def switch(changes: Changes, mode: str, value: str, by: str, now: int) -> None:
    """Put the kitchen into another mode; nothing happens where it is in it."""
    before = changes.get(f"mode/{mode}")
    if isinstance(before, InMode) and before.value == value:
        return
    changes.put(f"mode/{mode}", InMode(value, now, by))
    changes.effects.append(Turned(mode, value))
    changes.record("mode", {"mode": mode, "value": value, "by": by})
