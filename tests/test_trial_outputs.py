"""Outputs in a trial: what was read back of then is told to rules that wanted something else."""

import pytest

from gateway.trial.course import Course
from gateway.trial.obedience import as_done_by
from rules.events import Elapsed, ReadBack, Started
from rules.judge import Judge
from tests.kitchen_rules import contract


def course(*, on: bool) -> Course:
    """Rules under which the fan is on, or off, all the time."""
    made = Course(Judge([], {"fan": contract(safe=on)}), 0)
    made.take(Started(), 0)
    return made


@pytest.mark.parametrize(("value", "told"), [(False, False), (True, True), (None, None)])
def test_an_output_that_obeyed_the_rules_of_then_obeys_the_edited_ones(
    value: bool | None, told: bool | None
) -> None:
    then, edited = course(on=False), course(on=False)
    event = as_done_by(edited, then, ReadBack("fan", value), 10)
    assert event == ReadBack("fan", told)


def test_an_output_that_disobeyed_then_disobeys_whatever_is_wanted() -> None:
    then, edited = course(on=False), course(on=True)
    assert as_done_by(edited, then, ReadBack("fan", value=True), 10) == ReadBack("fan", value=False)
    assert as_done_by(edited, then, ReadBack("fan", value=False), 10) == ReadBack("fan", value=True)


def test_the_rules_of_then_and_every_other_event_are_told_as_it_was() -> None:
    then, edited = course(on=False), course(on=True)
    seen = ReadBack("fan", value=True)
    assert as_done_by(then, then, seen, 10) is seen
    tick = Elapsed()
    assert as_done_by(edited, then, tick, 10) is tick
