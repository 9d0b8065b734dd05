"""What a part of an expression is: a number with its unit, true or false, a text.

A bare number or a quoted quantity has no unit until it meets something that has one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rules.formula import dimension, evaluation
from rules.formula.dimension import Dimension, Quantities
from rules.formula.evaluation import Answer, NumberCode, TextCode, TruthCode, World
from rules.formula.syntax import ExpressionError


class Number(NamedTuple):
    """A part with a unit, or that is a plain number; `fixed` is one that was written."""

    code: NumberCode
    dimension: Dimension
    column: int
    fixed: float | None = None

    def __str__(self) -> str:
        return str(self.dimension)


class Bare(NamedTuple):
    """A number as written; it takes the unit of what it meets."""

    value: float
    column: int

    def __str__(self) -> str:
        return "a number"


class Quoted(NamedTuple):
    """A text in quotes: a quantity beside a number, a text beside a text."""

    text: str
    column: int

    def __str__(self) -> str:
        return "a text"


class Truth(NamedTuple):
    """A part that is true or false."""

    code: TruthCode
    column: int

    def __str__(self) -> str:
        return "true or false"


class Text(NamedTuple):
    """A point that is a text."""

    code: TextCode
    column: int

    def __str__(self) -> str:
        return "a text"


Part = Number | Bare | Quoted | Truth | Text


def code_of(part: Part) -> Callable[[World], Answer]:
    """A closure for any part."""
    if isinstance(part, Quoted):
        text = part.text
        return lambda world: text
    if isinstance(part, Bare):
        return evaluation.constant(part.value)
    return part.code


def as_number(part: Part, what: str) -> Number:
    """The part as a number; one without unit is a plain one."""
    if isinstance(part, Bare):
        return Number(evaluation.constant(part.value), dimension.NONE, part.column)
    if not isinstance(part, Number):
        raise ExpressionError(f"{what} needs a number, got {part}", part.column)
    return part


def in_unit(part: Bare | Quoted, unit: Dimension, quantity: Quantities) -> Number:
    """The number of what takes the unit of its neighbour."""
    try:
        value = (
            dimension.bare(part.value, unit)
            if isinstance(part, Bare)
            else dimension.in_dimension(part.text, unit, quantity)
        )
    except ValueError as error:
        raise ExpressionError(str(error), part.column) from None
    return Number(evaluation.constant(value), unit, part.column, value)


def alike(parts: Sequence[Part], verb: str, quantity: Quantities) -> list[Number] | None:
    """Numbers that all have the unit of the first one that has any, or take it.

    None when no part has a unit to take.
    """
    first = next((part for part in parts if isinstance(part, Number)), None)
    if first is None:
        return None
    numbers: list[Number] = []
    for part in parts:
        if isinstance(part, (Bare, Quoted)):
            numbers.append(in_unit(part, first.dimension, quantity))
        elif isinstance(part, Number) and part.dimension.fits(first.dimension):
            numbers.append(part)
        else:
            raise ExpressionError(f"{part} cannot {verb} with {first}", part.column)
    return numbers
