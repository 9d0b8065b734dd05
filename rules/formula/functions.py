"""The functions of expressions: over a time, over several values, about a point, of the clock."""

import ast
from collections.abc import Callable, Mapping, Sequence

from rules.formula import dimension, evaluation
from rules.formula.dimension import Quantities
from rules.formula.parts import Bare, Number, Part, Truth, alike, as_number
from rules.formula.sources import Metric, Sources
from rules.formula.syntax import ExpressionError, shown
from rules.window import SPAN_LEAST_MS, SPAN_MOST_MS, Window

_MEASURES: Mapping[str, Callable[[Window, int], float | None]] = {
    "avg": Window.mean,
    "min": Window.least,
    "max": Window.most,
    "rate": Window.rate,
}
_FORMS = ("()", "(walk_in/temperature)", '(walk_in/temperature, "10min")')
_SPANNED = 2  # a point and a duration


class Functions:
    """Compiles calls; `compile_part` compiles an argument."""

    def __init__(
        self, sources: Sources, quantity: Quantities, compile_part: Callable[[ast.expr], Part]
    ) -> None:
        self._sources = sources
        self._quantity = quantity
        self._compile_part = compile_part

    def call(self, name: str, arguments: Sequence[ast.expr], column: int) -> Part:
        """One call; raises ExpressionError."""
        wanted = {"hour": 0, "weekday": 0, "age": 1, "bad": 1, "abs": 1, "avg": 2, "rate": 2}
        if len(arguments) != wanted.get(name, len(arguments)):
            raise ExpressionError(f"{name} is written {name}{_FORMS[wanted[name]]}", column)
        match name:
            case "hour" | "weekday":
                self._sources.looks_at_clock = True
                clock = evaluation.hour if name == "hour" else evaluation.weekday
                return Number(clock, dimension.NONE, column)
            case "age":
                self._sources.looks_at_age = True
                point, _ = self._point(name, arguments[0])
                return Number(evaluation.age(point), dimension.of_unit("s"), column)
            case "bad":
                point, metric = self._point(name, arguments[0])
                return Truth(evaluation.bad(evaluation.leaf(point, metric.kind)), column)
            case "abs":
                return _size(self._compile_part(arguments[0]), column)
        if name in {"avg", "rate"} or self._has_span(arguments):
            return self._window(name, arguments[0], arguments[1], column)
        return self._extreme(name, arguments, column)

    def _point(self, name: str, node: ast.expr) -> tuple[str, Metric]:
        found = self._sources.point(node)
        if found is None:
            message = f"{name} is about a point, such as walk_in/temperature"
            raise ExpressionError(message, node.col_offset)
        return found

    def _has_span(self, arguments: Sequence[ast.expr]) -> bool:
        """Whether `min` or `max` is that of one point over a time."""
        span = self._sources.quoted(arguments[1]) if len(arguments) == _SPANNED else None
        if span is None:
            return False
        try:
            self._quantity.duration(span)
        except ValueError:
            return False
        return isinstance(arguments[0], ast.Name)

    def _window(self, name: str, of: ast.expr, over: ast.expr, column: int) -> Part:
        point, metric = self._point(name, of)
        if metric.kind != "number":
            raise ExpressionError(f"{name} needs a number, {point} is none", of.col_offset)
        span_ms = self._span_ms(name, over)
        self._sources.windows[point, span_ms] = None
        unit = dimension.of_unit(metric.unit)
        if name == "rate":
            unit = dimension.per_minute(unit)
        return Number(evaluation.over_window(_MEASURES[name], point, span_ms), unit, column)

    def _span_ms(self, name: str, over: ast.expr) -> int:
        text = self._sources.quoted(over)
        if text is None:
            raise ExpressionError(f'{name} needs a time in quotes: "10min"', over.col_offset)
        try:
            span_ms = round(self._quantity.duration(text) * 1000)
        except ValueError as error:
            raise ExpressionError(str(error), over.col_offset) from None
        if not SPAN_LEAST_MS <= span_ms <= SPAN_MOST_MS:
            message = f'got "{shown(text)}", expected a window of 10s to 1h'
            raise ExpressionError(message, over.col_offset)
        return span_ms

    def _extreme(self, name: str, arguments: Sequence[ast.expr], column: int) -> Part:
        parts = [self._compile_part(argument) for argument in arguments]
        numbers = alike(parts, f"stand in one {name}", self._quantity)
        if numbers is None or len(numbers) == 1:
            message = f'{name} is written {name}(a/b, c/d) or {name}(a/b, "10min")'
            raise ExpressionError(message, column)
        choose = min if name == "min" else max
        code = evaluation.extreme(choose, [number.code for number in numbers])
        return Number(code, numbers[0].dimension, column)


def _size(part: Part, column: int) -> Part:
    if isinstance(part, Bare):
        return Bare(abs(part.value), column)
    number = as_number(part, "abs")
    if number.dimension.zeros:
        raise ExpressionError("abs means nothing of a temperature, only of a difference", column)
    return Number(evaluation.changed(abs, number.code), number.dimension, column)
