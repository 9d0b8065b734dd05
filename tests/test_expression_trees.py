"""Random expressions answer as a plain reading of their tree does, over random kitchens."""

import itertools
import math
import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.expression import BLIND, UNSEEN, Answer, Expression, ExpressionError, Unknown
from tests.expression_world import POINTS, Kitchen, Seen, compiled

NUMBERS = [
    name for name, metric in POINTS.items() if metric.unit == "1" and metric.kind == "number"
]
TRUTHS = [name for name, metric in POINTS.items() if metric.kind == "boolean"]
TEXTS = [name for name, metric in POINTS.items() if metric.kind == "text"]
WORDS = ("open", "closed", "5 W")
DEPTH = 4
# What is wrong with some trees that are otherwise well formed.
SENSELESS = ("nested", "at most", "compares nothing", "divides by zero", "is written")
CALCULATE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Missing(Exception):
    """Raised by the plain reading where there is no value."""


@dataclass(frozen=True)
class Node:
    """A tree with its text; `parts` are those below it."""

    kind: str
    text: str
    parts: tuple["Node", ...] = ()


class Grower:
    """Grows trees that make sense."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)

    def truth(self, depth: int) -> Node:
        kind = self.choice.choice(["and", "or", "not", "order", "order", "equal", "chain", "point"])
        if depth <= 0 or kind == "point":
            return self._leaf("truth", TRUTHS, "bad")
        if kind == "not":
            return self._node("not", "not ({})", self.truth(depth - 1))
        if kind in {"and", "or"}:
            parts = [self.truth(depth - 1) for _ in range(self.choice.randint(2, 3))]
            return self._node(kind, f" {kind} ".join(["({})"] * len(parts)), *parts)
        if kind == "equal":
            left = self._leaf("text", TEXTS)
            right = self.choice.choice(
                [self._leaf("text", TEXTS), Node("word", f'"{self.choice.choice(WORDS)}"')]
            )
            return self._node(
                sign := self.choice.choice(["==", "!="]), f"{{}} {sign} {{}}", left, right
            )
        parts = [self.number(depth - 1) for _ in range(3 if kind == "chain" else 2)]
        signs = self.choice.choices(list(ORDERS), k=len(parts) - 1)
        form = "({})" + "".join(f" {sign} ({{}})" for sign in signs)
        return self._node(" ".join(signs), form, *parts)

    def number(self, depth: int) -> Node:
        kind = self.choice.choice([*CALCULATE, "negative", "abs", "min", "max", "leaf", "leaf"])
        if depth <= 0 or kind == "leaf":
            return self._leaf("number", NUMBERS, "hour", "literal")
        if kind in CALCULATE:
            left, right = self.number(depth - 1), self.number(depth - 1)
            return self._node(kind, f"({{}}) {kind} ({{}})", left, right)
        if kind in {"min", "max"}:
            parts = [self.number(depth - 1) for _ in range(2)]
            return self._node(kind, f"{kind}({{}}, {{}})", *parts)
        return self._node(
            kind, "-({})" if kind == "negative" else "abs({})", self.number(depth - 1)
        )

    def _leaf(self, kind: str, points: list[str], *others: str) -> Node:
        kind = self.choice.choice([kind, kind, *others])
        if kind == "bad":
            return Node(kind, f"bad({self.choice.choice([*TRUTHS, *TEXTS, *NUMBERS])})")
        if kind == "hour":
            return Node(kind, "hour()")
        if kind == "literal":
            return Node(kind, self.choice.choice(["0", "1", "2.5", "100"]))
        return Node(kind, self.choice.choice(points))

    def _node(self, kind: str, form: str, *parts: Node) -> Node:
        return Node(kind, form.format(*(part.text for part in parts)), parts)

    def world(self) -> Kitchen:
        values: dict[str, list[float | bool | str]] = {
            "number": [0.0, 1.0, 2.5, -3.0, 1e300, math.nan, math.inf],
            "boolean": [True, False],
            "text": list(WORDS),
        }
        world = Kitchen(hour=self.choice.choice([None, 0, 1, 23]))
        for point, metric in POINTS.items():
            value = self.choice.choice(values[metric.kind])
            found = self.choice.choice([Seen(value), Seen(value), Seen(value, good=False), None])
            if found is not None:
                world.readings[point] = found
        return world


def plain(node: Node, world: Kitchen) -> float | bool | str:
    """What a tree says, read plainly; raises Missing with the Unknown it is."""
    if not node.parts:
        return plain_leaf(node, world)
    signs = node.kind.split()
    if len(signs) > 1:
        pairs = zip(signs, itertools.pairwise(node.parts), strict=True)
        return plain_join(
            Node("and", "", tuple(Node(sign, "", pair) for sign, pair in pairs)), world
        )
    if node.kind in {"and", "or"}:
        return plain_join(node, world)
    values = plain_parts(node, world)
    if node.kind == "not":
        return not values[0]
    if node.kind in ORDERS:
        return ORDERS[node.kind](*values)
    return plain_number(node.kind, [float(value) for value in values])


def plain_leaf(node: Node, world: Kitchen) -> float | bool | str:
    if node.kind == "literal":
        return float(node.text)
    if node.kind == "word":
        return node.text.strip('"')
    if node.kind == "hour":
        return usable(world.hour)
    if node.kind == "bad":
        return plain_bad(node.text[4:-1], world)
    seen = world.readings.get(node.text)
    if seen is None:
        raise Missing(UNSEEN)
    return usable(seen.value if seen.good else None)


def plain_parts(node: Node, world: Kitchen) -> list[float | bool | str]:
    values: list[float | bool | str] = []
    missing: list[Unknown] = []
    for part in node.parts:
        try:
            values.append(plain(part, world))
        except Missing as error:
            missing.append(error.args[0])
    if missing:
        raise Missing(BLIND if BLIND in missing else UNSEEN)
    return values


def plain_number(kind: str, values: list[float]) -> float:
    if kind in {"min", "max"}:
        return min(values) if kind == "min" else max(values)
    if kind in {"negative", "abs"}:
        return -values[0] if kind == "negative" else abs(values[0])
    try:
        return float(usable(CALCULATE[kind](*values)))
    except ZeroDivisionError:
        raise Missing(BLIND) from None


def plain_join(node: Node, world: Kitchen) -> bool:
    found: list[object] = []
    for part in node.parts:
        try:
            found.append(plain(part, world))
        except Missing as error:
            found.append(error.args[0])
    decisive = node.kind == "or"
    if decisive in found:
        return decisive
    for unknown in (BLIND, UNSEEN):
        if unknown in found:
            raise Missing(unknown)
    return not decisive


def plain_bad(point: str, world: Kitchen) -> bool:
    seen = world.readings.get(point)
    if seen is None:
        raise Missing(UNSEEN)
    value = seen.value if seen.good else None
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def usable(value: float | bool | str | None) -> float | bool | str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise Missing(BLIND)
    return value


def expected(tree: Node, world: Kitchen) -> Answer:
    try:
        return plain(tree, world)
    except Missing as error:
        unknown: Unknown = error.args[0]
        return unknown


def tried(text: str) -> tuple[Expression | None, str]:
    """The expression, or why there is none."""
    try:
        return compiled(text), ""
    except ExpressionError as error:
        return None, error.message


def checked(grower: Grower, trees: int) -> set[Answer]:
    """The answers of so many trees, each of them as the plain reading has it."""
    answers: set[Answer] = set()
    for _ in range(trees):
        tree = grower.truth(grower.choice.randint(1, DEPTH))
        expression, problem = tried(tree.text)
        if expression is None:
            assert any(words in problem for words in SENSELESS), (tree.text, problem)
            continue
        for _ in range(2):
            world = grower.world()
            answer = expression.evaluate(world)
            assert answer == expected(tree, world), (tree.text, world)
            answers.add(answer)
    return answers


@pytest.mark.parametrize("chunk", range(10))
@given(seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_ten_thousand_random_trees_answer_as_they_read(chunk: int, seed: int) -> None:
    checked(Grower(seed * 10 + chunk), trees=20)


def test_random_trees_have_every_sort_of_answer() -> None:
    assert checked(Grower(1), trees=200) == {True, False, BLIND, UNSEEN}
