"""Whom a step has told of which alarms: at once, gathered, or up a ladder."""

from collections.abc import Collection, Iterable, Sequence

from rules import announcing, escalation
from rules.alarm import Alarm, Verb
from rules.announcing import Announcing, Burst
from rules.base import Priority
from rules.changes import Changes
from rules.escalation import Escalation
from rules.events import Announce
from rules.plan import AlarmPlan

BOOK = "announcing/alarms"
MEMBERS_MAX = 50  # named in one message; `more` counts the others
_URGENCY = {priority: rank for rank, priority in enumerate(Priority)}


class Telling:
    """The announcements and escalations of the kitchen, as this step leaves them."""

    def __init__(self, plan: AlarmPlan, changes: Changes) -> None:
        self._plan = plan
        self._changes = changes

    def raised(self, alarm_id: str, priority: Priority, now: int) -> bool:
        """Take a raise down; whether people are told of it now."""
        before = self._book()
        book = announcing.noted(before, alarm_id, now)
        at = announcing.when(book, alarm_id, priority, self._burst(alarm_id), now)
        self._tell_of_crowd(before, book, alarm_id)
        if at <= now:
            book = announcing.told(book, [alarm_id], now)
        else:
            book = announcing.held(book, alarm_id, min(at, book.held.get(alarm_id, at)))
        self._keep(book)
        return at <= now

    def begin(self, alarms: Sequence[str], now: int, reason: str) -> None:
        """Tell of these, and go on until somebody acknowledges, where a ladder says so.

        One that comes back before anybody has acknowledged goes on where its ladder stands: begun
        anew each time, an alarm that comes and goes would never reach the second step.
        """
        by_ladder: dict[str, list[str]] = {}
        for name in alarms:
            ladder, running = self._plan.ladder(name), self._changes.get(f"escalation/{name}")
            if not isinstance(running, Escalation) or running.ladder != ladder:
                by_ladder.setdefault(ladder, []).append(name)
        for ladder, names in by_ladder.items():
            if not ladder:
                self._announce(names, "", 0, reason)
                continue
            for name in names:
                self._changes.put(f"escalation/{name}", Escalation(ladder, now, 0, now))
            self.climb(names[0], now, reason)

    def climb(self, alarm_id: str, at: int, reason: str = "escalation") -> None:
        """Tell those on the next rung, once for all alarms that have come so far together."""
        entry = self._changes.get(f"escalation/{alarm_id}")
        if not isinstance(entry, Escalation) or entry.due is None or entry.due > at:
            return
        ladder = self._plan.ladders.get(entry.ladder)
        names = self._beside(entry)
        for name in names:
            then = None if ladder is None else escalation.climbed(entry, ladder, at)
            self._changes.put(f"escalation/{name}", then)
        if ladder is not None:
            self._announce(names, escalation.rung(entry, ladder).to, entry.step, reason)

    def release(self, at: int) -> None:
        """Tell of what was held back until now; floods and chattering end."""
        before = self._book()
        book = announcing.calmed(before, at)
        self._tell_of_calm(before, book)
        ready = {name for name, due in book.held.items() if due <= at}
        ready |= {name for one in ready for name in self._plan.group(one) if name in book.held}
        waiting = self._ranked(name for name in ready if self._waits(name))
        self._keep(announcing.told(announcing.dropped(book, ready), waiting, at))
        if waiting:
            self.begin(waiting, at, "gathered")

    def over(self, alarm_id: str) -> None:
        """Nobody has to be told of an alarm any more."""
        if self._changes.get(f"escalation/{alarm_id}") is not None:
            self._changes.put(f"escalation/{alarm_id}", None)
        book = self._book()
        left = announcing.dropped(book, [alarm_id])
        if left is not book:
            self._keep(left)

    def first_out(self, alarm_id: str) -> str:
        """The alarm that began the burst of its group; itself where none stands or waits."""
        members = self._burst_alarms(alarm_id)
        if members is None:
            return ""
        began = min(((alarm.since, name) for name, alarm in members.items()), default=None)
        return alarm_id if began is None else members[began[1]].first_out or began[1]

    def _burst(self, alarm_id: str) -> Burst | None:
        members = self._burst_alarms(alarm_id)
        if members is None:
            return None
        return Burst({name: alarm.priority for name, alarm in members.items()})

    def _burst_alarms(self, alarm_id: str) -> dict[str, Alarm] | None:
        """The other alarms of its group that people see; None for one without a group."""
        group = self._plan.group(alarm_id)
        if not group:
            return None
        entries = {name: self._alarm(name) for name in group if name != alarm_id}
        return {name: it for name, it in entries.items() if it is not None and not it.hidden}

    def _tell_of_crowd(self, before: Announcing, book: Announcing, alarm_id: str) -> None:
        """A flood begins, or an alarm begins to chatter: told once."""
        if book.flood_since is not None and before.flood_since is None:
            recent = list(dict.fromkeys(name for _, name in book.raises))
            data = {"code": "alarm_flood", "standing": True, "count": len(book.raises)}
            self._changes.record("system", data)
            self._announce(recent, "", 0, "flood")
        if alarm_id in book.chattering and alarm_id not in before.chattering:
            data = {"code": "alarm_chatter", "standing": True, "alarm": alarm_id}
            self._changes.record("system", data)
            alarm = self._alarm(alarm_id)
            if alarm is not None and alarm.priority is not Priority.LIFE:
                self._announce([alarm_id], "", 0, "chatter")

    def _tell_of_calm(self, before: Announcing, book: Announcing) -> None:
        if before.flood_since is not None and book.flood_since is None:
            self._changes.record("system", {"code": "alarm_flood", "standing": False})
        for name in sorted(before.chattering.keys() - book.chattering.keys()):
            data = {"code": "alarm_chatter", "standing": False, "alarm": name}
            self._changes.record("system", data)

    def _beside(self, entry: Escalation) -> list[str]:
        """The alarms that are as far up the same ladder at the same instant."""
        keys = {*self._changes.state.timers, *self._changes.entries}
        names = (key.removeprefix("escalation/") for key in keys if key.startswith("escalation/"))
        return self._ranked(name for name in names if self._as_far(name, entry))

    def _as_far(self, alarm_id: str, entry: Escalation) -> bool:
        other = self._changes.get(f"escalation/{alarm_id}")
        return isinstance(other, Escalation) and (other.ladder, other.step, other.due) == (
            entry.ladder,
            entry.step,
            entry.due,
        )

    def _ranked(self, alarms: Iterable[str]) -> list[str]:
        """The most urgent first, then the one that came first."""
        order = {}
        for name in alarms:
            alarm = self._alarm(name)
            rank = (len(Priority), 0) if alarm is None else (_URGENCY[alarm.priority], alarm.since)
            order[name] = (*rank, name)
        return sorted(order, key=lambda name: order[name])

    def _announce(self, alarms: Collection[str], to: str, step: int, reason: str) -> None:
        known = {name: alarm for name in alarms if (alarm := self._alarm(name)) is not None}
        first = next(iter(known), None)
        if first is None:
            return
        alarm = known[first]
        data: dict[str, object] = {
            "id": first,
            "verb": Verb.ANNOUNCE.value,
            "state": alarm.state.value,
            "priority": min((it.priority for it in known.values()), key=_URGENCY.__getitem__).value,
            "point": alarm.point or None,
            "value": alarm.value,
            "by": None,
            "reason": reason,
            "to": to,
            "step": step,
            "members": list(known)[:MEMBERS_MAX],
        }
        if len(known) > MEMBERS_MAX:
            data["more"] = len(known) - MEMBERS_MAX
        if alarm.first_out:
            data["first_out"] = alarm.first_out
        self._changes.effects.append(Announce(first, to, step, data))

    def _waits(self, alarm_id: str) -> bool:
        alarm = self._alarm(alarm_id)
        return alarm is not None and alarm.waits

    def _alarm(self, alarm_id: str) -> Alarm | None:
        entry = self._changes.get(f"alarm/{alarm_id}")
        return entry if isinstance(entry, Alarm) else None

    def _book(self) -> Announcing:
        entry = self._changes.get(BOOK)
        return entry if isinstance(entry, Announcing) else Announcing()

    def _keep(self, book: Announcing) -> None:
        self._changes.put(BOOK, book)
