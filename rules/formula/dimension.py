"""Units of whole expressions: what may be compared, added and multiplied, found before it runs.

A temperature is not a distance between temperatures: 8 °C is 46.4 °F, 8 K are 14.4 °F. So a
dimension counts how often the zero of its scale is in it: 1 in a temperature, 0 in a difference of
two or a change, 2 in a sum (which is neither), and 1 again in their mean.
"""

import math
import unicodedata
from typing import NamedTuple, Protocol

_AFFINE = frozenset({"Cel", "[degF]"})
_PER_MINUTE = ("min", -1)
_MINUTE_S = 60.0
_EXPONENTS_MAX = 8


class Quantities(Protocol):
    """Texts such as "8 °C" as numbers; each raises ValueError, saying what was expected."""

    def absolute(self, text: str, unit: str, /) -> float:
        """On the scale of `unit`."""

    def difference(self, text: str, unit: str, /) -> float:
        """A distance on the scale of `unit`."""

    def rate(self, text: str, unit: str, /) -> float:
        """A change in `unit` per second."""

    def duration(self, text: str, /) -> float:
        """Seconds."""


class Dimension(NamedTuple):
    """Units with their exponents, sorted, and how many zeros of its scale are in the value."""

    units: tuple[tuple[str, int], ...] = ()
    zeros: float = 0.0

    def fits(self, other: "Dimension") -> bool:
        """Whether values of both may be compared."""
        same_zero = math.isclose(self.zeros, other.zeros, abs_tol=1e-9)
        return self.units == other.units and same_zero

    @property
    def sound(self) -> bool:
        """Whether a value of it means anything by itself: the sum of two temperatures does not."""
        return any(math.isclose(self.zeros, whole, abs_tol=1e-9) for whole in (0.0, 1.0))

    @property
    def distance(self) -> "Dimension":
        """The dimension of a difference between two."""
        return Dimension(self.units)

    def __str__(self) -> str:
        above = ".".join(_powers(self.units, 1))
        below = "".join(f"/{each}" for each in _powers(self.units, -1))
        if not self.units:
            return "a plain number"
        if not self.sound:
            return f"a sum of temperatures ({above}), which is none (their mean is)"
        affine = len(self.units) == 1 and self.units[0] in {(unit, 1) for unit in _AFFINE}
        return f"a difference in {above}" if affine and not self.zeros else f"{above or 1}{below}"


NONE = Dimension()


def of_unit(unit: str) -> Dimension:
    """The dimension of a point in this UCUM unit."""
    if unit in {"", "1"}:
        return NONE
    return Dimension(((unit, 1),), 1.0 if unit in _AFFINE else 0.0)


def per_minute(dimension: Dimension) -> Dimension:
    """The dimension of a change per minute."""
    return product(dimension.distance, Dimension((_PER_MINUTE,)))


def total(left: Dimension, right: Dimension, sign: int) -> Dimension:
    """Of a sum (sign 1) or a difference (-1); raises ValueError for what does not go together."""
    if left.units != right.units:
        raise ValueError(f"{left} and {right} do not go together")
    return Dimension(left.units, left.zeros + sign * right.zeros)


def scaled(dimension: Dimension, by: float) -> Dimension:
    """Of a value times a plain number."""
    return Dimension(dimension.units, dimension.zeros * by)


def divided(dimension: Dimension, by: float) -> Dimension:
    """Of a value divided by a plain number; raises ValueError for 0."""
    if not by:
        raise ValueError("divides by zero")
    return scaled(dimension, 1.0 / by)


def product(left: Dimension, right: Dimension, sign: int = 1) -> Dimension:
    """Of a product (sign 1) or a quotient (-1); raises ValueError for temperatures."""
    if left.zeros or right.zeros:
        raise ValueError(
            "the zero of a temperature scale is arbitrary, so a temperature can only be multiplied"
            " or divided by a number; a difference can"
        )
    exponents = dict(left.units)
    for unit, exponent in right.units:
        exponents[unit] = exponents.get(unit, 0) + sign * exponent
    if sum(abs(exponent) for exponent in exponents.values()) > _EXPONENTS_MAX:
        raise ValueError("the unit grows too large")
    return Dimension(tuple(sorted(each for each in exponents.items() if each[1])))


def bare(value: float, dimension: Dimension) -> float:
    """A number without unit where a value of this dimension stands; raises ValueError."""
    if not dimension.sound:
        raise ValueError(f"the other side is {dimension}")
    return value


def in_dimension(text: str, dimension: Dimension, quantity: Quantities) -> float:
    """The number of a quantity where a value of this dimension stands; raises ValueError."""
    if not dimension.sound:
        raise ValueError(f"the other side is {dimension}")
    units = dict(dimension.units)
    if units.pop("min", 0) == -1 and list(units.values()) == [1]:
        return quantity.rate(text, next(iter(units))) * _MINUTE_S
    if dimension.units and (len(dimension.units) > 1 or dimension.units[0][1] != 1):
        raise ValueError(f'got "{text}" where {dimension} stands, expected a number without unit')
    unit = dimension.units[0][0] if dimension.units else "1"
    if unit in _AFFINE and not dimension.zeros:
        return quantity.difference(text, unit)
    if dimension.zeros and in_kelvin(text):
        raise ValueError(f'got "{text}", a distance, where a temperature stands: "8 °C"')
    return quantity.absolute(text, unit)


def in_kelvin(text: str) -> bool:
    """Whether a quantity is a distance between temperatures beyond doubt."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return plain.endswith("K") and not plain[:-1].rstrip().endswith("°")


def _powers(units: tuple[tuple[str, int], ...], sign: int) -> list[str]:
    return [
        unit if abs(exponent) == 1 else f"{unit}{abs(exponent)}"
        for unit, exponent in units
        if exponent * sign > 0
    ]
