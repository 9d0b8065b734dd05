"""The outputs of one step: who has which slot, what each output is driven to, and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from rules import slots
from rules.base import Command, Rule
from rules.changes import Changes
from rules.events import NEVER, Drive
from rules.memory import Memory, commands
from rules.slots import Contract, Occupant, Output

Claims = Mapping[tuple[str, int], Sequence[tuple[str, Rule, Command]]]


class Outputs:
    """Every output of the kitchen, as this step leaves it.

    `claims` are the rules that may want a slot of an actuator, most urgent first.
    """

    def __init__(self, contracts: Mapping[str, Contract], claims: Claims, changes: Changes) -> None:
        self._contracts = contracts
        self._claims = claims
        self._changes = changes
        self._reconsidered: dict[str, set[int]] = {}  # slots to arbitrate anew, by actuator

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
        """Have a slot taken by what no rule holds on to: it ends when its time is up."""
        output = slots.occupy(self.output(actuator), slot, occupant)
        self._changes.put(f"output/{actuator}", slots.renew(output, slot))
        self.reconsider(actuator)

    def settle(self, now: int) -> None:
        """Bring the outputs up to date, once all rules have spoken: a hand-over is no switching."""
        for actuator, numbers in self._reconsidered.items():
            self._settle(actuator, now, self._arbitrated(actuator, numbers))
        self._reconsidered.clear()

    def start(self, now: int, known: Collection[str]) -> None:
        """Arbitrate every slot anew, and drive every output that is not known to be right."""
        for actuator in self._contracts:
            before = self.output(actuator).value
            self._settle(actuator, now, self._arbitrated(actuator, slots.SLOTS))
            settled = self.output(actuator)
            if settled.value is before and actuator not in known:
                self._drive(actuator, settled)

    def output(self, actuator: str) -> Output:
        """An output as it stands now; one nobody has ever driven is in its safe state."""
        entry = self._changes.get(f"output/{actuator}")
        safe = self._contracts[actuator].safe
        return entry if isinstance(entry, Output) else Output({}, safe, -NEVER)

    def _arbitrated(self, actuator: str, numbers: Iterable[int]) -> Output:
        """The array with each of these slots given to the most urgent rule that wants it."""
        output = self.output(actuator)
        for slot in numbers:
            held = output.slots.get(slot)
            occupant = None if held is None or held.cause.startswith("rule/") else held
            for key, rule, command in self._claims.get((actuator, slot), ()):
                memory = self._changes.get(key)
                if isinstance(memory, Memory) and commands(memory, self._contracts[actuator]):
                    occupant = Occupant(command.value, f"rule/{rule.id}")
                    break
            output = slots.occupy(output, slot, occupant)
        return output

    def _settle(self, actuator: str, now: int, arbitrated: Output) -> None:
        before = self.output(actuator)
        settled = slots.settle(arbitrated, self._contracts[actuator], now)
        if settled == before:
            return
        self._changes.put(f"output/{actuator}", settled)
        if settled.value is not before.value:
            self._drive(actuator, settled)

    def _drive(self, actuator: str, output: Output) -> None:
        slot = slots.winner(output.slots)
        cause = "safe state" if slot is None else output.slots[slot].cause
        if output.ran_out_slot is not None:
            cause = "maximum run time"
        self._changes.effects.append(Drive(actuator, output.value, slot, cause))
        data: dict[str, object] = {"actuator": actuator, "value": output.value}
        self._changes.record("command", data | {"slot": slot, "cause": cause})
