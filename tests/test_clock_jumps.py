"""Clocks that jump, seen by the whole of judging: schedules hear of them as `Clocked` events."""

import random

import pytest

from rules.base import Action, Due, Note, Trigger
from rules.events import Clocked, Elapsed, Event, Record, Started
from rules.judge import Judge
from rules.schedule import Missed, Run, Schedule, State, Why
from tests.kitchen_rules import Bench, stored
from tests.test_runs import rule
from tests.test_schedule import LINES, daily, jump_about
from tests.test_step import restarted
from tests.wall_clock import WallClock

WATCHED = "watch"


class JudgedClock(WallClock):
    """The same clock before a kitchen of rules, of which one has the schedule that is looked at."""

    def __init__(self, schedule: Schedule, wall: int) -> None:
        plans = {WATCHED: schedule} | {f"other_{at}": daily(it) for at, it in enumerate(LINES)}
        self._bench = Bench(
            Judge(
                [
                    rule(name, triggers=_due(plan), actions=_noted(name))
                    for name, plan in plans.items()
                ],
                {},
            )
        )
        self._began = False
        self._chance = random.Random(wall)
        super().__init__(schedule, wall)

    def look(self) -> None:
        if not self._began:
            self._feed(Started())
            self._began = True
        elif self._chance.random() < 0.1:
            self._restart()
        self._feed(Clocked(self.ahead if self.trusted else None))

    def go_on(self, ms: int) -> None:
        """Step by step, as the daemon ticks: each rule wakes up at its own instant."""
        end = self.now + ms
        while self._bench.state.next_due <= end:
            self.now = max(self.now, self._bench.state.next_due)
            self._feed(Elapsed())
        self.now = end

    def _restart(self) -> None:
        """The process is killed and starts at once, before the clock has been looked at."""
        self._bench = restarted(self._bench)
        assert stored(self._bench.state.entries)
        self._feed(Started())

    def _feed(self, event: Event) -> None:
        for effect in self._bench.feed(event, self.now):
            if isinstance(effect, Record) and effect.data.get("rule") == WATCHED:
                self._take(effect)
        entry = self._bench.state.entries.get(f"schedule/{WATCHED}")
        self.state = entry if isinstance(entry, State) else None

    def _take(self, record: Record) -> None:
        data = record.data
        if record.kind == "schedule":
            number, first, last = data["count"], data["first"], data["last"]
            assert isinstance(number, int)
            assert isinstance(first, int)
            assert isinstance(last, int)
            why = Why(str(data["why"]))
            self.missed.append(Missed(number, bool(data["more"]), first, last, why))
            return
        assert record.kind == "record", record
        state = self._bench.state.entries[f"schedule/{WATCHED}"]
        assert isinstance(state, State)
        assert state.last_run is not None
        self.runs.append((self.now, Run(state.last_run, self.wall - state.last_run)))


def _due(schedule: Schedule) -> tuple[Trigger, ...]:
    return (Due(schedule=schedule),)


def _noted(name: str) -> tuple[Action, ...]:
    return (Note(text=name),)


@pytest.mark.parametrize("line", LINES)
def test_five_hundred_jumps_run_no_rule_twice_and_miss_none_silently(line: str) -> None:
    jump_about(line, seed=2, jumps=500 // len(LINES), make=JudgedClock)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(3, 8))
def test_thousands_of_jumps_do_no_more_harm_to_rules(line: str, seed: int) -> None:
    jump_about(line, seed, 500, JudgedClock)


@pytest.mark.parametrize("line", LINES)
def test_rules_do_what_their_schedule_alone_would_have_done(line: str) -> None:
    """Beside other rules, and over restarts, each schedule goes its own way."""
    chance = random.Random(line)
    alone, judged = (
        WallClock(daily(line), 1_777_604_400_000),
        JudgedClock(daily(line), 1_777_604_400_000),
    )
    for _ in range(60):
        passed, jump = chance.randrange(20 * 3_600_000), chance.randrange(-7_200_000, 7_200_000)
        for clock in (alone, judged):
            clock.go_on(passed)
            clock.set_to(clock.wall + jump)
    assert judged.run_at == alone.run_at
    assert judged.missed == alone.missed
    assert judged.state == alone.state
