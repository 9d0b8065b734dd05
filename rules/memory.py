"""What one rule with a condition remembers: idle, waiting out its `for`, active, or suspended."""

from enum import Enum, StrEnum
from typing import NamedTuple

import msgspec

from rules.base import Formula, Observation, OnBad, Rule, Value
from rules.formula.evaluation import BLIND, Unknown, World
from rules.slots import Contract, OnSensorLoss


class Phase(StrEnum):
    """Where a rule stands."""

    IDLE = "idle"
    PENDING = "pending"  # the condition holds, its `for` is running
    ACTIVE = "active"
    SUSPENDED = "suspended"  # it no longer judges, and says so


class Memory(msgspec.Struct, frozen=True, tag="rule"):
    """What a rule remembers; `since` is when the condition began to hold, kitchen time in ms."""

    phase: Phase = Phase.IDLE
    since: int = 0
    blind: bool = False  # its point has no usable value: contracts may take its commands back
    value: Value = None  # with which the condition began; why it is suspended
    of: str = ""  # point and condition it is about; empty in what older versions stored
    until: int | None = None  # the end of a suspension that ends by itself


IDLE = Memory()


class Verdict(Enum):
    """What a rule's condition has to say."""

    TRUE = "true"
    FALSE = "false"
    BLIND = "blind"  # a point it needs has no usable value
    SILENT = "silent"  # no opinion: stay as you are


class _Unseen(NamedTuple):
    """All that a condition gets to see of a bad reading, so that none can act on its value."""

    at: int
    value: None = None
    good: bool = False


def holds(rule: Rule, seen: Observation, *, active: bool) -> Verdict:
    """Whether a condition on one point holds, by a reading of that point."""
    if rule.condition is None:
        return Verdict.SILENT
    held = rule.condition.holds(seen if seen.good else _Unseen(seen.at), active=active)
    if held is None:
        return Verdict.SILENT if seen.good else Verdict.BLIND
    return Verdict.TRUE if held else Verdict.FALSE


def verdict(rule: Rule, world: World, *, active: bool) -> Verdict:
    """Whether a rule that looks at several points holds now, its `if` included."""
    if rule.formula is not None:
        said = answer(rule.formula, world, active=active)
    else:
        seen = world.latest(rule.point)
        said = Verdict.SILENT if seen is None else holds(rule, seen, active=active)
    if rule.gate is None:
        return said
    if said is Verdict.FALSE:
        return said
    gate = answer(rule.gate, world)
    if said is Verdict.TRUE or gate is Verdict.FALSE:
        return gate
    return Verdict.BLIND if Verdict.BLIND in (said, gate) else Verdict.SILENT


def answer(formula: Formula, world: World, *, active: bool = False) -> Verdict:
    """What a formula says."""
    held = formula.holds(world, active=active)
    if isinstance(held, Unknown):
        return Verdict.BLIND if held is BLIND else Verdict.SILENT
    return Verdict.TRUE if held else Verdict.FALSE


def next_memory(rule: Rule, memory: Memory, seen: Observation) -> Memory:
    """What a rule on one point remembers after a reading; the same object if no change."""
    if memory.phase is Phase.SUSPENDED:
        return memory
    try:
        said = holds(rule, seen, active=memory.phase is Phase.ACTIVE)
    except Exception:  # noqa: BLE001 - a bug in one rule must not stop the others
        return Memory(Phase.SUSPENDED, seen.at)
    return concluded(rule, memory, said, seen.at, seen.value if seen.good else None)


def stays_idle(rule: Rule, world: World) -> bool:
    """Whether an idle rule surely stays idle, by its formula alone: the short way of most."""
    if rule.formula is None:
        return False
    try:
        held = rule.formula.holds(world)
    except Exception:  # noqa: BLE001 - the long way suspends the rule
        return False
    return held is False or (held is not True and rule.on_bad is not OnBad.ALARM)


def reconsidered(rule: Rule, memory: Memory, world: World) -> Memory:
    """What a rule on several points remembers now; the same object if no change."""
    if memory.phase is Phase.SUSPENDED:
        return memory
    try:
        said = verdict(rule, world, active=memory.phase is Phase.ACTIVE)
    except Exception:  # noqa: BLE001 - a bug in one rule must not stop the others
        return Memory(Phase.SUSPENDED, world.now)
    seen = world.latest(rule.point) if rule.point else None
    value = seen.value if seen is not None and seen.good else None
    return concluded(rule, memory, said, world.now, value)


def concluded(rule: Rule, memory: Memory, said: Verdict, at: int, value: Value) -> Memory:
    """What follows from a verdict, before its effects; the same object if nothing does."""
    blind = said is Verdict.BLIND
    held = _on_bad(rule.on_bad, memory.phase) if blind else _HELD[said]
    if held is False:
        return IDLE
    if memory.phase is not Phase.IDLE:
        return memory if memory.blind is blind else msgspec.structs.replace(memory, blind=blind)
    if held is None:
        return memory
    phase = Phase.PENDING if rule.for_ms else Phase.ACTIVE
    return Memory(phase, at, blind, value, about(rule))


_HELD = {Verdict.TRUE: True, Verdict.FALSE: False, Verdict.SILENT: None}


def about(rule: Rule) -> str:
    """What a rule is about: another point or condition has nothing to remember."""
    return f"{rule.point} {rule.fingerprint}"


def remembers(memory: Memory, rule: Rule) -> bool:
    """Whether it is this rule's, and not that of another condition under the same name."""
    return memory.of in ("", about(rule))


def _on_bad(on_bad: OnBad, phase: Phase) -> bool | None:
    if on_bad is OnBad.ALARM:
        return True
    if on_bad is OnBad.SAFE or (on_bad is OnBad.IGNORE and phase is Phase.PENDING):
        return False
    return None


def commands(memory: Memory, contract: Contract) -> bool:
    """Whether a rule has its slots: while it cannot see, that is for the contract to say."""
    gives_way = memory.blind and contract.on_sensor_loss is OnSensorLoss.SAFE
    return memory.phase is Phase.ACTIVE and not gives_way


def raises(rule: Rule, phase: Phase) -> bool:
    """Whether an alarm stands in this phase; a rule that cannot judge always raises one."""
    return phase is Phase.SUSPENDED or (rule.alarm and phase is Phase.ACTIVE)
