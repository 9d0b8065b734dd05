"""`kind: contact`: a point that is true or false."""

from dataclasses import dataclass

import pytest

from rules.base import Condition as AnyCondition
from rules.contact import Condition, Options


@dataclass(frozen=True)
class Seen:
    value: float | bool | str | None
    good: bool = True
    at: int = 0


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("raise_when", [False, True])
def test_the_chosen_state_raises_and_the_other_one_clears(
    raise_when: bool,
    active: bool,
) -> None:
    condition: AnyCondition = Condition(Options(raise_when=raise_when))
    assert condition.holds(Seen(raise_when), active=active) is True
    assert condition.holds(Seen(not raise_when), active=active) is False


@pytest.mark.parametrize("value", [None, 0, 1, 1.0, "true"])
def test_what_is_neither_true_nor_false_gives_no_opinion(value: float | str | None) -> None:
    assert Condition(Options()).holds(Seen(value), active=False) is None
    assert Condition(Options()).holds(Seen(value), active=True) is None
