"""Times, days and windows as they are written, turned into what `rules` goes by.

A time is `22:00`, `sunrise`, or `sunset - 30min`; days are `mon-fri, sun`; a window has `from` and
`to`. docs/schedules.md is their page.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.config import holidays, quantity
from gateway.config.problem import shown
from gateway.config.scalar import Wrong, found, text
from gateway.config.schema import Site
from gateway.config.typed import FLAW, Filler, Flaw, Spot, keys_of
from gateway.config.yaml import Map, Node, Scalar, Sequence
from rules.days import EVERY_WEEKDAY, WEEKDAYS, Calendar, Days, On
from rules.gates import Between
from rules.occurrences import ClockTime, SunTime, Trigger, at_minutes
from rules.sun import Event, Sun
from rules.time_window import Window

T = TypeVar("T")

TIMES_MAX = 48  # in one schedule
SPANS_MAX = 8  # of the day, under one `between`
_DAY_MINUTES = 24 * 60
_SUN_OFFSET_MAX_S = 12 * 3600.0
_CLOCK = re.compile(r"([0-2]?\d):([0-5]\d)", re.ASCII)
_SUN = re.compile(r"(sunrise|sunset)(?:\s*([-+\u2212\u2013])\s*(\S.*))?")
_EXPECTED_TIME = 'expected a time such as "22:00", "sunset" or "sunrise + 30min"'


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowKeys:
    """What a window has beside `from`, `to` and `days`."""

    on: On = On.EVERY_DAY


@dataclass(frozen=True, slots=True)
class _Time:
    """A time of day: minutes after midnight, or by the sun."""

    minute: int = 0
    event: Event | None = None
    offset_ms: int = 0


class Times:
    """Reads everything that has to do with days and hours at one site."""

    def __init__(self, filler: Filler, site: Site) -> None:
        """In a proven file, holidays that cannot be looked up are only one of `doubts`."""
        self.filler = filler
        self.report = filler.report
        self.site = site
        self.zone = ZoneInfo(site.zone)
        self.doubts = filler.report.doubts

    def between(self, node: Node, spot: Spot) -> Between | Flaw:
        """One span of the day or a list of them, any of which will do."""
        nodes = node.items if isinstance(node, Sequence) else [node]
        if not 1 <= len(nodes) <= SPANS_MAX:
            message = f"got {len(nodes)} spans of the day, expected 1 to {SPANS_MAX}"
            self.report.add(node.place, spot.path, message)
            return FLAW
        spans = [self.window(one, spot) for one in nodes]
        sound = [span for span in spans if span is not FLAW]
        return Between(sound) if len(sound) == len(spans) else FLAW

    def window(self, node: Node, spot: Spot) -> Window | Flaw:
        """One span of the day, such as {from: "22:00", to: "06:00", days: fri-sat}."""
        tree = self.filler.map(node, spot)
        if tree is FLAW:
            return FLAW
        keys = self.section(tree, WindowKeys, spot, ("from", "to", "days"))
        return FLAW if keys is FLAW else self.windowed(tree, keys.on, spot)

    def windowed(self, tree: Map, on: On, spot: Spot) -> Window | Flaw:
        """The window of a mapping that may have other keys too."""
        days = self.days(tree, on, spot)
        missing = [key for key in ("from", "to") if key not in tree.entries]
        for key in missing:
            self.report.add(spot.place, spot.path, f'"{key}" is missing, such as {key}: "22:00"')
        if missing:
            return FLAW
        begin, end = (tree.entries[key] for key in ("from", "to"))
        first = self.tried(
            begin.node, spot.at("from", begin.key), lambda: self._time(written(begin.node))
        )
        last = self.tried(
            end.node, spot.at("to", end.key), lambda: self._time(written(end.node), midnight=True)
        )
        if first is FLAW or last is FLAW:
            return FLAW
        if first == last:
            message = "from and to are the same; leave both out for the whole day"
            self.report.add(end.node.place, (*spot.path, "to"), message)
            return FLAW
        chosen = Days() if days is FLAW else days
        opens = self.tried(begin.node, spot.at("from", begin.key), lambda: self._at(first, chosen))
        closes = self.tried(end.node, spot.at("to", end.key), lambda: self._at(last, Days()))
        if days is FLAW or opens is FLAW or closes is FLAW:
            return FLAW
        return Window(begin=opens, end=closes)

    def trigger_at(self, node: Node, days: Days) -> Trigger:
        """What a time, or a list of clock times, stands for; raises Wrong."""
        nodes = node.items if isinstance(node, Sequence) else [node]
        if not 1 <= len(nodes) <= TIMES_MAX:
            raise Wrong(f"got {len(nodes)} times, expected 1 to {TIMES_MAX}")
        times = [self._time(written(one)) for one in nodes]
        if len(times) == 1:
            return self._at(times[0], days)
        if any(time.event for time in times):
            raise Wrong("got the sun in a list of times, expected it alone: one rule for each")
        return ClockTime(self.zone, at_minutes((time.minute for time in times), days.count))

    def days(self, tree: Map, on: On | Flaw, spot: Spot) -> Days | Flaw:
        """The days a mapping chooses with `days` and `on`."""
        chosen = tree.entries.get("days")
        weekdays: frozenset[int] | Flaw = EVERY_WEEKDAY
        if chosen is not None:
            here, node = spot.at("days", chosen.key), chosen.node
            weekdays = self.tried(node, here, lambda: self._weekdays(node))
        if weekdays is FLAW or on is FLAW:
            return FLAW
        if on is On.EVERY_DAY:
            return Days(weekdays=weekdays)
        entry = tree.entries["on"]
        calendar = self.tried(entry.node, spot.at("on", entry.key), lambda: self._calendar(on))
        return FLAW if calendar is FLAW else Days(weekdays=weekdays, on=on, calendar=calendar)

    def section(self, tree: Map, shape: type[T], spot: Spot, also: Iterable[str]) -> T | Flaw:
        """The plain keys of a mapping; others read those of `also`."""
        values = self.filler.fields(tree, keys_of(shape), spot, also=also)
        return FLAW if values is FLAW else shape(**values)

    def tried(self, node: Node, spot: Spot, read: Callable[[], T]) -> T | Flaw:
        """What is read, or its error at this place."""
        try:
            return read()
        except ValueError as error:
            self.report.add(node.place, spot.path, str(error))
            return FLAW

    def _at(self, time: _Time, days: Days) -> Trigger:
        if time.event is None:
            return ClockTime(self.zone, at_minutes((time.minute,), days.count))
        if self.site.latitude is None or self.site.longitude is None:
            raise Wrong(f"{time.event} needs to know where the kitchen is: "
                        "site: {latitude: 37.55, longitude: 126.95}")  # fmt: skip
        return SunTime(
            sun=Sun(latitude=self.site.latitude, longitude=self.site.longitude),
            event=time.event,
            zone=self.zone,
            offset_ms=time.offset_ms,
            days=days,
        )

    def _time(self, told: str, *, midnight: bool = False) -> _Time:
        """A time of day; with `midnight` also 24:00. Raises Wrong."""
        clock, sun = _CLOCK.fullmatch(told), _SUN.fullmatch(told)
        if clock is not None:
            minute = int(clock[1]) * 60 + int(clock[2])
            if minute < _DAY_MINUTES or (midnight and minute == _DAY_MINUTES):
                return _Time(minute % _DAY_MINUTES)
        if sun is None:
            near = self.report.nearest(told.partition(" ")[0], list(Event))
            raise Wrong(f'got "{shown(told)}", {_EXPECTED_TIME}{near}')
        seconds = quantity.duration(shown(sun[3])) if sun[3] else 0.0
        if seconds > _SUN_OFFSET_MAX_S:
            raise Wrong(f'got "{shown(told)}", expected at most 12h from {sun[1]}')
        sign = 1 if sun[2] in {None, "+"} else -1
        return _Time(event=Event(sun[1]), offset_ms=sign * round(seconds * 1000))

    def _weekdays(self, node: Node) -> frozenset[int]:
        """The days of `mon-fri, sun`, or of a list of such texts; raises Wrong."""
        nodes = node.items if isinstance(node, Sequence) else [node]
        chosen: set[int] = set()
        for part in ",".join(written(one) for one in nodes).split(","):
            first, dash, last = part.strip().lower().partition("-")
            start = self._weekday(first.strip())
            end = self._weekday(last.strip()) if dash else start
            chosen |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
        return frozenset(chosen)

    def _weekday(self, word: str) -> int:
        if word not in WEEKDAYS:
            near = self.report.nearest(word, WEEKDAYS)
            raise Wrong(f'got "{shown(word)}", expected days such as mon-fri, sun{near}')
        return WEEKDAYS.index(word)

    def _calendar(self, on: On) -> Calendar:
        """The site's own days off, and those of its country; raises Wrong."""
        own = {date.fromisoformat(day): "" for day in self.site.holidays}
        country = self.site.country
        if country is None:
            if own:
                return Calendar(holidays=own)
            raise Wrong(f'got "{on}", which needs to know the holidays: site: {{country: KR}}')
        try:
            answer = holidays.look_up(country)
        except holidays.LookupFailed as error:
            doubt = f"the holidays of {country} cannot be looked up: {error}"
            if not self.filler.proven:
                raise Wrong(doubt) from None
            self.doubts.add(doubt)
            return Calendar(holidays=own)
        if answer.known:
            raise Wrong(f'got the unknown site.country "{country}"'
                        f"{self.report.suggestion(country, answer.known)}")  # fmt: skip
        named = {date.fromisoformat(day): name for day, name in answer.holidays.items()}
        return Calendar(holidays=own | named, weekend=frozenset(answer.weekend))


def written(node: Node) -> str:
    """The text of a single value; raises Wrong."""
    if not isinstance(node, Scalar):
        raise Wrong(f"got {found(node)}, {_EXPECTED_TIME}")
    return text(node, ()).strip()
