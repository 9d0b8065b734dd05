"""Kitchens of random rules wired to each other at random, and stories that happen in them.

Drawn by hypothesis from small pools: the more rules share a point, an alarm or a timer, the more
loops and collisions there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from rules.escalation import Ladder, Rung
from rules.events import (
    Asked,
    Begun,
    Clocked,
    Elapsed,
    Event,
    Observed,
    Ordered,
    ReadBack,
    Relinquished,
    Switched,
    Troubled,
)
from rules.expression import condition
from rules.interlocks import EVERYWHERE
from rules.judge import Judge
from rules.occurrences import cron
from rules.people import (
    Acknowledged,
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)
from rules.schedule import IfMissed, Schedule
from rules.slots import Contract, OnSensorLoss
from rules.terms import PLAIN, AlarmTerms, Suppress
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


_LADDER = Ladder(
    rungs=(Rung(after_ms=0, to="on_duty cook"), Rung(after_ms=MINUTE, to="manager")),
    repeat_ms=5 * MINUTE,
)
_SUPPRESS = Suppress(point=DOOR, value=True, up_to_ms=2 * MINUTE)


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
_GATES = st.one_of(st.just(""), st.just(""), st.just(""), st.sampled_from(_TEXTS))
_FOR_MS = st.sampled_from((0, 0, 10, SECOND, MINUTE, HOUR))
_CLAIMS = st.lists(
    st.tuples(st.sampled_from(ACTUATORS), st.booleans(), st.sampled_from((10, 11))),
    min_size=1,
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


_ALARM = st.sampled_from((True, True, False))
_TERMS = st.one_of(
    st.just(PLAIN),
    st.just(PLAIN),
    st.builds(
        AlarmTerms,
        latch=st.booleans(),
        clear_for_ms=st.sampled_from((0, SECOND, MINUTE)),
        suppress=st.sampled_from((None, _SUPPRESS)),
        group=st.sampled_from(("", "hot")),
        escalate=st.sampled_from(("", "ladder")),
    ),
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
        alarm=draw(_ALARM),
        terms=draw(_TERMS),
        lockout=EVERYWHERE if draw(_one(True, *[False] * 9)) else "",
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
        alarm=draw(_ALARM),
        terms=draw(_TERMS),
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
        for name in IDS[: draw(st.integers(2, len(IDS)))]
    ]
    contracts: dict[str, Contract] = {name: draw(_CONTRACTS) for name in ACTUATORS}
    if draw(st.booleans()):
        contracts["fan"] = replace(contracts["fan"], needs={"siren": True})
    contracts[VALVE] = replace(contract(), explosion_proof=True)
    return Judge([*rules, *_watched()], contracts, ZONE, {"ladder": _LADDER})


_NUMBERS: st.SearchStrategy[Value] = st.sampled_from((4.0, 7.0, 9.0, 30.0, 1e308, -18.0, None))
READINGS: st.SearchStrategy[tuple[str, Value]] = st.one_of(
    st.tuples(st.sampled_from((WARM, COLD)), _NUMBERS),
    st.tuples(st.sampled_from((DOOR, HOOD)), st.sampled_from((True, False, None))),
)
GAPS = st.sampled_from((0, 0, 0, 10, 100, SECOND, SECOND, 10 * SECOND, 61 * SECOND, 10 * MINUTE))
CLOCKS = st.sampled_from(
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


_NAMES = st.sampled_from(IDS)
ACTS: st.SearchStrategy[ByPeople] = st.one_of(
    _NAMES.map(lambda name: Acknowledged(name, "mina")),
    _NAMES.map(lambda name: Acknowledged(name, "mina")),
    _NAMES.map(lambda name: Shelved(name, "mina", "delivery", MINUTE)),
    _NAMES.map(lambda name: Unshelved(name, "jun")),
    _NAMES.map(lambda name: Reset(name, "jun")),
    _NAMES.map(lambda name: OutOfService(name, "jun", "repair")),
    _NAMES.map(lambda name: BackInService(name, "jun")),
    st.just(HandedOver("cook", "jun", "mina", HOUR)),
)
_ORDER_IDS = st.sampled_from([f"o{number}" for number in range(9)])


@st.composite
def _order(draw: st.DrawFn) -> Callable[[int], Event]:
    """Something people want of an actuator, at whatever time it is."""
    name, actuator, slot = (
        draw(_ORDER_IDS),
        draw(st.sampled_from(ACTUATORS)),
        draw(st.sampled_from((1, 8))),
    )
    if draw(_one(True, True, False)):
        value, for_ms = draw(st.booleans()), draw(st.sampled_from((None, SECOND, HOUR)))
        return lambda now: Ordered(
            name,
            actuator,
            value,
            slot,
            None if for_ms is None else now + for_ms,
            "jun",
            "staff",
            "page",
            now + SECOND,
        )
    return lambda now: Relinquished(name, actuator, slot, "jun", "staff", "page", now + SECOND)


def reading(point: str, value: Value, now: int, *, kept: bool = True) -> Observed:
    """A reading, BAD without a value."""
    return Observed(point, Seen(value, good=value is not None, at=now), kept)


Happening = Callable[[int], Event]  # at whatever time it is


def _told(point: str, value: Value) -> Happening:
    return lambda now: reading(point, value, now)


def _always(event: Event) -> Happening:
    return lambda now: event


_READ = READINGS.map(lambda it: _told(*it))
_HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    _READ,
    _READ,
    _READ,
    _NAMES.map(lambda name: _always(Asked(name, "mina"))),
    ACTS.map(_always),
    st.sampled_from(("open", "closed")).map(lambda to: _always(Switched(MODE, to, "jun"))),
    CLOCKS.map(lambda ahead_ms: _always(Clocked(ahead_ms))),
    _order(),
    _ORDER_IDS.map(lambda name: _always(Begun(name))),
    st.builds(
        ReadBack, st.sampled_from(ACTUATORS), st.sampled_from((True, False, None)), st.booleans()
    ).map(_always),
    st.booleans().map(lambda standing: _always(Troubled("system.disk", standing, "full"))),
    st.just(_always(Elapsed())),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A kitchen with up to thirty happenings."""
    judge = draw(kitchens())
    events: list[tuple[int, Event]] = [(START_MS, Clocked(draw(CLOCKS)))]
    now = START_MS
    for _ in range(draw(st.integers(5, 30))):
        now += draw(GAPS)
        event = draw(_HAPPENINGS)(now)
        if not isinstance(event, Asked) or event.rule in judge.rules:
            events.append((now, event))
        if isinstance(event, Ordered) and draw(_one(True, True, False)):
            events.append((now, Begun(event.id)))
            events.append((now, ReadBack(event.actuator, event.value)))
    return Story(judge, tuple(events))


def alarms_due(now: int) -> Iterator[Event]:
    """Gas for the rule of life safety, and a change for the bystander."""
    yield reading(GAS, 30.0, now)
    yield reading(_BYSTANDER_POINT, 500.0, now)
    yield reading(_BYSTANDER_POINT, 501.0, now)
