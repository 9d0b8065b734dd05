"""Sixteen priority slots for each actuator, and the guards of its fail-safe contract.

The array is BACnet's (ASHRAE 135, Command Prioritization): 1 is the highest, the lowest-numbered
occupied slot wins, and with none occupied the output takes its safe state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

LIFE_SLOTS = (1, 2)  # manual and automatic life safety
MANUAL_SLOT = 8
SWITCHES = 60  # so often an output may be switched on at once,
EVERY_MS = 60_000  # and once in so long on average: a relay lives for about 100,000 switchings
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
    deadline_ms: int = 2_000  # within which the output has to be read back as it was driven
    needs: Mapping[str, bool] = field(default_factory=dict)  # on only while these are so
    zone: str = ""
    explosion_proof: bool = False  # by the owner's word: it may be switched in gas
    critical: bool = False  # only a manager may override it


class Occupant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who holds a slot, what it wants, and until when (kitchen ms; None: until taken back)."""

    value: bool
    cause: str
    until: int | None = None


class Held(StrEnum):
    """Why an output is not what the winning slot wants."""

    MIN_ON = "min_on"
    MIN_OFF = "min_off"
    MAX_ON = "max_on"
    PACE = "pace"  # it has been switched on too often
    NEEDS = "needs"  # followed by the output it needs: `needs/hood_fan`
    LOCKOUT = "lockout"  # followed by the rule that stands: `lockout/gas_leak`


class Output(msgspec.Struct, frozen=True, tag="output", omit_defaults=True):
    """One actuator: its slots, what it is driven to, since when, and when to look again."""

    slots: dict[int, Occupant]
    value: bool
    since: int
    due: int | None = None
    ran_out_slot: int | None = None  # whose run the maximum run time has ended
    held: str = ""  # by what, see `Held`; empty while the winner has its way
    amiss: int | None = None  # since when it has been read back as something else
    mismatched: bool = False  # for longer than its deadline: it does not count as what it should be
    spent_until: int = 0  # when its allowance of switchings is whole again
    tired: bool = False  # the allowance was used up, and half of it has not come back yet


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


def lapsed(output: Output, now: int) -> list[int]:
    """The slots whose time is over."""
    return [
        slot
        for slot, occupant in output.slots.items()
        if occupant.until is not None and occupant.until <= now
    ]


def renew(output: Output, slot: int) -> Output:
    """The array when a command begins in a slot: if at least as urgent, it may run anew.

    One who has run long enough must not keep the next from running: the siren that fell silent
    after the walk-in had been warm for long still sounds for the freezer.
    """
    if output.ran_out_slot is None or slot > output.ran_out_slot:
        return output
    return msgspec.structs.replace(output, ran_out_slot=None)


def settle(output: Output, contract: Contract, now: int, barred: str = "") -> Output:
    """What the output does now: arbitration, interlock, minimum times, pace, maximum run time.

    `barred` says what keeps it off (`needs/…`; life safety breaks that) or as it is (`lockout/…`,
    which nobody breaks). After a run that was ended the output stays safe until nobody wants it on,
    `renew` is called, or a more urgent slot wants it on. For life safety it runs as long as it has
    to: a siren must not fall silent while gas flows.
    """
    if barred.startswith(Held.LOCKOUT):
        tired = output.tired and now < _rested_at(output.spent_until)
        locked = msgspec.structs.replace(output, held=barred, tired=tired)
        return _timed(output, locked, contract, None)
    slot = winner(output.slots)
    wanted = contract.safe if slot is None else output.slots[slot].value
    ran_out, held = output.ran_out_slot, ""
    if wanted is contract.safe or (ran_out is not None and (slot or 0) < ran_out):
        ran_out = None
    elif ran_out is not None:
        wanted, held = contract.safe, Held.MAX_ON.value
    interlocked = bool(barred) and wanted and slot not in LIFE_SLOTS
    if interlocked:
        wanted, held = False, barred
    value, since, due = output.value, output.since, None
    spent_until = output.spent_until
    if wanted is not value:
        excused = slot in LIFE_SLOTS or ran_out is not None or interlocked
        guard = None if excused else _guard(output, contract, now)
        if guard is not None:
            held, due = guard
        else:
            value, since = wanted, now
            if value is not contract.safe:
                spent_until = min(max(spent_until, now) + EVERY_MS, now + SWITCHES * EVERY_MS)
    if value and contract.max_on_ms and value is not contract.safe and slot not in LIFE_SLOTS:
        end = since + contract.max_on_ms
        if now >= end:
            value, since, due, ran_out, held = contract.safe, now, None, slot, Held.MAX_ON.value
        else:
            due = min(end, due) if due is not None else end
    tired = held == Held.PACE or (output.tired and now < _rested_at(spent_until))
    settled = msgspec.structs.replace(
        output, value=value, since=since, ran_out_slot=ran_out, held=held,
        spent_until=spent_until, tired=tired,
    )  # fmt: skip
    return _timed(output, settled, contract, due)


def _guard(output: Output, contract: Contract, now: int) -> tuple[str, int] | None:
    """What keeps an output from being switched now, and until when.

    The allowance is a leaky bucket (ITU-T I.371); making it safe is never denied for want of it.
    """
    least_ms = contract.min_on_ms if output.value else contract.min_off_ms
    if now < output.since + least_ms:
        return (Held.MIN_ON if output.value else Held.MIN_OFF).value, output.since + least_ms
    free_at = output.spent_until - (SWITCHES - 1) * EVERY_MS
    if output.value is contract.safe and now < free_at:
        return Held.PACE.value, free_at
    return None


def _rested_at(spent_until: int) -> int:
    """When half of the allowance is there again."""
    return spent_until - SWITCHES * EVERY_MS // 2


def _timed(before: Output, output: Output, contract: Contract, guard: int | None) -> Output:
    """The output with the instant at which it has to be looked at again; `before` if the same."""
    amiss = output.amiss if output.value is before.value else None  # driven anew: a new deadline
    ends = [occupant.until for occupant in output.slots.values() if occupant.until is not None]
    if guard is not None:
        ends.append(guard)
    if output.tired:
        ends.append(_rested_at(output.spent_until))
    if amiss is not None and not output.mismatched:
        ends.append(amiss + contract.deadline_ms)
    timed = msgspec.structs.replace(output, due=min(ends, default=None), amiss=amiss)
    return before if timed == before else timed
