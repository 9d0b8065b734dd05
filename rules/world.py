"""What formulas look at: the last kept reading of each point, windows over them, and the time.

Kept readings are those that are stored: they left the deadband, or decided something. A formula
sees no others, so what it decides can be told again from the log alone. Nothing here is stored.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.base import Observation, Rule, looks_at
from rules.events import NEVER
from rules.window import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Seen:
    """The kept readings of the points that the formulas of these rules look at."""

    def __init__(self, rules: Iterable[Rule], zone: ZoneInfo) -> None:
        self.zone = zone
        self.now = 0
        self.ahead_ms: int | None = None  # of the wall clock; None while it is not believed
        self.readings: dict[str, Observation | None] = {}
        self.windows: dict[str, dict[int, Window]] = {}  # by point and span in ms
        self.looks: dict[str, int] = {}  # rules that look again though nothing comes, and when
        self.periods: dict[str, int] = {}
        for rule in rules:
            self._prepare(rule)

    def _prepare(self, rule: Rule) -> None:
        formulas = [formula for formula in (rule.formula, rule.gate) if formula is not None]
        if not formulas:
            return
        sights = looks_at(rule)
        self.readings |= dict.fromkeys(sights.points)
        for formula in formulas:
            for point, span_ms in formula.windows:
                self.windows.setdefault(point, {}).setdefault(span_ms, Window(span_ms))
        if sights.every_ms is not None and not rule.triggers:
            self.periods[rule.id] = sights.every_ms
            self.looks[rule.id] = NEVER  # until the process has started

    @property
    def utc_ms(self) -> int | None:
        """The wall clock, None while it is not believed."""
        return None if self.ahead_ms is None else self.now + self.ahead_ms

    @property
    def local(self) -> datetime | None:
        """The time in the kitchen, None while no clock is believed."""
        utc_ms = self.utc_ms
        if utc_ms is None:
            return None
        return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(self.zone)

    @property
    def hour(self) -> int | None:
        local = self.local
        return None if local is None else local.hour

    @property
    def weekday(self) -> int | None:
        local = self.local
        return None if local is None else local.isoweekday()

    def latest(self, point: str) -> Observation | None:
        """The last kept reading, None before the first since the start or if no formula asks."""
        return self.readings.get(point)

    def window(self, point: str, span_ms: int) -> Window | None:
        """What a point did over the last `span_ms`."""
        return self.windows[point][span_ms]

    @property
    def spans_ms(self) -> dict[str, int]:
        """How far back the windows of each point reach."""
        return {point: max(windows) for point, windows in self.windows.items()}

    def see(self, point: str, seen: Observation) -> None:
        """Take in a kept reading."""
        if point in self.readings:
            self.readings[point] = seen
        for window in self.windows.get(point, {}).values():
            window.see(seen)

    def refill(self, past: Iterable[tuple[str, Observation] | None]) -> None:
        """Feed the windows that know nothing yet with what was kept before, oldest first.

        None stands for a start of the process: until then nothing is known to have held.
        """
        new = {
            point: [window for window in windows.values() if not window.begun]
            for point, windows in self.windows.items()
        }
        for kept in past:
            if kept is None:
                for windows in new.values():
                    for window in windows:
                        window.interrupt()
                continue
            point, seen = kept
            for window in new.get(point, ()):
                window.see(seen)

    def begin(self) -> None:
        """The process was away: what was last seen counts no more, and windows have a gap.

        Nobody looked meanwhile either, until `look_after`.
        """
        self.readings = dict.fromkeys(self.readings)
        self.looks = dict.fromkeys(self.looks, NEVER)
        for windows in self.windows.values():
            for window in windows.values():
                window.interrupt()

    def look_after(self, now: int) -> None:
        """Have every rule that looks again do so when its time comes after `now`."""
        for rule_id in self.periods:
            self.looked(rule_id, now)

    def looked(self, rule_id: str, now: int) -> None:
        """A rule has looked; its times are aligned, so that they depend on nothing else."""
        period = self.periods[rule_id]
        self.looks[rule_id] = (now // period + 1) * period

    def follow(self, before: "Seen") -> None:
        """Take over what another set of rules has seen."""
        for point in self.readings.keys() & before.readings.keys():
            self.readings[point] = before.readings[point]
        for point in self.windows.keys() & before.windows.keys():
            there = before.windows[point]
            self.windows[point] |= {
                span: there[span] for span in self.windows[point] if span in there
            }
        for rule_id in self.periods.keys() & before.periods.keys():
            if self.periods[rule_id] == before.periods[rule_id]:
                self.looks[rule_id] = before.looks[rule_id]
        self.now, self.ahead_ms = before.now, before.ahead_ms
