"""Who is told one after another until somebody acknowledges, and who stands in for whom."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, kw_only=True)
class Rung:
    """So long after the alarm, these people: a role, or `on_duty ROLE`."""

    after_ms: int
    to: str


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """At least one rung, in order, the first at once; the last is told again every `repeat_ms`."""

    rungs: tuple[Rung, ...]
    repeat_ms: int


class Escalation(msgspec.Struct, frozen=True, tag="escalation"):
    """How far up its ladder one alarm is; `step` is the rung that comes next, times as kitchen ms.

    `due` is None once everybody was told and nobody is to be told again.
    """

    ladder: str
    since: int
    step: int
    due: int | None


class StandIn(msgspec.Struct, frozen=True, tag="stand_in"):
    """Somebody has taken over a role, whatever the shift calendar says, until then (kitchen ms)."""

    person: str
    by: str
    since: int
    until: int


def climbed(escalation: Escalation, ladder: Ladder, at: int) -> Escalation:
    """After the people of one rung were told."""
    following = escalation.step + 1
    due: int | None
    if following < len(ladder.rungs):
        due = max(escalation.since + ladder.rungs[following].after_ms, at + 1)
    else:
        due = at + ladder.repeat_ms if ladder.repeat_ms else None
    return msgspec.structs.replace(escalation, step=following, due=due)


def rung(escalation: Escalation, ladder: Ladder) -> Rung:
    """The rung that comes next; the last again and again."""
    return ladder.rungs[min(escalation.step, len(ladder.rungs) - 1)]
