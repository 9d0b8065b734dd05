"""From the tree of an expression to closures: what each part is, and whether parts fit together."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence

from rules.formula import dimension, evaluation
from rules.formula.dimension import Dimension, Quantities
from rules.formula.evaluation import Arithmetic, TruthCode
from rules.formula.functions import Functions
from rules.formula.parts import (
    Bare,
    Number,
    Part,
    Quoted,
    Text,
    Truth,
    alike,
    as_number,
    code_of,
    in_unit,
)
from rules.formula.sources import Sources
from rules.formula.syntax import ExpressionError, shown

_ARITHMETIC: Mapping[type[ast.operator], tuple[str, Arithmetic]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
}
_ORDERS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


class Compiler:
    """Compiles the parts of one tree."""

    def __init__(self, sources: Sources, quantity: Quantities) -> None:
        self._sources = sources
        self._quantity = quantity
        self._functions = Functions(sources, quantity, self.part)

    def part(self, node: ast.expr) -> Part:
        """One part of the tree; raises ExpressionError."""
        column = node.col_offset
        match node:
            case ast.Name() | ast.Constant():
                return self._leaf(node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Truth(evaluation.opposite(self._truth(operand, "not").code), column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _negative(self.part(operand), column)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                return self._arithmetic(self.part(left), type(sign), self.part(right))
            case ast.BoolOp(op=join, values=values):
                name = "or" if isinstance(join, ast.Or) else "and"
                codes = [self._truth(value, name).code for value in values]
                return Truth(evaluation.joined(codes, decisive=name == "or"), column)
            case ast.Compare(left=left, ops=signs, comparators=others):
                orders = [_ORDERS[type(sign)] for sign in signs]
                return self._comparison([self.part(each) for each in (left, *others)], orders)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._functions.call(name, arguments, column)
        raise _misplaced(column)

    def _leaf(self, node: ast.Name | ast.Constant) -> Part:
        column = node.col_offset
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, bool):
                return Truth(lambda world: value, column)
            if isinstance(value, (int, float)):
                return Bare(float(value), column)
            raise _misplaced(column)
        quoted = self._sources.quoted(node)
        if quoted is not None:
            return Quoted(quoted, column)
        found = self._sources.point(node)
        if found is None:
            raise _misplaced(column)
        point, metric = found
        if metric.kind == "boolean":
            return Truth(evaluation.truth(point), column)
        if metric.kind == "text":
            return Text(evaluation.text(point), column)
        return Number(evaluation.number(point), dimension.of_unit(metric.unit), column)

    def _truth(self, node: ast.expr, word: str) -> Truth:
        part = self.part(node)
        if not isinstance(part, Truth):
            message = f'"{word}" needs what is true or false, got {part}: compare it'
            raise ExpressionError(message, part.column)
        return part

    def _arithmetic(self, left: Part, sign: type[ast.operator], right: Part) -> Part:
        symbol, compute = _ARITHMETIC[sign]
        if isinstance(left, Bare) and isinstance(right, Bare):
            return Bare(_folded(compute, left, right), left.column)
        if symbol in "+-":
            first = self._beside(left, right, keeps_zero=symbol == "-")
            second = self._beside(right, left, keeps_zero=False)
        else:
            first, second = self._as_minutes(left), self._as_minutes(right)
        one, other = as_number(first, f'"{symbol}"'), as_number(second, f'"{symbol}"')
        try:
            unit = _unit(one.dimension, symbol, other.dimension, (left, right))
        except ValueError as error:
            raise ExpressionError(str(error), right.column) from None
        return Number(evaluation.computed(compute, one.code, other.code), unit, left.column)

    def _beside(self, part: Part, other: Part, *, keeps_zero: bool) -> Part:
        """What is added to something with a unit takes it, as a distance.

        What a temperature is taken from (`keeps_zero`) is a temperature itself.
        """
        if not isinstance(other, Number) or not isinstance(part, (Bare, Quoted)):
            return part
        unit = other.dimension if keeps_zero else other.dimension.distance
        ambiguous = other.dimension.zeros and not keeps_zero
        if ambiguous and isinstance(part, Quoted) and not dimension.in_kelvin(part.text):
            message = f'got "{shown(part.text)}", expected a distance in kelvin, such as "2 K"'
            raise ExpressionError(message, part.column)
        return in_unit(part, unit, self._quantity)

    def _as_minutes(self, part: Part) -> Part:
        """A duration in a product: what changes per minute, times minutes."""
        if not isinstance(part, Quoted):
            return part
        try:
            minutes = self._quantity.absolute(part.text, "min")
        except ValueError:
            message = f'got "{shown(part.text)}", expected a number or a duration such as "30 min"'
            raise ExpressionError(message, part.column) from None
        return Number(evaluation.constant(minutes), dimension.of_unit("min"), part.column)

    def _comparison(self, parts: Sequence[Part], orders: Sequence[str]) -> Truth:
        numbers = alike(parts, "be compared", self._quantity)
        if numbers is None:
            found = list(_equalities(parts, orders))
        else:
            found = [
                _compared(left, evaluation.ORDERS[order], right)
                for left, order, right in zip(numbers, orders, numbers[1:], strict=False)
            ]
        truth = found[0] if len(found) == 1 else evaluation.joined(found, decisive=False)
        return Truth(truth, parts[0].column)


def _misplaced(column: int) -> ExpressionError:
    return ExpressionError("this has no place in an expression", max(column, 1))


def _negative(part: Part, column: int) -> Part:
    if isinstance(part, Bare):
        return Bare(-part.value, column)
    if isinstance(part, Quoted):
        raise ExpressionError('the sign stands inside the quotes: "-18 °C"', column)
    number = as_number(part, '"-"')
    code = evaluation.changed(operator.neg, number.code)
    return Number(code, dimension.scaled(number.dimension, -1.0), column)


def _folded(compute: Arithmetic, left: Bare, right: Bare) -> float:
    try:
        value = compute(left.value, right.value)
    except ZeroDivisionError:
        raise ExpressionError("divides by zero", right.column) from None
    if not math.isfinite(value):
        raise ExpressionError("the number is too large", left.column)
    return value


def _unit(
    first: Dimension, symbol: str, second: Dimension, written: tuple[Part, Part]
) -> Dimension:
    """The unit of a sum, difference, product or quotient; raises ValueError."""
    if symbol in "+-":
        return dimension.total(first, second, 1 if symbol == "+" else -1)
    left, right = written
    if symbol == "/" and isinstance(right, Bare):
        return dimension.divided(first, right.value)
    if symbol == "*" and isinstance(right, Bare):
        return dimension.scaled(first, right.value)
    if symbol == "*" and isinstance(left, Bare):
        return dimension.scaled(second, left.value)
    return dimension.product(first, second, 1 if symbol == "*" else -1)


def _compared(left: Number, order: Callable[[float, float], bool], right: Number) -> TruthCode:
    if right.fixed is not None:
        return evaluation.compared_with(order, left.code, right.fixed)
    return evaluation.compared(order, left.code, right.code)


def _equalities(parts: Sequence[Part], orders: Sequence[str]) -> Iterator[TruthCode]:
    """Texts with texts, true or false with its like; only whether they are equal."""
    first = next((part for part in parts if isinstance(part, (Text, Truth))), None)
    if first is None:
        raise ExpressionError("this compares nothing with a point", parts[0].column)
    like = (Text, Quoted) if isinstance(first, Text) else (Truth,)
    for part in parts:
        if not isinstance(part, like):
            raise ExpressionError(f"{part} cannot be compared with {first}", part.column)
    for left, order, right in zip(parts, orders, parts[1:], strict=False):
        if order not in {"==", "!="}:
            message = f'"{order}" compares numbers, got {right}; "==" and "!=" are possible'
            raise ExpressionError(message, right.column)
        yield evaluation.equal(code_of(left), code_of(right), wanted=order == "==")
