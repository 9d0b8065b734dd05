"""What an expression looks at: points, windows over them, the clock."""

import ast
from collections.abc import Mapping
from typing import Protocol

from rules.formula.syntax import ExpressionError, Tree, nearest, shown

METRICS_SHOWN = 8


class Metric(Protocol):
    """What is known of a point before it is seen."""

    @property
    def unit(self) -> str:
        """UCUM."""

    @property
    def kind(self) -> str:
        """`number`, `boolean` or `text`."""


class Sources:
    """Looks names up, and notes which of them are used, in the order of the text."""

    def __init__(self, tree: Tree, known: Mapping[str, Metric]) -> None:
        self._tree = tree
        self._known = known
        self.points: dict[str, None] = {}
        self.windows: dict[tuple[str, int], None] = {}
        self.looks_at_age = False
        self.looks_at_clock = False

    def quoted(self, node: ast.expr) -> str | None:
        """The quoted text that stands here."""
        if not isinstance(node, ast.Name):
            return None
        return self._tree.quoted.get(node.col_offset)

    def point(self, node: ast.expr) -> tuple[str, Metric] | None:
        """The point that stands here; raises ExpressionError for one that is not known."""
        point = self._tree.points.get(node.col_offset) if isinstance(node, ast.Name) else None
        if point is None:
            return None
        metric = self._known.get(point)
        if metric is None:
            raise ExpressionError(self._unknown(point), node.col_offset)
        self.points[point] = None
        return point, metric

    def _unknown(self, point: str) -> str:
        device, _, name = point.partition("/")
        beside = sorted(each for each in self._known if each.startswith(f"{device}/"))
        hint = nearest(point, self._known)
        if device.isdigit() and name.isdigit():
            hint = "; a division needs a space on both sides: a / b"
        elif beside:
            hint = f", expected {', '.join(beside[:METRICS_SHOWN])}{nearest(point, beside)}"
        return f'got the unknown point "{shown(point)}"{hint}'
