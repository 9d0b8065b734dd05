"""What one rule with a condition remembers: idle, waiting out its `for`, active, or suspended."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from rules.base import Observation, OnBad, Rule
from rules.slots import Contract, OnSensorLoss


class Phase(StrEnum):
    """Where a rule stands."""

    IDLE = "idle"
    PENDING = "pending"  # the condition holds, its `for` is running
    ACTIVE = "active"
    SUSPENDED = "suspended"  # its condition raised: it no longer judges, and says so


class Memory(msgspec.Struct, frozen=True, tag="rule"):
    """What a rule remembers; `since` is when the condition began to hold, kitchen time in ms."""

    phase: Phase = Phase.IDLE
    since: int = 0
    blind: bool = False  # its point has no usable value: contracts may take its commands back
    value: float | bool | str | None = None  # with which the condition began
    of: str = ""  # point and condition it is about; empty in what older versions stored


IDLE = Memory()


class _Unseen(NamedTuple):
    """All that a condition gets to see of a bad reading, so that none can act on its value."""

    at: int
    value: None = None
    good: bool = False


def next_memory(rule: Rule, memory: Memory, seen: Observation) -> Memory:
    """What a rule remembers after a reading, before its effects; the same object if no change."""
    if memory.phase is Phase.SUSPENDED:
        return memory
    try:
        verdict = rule.condition.holds(
            seen if seen.good else _Unseen(seen.at), active=memory.phase is Phase.ACTIVE
        )
    except Exception:  # noqa: BLE001 - a bug in one rule must not stop the others
        return Memory(Phase.SUSPENDED, seen.at)
    blind = False
    if verdict is None and not seen.good:
        blind, verdict = True, _on_bad(rule.on_bad, memory.phase)
    if verdict is False:
        return IDLE
    if memory.phase is not Phase.IDLE:
        return memory if memory.blind is blind else msgspec.structs.replace(memory, blind=blind)
    if verdict is None:
        return memory
    phase = Phase.PENDING if rule.for_ms else Phase.ACTIVE
    return Memory(phase, seen.at, blind, seen.value if seen.good else None, about(rule))


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
