"""Kitchens of random rules wired to each other at random, and stories that happen in them.

Drawn by hypothesis from small pools: the more rules share a point, an alarm or a timer, the more
loops and collisions there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from gateway.config import quantity
from rules import contact, limit, stale
from rules.base import (
    Action,
    AlarmHeard,
    Called,
    Command,
    Condition,
    Due,
    Formula,
    Mode,
    Note,
    Notify,
    OnBad,
    PointChanged,
    Priority,
    Rule,
    SetMode,
    StartTimer,
    TimerElapsed,
    Trigger,
    Value,
    Wait,
)
from rules.events import Asked, Clocked, Elapsed, Event, Observed, Switched
from rules.expression import condition
from rules.judge import Judge
from rules.occurrences import cron
from rules.people import Acknowledged
from rules.schedule import IfMissed, Schedule
from rules.slots import Contract, OnSensorLoss
from tests.expression_world import POINTS as METRICS
from tests.kitchen_rules import Seen, contract

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ZONE = ZoneInfo("Europe/Berlin")
START_MS = 5_000_120  # kitchen time of the first event, 83 minutes
AHEAD_MS = 1_792_886_400_000  # two o'clock in Berlin, an hour before the clock goes back to it

WARM, COLD = "walk_in/temperature", "freezer/temperature"
DOOR, HOOD, GAS = "walk_in_door/open", "hood/state", "gas/level"
MODE = "kitchen"
SEEN_POINTS = (WARM, COLD, DOOR, HOOD, GAS, "kitchen_air/co2", f"mode/{MODE}")
IDS = ("a", "b", "c", "d", "e", "f")
TIMERS = ("t", "u")
ACTUATORS = ("siren", "fan")

# Two rules that nothing else can wake or hold up; both must act in the very step they are due.
LIFE, BYSTANDER = "life", "bystander"
VALVE = "valve"
_BYSTANDER_POINT = "kitchen_air/co2"

_TEXTS = (
    f"{WARM} > 8",
    f"{WARM} > 8 and not {DOOR}",
    f"{DOOR} or {HOOD}",
    f"abs({WARM} - {COLD}) > 20",
    f"({WARM} - {COLD}) * ({WARM} - {COLD}) > 1",
    f'avg({WARM}, "1min") > 8',
    f'max({COLD}, "10s") - min({COLD}, "10min") > 3',
    f'rate({WARM}, "30s") > 2 or bad({DOOR})',
    f"age({WARM}) > 30",
    f'mode/{MODE} == "open" and {WARM} > 6',
    f"hour() >= 2 and not {DOOR}",
    "weekday() == 7",
)
_CONDITIONS: tuple[tuple[str, Condition], ...] = (
    (WARM, limit.Condition(limit.Options(raise_above=8.0, clear_below=6.0))),
    (COLD, limit.Condition(limit.Options(raise_above=-15.0))),
    (DOOR, contact.Condition(contact.Options())),
    (COLD, stale.Condition(stale.Options())),
)
_CRONS = ("*/1 * * * *", "30 2 * * *", "0 0 * * *", "15 */2 * * *")


@cache
def formula(text: str) -> Formula:
    """A text of the pool, compiled once."""
    return condition(text, METRICS, quantity)


@cache
def schedule(line: str, if_missed: IfMissed) -> Schedule:
    """A schedule of the pool; its runs may be up to ten minutes late."""
    return Schedule(
        trigger=cron(line, ZONE), of=line, if_missed=if_missed, late_within_ms=10 * MINUTE
    )


@dataclass(frozen=True)
class Story:
    """A kitchen, and what happens in it at which kitchen time (ms, never decreasing)."""

    judge: Judge
    events: tuple[tuple[int, Event], ...]

    def __repr__(self) -> str:
        rules = "\n  ".join(repr(rule) for rule in self.judge.rules.values())
        events = "\n  ".join(repr(event) for event in self.events)
        return f"Story of rules\n  {rules}\nand events\n  {events}"


def _one(*choices: object) -> st.SearchStrategy[object]:
    return st.sampled_from(choices)


_PRIORITIES = st.sampled_from(Priority)
_WHENS = st.sampled_from(_TEXTS)
_GATES = st.sampled_from(("", "", *_TEXTS))
_FOR_MS = st.sampled_from((0, 0, 10, SECOND, MINUTE, HOUR))
_CLAIMS = st.lists(
    st.tuples(st.sampled_from(ACTUATORS), st.booleans(), st.sampled_from((10, 11))),
    max_size=2,
    unique_by=lambda it: (it[0], it[2]),
)
_TRIGGERS: st.SearchStrategy[Trigger] = st.one_of(
    st.builds(PointChanged, point=st.just(DOOR), to=st.sampled_from((None, True, False))),
    st.builds(PointChanged, point=st.just(WARM), to=st.sampled_from((None, 9.0))),
    st.builds(
        PointChanged, point=st.just(f"mode/{MODE}"), to=st.sampled_from((None, "open", "closed"))
    ),
    st.builds(
        AlarmHeard,
        alarm=st.sampled_from(IDS),
        verb=st.sampled_from(("raise", "raise", "return", "acknowledge", "clear")),
    ),
    st.builds(TimerElapsed, timer=st.sampled_from(TIMERS)),
    st.just(Called()),
)
_DUE = st.builds(
    lambda line, if_missed: Due(schedule=schedule(line, if_missed)),
    st.sampled_from(_CRONS),
    st.sampled_from(IfMissed),
)
_ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(
        Command,
        actuator=st.sampled_from(ACTUATORS),
        value=st.booleans(),
        slot=st.sampled_from((10, 11)),
        expires_ms=st.sampled_from((SECOND, MINUTE, 8 * HOUR)),
    ),
    st.builds(Wait, for_ms=st.sampled_from((100, SECOND, 10 * MINUTE))),
    st.builds(Wait, for_ms=st.sampled_from((100, SECOND, 10 * MINUTE))),
    st.builds(
        StartTimer, timer=st.sampled_from(TIMERS), for_ms=st.sampled_from((0, 100, SECOND, HOUR))
    ),
    st.builds(SetMode, mode=st.just(MODE), value=st.sampled_from(("open", "closed"))),
    st.just(Note(text="looked")),
    st.just(Notify(text="look", to="cook")),
)


@st.composite
def _level(draw: st.DrawFn, name: str) -> Rule:
    """A rule with a condition."""
    point, found = draw(st.sampled_from(_CONDITIONS)) if draw(st.booleans()) else ("", None)
    when = "" if found is not None else draw(_WHENS)
    gate = draw(_GATES)
    on_bad = stale.ON_BAD if isinstance(found, stale.Condition) else draw(st.sampled_from(OnBad))
    claims = draw(_CLAIMS)
    return Rule(
        id=name,
        label=name,
        point=point or draw(st.sampled_from((WARM, HOOD, ""))),
        condition=found,
        formula=formula(when) if when else None,
        gate=formula(gate) if gate else None,
        for_ms=draw(_FOR_MS),
        on_bad=on_bad,
        priority=draw(_PRIORITIES),
        alarm=draw(st.booleans()),
        commands=tuple(Command(actuator=one, value=on, slot=slot) for one, on, slot in claims),
        actions=tuple(draw(st.lists(_ACTIONS, max_size=2))),
        fingerprint=f"{when} {gate} {type(found).__module__}",
    )


@st.composite
def _moment(draw: st.DrawFn, name: str) -> Rule:
    """A rule that runs."""
    gate = draw(_GATES)
    triggers = draw(st.lists(_TRIGGERS, min_size=1, max_size=3))
    if draw(_one(True, False, False)):
        triggers.append(draw(_DUE))
    return Rule(
        id=name,
        label=name,
        point="",
        gate=formula(gate) if gate else None,
        triggers=tuple(triggers),
        mode=draw(st.sampled_from(Mode)),
        on_bad=draw(st.sampled_from(OnBad)),
        priority=draw(_PRIORITIES),
        alarm=draw(st.booleans()),
        actions=tuple(draw(st.lists(_ACTIONS, max_size=4))),
        fingerprint=gate,
    )


def _watched() -> tuple[Rule, Rule]:
    life = Rule(
        id=LIFE,
        label=LIFE,
        point=GAS,
        condition=limit.Condition(limit.Options(raise_above=20.0)),
        on_bad=OnBad.ALARM,
        priority=Priority.LIFE,
        alarm=True,
        commands=(Command(actuator=VALVE, value=True, slot=2),),
    )
    bystander = Rule(
        id=BYSTANDER,
        label=BYSTANDER,
        point="",
        triggers=(PointChanged(point=_BYSTANDER_POINT),),
        on_bad=OnBad.HOLD,
        priority=Priority.LOW,
        alarm=False,
        actions=(Note(text=BYSTANDER),),
    )
    return life, bystander


_CONTRACTS = st.builds(
    contract,
    safe=st.booleans(),
    on_sensor_loss=st.sampled_from(OnSensorLoss),
    max_on_ms=st.sampled_from((0, MINUTE)),
    min_on_ms=st.sampled_from((0, SECOND)),
    min_off_ms=st.sampled_from((0, SECOND)),
)


@st.composite
def kitchens(draw: st.DrawFn) -> Judge:
    """Up to six rules of every sort, and the two that must never be held up."""
    rules = [
        draw(_level(name) if draw(st.booleans()) else _moment(name))
        for name in IDS[: draw(st.integers(1, len(IDS)))]
    ]
    contracts: Mapping[str, Contract] = {name: draw(_CONTRACTS) for name in ACTUATORS}
    return Judge([*rules, *_watched()], {**contracts, VALVE: contract()}, ZONE)


_NUMBERS: st.SearchStrategy[Value] = st.sampled_from((4.0, 7.0, 9.0, 30.0, 1e308, -18.0, None))
READINGS: st.SearchStrategy[tuple[str, Value]] = st.one_of(
    st.tuples(st.sampled_from((WARM, COLD)), _NUMBERS),
    st.tuples(st.sampled_from((DOOR, HOOD)), st.sampled_from((True, False, None))),
)
GAPS = st.sampled_from((0, 0, 0, 10, 100, SECOND, SECOND, 10 * SECOND, 61 * SECOND, 10 * MINUTE))
_JUMPS = st.sampled_from(
    (
        None,
        0,
        AHEAD_MS,
        AHEAD_MS - HOUR,
        AHEAD_MS - HOUR,
        AHEAD_MS + 3 * DAY,
        AHEAD_MS + 3_650 * DAY,
    )
)


def reading(point: str, value: Value, now: int, *, kept: bool = True) -> Observed:
    """A reading, BAD without a value."""
    return Observed(point, Seen(value, good=value is not None, at=now), kept)


@st.composite
def _event(draw: st.DrawFn, now: int) -> Event:
    match draw(st.integers(0, 11)):
        case 0 | 1 | 2 | 3 | 4 | 5:
            point, value = draw(READINGS)
            return reading(point, value, now)
        case 6 | 7:
            return Asked(draw(st.sampled_from(IDS)), "mina")
        case 8:
            return Acknowledged(draw(st.sampled_from((*IDS, LIFE))), "mina")
        case 9:
            return Switched(MODE, draw(st.sampled_from(("open", "closed"))), "jun")
        case 10:
            return Clocked(draw(_JUMPS))
        case _:
            return Elapsed()


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A kitchen with up to twenty-five events."""
    judge = draw(kitchens())
    events: list[tuple[int, Event]] = [(START_MS, Clocked(draw(_JUMPS)))]
    now = START_MS
    for _ in range(draw(st.integers(1, 25))):
        now += draw(GAPS)
        event = draw(_event(now))
        if not isinstance(event, Asked) or event.rule in judge.rules:
            events.append((now, event))
    return Story(judge, tuple(events))


def alarms_due(now: int) -> Iterator[Event]:
    """Gas for the rule of life safety, and a change for the bystander."""
    yield reading(GAS, 30.0, now)
    yield reading(_BYSTANDER_POINT, 500.0, now)
    yield reading(_BYSTANDER_POINT, 501.0, now)
