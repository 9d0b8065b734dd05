"""A kitchen for the tests of expressions: points of every sort, and a world made of readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.base import Metric
from gateway.config import quantity
from rules import expression
from rules.base import Observation
from rules.expression import Expression
from rules.window import Window

Value = float | bool | str | None

POINTS: Mapping[str, Metric] = {
    "walk_in/temperature": Metric("temperature", "Cel"),
    "freezer/temperature": Metric("temperature", "Cel"),
    "kitchen/temperature": Metric("temperature", "Cel"),
    "walk_in/humidity": Metric("humidity", "%"),
    "kitchen_air/co2": Metric("co2", "[ppm]"),
    "gas/level": Metric("level", "%"),
    "meter/voltage": Metric("voltage", "V"),
    "meter/current": Metric("current", "A"),
    "meter/power": Metric("power", "W"),
    "meter/power_factor": Metric("power_factor", "1"),
    "oil/temperature": Metric("temperature", "[degF]"),
    "walk_in_outlook/minutes_to_breach": Metric("minutes_to_breach", "min"),
    "walk_in_door/open": Metric("open", "1", kind="boolean"),
    "hood/state": Metric("state", "1", kind="boolean"),
    "mode/kitchen": Metric("kitchen", "1", kind="text"),
    "mode/freezer": Metric("freezer", "1", kind="text"),
    "3rd_fridge/temperature": Metric("temperature", "Cel"),
    "lambda/in": Metric("in", "1"),
}


@dataclass(frozen=True)
class Seen:
    """A reading as an expression sees it."""

    value: Value
    good: bool = True
    at: int = 0


@dataclass
class Kitchen:
    """A world in which each point has one reading, or those it was shown."""

    now: int = 0
    utc_ms: int | None = None
    hour: int | None = 12
    weekday: int | None = 1
    readings: dict[str, Observation] = field(default_factory=dict)
    windows: dict[tuple[str, int], Window] = field(default_factory=dict)

    def latest(self, point: str) -> Observation | None:
        return self.readings.get(point)

    def window(self, point: str, span_ms: int) -> Window | None:
        return self.windows.get((point, span_ms))

    def open_windows(self, of: Expression) -> None:
        for point, span_ms in of.windows:
            self.windows[point, span_ms] = Window(span_ms)

    def show(self, point: str, value: Value, at: int, *, good: bool = True) -> None:
        """A reading that is kept."""
        self.now = at
        self.readings[point] = Seen(value, good=good, at=at)
        for (of, _), window in self.windows.items():
            if of == point:
                window.see(self.readings[point])


BAD = Seen(99.0, good=False)


def kitchen(**values: Value | Seen) -> Kitchen:
    """One reading for each point, whose slash is written as two underscores."""
    readings = {
        name.replace("__", "/"): value if isinstance(value, Seen) else Seen(value)
        for name, value in values.items()
    }
    return Kitchen(readings=dict(readings))


def compiled(text: str) -> Expression:
    return expression.compiled(text, POINTS, quantity)


def condition(text: str) -> Expression:
    return expression.condition(text, POINTS, quantity)
