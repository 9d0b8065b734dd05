"""`kind: stale`: silence is a condition of its own, and the rule about it is never blind."""

from rules import stale
from rules.base import Command, OnBad, Priority, Rule
from rules.events import Drive, Elapsed, Observed
from rules.judge import Judge
from rules.slots import Contract, OnSensorLoss
from rules.state import Memories
from tests.kitchen_rules import Seen, contract, decided

SILENT = Rule(
    id="silent",
    label="The cold room is silent",
    point="walk_in/temperature",
    condition=stale.Condition(stale.Options()),
    for_ms=60_000,
    on_bad=stale.ON_BAD,
    priority=Priority.HIGH,
    alarm=True,
    commands=(Command(actuator="siren", value=True, slot=10),),
)


def test_a_bad_reading_is_the_condition_and_the_first_good_one_ends_it() -> None:
    condition = stale.Condition(stale.Options())
    assert stale.ON_BAD is OnBad.ALARM
    for active in (False, True):
        assert condition.holds(Seen(None, good=False), active=active) is True
        assert condition.holds(Seen(4.0), active=active) is False


def test_a_rule_about_silence_keeps_its_siren_on_though_the_sensor_is_lost() -> None:
    """The contract takes commands back from rules that cannot see; this one sees silence."""
    siren: Contract = contract(on_sensor_loss=OnSensorLoss.SAFE)
    judge = Judge([SILENT], {"siren": siren})
    state = Memories(judge)
    for at in (0, 5_000, 55_000):
        step = judge.step(state, Observed(SILENT.point, Seen(None, good=False, at=at)), at)
        state.apply(step.changes)
        assert not decided(step.effects, Drive)

    step = judge.step(state, Elapsed(), 60_050)
    state.apply(step.changes)
    assert [drive.value for drive in decided(step.effects, Drive)] == [True]

    later = Seen(None, good=False, at=65_000)
    assert not judge.step(state, Observed(SILENT.point, later), 65_000).changes

    step = judge.step(state, Observed(SILENT.point, Seen(3.5, at=70_000)), 70_000)
    assert [drive.value for drive in decided(step.effects, Drive)] == [False]
