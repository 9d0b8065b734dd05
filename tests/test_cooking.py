"""Cooking timers: several at once, each at its own instant, and none forgotten."""

from typing import Any

from rules.cooking import MOST
from rules.cooks import TimerSeen, TimerSet, TimerStopped
from rules.events import Effect, Elapsed, Record, Started
from rules.judge import Judge
from rules.kept import CookingTimer
from tests.kitchen_rules import Bench, decided

MINUTE = 60_000


def said(effects: list[Effect]) -> list[tuple[object, object]]:
    """Timer and verb of each record."""
    return [(one.data["timer"], one.data["verb"]) for one in decided(effects, Record)]


def bench() -> Bench:
    return Bench(Judge([], {}))


def test_several_timers_come_to_their_end_each_at_its_own_instant() -> None:
    kitchen = bench()
    kitchen.feed(TimerSet("fries", "Fries", 3 * MINUTE, "kim"), 0)
    kitchen.feed(TimerSet("rice", "Rice", 20 * MINUTE, "jun"), 1)
    assert kitchen.feed(Elapsed(), 3 * MINUTE - 1) == []
    assert said(kitchen.feed(Elapsed(), 3 * MINUTE)) == [("fries", "elapsed")]
    assert said(kitchen.feed(Elapsed(), 30 * MINUTE)) == [("rice", "elapsed")]


def test_who_started_it_for_how_long_and_who_saw_it_is_told() -> None:
    kitchen = bench()
    started = decided(kitchen.feed(TimerSet("fries", "Fries", MINUTE, "kim"), 0), Record)[0]
    expected: dict[str, Any] = {"label": "Fries", "by": "kim", "for_ms": MINUTE, "verb": "start"}
    assert expected.items() <= started.data.items()
    assert kitchen.feed(TimerSeen("fries", "jun"), 1) == []  # it has not come to its end
    kitchen.feed(Elapsed(), MINUTE)
    seen = decided(kitchen.feed(TimerSeen("fries", "jun"), 2 * MINUTE), Record)[0]
    assert (seen.data["verb"], seen.data["by"]) == ("acknowledge", "jun")
    assert kitchen.feed(TimerSeen("fries", "jun"), 3 * MINUTE) == []


def test_one_that_has_come_to_its_end_stays_until_somebody_has_seen_it() -> None:
    kitchen = bench()
    kitchen.feed(TimerSet("fries", "Fries", MINUTE, "kim"), 0)
    kitchen.feed(Elapsed(), MINUTE)
    kitchen.feed(Started(), 60 * MINUTE)
    entry = kitchen.state.entries["cooking/fries"]
    assert isinstance(entry, CookingTimer)
    assert entry.elapsed
    assert kitchen.state.timers == {}


def test_one_that_ran_out_while_the_gateway_was_away_has_elapsed_at_its_instant() -> None:
    kitchen = bench()
    kitchen.feed(TimerSet("fries", "Fries", MINUTE, "kim"), 0)
    assert said(kitchen.feed(Started(), 60 * MINUTE)) == [("fries", "elapsed")]


def test_one_begun_anew_runs_from_then_and_one_stopped_never_ends() -> None:
    kitchen = bench()
    kitchen.feed(TimerSet("fries", "Fries", MINUTE, "kim"), 0)
    kitchen.feed(TimerSet("fries", "Fries", MINUTE, "kim"), MINUTE // 2)
    assert kitchen.feed(Elapsed(), MINUTE) == []
    assert said(kitchen.feed(TimerStopped("fries", "jun"), MINUTE + 1)) == [("fries", "stop")]
    assert kitchen.feed(TimerStopped("fries", "jun"), MINUTE + 2) == []
    assert kitchen.feed(Elapsed(), 10 * MINUTE) == []


def test_as_many_as_there_may_be_run_at_once() -> None:
    kitchen = bench()
    for number in range(MOST):
        kitchen.feed(TimerSet(str(number), "x", MINUTE, "kim"), number)
    assert len(said(kitchen.feed(Elapsed(), 2 * MINUTE))) == MOST
