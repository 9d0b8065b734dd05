"""Whatever rules are wired to each other: every step ends, nobody starves, nothing is lost.

A step fires at most `TIMERS_MOST` timers, each at its own instant. In one instant a rule begins at
most as often as its allowance lets it, and what it begins has a bounded number of effects.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, seed, settings

from gateway.judging import decode
from rules.alarm import Alarm, State
from rules.base import Called, Rule
from rules.events import (
    Asked,
    Drive,
    Effect,
    Elapsed,
    Event,
    Observed,
    Record,
    Started,
    Turned,
)
from rules.judge import Judge
from rules.memory import Memory, Phase
from rules.pace import BURST, EVERY_MS
from rules.state import Memories
from rules.turn import TIMERS_MOST
from tests.kitchen_rules import Seen, stored
from tests.rule_graphs import (
    BYSTANDER,
    LIFE,
    START_MS,
    VALVE,
    Story,
    alarms_due,
    stories,
)

TURNS_MOST = 2_000  # of the loop, in which modes are published that rules have set


class Course:
    """A kitchen that lives through events as in the daemon: a mode that was set is published.

    That is in a turn of its own, so what follows depends on who asks when; without `publishes`
    it is left out.
    """

    def __init__(self, judge: Judge, *, publishes: bool = True) -> None:
        self.judge = judge
        self._publishes = publishes
        self.state = Memories(judge)
        self.effects: list[Effect] = []
        self.past: list[tuple[str, Seen] | None] = []  # what is kept, and every start
        self._last = START_MS

    def feed(self, event: Event, now: int) -> list[Effect]:
        """One event and all that follows from it within the same instant."""
        waiting, effects = [event], []
        for _ in range(TURNS_MOST):
            if not waiting:
                break
            step = self._step(waiting.pop(0), now)
            effects += step
            modes = [effect for effect in step if isinstance(effect, Turned)] * self._publishes
            waiting += [Observed(f"mode/{mode}", Seen(value, at=now)) for mode, value in modes]
        assert not waiting, "what follows from one event never ends"
        self.effects += effects
        return effects

    def _step(self, event: Event, now: int) -> list[Effect]:
        step = self.judge.step(self.state, event, now)
        before = dict(self.state.entries)
        self.state.apply(step.changes)
        if isinstance(event, Observed):
            assert isinstance(event.seen, Seen)
            self.past.append((event.point, event.seen))
        elif isinstance(event, Started):
            self.past.append(None)
        effects = list(step.effects)
        self._check(before, effects, now)
        return effects

    def _check(self, before: Mapping[str, object], effects: Sequence[Effect], now: int) -> None:
        assert len(effects) <= effects_most(self.judge, now - self._last)
        self._last = now
        records = [one.data for one in effects if isinstance(one, Record)]
        msgspec.json.encode(records)
        alarms = [one.data for one in effects if isinstance(one, Record) and one.kind == "alarm"]
        for rule in self.judge.rules.values():
            key = f"alarm/{rule.id}"
            alarm = self.state.entries.get(key)
            told = [data for data in alarms if data["id"] == rule.id]
            if _state(alarm) is not _state(before.get(key)):
                assert told, f"{key} changed and nobody is told"
            if told:
                assert told[-1]["state"] == _state(alarm)
            if not rule.triggers:
                self._check_level(rule, alarm)
        for key, entry in self.state.entries.items():
            assert self.judge.due(key, entry) is None or self.judge.due(key, entry) > now, key  # type: ignore[operator]

    def _check_level(self, rule: Rule, alarm: object) -> None:
        memory = self.state.entries.get(f"rule/{rule.id}", Memory())
        assert isinstance(memory, Memory)
        stands = isinstance(alarm, Alarm) and alarm.stands
        ending = isinstance(alarm, Alarm) and alarm.clears_at is not None
        up = memory.phase is Phase.SUSPENDED or (rule.alarm and memory.phase is Phase.ACTIVE)
        assert stands is (up or ending), f"{rule.id} is {memory.phase}"

    def restarted(self) -> "Course":
        """A new process on what this one has stored."""
        after = Course(self.judge)
        after.state = Memories(self.judge, decode(stored(self.state.entries)))
        after.state.seen.refill(self.past)
        after._last = self._last
        return after


def _state(alarm: object) -> State:
    return alarm.state if isinstance(alarm, Alarm) else State.NORMAL


def effects_most(judge: Judge, passed_ms: int) -> int:
    """The bound: beginnings by the allowance, each with its actions, its alarm and who hears it."""
    rules = len(judge.rules)
    each = max(len(rule.actions) for rule in judge.rules.values())
    began = rules * (BURST + passed_ms / EVERY_MS + 1) + TIMERS_MOST
    return int(began * (2 * each + 6 + 2 * rules))


def proven(examples: int, number: int, prove: Callable[[Story], None]) -> None:
    """Have so many stories told; another number tells others."""
    told = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    seed(number)(told(given(stories())(prove)))()


def answerable(story: Story) -> list[tuple[int, Event]]:
    """The events of a story; people can ask only for rules that may be asked for."""
    return [
        (now, event)
        for now, event in story.events
        if not isinstance(event, Asked) or _callable(story.judge, event.rule)
    ]


def _callable(judge: Judge, rule_id: str) -> bool:
    return any(isinstance(trigger, Called) for trigger in judge.rules[rule_id].triggers)


def nobody_starves(story: Story) -> None:
    course = Course(story.judge)
    course.feed(Started(), START_MS)
    now = START_MS
    for now, event in answerable(story):
        course.feed(event, now)
    gas, first, second = [course.feed(event, now) for event in alarms_due(now)]
    assert [one.value for one in gas if isinstance(one, Drive) and one.actuator == VALVE] == [True]
    raised = [one.data for one in gas if isinstance(one, Record) and one.kind == "alarm"]
    assert any((data["id"], data["verb"]) == (LIFE, "raise") for data in raised)
    del first
    noted = [one.data for one in second if isinstance(one, Record) and one.kind == "record"]
    assert any(data["rule"] == BYSTANDER for data in noted)


def a_restart_changes_nothing(story: Story) -> None:
    events = answerable(story)
    cut = random.Random(repr(events)).randrange(len(events))
    whole = Course(story.judge)
    whole.feed(Started(), START_MS)
    for now, event in events[:cut]:
        whole.feed(event, now)
    after = whole.restarted()
    begins = events[cut][0]
    for course in (whole, after):
        course.effects.clear()
        course.feed(Started(), begins)
        for now, event in events[cut:]:
            course.feed(event, now)
    assert after.state.entries == whole.state.entries
    assert after.effects == whole.effects


def it_does_not_matter_how_often_anybody_asked(story: Story) -> None:
    events = answerable(story)
    chance = random.Random(repr(events))
    seldom, often = (Course(story.judge, publishes=False) for _ in range(2))
    for course in (seldom, often):
        course.feed(Started(), START_MS)
    before = START_MS
    for now, event in events:
        for between in sorted(chance.randint(before, now) for _ in range(2)):
            often.feed(Elapsed(), between)
        for course in (seldom, often):
            course.feed(event, now)
        before = now
    assert often.state.entries == seldom.state.entries
    assert often.effects == seldom.effects


PROOFS = (nobody_starves, a_restart_changes_nothing, it_does_not_matter_how_often_anybody_asked)


@pytest.mark.parametrize("prove", PROOFS, ids=lambda prove: prove.__name__)
def test_random_rules(prove: Callable[[Story], None]) -> None:
    proven(200, 20261121, prove)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("number", range(20))
def test_ten_thousand_random_kitchens(number: int) -> None:
    proven(500, number, PROOFS[number % len(PROOFS)])
