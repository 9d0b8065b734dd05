"""The outputs of one step: who has which slot, what each output is driven to, and why."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from rules import slots
from rules.alarm import Verb
from rules.alarms import Alarms
from rules.base import Command
from rules.changes import Changes
from rules.events import NEVER, OWN, Drive
from rules.interlocks import Interlocks
from rules.memory import Memory, commands
from rules.order import Order
from rules.slots import Contract, Held, Occupant, Output


class Claim(NamedTuple):
    """What a rule wants of a slot while it is active; the most urgent has the lowest rank."""

    rank: int
    rule: str
    value: bool


Claims = Mapping[tuple[str, int], Mapping[str, Claim]]
MISMATCH = f"{OWN}mismatch."  # followed by the actuator that does not do as it is driven
PACE = f"{OWN}pace."  # followed by the actuator that is switched too often
_RULE = "rule/"
_ORDER = "order/"


class Outputs:
    """Every output of the kitchen, as this step leaves it.

    `claims` are the rules that may want a slot of an actuator. Of the occupants
    only those of a rule with a condition are given anew; all others stay until their time is over
    or they are relinquished.
    """

    def __init__(
        self,
        contracts: Mapping[str, Contract],
        claims: Claims,
        interlocks: Interlocks,
        changes: Changes,
        alarms: Alarms,
    ) -> None:
        self._contracts = contracts
        self._claims = claims
        self._interlocks = interlocks
        self._changes = changes
        self._alarms = alarms
        self._reconsidered: dict[str, set[int]] = {}  # slots to arbitrate anew, by actuator
        self._assured: set[str] = set()

    def reconsider(self, actuator: str, *numbers: int) -> None:
        """Have an output settled again, and these of its slots given anew."""
        self._reconsidered.setdefault(actuator, set()).update(numbers)

    def claimed(self, command: Command, before: Memory, then: Memory) -> None:
        """A rule begins or ends to want a command."""
        self.reconsider(command.actuator, command.slot)
        contract = self._contracts[command.actuator]
        begins = commands(then, contract) and not commands(before, contract)
        if not begins or command.value is contract.safe:
            return
        output = self.output(command.actuator)
        renewed = slots.renew(output, command.slot)
        if renewed is not output:
            self._changes.put(f"output/{command.actuator}", renewed)

    def occupy(self, actuator: str, slot: int, occupant: Occupant) -> None:
        """Give a slot to somebody who is no rule with a condition; a run that ended may begin."""
        output = self.output(actuator)
        if occupant.value is not self._contracts[actuator].safe:
            output = slots.renew(output, slot)
        self._changes.put(f"output/{actuator}", slots.occupy(output, slot, occupant))
        self.reconsider(actuator)

    def relinquish(self, actuator: str, slot: int, cause: str) -> bool:
        """Take a slot back from who holds it for that cause; whether anybody did."""
        output = self.output(actuator)
        held = output.slots.get(slot)
        if held is None or held.cause != cause:
            return False
        self._changes.put(f"output/{actuator}", slots.occupy(output, slot, None))
        self.reconsider(actuator, slot)
        return True

    def assure(self, actuator: str) -> None:
        """Have an output driven, and so read back, even if it does not change."""
        self.reconsider(actuator)
        self._assured.add(actuator)

    def settle(self, now: int) -> None:
        """Bring the outputs up to date, once all rules have spoken: a hand-over is no switching."""
        for rule_id, locked in self._interlocks.locks.items():
            if {f"rule/{rule_id}", f"alarm/{rule_id}"} & self._changes.entries.keys():
                for actuator in locked:
                    self.reconsider(actuator)
        if self._reconsidered:
            self._drive_all(self._settled(now), self._assured, now)
            self._assured = set()

    def start(self, now: int, known: Collection[str]) -> None:
        """Arbitrate every slot anew, and drive every output that is not known to be right."""
        unknown = {actuator for actuator in self._contracts if actuator not in known}
        for actuator in self._contracts:
            if actuator in unknown:
                self._trusted(actuator)
            self.reconsider(actuator, *slots.SLOTS)
        self._drive_all(self._settled(now), unknown, now, also_told=unknown)
        self._end_alarms(now)

    def read_back(self, actuator: str, value: bool | None, now: int) -> None:
        """What an output really does, None where nobody can tell."""
        output = self.output(actuator)
        if value is output.value:
            self._trusted(actuator)
            if output.mismatched:
                self._alarms.apply(f"{MISMATCH}{actuator}", Verb.RETURN, now)
                self._reconsider_dependents(actuator)
        elif output.amiss is None and not output.mismatched:
            self._changes.put(f"output/{actuator}", msgspec.structs.replace(output, amiss=now))
            self.reconsider(actuator)

    def output(self, actuator: str) -> Output:
        """An output as it stands now; one nobody has ever driven is in its safe state."""
        entry = self._changes.get(f"output/{actuator}")
        safe = self._contracts[actuator].safe
        return entry if isinstance(entry, Output) else Output({}, safe, -NEVER)

    def bar(self, actuator: str) -> str:
        """What keeps it from being switched, or from being on; see `Held`."""
        return self._interlocks.bar(actuator, self._changes)

    def _trusted(self, actuator: str) -> None:
        output = self.output(actuator)
        if output.amiss is not None or output.mismatched:
            trusted = msgspec.structs.replace(output, amiss=None, mismatched=False)
            self._changes.put(f"output/{actuator}", trusted)
            self.reconsider(actuator)

    def _end_alarms(self, now: int) -> None:
        """The alarms of outputs that are gone, or are driven anew and will be read back."""
        for key in list(self._changes.state.entries):
            for alarms in (MISMATCH, PACE):
                actuator = key.removeprefix(f"alarm/{alarms}")
                if actuator != key and not self._has(alarms, actuator):
                    self._alarms.apply(f"{alarms}{actuator}", Verb.RETURN, now)

    def _has(self, alarms: str, actuator: str) -> bool:
        if actuator not in self._contracts:
            return False
        output = self.output(actuator)
        return output.mismatched if alarms is MISMATCH else output.tired

    def _reconsider_dependents(self, actuator: str) -> None:
        for dependent in self._interlocks.dependents.get(actuator, ()):
            self.reconsider(dependent)

    def _settled(self, now: int) -> set[str]:
        """Settle what has to be, who is needed before who needs it; gives those that switched."""
        switched = set()
        while self._reconsidered:
            actuator = min(self._reconsidered, key=self._interlocks.rank.__getitem__)
            numbers = self._reconsidered.pop(actuator)
            before = self.output(actuator)
            arbitrated = self._doubted(actuator, self._arbitrated(actuator, numbers, now), now)
            barred = self._interlocks.bar(actuator, self._changes)
            settled = slots.settle(arbitrated, self._contracts[actuator], now, barred)
            if settled.held.startswith(Held.NEEDS):
                settled = _without_orders(settled)
            if settled == before:
                continue
            self._changes.put(f"output/{actuator}", settled)
            if settled.tired is not before.tired:
                verb = Verb.RAISE if settled.tired else Verb.RETURN
                self._alarms.apply(f"{PACE}{actuator}", verb, now, value="switched too often")
            if settled.value is not before.value:
                switched.add(actuator)
            served = (settled.value, settled.mismatched)
            if served != (before.value, before.mismatched):
                self._reconsider_dependents(actuator)
        return switched

    def _arbitrated(self, actuator: str, numbers: Iterable[int], now: int) -> Output:
        """The array with each of these slots, and those whose time is over, given anew."""
        output = self.output(actuator)
        over = slots.lapsed(output, now)
        for slot in sorted({*numbers, *over}):
            held = output.slots.get(slot)
            if held is not None and slot not in over and not held.cause.startswith(_RULE):
                continue
            output = slots.occupy(output, slot, self._claimant(actuator, slot))
        return output

    def _claimant(self, actuator: str, slot: int) -> Occupant | None:
        """The most urgent rule that wants a slot."""
        claims = self._claims.get((actuator, slot), {})
        # Of hundreds of rules few remember anything just now.
        keys = {*self._changes.state.remembering, *self._changes.entries} & claims.keys()
        for claim, key in sorted((claims[key], key) for key in keys):
            memory = self._changes.get(key)
            if isinstance(memory, Memory) and commands(memory, self._contracts[actuator]):
                return Occupant(claim.value, f"{_RULE}{claim.rule}")
        return None

    def _doubted(self, actuator: str, output: Output, now: int) -> Output:
        """An output that has been read back as something else for too long."""
        deadline_ms = self._contracts[actuator].deadline_ms
        if output.mismatched or output.amiss is None or now < output.amiss + deadline_ms:
            return output
        wanted = "on" if output.value else "off"
        self._alarms.apply(f"{MISMATCH}{actuator}", Verb.RAISE, now, value=f"not {wanted}")
        return msgspec.structs.replace(output, mismatched=True)

    def _drive_all(
        self,
        switched: set[str],
        assured: Iterable[str],
        now: int,
        also_told: Collection[str] = (),
    ) -> None:
        """Who needs goes off before who is needed, and comes on after it."""
        rank = self._interlocks.rank
        driven = [(self.output(actuator), actuator) for actuator in {*switched, *assured}]
        off = [actuator for output, actuator in driven if not output.value]
        on = [actuator for output, actuator in driven if output.value]
        order = sorted(off, key=lambda it: -rank[it]) + sorted(on, key=rank.__getitem__)
        for actuator in order:
            told = actuator in switched or actuator in also_told
            self._drive(actuator, self.output(actuator), now, told=told)

    def _drive(self, actuator: str, output: Output, now: int, *, told: bool) -> None:
        slot = slots.winner(output.slots)
        cause = "safe state" if slot is None else output.slots[slot].cause
        if output.ran_out_slot is not None:
            cause = "maximum run time"
        elif output.held.startswith(Held.NEEDS):
            cause = output.held
        self._changes.effects.append(Drive(actuator, output.value, slot, cause))
        if not told:
            return
        data: dict[str, object] = {"actuator": actuator, "value": output.value}
        data |= {"slot": slot, "cause": cause}
        if slot is not None:
            data |= self._authority(output.slots[slot], now)
        self._changes.record("command", data)

    def _authority(self, occupant: Occupant, now: int) -> dict[str, object]:
        """Who is behind the occupant of a slot, and for how much longer."""
        kind, _, name = occupant.cause.partition("/")
        entry = self._changes.get(occupant.cause) if f"{kind}/" == _ORDER else None
        told: dict[str, object] = {}
        if isinstance(entry, Order):
            told |= {"order": name, "by": entry.by, "role": entry.role, "origin": entry.origin}
        if occupant.until is not None:
            told["for_ms"] = occupant.until - now
        return told


def _without_orders(output: Output) -> Output:
    """An output that an interlock keeps off, without what people want: no fryer restarts alone."""
    left = {
        slot: occupant
        for slot, occupant in output.slots.items()
        if slot in slots.LIFE_SLOTS or not (occupant.value and occupant.cause.startswith(_ORDER))
    }
    return output if left == output.slots else msgspec.structs.replace(output, slots=left)
