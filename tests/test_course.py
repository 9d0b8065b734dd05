"""A set of rules on its way through the past: the same state as the live run, the same twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.changeover import judge_of
from gateway.config.load import load_text
from gateway.judging import replay
from gateway.reading import Quality, Value
from gateway.store.past import START, Piece, Stretch
from gateway.store.state import JudgedInput, JudgedReading
from gateway.trial.difference import compare
from gateway.trial.episode import Cause, Episode
from gateway.trial.report import told
from gateway.trial.trial import Contender, Trial, run
from rules.base import Observation, OnBad
from rules.judge import Judge
from tests.kitchen_rules import DOOR, GAPS, OPEN, POINTS, READINGS, contract, judges, rule

AHEAD = 1_800_000_000_000
Entry = JudgedReading | JudgedInput


def reading(point: str, value: Value, at: int) -> JudgedReading:
    quality = Quality.NO_COMMUNICATION if value is None else Quality.GOOD
    return JudgedReading(point, value, quality, at)


def tried(judge_list: Sequence[Judge], entries: Sequence[Entry], end: int) -> Trial:
    contenders = [Contender(str(n), judge, frozenset()) for n, judge in enumerate(judge_list)]
    chunks = [entries[at : at + 3] for at in range(0, len(entries), 3)]
    pieces = [Piece(AHEAD, chunk[0].at, chunk[-1].at, chunk, 0.0) for chunk in chunks]
    return run(contenders, pieces, Stretch(AHEAD, AHEAD + end))


INPUTS = st.lists(
    st.one_of(
        READINGS,
        READINGS,
        READINGS,
        st.sampled_from([START, '{"k":"tick"}', '{"k":"acknowledge","alarm":"a","by":"mina"}']),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(judges(), st.lists(GAPS, min_size=25, max_size=25), INPUTS)
def test_a_trial_ends_where_the_live_run_did_and_the_same_rules_do_the_same(
    judge: Judge, gaps: Sequence[int], inputs: Sequence[str | tuple[str, Value]]
) -> None:
    at = 0
    entries: list[Entry] = [JudgedInput(0, START)]
    for gap, given_one in zip(gaps, inputs, strict=False):
        at += gap
        if isinstance(given_one, str):
            entries.append(JudgedInput(at, given_one))
        else:
            entries.append(reading(*given_one, at))
    trial = tried([judge, judge], entries, at + 1)
    one, other = trial.courses
    assert one.state.entries == replay(judge, [*entries, JudgedInput(at, '{"k":"tick"}')])
    assert compare(one.episodes.all(), other.episodes.all()).differences == []


def test_a_timer_fires_at_its_own_instant_however_late_the_next_reading_comes() -> None:
    judge = Judge([rule("open", point=DOOR, condition=OPEN, for_ms=5_000, commands=())], {})
    trial = tried([judge], [reading(DOOR, True, 1_000), reading(DOOR, False, 60_000)], 70_000)
    (episode,) = trial.courses[0].episodes.all()
    assert episode == Episode(
        what="alarm",
        name="open",
        value="high",
        start=AHEAD + 6_000,
        by="rule/open",
        began=Cause(DOOR, True, AHEAD + 1_000),
        end=AHEAD + 60_000,
        ended=Cause(DOOR, False, AHEAD + 60_000),
    )


def test_a_blind_sensor_is_told_with_its_reason() -> None:
    judge = Judge([rule("open", point=DOOR, condition=OPEN, on_bad=OnBad.ALARM, commands=())], {})
    trial = tried([judge], [reading(DOOR, None, 1_000)], 2_000)
    (episode,) = trial.courses[0].episodes.all()
    assert episode.began == Cause(DOOR, None, AHEAD + 1_000, "no_communication")


class Broken:
    """A condition with a bug."""

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        del active
        raise LookupError(seen.at)


def test_a_rule_with_a_bug_is_named() -> None:
    judge = Judge([rule("bug", condition=Broken(), commands=())], {})
    trial = tried([judge], [reading(POINTS[0], 4.0, 1_000)], 2_000)
    contender = Contender("edited", judge, frozenset({POINTS[0], DOOR}))
    report = told([contender], trial, Stretch(AHEAD, AHEAD + 2_000), "UTC", {POINTS[0]})
    assert (report.after.suspended, report.after.unseen) == (["bug"], [DOOR])


def test_a_trial_with_too_much_to_tell_ends_and_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 100
    monkeypatch.setattr("gateway.trial.episode.EPISODES_MAX", most)
    judge = Judge([rule("open", point=DOOR, condition=OPEN, commands=())], {})
    doors: list[Entry] = [
        reading(DOOR, bool(number % 2), number * 10) for number in range(2 * most + 100)
    ]
    trial = tried([judge, judge], doors, 10_000_000)
    assert trial.until == AHEAD + 10 * (2 * most + 1)
    contenders = [Contender(name, judge, frozenset()) for name in ("one", "other")]
    report = told(contenders, trial, Stretch(AHEAD, AHEAD + 10_000_000), "UTC", set())
    assert (report.differences, report.same, report.complete) == ([], most, False)


def episode(start: int, end: int | None, *, value: str = "high", seen_at: int = 0) -> Episode:
    began = Cause(DOOR, True, seen_at or start)
    return Episode(what="alarm", name="open", value=value, start=start, by="", began=began, end=end)


def kinds(before: Sequence[Episode], after: Sequence[Episode]) -> list[str]:
    return [each.kind for each in compare(before, after).differences]


def test_episodes_are_paired_when_they_overlap_or_began_with_the_same_reading() -> None:
    assert kinds([episode(10, 20)], [episode(30, 40)]) == ["lost", "gained"]
    assert kinds([episode(10, 20)], [episode(15, 40)]) == ["moved"]
    assert kinds([episode(10, 20, seen_at=5)], [episode(30, 40, seen_at=5)]) == ["moved"]
    assert kinds([episode(10, 90)], [episode(10, 20), episode(30, 40)]) == ["shorter", "gained"]
    assert kinds([episode(10, 20), episode(30, 40)], [episode(10, 90)]) == ["longer", "lost"]


def test_what_lasts_on_is_longer_than_what_ends() -> None:
    assert kinds([episode(10, 20)], [episode(10, None)]) == ["longer"]
    assert kinds([episode(10, None)], [episode(10, 20)]) == ["shorter"]
    assert kinds([episode(10, None)], [episode(10, None)]) == []
    assert kinds([episode(10, 20)], [episode(10, 20, value="life")]) == ["changed"]


def test_a_command_to_what_is_safe_anyway_is_not_told() -> None:
    judge = Judge([rule()], {"siren": contract(safe=True)})
    trial = tried([judge], [reading(POINTS[0], 9.0, 1_000)], 2_000)
    told_of = [(each.what, each.value) for each in trial.courses[0].episodes.all()]
    assert told_of == [("alarm", "high")]  # the siren is safe when on: nothing to be told


MODES = """\
site: {label: Kitchen, zone: Asia/Seoul}
buses: {pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices: {door: {driver: contact, bus: pins, pin: 17}}
actuators:
  hood: {driver: relay, bus: pins, pin: 24, fail_safe: {safe: off, on_sensor_loss: safe, max_on: 0s}}
modes: {kitchen: [open, closed]}
rules:
  closing:
    when: [{schedule: "CLOSING"}]
    priority: low
    then: [{mode: kitchen, to: closed}]
  left_open:
    when: 'door/open and mode/kitchen == "closed"'
    on_bad: ignore
    then: [{alarm: medium}]
  airing:
    when: [{point: door/open, to: true}]
    priority: low
    then: [{wait: 1min}, {command: hood, value: on, expires: 10min}]
"""  # noqa: E501 - a line of YAML


def judge_with(closing: str) -> Judge:
    loaded = load_text(MODES.replace("CLOSING", closing).encode(), Path("config.yaml"))
    assert loaded.config is not None, loaded.problems
    return judge_of(loaded.config)


def test_schedules_modes_and_runs_are_tried_with_the_wall_clock_of_then() -> None:
    minute = 60_000
    judge_list = [judge_with("22:00"), judge_with("22:30")]
    closes = 5 * 60 * minute  # 22:00 in Seoul
    opens = closes + minute
    entries: list[Entry] = [
        reading("mode/kitchen", "open", closes - 60 * minute),
        reading(DOOR, False, closes - minute),
        reading("mode/kitchen", "closed", closes),  # as it was then
        reading(DOOR, True, opens),
        reading("hood/state", False, opens + 60 * minute),
    ]
    trial = tried(judge_list, entries, opens + 61 * minute)
    told_of = [
        [(each.what, each.name, each.start - AHEAD - opens) for each in course.episodes.all()]
        for course in trial.courses
    ]
    hood = ("command", "hood", minute)
    assert told_of[0] == [("alarm", "left_open", 0), hood]
    assert told_of[1] == [hood, ("alarm", "left_open", 29 * minute)]
    (airing,) = [each for each in trial.courses[0].episodes.all() if each.what == "command"]
    assert airing.began == Cause(DOOR, True, AHEAD + opens)
