"""When people are told of an alarm that was raised: at once, or gathered with others.

Figures: a flood begins with more than 10 new alarms in 10 minutes and ends below 5 (ANSI/ISA-18.2;
EEMUA 191 calls 10 in 10 minutes unmanageable); 3 or more raises of one alarm in a minute are
chattering (the definition both share). Danger to people is never held back.
"""

from collections.abc import Collection, Mapping

import msgspec

from rules.base import Priority

FLOOD_MS = 10 * 60_000
FLOOD_FROM, FLOOD_BELOW = 11, 5  # new alarms in FLOOD_MS
CHATTER_MS = 60_000
CHATTER_FROM = 3  # raises of one alarm in CHATTER_MS
AGAIN_MS = 10 * 60_000  # a chattering alarm, and what came late to a burst, are told so often
BURST_MS = 1_000  # what a group raises within it is one message
RAISES_MAX = 64  # remembered; a flood is known from 11
_URGENCY = {priority: rank for rank, priority in enumerate(Priority)}


class Announcing(msgspec.Struct, frozen=True, tag="announcing", omit_defaults=True):
    """What was raised and told of late, and what is yet to be told; times are kitchen ms."""

    raises: tuple[tuple[int, str], ...] = ()  # of FLOOD_MS, oldest first, at most RAISES_MAX
    told: dict[str, int] = {}  # by alarm, within AGAIN_MS
    held: dict[str, int] = {}  # by alarm: when people are told at the latest
    chattering: dict[str, int] = {}  # by alarm: until when, unless it is raised again
    flood_since: int | None = None

    @property
    def due(self) -> int | None:
        """When it has to be looked at again."""
        ends = [*self.held.values(), *self.chattering.values()]
        if self.flood_since is not None:
            # The flood is over once all but the last few have left its window.
            ends.append(self.raises[-FLOOD_BELOW][0] + FLOOD_MS)
        return min(ends, default=None)


class Burst(msgspec.Struct, frozen=True):
    """The other alarms of the group that stand or wait: which, and how urgent."""

    members: Mapping[str, Priority]


def noted(book: Announcing, alarm_id: str, now: int) -> Announcing:
    """After one more raise that people may see."""
    recent = [raised for raised in book.raises if raised[0] > now - FLOOD_MS]
    raises = (*recent[1 - RAISES_MAX :], (now, alarm_id))
    quick = sum(1 for at, name in raises if name == alarm_id and at > now - CHATTER_MS)
    chattering = dict(book.chattering)
    if quick >= CHATTER_FROM or alarm_id in chattering:
        chattering[alarm_id] = now + AGAIN_MS
    flood = book.flood_since
    if flood is None and len(raises) >= FLOOD_FROM:
        flood = now
    told = {name: at for name, at in book.told.items() if at > now - AGAIN_MS}
    return msgspec.structs.replace(
        book, raises=raises, chattering=chattering, flood_since=flood, told=told
    )


def when(book: Announcing, alarm_id: str, priority: Priority, burst: Burst | None, now: int) -> int:
    """When people are told of a raise that was noted: `now`, or later with others.

    `burst`: for an alarm of a group.
    """
    if priority is Priority.LIFE:
        return now
    at = now if burst is None else _in_burst(book, priority, burst, now)
    if book.flood_since is not None and priority in (Priority.MEDIUM, Priority.LOW):
        at = max(at, _flood_message(book, now))
    if alarm_id in book.chattering and alarm_id in book.told:
        at = max(at, book.told[alarm_id] + AGAIN_MS)
    return at


def _in_burst(book: Announcing, priority: Priority, burst: Burst, now: int) -> int:
    """With those of its burst that wait already; else soon, unless as urgent a one was told of."""
    waiting = [book.held[name] for name in burst.members if name in book.held]
    told = [
        book.told[name]
        for name, other in burst.members.items()
        if name in book.told and _URGENCY[other] <= _URGENCY[priority]
    ]
    if told:
        return min([*waiting, max(told) + AGAIN_MS])
    return min([*waiting, now + BURST_MS])


def _flood_message(book: Announcing, now: int) -> int:
    """With the others that the flood holds back."""
    return min([*(at for at in book.held.values() if at > now + BURST_MS), now + AGAIN_MS])


def held(book: Announcing, alarm_id: str, at: int) -> Announcing:
    """With one alarm to be told of later."""
    return msgspec.structs.replace(book, held={**book.held, alarm_id: at})


def told(book: Announcing, alarms: Collection[str], at: int) -> Announcing:
    """After people were told of these."""
    left = {name: due for name, due in book.held.items() if name not in alarms}
    return msgspec.structs.replace(book, held=left, told=book.told | dict.fromkeys(alarms, at))


def dropped(book: Announcing, alarms: Collection[str]) -> Announcing:
    """Without these: nobody has to be told any more."""
    if not any(name in book.held for name in alarms):
        return book
    left = {name: due for name, due in book.held.items() if name not in alarms}
    return msgspec.structs.replace(book, held=left)


def calmed(book: Announcing, now: int) -> Announcing:
    """Without a flood and chattering that are over."""
    chattering = {name: until for name, until in book.chattering.items() if until > now}
    over = book.flood_since is not None and book.raises[-FLOOD_BELOW][0] + FLOOD_MS <= now
    flood = None if over else book.flood_since
    return msgspec.structs.replace(book, chattering=chattering, flood_since=flood)
