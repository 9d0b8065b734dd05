"""What compiled expressions are made of: closures over the world, in three-valued logic.

A part of an expression has a value, or it is UNSEEN (no opinion yet) or BLIND (a value is BAD, or
cannot be computed). BLIND outweighs UNSEEN, so that a sensor that never reports cannot hide one
that has failed; false decides an `and`, true an `or`, whatever else is unknown (Kleene).
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

from rules.base import Observation
from rules.window import Window


class Unknown(Enum):
    """Why there is no value; never to be mistaken for one."""

    UNSEEN = "unseen"  # a point has not reported since the start
    BLIND = "blind"  # a point is BAD, or the result is no number: for the rule's `on_bad`


UNSEEN: Final = Unknown.UNSEEN
BLIND: Final = Unknown.BLIND


class World(Protocol):
    """All that an expression sees; only readings that are kept, so that replay is exact."""

    @property
    def now(self) -> int:
        """Kitchen time, ms."""

    @property
    def utc_ms(self) -> int | None:
        """The wall clock, UTC ms; None while it is not trusted."""

    @property
    def hour(self) -> int | None:
        """0 to 23 in the kitchen's zone; None while the wall clock is not trusted."""

    @property
    def weekday(self) -> int | None:
        """1 (Monday) to 7 in the kitchen's zone; None as for `hour`."""

    def latest(self, point: str) -> Observation | None:
        """The last kept reading, or None when there was none since the start."""

    def window(self, point: str, span_ms: int) -> Window | None:
        """What the point did in the last `span_ms`, or None when it was never seen."""


Answer = bool | float | str | Unknown
NumberCode = Callable[[World], float | Unknown]
TruthCode = Callable[[World], bool | Unknown]
TextCode = Callable[[World], str | Unknown]
Arithmetic = Callable[[float, float], float]

ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def worse(left: object, right: object) -> Unknown:
    """What is unknown of two of which at least one is."""
    return BLIND if left is BLIND or right is BLIND else UNSEEN


def finite(value: float | None) -> float | Unknown:
    """The number, or BLIND where it is none: overflow, infinity, NaN."""
    return BLIND if value is None or not math.isfinite(value) else value


def number(point: str) -> NumberCode:
    def code(world: World) -> float | Unknown:
        seen = world.latest(point)
        if seen is None:
            return UNSEEN
        value = seen.value
        if type(value) is float and value - value == 0.0 and seen.good:
            return value
        return _whole(value) if seen.good else BLIND

    return code


def _whole(value: object) -> float | Unknown:
    try:
        return float(value) if type(value) is int else BLIND
    except OverflowError:
        return BLIND


def truth(point: str) -> TruthCode:
    def code(world: World) -> bool | Unknown:
        seen = world.latest(point)
        if seen is None:
            return UNSEEN
        return seen.value if seen.good and isinstance(seen.value, bool) else BLIND

    return code


def text(point: str) -> TextCode:
    def code(world: World) -> str | Unknown:
        seen = world.latest(point)
        if seen is None:
            return UNSEEN
        return seen.value if seen.good and isinstance(seen.value, str) else BLIND

    return code


def leaf(point: str, kind: str) -> Callable[[World], Answer]:
    """The value of a point of this kind."""
    if kind == "boolean":
        return truth(point)
    return text(point) if kind == "text" else number(point)


def bad(value: Callable[[World], Answer]) -> TruthCode:
    """True while the point has no usable value."""

    def code(world: World) -> bool | Unknown:
        found = value(world)
        return UNSEEN if found is UNSEEN else found is BLIND

    return code


def age(point: str) -> NumberCode:
    """Seconds since the last kept reading; BLIND while that one is BAD."""

    def code(world: World) -> float | Unknown:
        seen = world.latest(point)
        if seen is None:
            return UNSEEN
        return max(world.now - seen.at, 0) / 1000 if seen.good else BLIND

    return code


def over_window(
    measure: Callable[[Window, int], float | None], point: str, span_ms: int
) -> NumberCode:
    def code(world: World) -> float | Unknown:
        window = world.window(point, span_ms)
        if window is None or not window.begun:
            return UNSEEN
        return finite(measure(window, world.now))

    return code


def hour(world: World) -> float | Unknown:
    return BLIND if world.hour is None else float(world.hour)


def weekday(world: World) -> float | Unknown:
    return BLIND if world.weekday is None else float(world.weekday)


def constant(value: float) -> NumberCode:
    return lambda world: value


def computed(compute: Arithmetic, left: NumberCode, right: NumberCode) -> NumberCode:
    """Arithmetic; division by zero and whatever is not finite is BLIND."""

    def code(world: World) -> float | Unknown:
        first, second = left(world), right(world)
        if first is BLIND or first is UNSEEN or second is BLIND or second is UNSEEN:
            return worse(first, second)
        try:
            result = compute(first, second)
        except ZeroDivisionError:
            return BLIND
        return result if result - result == 0.0 else BLIND

    return code


def changed(change: Callable[[float], float], of: NumberCode) -> NumberCode:
    """A sign or `abs`."""

    def code(world: World) -> float | Unknown:
        value = of(world)
        return value if value is BLIND or value is UNSEEN else change(value)

    return code


def extreme(choose: Callable[[list[float]], float], parts: Sequence[NumberCode]) -> NumberCode:
    """The least or the most of several values, of which all must be known."""

    def code(world: World) -> float | Unknown:
        values: list[float] = []
        unknown: Unknown | None = None
        for part in parts:
            value = part(world)
            if value is BLIND or value is UNSEEN:
                unknown = worse(unknown, value)
            else:
                values.append(value)
        return choose(values) if unknown is None else unknown

    return code


def compared(
    order: Callable[[float, float], bool], left: NumberCode, right: NumberCode
) -> TruthCode:
    def code(world: World) -> bool | Unknown:
        first, second = left(world), right(world)
        if first is BLIND or first is UNSEEN or second is BLIND or second is UNSEEN:
            return worse(first, second)
        return order(first, second)

    return code


def compared_with(
    order: Callable[[float, float], bool], left: NumberCode, value: float
) -> TruthCode:
    """`compared` with a number as written, which is most of what is ever compared."""

    def code(world: World) -> bool | Unknown:
        first = left(world)
        return first if first is BLIND or first is UNSEEN else order(first, value)

    return code


def equal(
    left: Callable[[World], Answer], right: Callable[[World], Answer], *, wanted: bool
) -> TruthCode:
    """Two texts or two booleans; `wanted` is False for `!=`."""

    def code(world: World) -> bool | Unknown:
        first, second = left(world), right(world)
        if first is BLIND or first is UNSEEN or second is BLIND or second is UNSEEN:
            return worse(first, second)
        return (first == second) is wanted

    return code


def joined(parts: Sequence[TruthCode], *, decisive: bool) -> TruthCode:
    """`and` (False is decisive) or `or` (True is)."""

    def code(world: World) -> bool | Unknown:
        answer: bool | Unknown = not decisive
        for part in parts:
            found = part(world)
            if found is decisive:
                return decisive
            if found is BLIND or found is UNSEEN:
                answer = worse(answer, found)
        return answer

    return code


def opposite(of: TruthCode) -> TruthCode:
    def code(world: World) -> bool | Unknown:
        found = of(world)
        return found if found is BLIND or found is UNSEEN else not found

    return code
