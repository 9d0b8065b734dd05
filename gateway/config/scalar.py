"""Single values: what the text of a scalar becomes for a field of some type, or why it does not."""

import math

from drivers.base import Metric
from gateway.config import checks, quantity
from gateway.config.problem import shown, shown_message
from gateway.config.yaml import Map, Node, Scalar, Sequence

_SWITCH = {"on": True, "off": False}
_KINDS = {"boolean": "on or off", "text": "a text"}
# A quantity in a unit of the option's own, such as "unit hPa" or "difference K".
_IN_A_UNIT = {"unit": quantity.absolute, "difference": quantity.difference}
_QUANTITIES = {
    "point_unit": quantity.absolute,
    "point_difference": quantity.difference,
    "point_rate": quantity.rate,
}

Markers = tuple[object, ...]


class Wrong(ValueError):
    """A value that does not fit; the message says what was found and what is expected."""


def read(node: Scalar, kind: object, markers: Markers, metric: Metric | None) -> object:
    """The value for a field of type bool, int, float or str; raises Wrong."""
    if kind is bool:
        return _switch(node)
    if kind is str:
        return text(node, markers)
    if kind is int or kind is float:
        return _within(_number(node, kind is int, markers, metric), node, markers)
    raise TypeError(f"a configuration field of type {kind!r} is not supported")


def found(node: Node) -> str:
    """How a message names what stands in the file."""
    if isinstance(node, Map):
        return "keys and values"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    return f'"{shown(node.text)}"'


def _switch(node: Scalar) -> bool:
    value = node.value
    if isinstance(value, bool):
        return value
    if not node.quoted and node.text.lower() in _SWITCH:
        return _SWITCH[node.text.lower()]
    raise Wrong(f"got {found(node)}, expected on or off (or true or false)")


def text(node: Scalar, markers: Markers) -> str:
    """The text as it is written, after the checks its markers name; raises Wrong."""
    if node.value is None:
        raise Wrong("got nothing, expected a text")
    try:
        value = checks.text(node.text)
        for marker in markers:
            value = checks.TEXTS[str(marker)](value)
    except ValueError as error:
        raise Wrong(shown_message(error)) from None
    return value


def _number(node: Scalar, whole: bool, markers: Markers, metric: Metric | None) -> float:
    try:
        if "duration_s" in markers:
            return quantity.duration(shown(node.text))
        for marker in markers:
            if marker in _QUANTITIES:
                return _of_point(node, str(marker), metric)
            how, _, unit = str(marker).partition(" ")
            if how in _IN_A_UNIT:
                return _IN_A_UNIT[how](shown(node.text), unit)
    except quantity.QuantityError as error:
        raise Wrong(str(error)) from None
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        expected = "a whole number" if whole else "a number"
        quoted = "; take away the quotes" if node.quoted else ""
        raise Wrong(f"got {found(node)}, expected {expected}{quoted}")
    if not math.isfinite(value):
        raise Wrong(f"got {found(node)}, expected a number")
    return value if whole else float(value)


def _of_point(node: Scalar, marker: str, metric: Metric | None) -> float:
    if metric is None:
        raise TypeError(f"{marker} can be used only where the point is known")
    if metric.kind != "number":
        raise Wrong(
            f"got {found(node)}, expected none: "
            f'"{metric.name}" is {_KINDS.get(metric.kind, metric.kind)}, not a number'
        )
    value = _QUANTITIES[marker](shown(node.text), metric.unit)
    if marker == "point_unit":
        low, high = metric.low, metric.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise Wrong(
                f"got {found(node)}, which is {value:g} {metric.unit}, "
                f"expected what the sensor can report: {_span(low, high)} {metric.unit}"
            )
    return value


def _within(value: float, node: Scalar, markers: Markers) -> float:
    for marker in markers:
        low, dots, high = str(marker).partition("..")
        if not dots:
            continue
        least = float(low) if low else None
        most = float(high) if high else None
        if (least is not None and value < least) or (most is not None and value > most):
            raise Wrong(f"got {found(node)}, expected {_span(least, most)}{_unit_of(markers)}")
    return value


def _unit_of(markers: Markers) -> str:
    if "duration_s" in markers:
        return " s"
    for marker in markers:
        how, blank, unit = str(marker).partition(" ")
        if how in _IN_A_UNIT:
            return blank + unit
    return ""


def _span(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
