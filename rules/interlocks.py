"""What one output has to do with others: it needs them, or gas where it stands forbids switching.

Who is needed is settled before who needs it, so that a cascade ends in one pass.
"""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from rules.alarm import Alarm
from rules.base import Rule
from rules.changes import Changes
from rules.memory import Memory, Phase
from rules.slots import Contract, Held, Output

EVERYWHERE = "everywhere"  # the zone of a lockout that means all of them


class Interlocks:
    """The interlocks and lockouts of one kitchen, compiled; holds no state of its own."""

    def __init__(self, contracts: Mapping[str, Contract], rules: Collection[Rule]) -> None:
        """Raises ValueError where outputs need each other in a circle."""
        self._contracts = contracts
        circle = circle_of({name: contract.needs for name, contract in contracts.items()})
        if circle:
            raise ValueError(" needs ".join(circle))
        needs = {name: list(contract.needs) for name, contract in contracts.items()}
        order = [name for name in TopologicalSorter(needs).static_order() if name in contracts]
        self.rank = {name: rank for rank, name in enumerate(order)}
        self.dependents: dict[str, list[str]] = {}
        for name in order:
            for needed in contracts[name].needs:
                self.dependents.setdefault(needed, []).append(name)
        self.locked_by: dict[str, list[str]] = {}  # rules, by output
        self.locks: dict[str, list[str]] = {}  # outputs, by rule
        self._latching = {rule.id for rule in rules if rule.terms.latch}
        for rule in rules:
            for name, contract in contracts.items():
                if rule.lockout and locks(rule.lockout, contract):
                    self.locked_by.setdefault(name, []).append(rule.id)
                    self.locks.setdefault(rule.id, []).append(name)

    def bar(self, actuator: str, changes: Changes) -> str:
        """What keeps an output from being switched, or from being on: see `Held`; else empty."""
        for rule_id in self.locked_by.get(actuator, ()):
            if self._stands(rule_id, changes):
                return f"{Held.LOCKOUT}/{rule_id}"
        for needed, value in self._contracts[actuator].needs.items():
            if not self._serves(needed, value, changes):
                return f"{Held.NEEDS}/{needed}"
        return ""

    def _stands(self, rule_id: str, changes: Changes) -> bool:
        """Whether the danger a rule is about is not over: one that latches ends with its reset."""
        memory = changes.get(f"rule/{rule_id}")
        if isinstance(memory, Memory) and memory.phase in (Phase.ACTIVE, Phase.SUSPENDED):
            return True
        alarm = changes.get(f"alarm/{rule_id}")
        return isinstance(alarm, Alarm) and (alarm.stands or rule_id in self._latching)

    def _serves(self, needed: str, value: bool, changes: Changes) -> bool:
        """Whether an output is driven as another needs it, and not known to do otherwise."""
        contract = self._contracts.get(needed)
        if contract is None:  # left out of this kitchen: nobody can say that it runs
            return False
        entry = changes.get(f"output/{needed}")
        if not isinstance(entry, Output):
            return contract.safe is value
        return entry.value is value and not entry.mismatched


def circle_of(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Outputs that need each other in a circle, the first one again at the end; or none."""
    sorter = TopologicalSorter({name: list(needed) for name, needed in needs.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []


def locks(lockout: str, contract: Contract) -> bool:
    """Whether a lockout of that zone forbids switching an output with this contract."""
    return not contract.explosion_proof and lockout in (EVERYWHERE, contract.zone)
