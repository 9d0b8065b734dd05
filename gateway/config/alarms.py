"""How a rule's alarm behaves, and the ladders by which people are told until somebody sees it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Protocol

from drivers.base import Metric
from gateway.config.problem import Report
from gateway.config.typed import FLAW, Filler, Flaw, Spot
from gateway.config.yaml import Node
from rules.alarm import shelve_limit_ms
from rules.base import DurationS, Priority
from rules.escalation import Ladder, Rung
from rules.shift import ON_DUTY, Duty
from rules.terms import PLAIN, AlarmTerms, Suppress

STEPS_MAX = 10
_SWITCH = {"true": True, "on": True, "false": False, "off": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressEntry:
    """Hidden while a point has a value, at most so long at a time."""

    while_: Annotated[str, "point"]
    is_: str
    up_to_s: Annotated[DurationS, "1..86400"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmEntry:
    """What stands after `alarm:`; a bare priority is its short form."""

    SHORT: ClassVar[str] = "priority"

    priority: Priority
    latch: bool = False
    clear_for_s: DurationS = 0.0
    shelve_s: Annotated[DurationS, "60.."] | None = None
    suppress: SuppressEntry | None = None
    group: Annotated[str, "id"] | None = None
    escalate: Annotated[str, "id"] | None = None
    procedure: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepEntry:
    """Who is told so long after the alarm: a role, or `on_duty ROLE`."""

    after_s: DurationS
    to: Annotated[str, "recipient"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderEntry:
    """One ladder; the last step is told again every `repeat`, `0s` for never."""

    steps: tuple[StepEntry, ...]
    repeat_s: DurationS = 900.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= STEPS_MAX:
            raise ValueError(f"steps: got {len(self.steps)}, expected 1 to {STEPS_MAX}")
        if self.steps[0].after_s:
            raise ValueError("steps: the first must be at once: {after: 0s, to: on_duty cook}")
        times = [step.after_s for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("steps must come later and later")
        if 0.0 < self.repeat_s < 60.0:  # noqa: PLR2004 - a minute
            raise ValueError("repeat must be at least 1min, or 0s for never")

    def ladder(self) -> Ladder:
        """As judging climbs it."""
        rungs = tuple(Rung(after_ms=_ms(step.after_s), to=step.to) for step in self.steps)
        return Ladder(rungs=rungs, repeat_ms=_ms(self.repeat_s))


class Terms:
    """Compiles what alarms say; `ladders` is None where their section has errors of its own."""

    def __init__(
        self,
        report: Report,
        points: Mapping[str, Metric],
        ladders: Collection[str] | None,
    ) -> None:
        self._report = report
        self._points = points
        self._ladders = ladders

    def of(self, actions: Iterable["Raising"], spot: Spot) -> AlarmTerms | Flaw:
        """The terms of the one alarm among these; what does not fit goes to the report."""
        entry = next((action.alarm for action in actions if action.alarm is not None), None)
        if entry is None:
            return PLAIN
        suppress = None if entry.suppress is None else self._suppress(entry.suppress)
        problems = [*self._ladder_problems(entry), *_limit_problems(entry)]
        if isinstance(suppress, str):
            problems.append(suppress)
        for problem in problems:
            self._report.add(spot.place, spot.path, problem)
        if problems or isinstance(suppress, str):
            return FLAW
        return AlarmTerms(
            latch=entry.latch,
            clear_for_ms=_ms(entry.clear_for_s),
            shelve_ms=None if entry.shelve_s is None else _ms(entry.shelve_s),
            suppress=suppress,
            group=entry.group or "",
            escalate=entry.escalate or "",
            procedure=entry.procedure,
        )

    def _ladder_problems(self, entry: AlarmEntry) -> list[str]:
        name, ladders = entry.escalate, self._ladders
        if name is None or ladders is None or name in ladders:
            return []
        near = self._report.suggestion(name, ladders)
        return [f'escalate: got "{name}", which is none of `escalations`{near}']

    def _suppress(self, entry: SuppressEntry) -> Suppress | str:
        """What hides it by design, or what is wrong with that."""
        metric = self._points.get(entry.while_)
        if metric is None:
            near = self._report.suggestion(entry.while_, self._points)
            return f'suppress: got the unknown point "{entry.while_}"{near}'
        value: bool | str | None = entry.is_
        if metric.kind == "boolean":
            value = _SWITCH.get(entry.is_.lower())
        elif metric.kind == "number":
            return f'suppress: "{entry.while_}" is a number, expected a contact, a switch or a mode'
        if value is None:
            return f'suppress: is: got "{entry.is_}", expected true or false'
        return Suppress(point=entry.while_, value=value, up_to_ms=_ms(entry.up_to_s))


class Raising(Protocol):
    """A line under `then`."""

    @property
    def alarm(self) -> AlarmEntry | None: ...


def ladders(
    node: Node | None, filler: Filler, shifts: Duty | None
) -> dict[str, LadderEntry] | None:
    """The section `escalations`, by id; None after a problem, which is in the report."""
    if node is None:
        return {}
    spot = Spot(("escalations",), node.place)
    found = filler.value(node, Mapping[str, LadderEntry], spot, None)
    if not isinstance(found, dict):
        return None
    roles = () if shifts is None else shifts.roles
    for name, ladder in found.items():
        for step in ladder.steps:
            role = step.to.removeprefix(ON_DUTY)
            if role != step.to and role not in roles:
                near = filler.report.suggestion(role, roles)
                message = f'{step.to}: "{role}" is no role of `shifts`{near}'
                filler.report.add(spot.place, (*spot.path, name), message)
    return found


def _limit_problems(entry: AlarmEntry) -> list[str]:
    """Nothing may hide an alarm for longer than its priority allows."""
    most = shelve_limit_ms(entry.priority, PLAIN) / 1000
    allowed = f"at most {most / 60:g}min for priority {entry.priority}"
    found = []
    if entry.shelve_s is not None and entry.shelve_s > most:
        found.append(f"shelve: got {entry.shelve_s / 60:g}min, expected {allowed}")
    if entry.suppress is not None and entry.suppress.up_to_s > most:
        found.append(f"suppress: up_to is {entry.suppress.up_to_s / 60:g}min, expected {allowed}")
    return found


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
