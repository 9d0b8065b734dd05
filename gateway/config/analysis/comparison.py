"""Comparisons in expressions that come out the same whatever the points say.

A comparison of sums, differences and multiples of points is extreme where each point is at an end
of what it is believed to be: if it says the same at all these corners it always says it.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from gateway.config import quantity
from gateway.config.analysis.base import Finding, Kitchen, of_rule, texts_of
from gateway.reading import Point
from rules.base import Observation
from rules.expression import Expression, condition
from rules.formula.syntax import parsed
from rules.window import Window

_POINTS_MAX = 6  # in one comparison: 64 corners
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_STRAIGHT = (ast.Add, ast.Sub, ast.USub)
_EXTREMES = ("min", "max", "avg")


@dataclass(frozen=True)
class _Seen:
    value: float
    good: bool = True
    at: int = 0


class _Corner:
    """A world in which each point has been at one value for as long as anybody looks back."""

    utc_ms = hour = weekday = None

    def __init__(self, values: Mapping[str, float], windows: tuple[tuple[str, int], ...]) -> None:
        self._seen = {point: _Seen(value) for point, value in values.items()}
        self._windows = {key: Window(key[1]) for key in windows}
        self.now = max((span_ms for _, span_ms in windows), default=0)
        for (point, _), window in self._windows.items():
            window.see(self._seen[point])

    def latest(self, point: str) -> Observation | None:
        return self._seen[point]

    def window(self, point: str, span_ms: int) -> Window | None:
        return self._windows[point, span_ms]


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """Errors for what is never true, warnings for what always is."""
    for rule in kitchen.rules:
        for key, expression in texts_of(rule):
            for text in comparisons(expression.text, kitchen.points):
                compared = condition(text, kitchen.points, quantity)
                said = answers(compared, kitchen.points)
                if len(said) != 1:
                    continue
                tell = kitchen.warning if True in said else kitchen.error
                yield tell(
                    of_rule(rule, key),
                    f"{text} is {'always' if True in said else 'never'} true:"
                    f" {_believed(compared, kitchen.points)}",
                    "compare with a value in between, or correct low and high of the point",
                )


def comparisons(text: str, points: Mapping[str, Point]) -> Iterator[str]:
    """The comparisons of a text that go straight, each as it is written."""
    tree = parsed(text, points)
    for node in ast.walk(tree.root):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and _straight(node, tree.points):
            yield text[node.col_offset - 1 : (node.end_col_offset or 0) - 1]


def _straight(node: ast.Compare, points: Mapping[int, str]) -> bool:
    """Whether the difference of both sides only rises or only falls with each point."""
    names = [points[part.col_offset] for part in ast.walk(node)
             if isinstance(part, ast.Name) and part.col_offset in points]  # fmt: skip
    once = len(names) == len(set(names))
    calls = any(isinstance(part, ast.Call) for part in ast.walk(node))
    return (
        isinstance(node.ops[0], _ORDERS)
        and (once or not calls)
        and all(map(_rises_or_falls, ast.walk(node)))
    )


def _rises_or_falls(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _EXTREMES
        case ast.BinOp(op=ast.Mult()):
            return isinstance(node.left, ast.Constant) or isinstance(node.right, ast.Constant)
        case ast.BinOp(op=ast.Div()):
            return isinstance(node.right, ast.Constant)
        case ast.BinOp() | ast.UnaryOp():
            return isinstance(node.op, _STRAIGHT)
        case ast.BoolOp() | ast.IfExp():
            return False
        case _:
            return True


def answers(compared: Expression, points: Mapping[str, Point]) -> set[object]:
    """What it says at the corners; of a point without two ends anything may be."""
    spans = [(points[name].low, points[name].high) for name in compared.points]
    if not 1 <= len(spans) <= _POINTS_MAX or any(None in span for span in spans):
        return {True, False}
    corners = (dict(zip(compared.points, values, strict=True)) for values in product(*spans))
    return {compared.holds(_Corner(corner, compared.windows)) for corner in corners}  # type: ignore[arg-type]


def _believed(compared: Expression, points: Mapping[str, Point]) -> str:
    spans = (
        f"{name} is believed from {points[name].low:g} to {points[name].high:g} {points[name].unit}"
        for name in compared.points
    )
    return ", ".join(spans)
