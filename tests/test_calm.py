"""Most readings are judged by the calm band of their point alone, and to the same end."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rules.base import NEVER_CALM, Command, OnBad, Priority, Rule
from rules.judge import Judge, Memories, Observed, Started
from rules.limit import Condition, Options
from rules.slots import Contract, OnSensorLoss
from rules.stale import Condition as Stale
from rules.stale import Options as StaleOptions


class Seen(NamedTuple):
    value: float | bool | str | None
    good: bool
    at: int


CONTRACT = Contract(
    safe=False, on_sensor_loss=OnSensorLoss.HOLD, max_on_ms=0, min_on_ms=0, min_off_ms=0
)


def rule(name: str, condition: Condition | Stale, for_ms: int) -> Rule:
    return Rule(
        id=name,
        label="",
        point="a/t",
        condition=condition,
        for_ms=for_ms,
        on_bad=OnBad.ALARM,
        priority=Priority.HIGH,
        alarm=True,
        commands=(Command(actuator="siren", value=True, slot=10),),
    )


def rules(for_ms: int) -> list[Rule]:
    return [
        rule("high", Condition(Options(raise_above=8.0, clear_below=6.0)), for_ms),
        rule("low", Condition(Options(raise_below=-2.0, clear_above=0.0)), 0),
        rule("silent", Stale(StaleOptions()), for_ms),
    ]


VALUES = st.one_of(
    st.floats(-6, 12),
    st.sampled_from([8.0, 6.0, -2.0, 0.0, 8, -2, float("inf"), True, False, "text", None]),
)


@given(st.lists(st.tuples(VALUES, st.integers(0, 5_000)), max_size=40), st.sampled_from([0, 3_000]))
def test_the_calm_band_changes_no_outcome(seen: list[tuple[object, int]], for_ms: int) -> None:
    quick, plain = (Judge(rules(for_ms), {"siren": CONTRACT}) for _ in range(2))
    plain._calm = dict.fromkeys(plain._calm, NEVER_CALM)
    states = Memories(quick), Memories(plain)
    at = 0
    for judge, state in zip((quick, plain), states, strict=True):
        state.apply(judge.step(state, Started(), at).changes)
    for value, later in seen:
        at += later
        observation = Seen(value, value is not None, at)  # type: ignore[arg-type]
        steps = [
            judge.step(state, Observed("a/t", observation), at)
            for judge, state in zip((quick, plain), states, strict=True)
        ]
        assert steps[0] == steps[1]
        for state, step in zip(states, steps, strict=True):
            state.apply(step.changes)
