"""Expressions over points: `walk_in/temperature > "8 °C" and not walk_in_door/open`.

A text is checked whole before it runs: names, units, size. What it becomes is a closure over the
world that can do nothing but look at points; `docs/expressions.md` is the page for people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rules.formula.compiling import Compiler
from rules.formula.dimension import Quantities
from rules.formula.evaluation import BLIND, UNSEEN, Answer, Unknown, World
from rules.formula.parts import Number, Part, Quoted, Text, Truth, code_of
from rules.formula.sources import Metric, Sources
from rules.formula.syntax import ExpressionError, parsed
from rules.window import width_ms

__all__ = [
    "BLIND",
    "UNSEEN",
    "Answer",
    "Expression",
    "ExpressionError",
    "Metric",
    "Quantities",
    "Unknown",
    "World",
    "compiled",
    "condition",
]

_AGE_MS = 1_000
_CLOCK_MS = 60_000  # in every zone an hour begins at a whole minute


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One compiled expression, and what it has to be given.

    `windows` are points with the span in ms. `every_ms` is how often time alone may change its
    answer; None: only readings do.
    """

    text: str
    kind: str  # `boolean`, `number` or `text`
    unit: str  # of a number, for people
    points: tuple[str, ...]
    windows: tuple[tuple[str, int], ...]
    every_ms: int | None
    evaluate: Callable[[World], Answer] = field(repr=False, compare=False)

    @property
    def uses_time(self) -> bool:
        """Whether it has to be asked again though no reading came."""
        return self.every_ms is not None

    def holds(self, world: World, *, active: bool = False) -> bool | Unknown:
        """The answer of a condition."""
        del active
        answer = self.evaluate(world)
        return answer if isinstance(answer, (bool, Unknown)) else BLIND


def compiled(text: str, points: Mapping[str, Metric], quantity: Quantities) -> Expression:
    """Compile a text; raises ExpressionError with the column of what is wrong."""
    tree = parsed(text, points)
    sources = Sources(tree, points)
    part = Compiler(sources, quantity).part(tree.root)
    if isinstance(part, Number) and not part.dimension.sound:
        raise ExpressionError(f"the result is {part.dimension}", part.column)
    return Expression(
        text=text,
        kind=_kind(part),
        unit=str(part.dimension) if isinstance(part, Number) else "",
        points=tuple(sources.points),
        windows=tuple(sources.windows),
        every_ms=_every_ms(sources),
        evaluate=code_of(part),
    )


def condition(text: str, points: Mapping[str, Metric], quantity: Quantities) -> Expression:
    """Compile a text that must be true or false; raises ExpressionError."""
    expression = compiled(text, points, quantity)
    if expression.kind != "boolean":
        got = f"a number in {expression.unit}" if expression.unit else f"a {expression.kind}"
        message = f'got {got}, expected what is true or false: compare it, such as … > "8 °C"'
        raise ExpressionError(message, 1)
    return expression


def _kind(part: Part) -> str:
    if isinstance(part, Truth):
        return "boolean"
    return "text" if isinstance(part, (Text, Quoted)) else "number"


def _every_ms(sources: Sources) -> int | None:
    periods = [width_ms(span_ms) for _, span_ms in sources.windows]
    if sources.looks_at_age:
        periods.append(_AGE_MS)
    if sources.looks_at_clock:
        periods.append(_CLOCK_MS)
    return min(periods, default=None)
