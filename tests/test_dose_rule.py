"""`kind: dose`: the tables of the laws, what a restart keeps, and what silence is worth.

29 CFR 1910.95 Table G-16 and App. A (90 dBA for 8 h, halved each 5 dB); NIOSH 98-126 Table 1-1
(85 dBA for 8 h, halved each 3 dB).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.judging import decode, replay
from gateway.reading import Quality
from gateway.store.state import JudgedInput, JudgedReading
from rules import dose
from rules.base import OnBad, Priority, Rule
from rules.events import Elapsed, Entry, Event, Observed, Started
from rules.exposure import Dose, Measure, grown, percent
from rules.judge import Judge
from rules.memory import Phase
from rules.state import Memories
from rules.window import Window
from tests.kitchen_rules import Bench, Seen, stored

NOISE = "kitchen/noise"
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
OSHA = dose.Options(
    reference=90.0, exchange=5.0, threshold=80.0, raise_above=50.0, clear_below=40.0
)
NIOSH = dose.Options(reference=85.0, exchange=3.0, raise_above=100.0)
CO_TWA = dose.Options(reference=50.0, raise_above=100.0)


def rule(options: dose.Options, *, on_bad: OnBad = OnBad.HOLD, of: str = "dose") -> Rule:
    return Rule(
        id="loud",
        label="loud",
        point=NOISE,
        formula=dose.Condition(options, NOISE),
        on_bad=on_bad,
        priority=Priority.MEDIUM,
        alarm=True,
        fingerprint=of,
    )


class Shift:
    """A judge that hears one level after the other, each for so long, a reading every 10 s."""

    def __init__(self, options: dose.Options, entries: dict[str, Entry] | None = None) -> None:
        self.bench = Bench(Judge([rule(options)], {}), entries)
        self.now = 0
        self.start()

    def start(self) -> None:
        self.bench.feed(Started(), self.now)

    def hear(self, level: float | None, for_ms: int, *, every_ms: int = 10_000) -> None:
        until = self.now + for_ms
        while self.now < until:
            seen = Seen(level, good=level is not None, at=self.now)
            self.bench.feed(Observed(NOISE, seen), self.now)
            self.now += every_ms
        self.bench.feed(Elapsed(), self.now)

    @property
    def raised(self) -> bool:
        return self.bench.alarm("loud") is not None


@pytest.mark.parametrize(
    ("level", "hours"),
    [
        (90, 8),
        (92, 6.06),
        (95, 4),
        (97, 3.03),
        (100, 2),
        (102, 1.52),
        (105, 1),
        (110, 0.5),
        (115, 0.25),
    ],
)
def test_a_whole_dose_by_table_g_16(level: float, hours: float) -> None:
    measure = dose.Condition(OSHA, NOISE).measure
    assert measure.share(level) * hours * HOUR_MS == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("level", "minutes"),
    [(85, 480), (88, 240), (91, 120), (94, 60), (97, 30), (100, 15), (103, 7.5)],
)
def test_a_whole_dose_by_niosh_table_1_1(level: float, minutes: float) -> None:
    measure = dose.Condition(NIOSH, NOISE).measure
    assert measure.share(level) * minutes * MINUTE_MS == pytest.approx(1.0)


@pytest.mark.parametrize(("level", "minutes"), [(85.0, 480), (90.0, 240), (95.0, 120), (100.0, 60)])
def test_half_a_dose_raises_and_a_little_less_does_not(level: float, minutes: int) -> None:
    shift = Shift(OSHA)
    shift.hear(level, (minutes - 1) * MINUTE_MS)
    assert not shift.raised
    shift.hear(level, 2 * MINUTE_MS)
    assert shift.raised


def test_below_the_threshold_nothing_counts() -> None:
    shift = Shift(OSHA)
    shift.hear(79.9, 8 * HOUR_MS)
    assert not any(key.startswith("dose/") for key in shift.bench.state.entries)


def test_a_gas_counts_by_its_average() -> None:
    shift = Shift(CO_TWA)
    shift.hear(100.0, 4 * HOUR_MS - MINUTE_MS)
    assert not shift.raised
    shift.hear(100.0, 2 * MINUTE_MS)
    assert shift.raised


def test_what_was_borne_more_than_eight_hours_ago_counts_no_more() -> None:
    shift = Shift(OSHA)
    shift.hear(100.0, HOUR_MS + MINUTE_MS)
    shift.hear(60.0, 7 * HOUR_MS - 10 * MINUTE_MS, every_ms=60_000)
    assert shift.bench.phase("loud") is Phase.ACTIVE
    shift.hear(60.0, 40 * MINUTE_MS, every_ms=60_000)
    assert shift.bench.phase("loud") is Phase.IDLE
    shift.hear(60.0, HOUR_MS, every_ms=60_000)
    assert "dose/loud" not in shift.bench.state.entries


def test_it_is_written_once_a_minute_at_most_and_never_while_it_is_quiet() -> None:
    shift = Shift(OSHA)
    written = 0
    for _ in range(600):
        level = 95.0 if shift.now < 5 * MINUTE_MS else 60.0
        step = shift.bench.judge.step(
            shift.bench.state, Observed(NOISE, Seen(level, at=shift.now)), shift.now
        )
        shift.bench.state.apply(step.changes)
        written += "dose/loud" in step.changes
        shift.now += 1_000
    assert written == 5


def test_a_restart_keeps_it() -> None:
    shift = Shift(OSHA)
    shift.hear(100.0, 50 * MINUTE_MS)
    entries = decode(stored(shift.bench.state.entries))
    again = Shift(OSHA, entries)
    again.now = shift.now + 10 * MINUTE_MS
    again.start()
    again.hear(100.0, 9 * MINUTE_MS)
    assert not again.raised
    again.hear(100.0, 2 * MINUTE_MS)
    assert again.raised


def test_the_dose_of_another_measure_is_not_taken_over() -> None:
    shift = Shift(OSHA)
    shift.hear(100.0, 50 * MINUTE_MS)
    judge = Judge([rule(NIOSH, of="another")], {})
    bench = Bench(judge, dict(shift.bench.state.entries))
    bench.feed(Started(), shift.now)
    assert bench.alarm("loud") is None


def test_while_it_cannot_hear_it_is_blind() -> None:
    bench = Bench(Judge([rule(OSHA, on_bad=OnBad.ALARM)], {}))
    bench.feed(Started(), 0)
    bench.see(60.0, 1_000, point=NOISE)
    assert bench.alarm("loud") is None
    bench.lose(2_000, point=NOISE)
    assert bench.alarm("loud") is not None


def test_a_look_adds_only_the_minute_that_ends() -> None:
    measure = Measure(reference=50.0, allowed_ms=8 * HOUR_MS, over_ms=8 * HOUR_MS)
    window = Window(120_000)
    window.see(Seen(50.0, at=0))
    found: Dose | None = None
    for minute in range(1, 481):
        window.see(Seen(50.0, at=minute * MINUTE_MS))
        found = grown(found, measure, window, minute * MINUTE_MS)
    assert percent(found, measure, 480 * MINUTE_MS) == pytest.approx(100.0, abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": 0.0, "raise_above": 50.0},
        {"reference": 90.0, "exchange": 0.0, "raise_above": 50.0},
        {"reference": 90.0, "raise_above": 50.0, "clear_below": 60.0},
        {"reference": 90.0, "raise_above": 50.0, "over_s": 5000.0},
    ],
)
def test_options_that_contradict_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"reference|exchange|clear_below|over"):
        dose.Options(**wrong)


def test_a_start_does_not_look_back_over_the_minutes_before_it() -> None:
    bench = Bench(Judge([rule(OSHA)], {}))
    bench.feed(Started(), 1_800_000_000_000)  # a kitchen's time is about UTC: 30 million minutes
    assert bench.state.next_due == 1_800_000_000_000 + MINUTE_MS


class Running:
    """The gateway's part: what is kept and committed, and a start after which only that is left."""

    def __init__(self) -> None:
        self.judge = Judge([rule(OSHA)], {})
        self.inputs: list[JudgedReading | JudgedInput] = []
        self.state = Memories(self.judge)
        self.now = 0
        self.start()

    def start(self) -> None:
        past = [each for each in self.inputs if '"tick"' not in getattr(each, "body", "")]
        self.state = Memories(self.judge, decode(stored(self.state.entries)))
        self.state.seen.refill(
            (each.point, each) if isinstance(each, JudgedReading) else None for each in past
        )
        self.take(Started(), JudgedInput(self.now, '{"k":"start"}'))

    def hear(self, level: float | None, seconds: int) -> None:
        for _ in range(0, seconds, 5):
            self.now += 5_000
            if self.state.next_due <= self.now:
                self.take(Elapsed(), JudgedInput(self.now, '{"k":"tick"}'))
            quality = Quality.GOOD if level is not None else Quality.SENSOR_FAILURE
            reading = JudgedReading(NOISE, level, quality, self.now)
            self.take(Observed(NOISE, reading), reading)

    def take(self, event: Event, kept: JudgedReading | JudgedInput) -> None:
        step = self.judge.step(self.state, event, self.now)
        self.state.apply(step.changes)
        if step.changes or not isinstance(event, Elapsed):
            self.inputs.append(kept)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([95.0, 110.0, 70.0, None]), st.integers(5, 400), st.integers(-1, 300)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_it_is_a_function_of_what_was_committed_whatever_kills_came_between(
    shift: list[tuple[float | None, int, int]],
) -> None:
    running = Running()
    for level, seconds, away_s in shift:
        running.hear(level, seconds)
        if away_s >= 0:
            running.now += away_s * 1_000
            running.start()
    assert replay(running.judge, running.inputs) == running.state.entries
