"""Rules, contracts and readings for the tests of judging, chosen by hand or by hypothesis."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from hypothesis import strategies as st

from rules import contact, limit, stale
from rules.alarm import Alarm, State
from rules.base import Command, Condition, OnBad, Priority, Rule
from rules.events import Effect, Entry, Event, Observed
from rules.judge import Judge
from rules.memory import Memory, Phase
from rules.slots import Contract, Occupant, OnSensorLoss, Output
from rules.state import Memories
from rules.telling import BOOK
from rules.terms import PLAIN, AlarmTerms

GRID_MS = 10  # all generated times are multiples of it
POINTS = ("walk_in/temperature", "fryer/temperature")
DOOR = "door/open"
ACTUATORS = ("siren", "fan")
WARM = limit.Condition(limit.Options(raise_above=8.0, clear_below=6.0))
OPEN = contact.Condition(contact.Options())
SILENT = stale.Condition(stale.Options())

CONDITIONS: st.SearchStrategy[Condition] = st.sampled_from((WARM, OPEN, SILENT))
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Seen:
    """A reading as a rule sees it."""

    value: float | bool | str | None
    good: bool = True
    at: int = 0


def contract(
    *,
    safe: bool = False,
    on_sensor_loss: OnSensorLoss = OnSensorLoss.HOLD,
    max_on_ms: int = 0,
    min_on_ms: int = 0,
    min_off_ms: int = 0,
) -> Contract:
    return Contract(
        safe=safe,
        on_sensor_loss=on_sensor_loss,
        max_on_ms=max_on_ms,
        min_on_ms=min_on_ms,
        min_off_ms=min_off_ms,
    )


def rule(  # noqa: PLR0913 - what a test wants to be different
    rule_id: str = "warm",
    *,
    point: str = POINTS[0],
    condition: Condition = WARM,
    for_ms: int = 0,
    on_bad: OnBad = OnBad.HOLD,
    priority: Priority = Priority.HIGH,
    alarm: bool = True,
    commands: Iterable[tuple[str, bool, int]] = (("siren", True, 10),),
    fingerprint: str = "",
    terms: AlarmTerms = PLAIN,
) -> Rule:
    return Rule(
        id=rule_id,
        label=rule_id,
        point=point,
        condition=condition,
        for_ms=for_ms,
        on_bad=on_bad,
        priority=priority,
        alarm=alarm,
        terms=terms,
        fingerprint=fingerprint or type(condition).__module__,
        commands=tuple(
            Command(actuator=actuator, value=value, slot=slot) for actuator, value, slot in commands
        ),
    )


class Bench:
    """A judge with its state; times are kitchen ms."""

    def __init__(self, judge: Judge, entries: dict[str, Entry] | None = None) -> None:
        self.judge = judge
        self.state = Memories(judge, entries)
        self.effects: list[tuple[int, Effect]] = []

    def feed(self, event: Event, now: int) -> list[Effect]:
        step = self.judge.step(self.state, event, now)
        self.state.apply(step.changes)
        self.effects += [(now, effect) for effect in step.effects]
        return list(step.effects)

    def see(
        self, value: float | bool | None, now: int, *, good: bool = True, point: str = POINTS[0]
    ) -> list[Effect]:
        return self.feed(Observed(point, Seen(value, good=good, at=now)), now)

    def lose(self, now: int, point: str = POINTS[0]) -> list[Effect]:
        """A BAD reading; its value would raise any rule that believed it."""
        return self.see(99.0, now, good=False, point=point)

    def phase(self, rule_id: str = "warm") -> Phase:
        memory = self.state.entries.get(f"rule/{rule_id}", Memory())
        assert isinstance(memory, Memory)
        return memory.phase

    def alarm(self, rule_id: str = "warm") -> Alarm | None:
        alarm = self.state.entries.get(f"alarm/{rule_id}")
        assert alarm is None or isinstance(alarm, Alarm)
        return alarm

    def output(self, actuator: str = "siren") -> Output:
        output = self.state.entries.get(f"output/{actuator}")
        if output is None:
            return Output({}, self.judge.contracts[actuator].safe, 0)
        assert isinstance(output, Output)
        return output

    def check(self) -> None:
        """Alarms and rule slots follow from the phases of the rules alone."""
        memories = {name: self.state.entries.get(f"rule/{name}") for name in self.judge.rules}
        active = {
            name: memory
            for name, memory in memories.items()
            if isinstance(memory, Memory) and memory.phase is Phase.ACTIVE
        }
        for name, found in self.judge.rules.items():
            alarm = self.alarm(name)
            stands = alarm is not None and alarm.state is not State.RETURNED
            assert stands == (found.alarm and name in active)
        wanted: dict[tuple[str, int], Occupant] = {}
        for name, found in self.judge.rules.items():  # most urgent first
            for command in found.commands:
                loss = self.judge.contracts[command.actuator].on_sensor_loss
                if name in active and not (active[name].blind and loss is OnSensorLoss.SAFE):
                    occupant = Occupant(command.value, f"rule/{name}")
                    wanted.setdefault((command.actuator, command.slot), occupant)
        held = {
            (actuator, slot): occupant
            for actuator in self.judge.contracts
            for slot, occupant in self.output(actuator).slots.items()
        }
        assert held == wanted
        known = {*self.judge.rules, *self.judge.contracts, BOOK.partition("/")[2]}
        assert {key.partition("/")[2] for key in self.state.entries} <= known


def decided(effects: Iterable[Effect], kind: type[Kind]) -> list[Kind]:
    return [effect for effect in effects if isinstance(effect, kind)]


def stored(entries: dict[str, Entry]) -> dict[str, str]:
    """Entries as the state table keeps them."""
    return {key: msgspec.json.encode(entry).decode() for key, entry in entries.items()}


def durations(most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([0, 0, GRID_MS, 5 * GRID_MS, 12 * GRID_MS]).filter(lambda ms: ms <= most)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    max_on_ms = draw(st.sampled_from([0, 0, 8 * GRID_MS, 20 * GRID_MS]))
    return contract(
        safe=draw(st.booleans()),
        on_sensor_loss=draw(st.sampled_from(OnSensorLoss)),
        max_on_ms=max_on_ms,
        min_on_ms=draw(durations(max_on_ms or 1_000)),
        min_off_ms=draw(durations(1_000)),
    )


@st.composite
def compiled_rules(draw: st.DrawFn) -> list[Rule]:
    rules = []
    for rule_id in "abcd"[: draw(st.integers(1, 4))]:
        condition = draw(CONDITIONS)
        claim = st.tuples(st.sampled_from(ACTUATORS), st.booleans(), st.sampled_from((2, 10, 11)))
        rules.append(
            rule(
                rule_id,
                point=DOOR if condition is OPEN else draw(st.sampled_from(POINTS)),
                condition=condition,
                for_ms=draw(durations(1_000)),
                on_bad=stale.ON_BAD if condition is SILENT else draw(st.sampled_from(OnBad)),
                priority=draw(st.sampled_from(Priority)),
                alarm=draw(st.booleans()),
                commands=draw(st.lists(claim, max_size=3, unique_by=lambda it: (it[0], it[2]))),
            )
        )
    return rules


@st.composite
def judges(draw: st.DrawFn) -> Judge:
    return Judge(draw(compiled_rules()), {actuator: draw(contracts()) for actuator in ACTUATORS})


GAPS = st.integers(0, 15).map(lambda steps: steps * GRID_MS)
NUMBERS = st.sampled_from([4.0, 6.0, 7.0, 8.0, 8.5, 30.0, None])
READINGS = st.one_of(
    st.tuples(st.sampled_from(POINTS), NUMBERS),
    st.tuples(st.just(DOOR), st.sampled_from([True, False, None])),
)
