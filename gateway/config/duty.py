"""The table of who is on duty: roles in the order in which an alarm climbs them, and shifts."""

from dataclasses import dataclass
from typing import Annotated

from gateway.config.times import Times, WindowKeys
from gateway.config.typed import FLAW, Flaw, Spot
from gateway.config.yaml import Node, Sequence
from rules.base import DurationS
from rules.shift import Duty, Shift

ROLES_MAX = 16
SHIFTS_MAX = 100  # of one role
_SHIFT = '[{person: kim, from: "08:00", to: "16:00", days: mon-fri}]'


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyKeys:
    """What a duty table has beside its roles."""

    hand_over_s: Annotated[DurationS, "0..7200"] = 0.0


def duty(times: Times, node: Node, spot: Spot) -> Duty | Flaw:
    """One table; what is wrong with it goes to the report."""
    tree = times.filler.map(node, spot)
    if tree is FLAW:
        return FLAW
    keys = times.section(tree, DutyKeys, spot, ("roles",))
    entry = tree.entries.get("roles")
    if entry is None:
        message = f'"roles" is missing, such as roles: {{chef: {_SHIFT}}}'
        times.report.add(spot.place, spot.path, message)
        return FLAW
    here = spot.at("roles", entry.key)
    named = times.filler.map(entry.node, here)
    if named is FLAW:
        return FLAW
    if not 1 <= len(named.entries) <= ROLES_MAX:
        message = f"got {len(named.entries)} roles, expected 1 to {ROLES_MAX}"
        times.report.add(here.place, here.path, message)
        return FLAW
    shifts = {
        role: _shifts(times, role, one.node, here.at(role, one.key))
        for role, one in named.entries.items()
    }
    sound = {role: found for role, found in shifts.items() if found is not FLAW}
    if keys is FLAW or len(sound) < len(shifts):
        return FLAW
    return Duty(roles=sound, hand_over_ms=round(keys.hand_over_s * 1000))


def _shifts(times: Times, role: str, node: Node, spot: Spot) -> tuple[Shift, ...] | Flaw:
    sound = times.filler.identifier(role, spot)
    if not isinstance(node, Sequence) or not 1 <= len(node.items) <= SHIFTS_MAX:
        message = f"expected a list of 1 to {SHIFTS_MAX} shifts, such as {_SHIFT}"
        times.report.add(node.place, spot.path, message)
        return FLAW
    shifts = [_shift(times, one, spot.at(index, one.place)) for index, one in enumerate(node.items)]
    found = tuple(shift for shift in shifts if shift is not FLAW)
    return found if sound and len(found) == len(shifts) else FLAW


def _shift(times: Times, node: Node, spot: Spot) -> Shift | Flaw:
    tree = times.filler.map(node, spot)
    if tree is FLAW:
        return FLAW
    keys = times.section(tree, WindowKeys, spot, ("person", "from", "to", "days"))
    entry = tree.entries.get("person")
    if entry is None:
        times.report.add(spot.place, spot.path, '"person" is missing, such as person: kim')
        return FLAW
    here = spot.at("person", entry.node.place)
    person = times.filler.value(entry.node, Annotated[str, "id"], here, None)
    if keys is FLAW or not isinstance(person, str):
        return FLAW
    if tree.entries.keys() == {"person"}:
        return Shift(person=person)
    window = times.windowed(tree, keys.on, spot)
    return FLAW if window is FLAW else Shift(person=person, window=window)
