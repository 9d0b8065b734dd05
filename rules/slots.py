"""Sixteen priority slots for each actuator, and the guards of its fail-safe contract.

The array is BACnet's (ASHRAE 135, Command Prioritization): 1 is the highest, the lowest-numbered
occupied slot wins, and with none occupied the output takes its safe state.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

LIFE_SLOTS = (1, 2)  # manual and automatic life safety
SLOTS = range(1, 17)


class OnSensorLoss(StrEnum):
    """What becomes of a rule's command while the rule cannot see."""

    HOLD = "hold"
    SAFE = "safe"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The fail-safe contract; without one an actuator does not load. 0 means no limit."""

    safe: bool
    on_sensor_loss: OnSensorLoss
    max_on_ms: int
    min_on_ms: int
    min_off_ms: int


class Occupant(msgspec.Struct, frozen=True):
    """Who holds a slot, and what it wants."""

    value: bool
    cause: str
    until: int | None = None  # kitchen ms


class Output(msgspec.Struct, frozen=True, tag="output"):
    """One actuator: its slots, what it is driven to, since when, and when to look again."""

    slots: dict[int, Occupant]
    value: bool
    since: int
    due: int | None = None
    ran_out_slot: int | None = None  # whose run the maximum run time has ended


def winner(slots: dict[int, Occupant]) -> int | None:
    """The lowest-numbered occupied slot."""
    return min(slots, default=None)


def occupy(output: Output, slot: int, occupant: Occupant | None) -> Output:
    """The array with one slot taken, or relinquished with None."""
    if output.slots.get(slot) == occupant:
        return output
    slots = {key: kept for key, kept in output.slots.items() if key != slot}
    if occupant is not None:
        slots[slot] = occupant
    return msgspec.structs.replace(output, slots=dict(sorted(slots.items())))


def renew(output: Output, slot: int) -> Output:
    """The array when a command begins in a slot: if at least as urgent, it may run anew.

    One who has run long enough must not keep the next from running: the siren that fell silent
    after a fire still sounds for gas.
    """
    if output.ran_out_slot is None or slot > output.ran_out_slot:
        return output
    return msgspec.structs.replace(output, ran_out_slot=None)


def settle(output: Output, contract: Contract, now: int) -> Output:
    """What the output does now: arbitration, then minimum on and off, then maximum run time.

    After a run that was ended the output stays safe until nobody wants it on, `renew` is called, or
    a more urgent slot wants it on: a fan that has run long enough for comfort must still run for
    life safety.
    """
    slot = winner(output.slots)
    wanted = contract.safe if slot is None else output.slots[slot].value
    ran_out = output.ran_out_slot
    if wanted is contract.safe or (ran_out is not None and (slot or 0) < ran_out):
        ran_out = None
    elif ran_out is not None:
        wanted = contract.safe
    value, since, due = output.value, output.since, None
    if wanted is not value:
        free_at = since + (contract.min_on_ms if value else contract.min_off_ms)
        if now < free_at and slot not in LIFE_SLOTS and ran_out is None:
            due = free_at
        else:
            value, since = wanted, now
    if value and contract.max_on_ms and value is not contract.safe:
        end = since + contract.max_on_ms
        if now >= end:
            value, since, due, ran_out = contract.safe, now, None, slot
        else:
            due = min(end, due) if due is not None else end
    settled = Output(output.slots, value, since, due, ran_out)
    return output if settled == output else settled
