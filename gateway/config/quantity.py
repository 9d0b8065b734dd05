"""Durations and quantities as people write them, turned into the unit the program works in.

Units are UCUM codes in data (`Cel`, `[degF]`, `[ppm]`); what people write (`°C`, `℃`, `F`, `ppm`)
is an alias. A temperature is converted with its zero, a difference between two is only scaled.
"""

import re
import unicodedata
from typing import NamedTuple

DURATION_MAX_S = 366 * 86_400.0
# How people also write them.
_MEANT = {
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "sec": "s", "secs": "s",
    "second": "s", "seconds": "s", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "day": "d", "days": "d", "초": "s", "분": "min", "시간": "h", "일": "d",
}  # fmt: skip
DURATIONS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}

_DECIMALS = 9  # keeps 46.4 °F at 8.0 Cel
_NUMBER_THEN_REST = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))\s*(.*)", re.ASCII)
_MINUS_SIGNS = str.maketrans("\u2212\u2013", "--")
_TEXT_MAX = 60


class QuantityError(ValueError):
    """The text is no such quantity; the message says what is expected."""


class _Unit(NamedTuple):
    kind: str  # only units of one kind convert into each other
    factor: float
    zero: float = 0.0  # base value = value * factor + zero


_FAHRENHEIT = 5.0 / 9.0

UNITS = {
    "K": _Unit("temperature", 1.0),
    "Cel": _Unit("temperature", 1.0, 273.15),
    "[degF]": _Unit("temperature", _FAHRENHEIT, 459.67 * _FAHRENHEIT),
    "1": _Unit("ratio", 1.0),
    "%": _Unit("ratio", 1e-2),
    "[ppm]": _Unit("ratio", 1e-6),
    "[ppb]": _Unit("ratio", 1e-9),
    "mg": _Unit("mass", 1e-3),
    "g": _Unit("mass", 1.0),
    "kg": _Unit("mass", 1e3),
    "[oz_av]": _Unit("mass", 28.349523125),
    "[lb_av]": _Unit("mass", 453.59237),
    "mm": _Unit("length", 1e-3),
    "cm": _Unit("length", 1e-2),
    "m": _Unit("length", 1.0),
    "Pa": _Unit("pressure", 1.0),
    "hPa": _Unit("pressure", 1e2),
    "kPa": _Unit("pressure", 1e3),
    "mbar": _Unit("pressure", 1e2),
    "bar": _Unit("pressure", 1e5),
    "W": _Unit("power", 1.0),
    "kW": _Unit("power", 1e3),
    "W.h": _Unit("energy", 1.0),
    "kW.h": _Unit("energy", 1e3),
    "mV": _Unit("voltage", 1e-3),
    "V": _Unit("voltage", 1.0),
    "mA": _Unit("current", 1e-3),
    "A": _Unit("current", 1.0),
    "Hz": _Unit("frequency", 1.0),
    "kHz": _Unit("frequency", 1e3),
    "lx": _Unit("illuminance", 1.0),
    "klx": _Unit("illuminance", 1e3),
    "dB": _Unit("level", 1.0),
    "mL": _Unit("volume", 1e-3),
    "L": _Unit("volume", 1.0),
    "m3": _Unit("volume", 1e3),
    "L/min": _Unit("flow", 1.0),
    "m3/h": _Unit("flow", 1000.0 / 60.0),
    "ug/m3": _Unit("concentration", 1.0),
    "mg/m3": _Unit("concentration", 1e3),
    "m/s": _Unit("speed", 1.0),
    "kBy/s": _Unit("traffic", 1.0),
    "MBy": _Unit("data", 1.0),
    "ms": _Unit("time", 1e-3),
    "s": _Unit("time", 1.0),
    "min": _Unit("time", 60.0),
    "h": _Unit("time", 3600.0),
    "d": _Unit("time", 86_400.0),
}

_ALIASES = {
    "°C": "Cel", "C": "Cel", "°c": "Cel", "degC": "Cel",
    "°F": "[degF]", "F": "[degF]", "°f": "[degF]", "degF": "[degF]",
    "°K": "K", "ppm": "[ppm]", "ppb": "[ppb]", "%RH": "%",
    "lb": "[lb_av]", "oz": "[oz_av]", "Wh": "W.h", "kWh": "kW.h",
    "l": "L", "ml": "mL", "l/min": "L/min", "μg/m3": "ug/m3", "dB(A)": "dB",
    "MB": "MBy", "kB/s": "kBy/s",
}  # fmt: skip

_AS_WRITTEN = {
    "Cel": "°C", "[degF]": "°F", "[ppm]": "ppm", "[ppb]": "ppb", "[lb_av]": "lb", "[oz_av]": "oz",
    "W.h": "Wh", "kW.h": "kWh", "1": "a bare number",
}  # fmt: skip


def duration(text: str) -> float:
    """Seconds of a text such as `30s`, `10min`, `1h`, `500ms` or `1d`; raises QuantityError."""
    expected = 'a duration such as "30s", "10min" or "1h"'
    number, unit = _split(text, expected)
    if not unit:
        raise QuantityError(
            f'got {text} without a unit, expected {expected}; did you mean "{text}s"?'
        )
    if unit not in DURATIONS:
        meant = _MEANT.get(unit.lower())
        hint = f'; did you mean "{number:g}{meant}"?' if meant else ""
        raise QuantityError(f'got "{text}", expected {expected} ({", ".join(DURATIONS)}){hint}')
    seconds = round(number * DURATIONS[unit], _DECIMALS)
    if not 0.0 <= seconds <= DURATION_MAX_S:
        raise QuantityError(f'got "{text}", expected {expected}; 0s to 366d is possible')
    return seconds


def absolute(text: str, unit: str) -> float:
    """A value on the scale of `unit` (UCUM): "39 °F" is 3.888888889 in Cel."""
    number, given = _split(text, _expected(unit))
    source, target = _pair(given, unit, text)
    if source == target:
        return number
    here, there = UNITS[source], UNITS[target]
    return round((number * here.factor + here.zero - there.zero) / there.factor, _DECIMALS)


def difference(text: str, unit: str) -> float:
    """A distance on the scale of `unit`: "1.8 °F" is 1.0 in Cel, and so is "1 K"."""
    number, given = _split(text, _expected(unit, difference=True))
    return _scaled(number, given, unit, text)


def rate(text: str, unit: str) -> float:
    """A change in `unit` per second: "2 K/min" is 0.033333333 in Cel."""
    step = "K" if unit in {"Cel", "[degF]"} else "1" if unit == "1" else _as_written(unit)
    expected = f'a change such as "2 {step}/min"'
    number, given = _split(text, expected)
    amount, slash, per = given.rpartition("/")
    if not slash or per.strip() not in DURATIONS:
        raise QuantityError(f'got "{text}", expected {expected}')
    change = _scaled(number, amount.strip(), unit, text)
    return round(change / DURATIONS[per.strip()], _DECIMALS)


def _scaled(number: float, given: str, unit: str, text: str) -> float:
    source, target = _pair(given, unit, text)
    if source == target:
        return number
    return round(number * UNITS[source].factor / UNITS[target].factor, _DECIMALS)


def _split(text: str, expected: str) -> tuple[float, str]:
    plain = unicodedata.normalize("NFKC", text).translate(_MINUS_SIGNS).strip()
    match = _NUMBER_THEN_REST.fullmatch(plain)
    if len(plain) > _TEXT_MAX or match is None:
        raise QuantityError(f'got "{text[:_TEXT_MAX]}", expected {expected}')
    number, rest = match.groups()
    if rest[:1] in {",", ":", "."} or rest[:1].isdigit():
        raise QuantityError(f'got "{text}", expected {expected}')
    return float(number), rest


def _pair(given: str, unit: str, text: str) -> tuple[str, str]:
    source = _ALIASES.get(given, given) or "1"
    if source == unit:
        return source, unit
    if not given:
        raise QuantityError(f"got {text} without a unit, expected {_expected(unit)}")
    here, there = UNITS.get(source), UNITS.get(unit)
    if here is None:
        raise QuantityError(f'got the unknown unit "{given}", expected {_expected(unit)}')
    if there is None or here.kind != there.kind:
        raise QuantityError(
            f'got "{text}", expected {_expected(unit)}: {given} is no {_as_written(unit)}'
        )
    return source, unit


def _expected(unit: str, *, difference: bool = False) -> str:
    if unit == "1":
        return "a number"
    symbol = "K" if difference and unit in {"Cel", "[degF]"} else _as_written(unit)
    return f'a number with its unit, such as "1 {symbol}"'


def _as_written(unit: str) -> str:
    return _AS_WRITTEN.get(unit, unit)
