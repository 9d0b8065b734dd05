"""A device that publishes its readings on the site's MQTT broker, as JSON or as one bare word.

Source: MQTT 5.0 and 3.1.1 (the payload is the maker's own); JSON is RFC 8259, so NaN and Infinity
are no JSON. Tested: mosquitto 2.0 with JSON as Tasmota, Zigbee2MQTT and Shelly publish it.

A path is `$` and steps: `.key`, `["any key"]`, `[0]`. `$.v`, `$.data[0].temp`, `$["ENERGY"].Power`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from drivers.base import CorruptData, Metric, Reason, Sample, Samples

BUS = "mqtt"
ROLE = "pushed"

PAYLOAD_MAX = 65_536  # bytes; what is larger is no reading
TOPIC_MAX = 65_535  # bytes, MQTT 5.0, section 1.5.4
_STEP = re.compile(
    r"""\.(?P<key>[^.\[\]"'\s]+)|\[(?P<index>[0-9]{1,4})\]|\[(?P<quote>["'])(?P<quoted>[^"'\\]+)(?P=quote)\]"""
)
_STEPS_MAX = 16
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,3})?")
_NAME = re.compile(r"[a-z0-9_]{1,36}")
_TEXT_MAX = 200
_RAW_MAX = 32  # characters of a broken value worth showing
_BIG = 1 << 53  # integers below are exact as floats
_ABSENT = object()
_decode = msgspec.json.Decoder().decode

Step = str | int
Kind = Literal["number", "boolean", "text"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """Where a metric stands in the message, and what it is; without `path` it is the message."""

    path: str | None = None
    unit: str = "1"  # UCUM
    kind: Kind = "number"
    scale: float = 1.0  # value = what was sent x scale + offset
    offset: float = 0.0
    precision: int = 2  # decimals worth storing
    on: tuple[str, ...] = ("true", "on", "1", "yes", "open", "online")
    off: tuple[str, ...] = ("false", "off", "0", "no", "closed", "offline")

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        if self.path is not None:
            steps_of(self.path)
        if not (math.isfinite(self.scale) and self.scale and math.isfinite(self.offset)):
            raise ValueError("scale: a finite number, not 0; offset: a finite number")
        if self.kind != "number" and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError("scale, offset: belong to kind number")
        if not 0 <= self.precision <= 9:  # noqa: PLR2004
            raise ValueError("precision: 0 to 9 decimals")
        both = {word.lower() for word in self.on} & {word.lower() for word in self.off}
        if both:
            raise ValueError(f"on, off: {min(both)!r} stands in both")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: mqtt`."""

    topic: str
    metrics: dict[str, Field]
    partial: bool = False  # a message may leave metrics out; else what is missing is a failure
    retained: Literal["stale", "state"] = "stale"  # what a message kept by the broker is worth

    def __post_init__(self) -> None:
        """Raises ValueError, with the key and what it may be."""
        check_topic(self.topic, "topic")
        if not self.metrics:
            raise ValueError("metrics: name at least one, as metric: {path: $.v, unit: Cel}")
        for name in self.metrics:
            if not _NAME.fullmatch(name):
                raise ValueError(f"metrics: {name!r} must be [a-z0-9_]{{1,36}}")


class Driver:
    """One publishing device; its metrics are those the options name."""

    METRICS: tuple[Metric, ...]

    def __init__(self, options: Options) -> None:
        fields = options.metrics
        self.METRICS = tuple(
            Metric(name, field.unit, kind=field.kind, precision=field.precision)
            for name, field in fields.items()
        )
        self._readers = [(name, _Reader(field)) for name, field in fields.items()]
        self._json = any(field.path is not None for field in fields.values())
        self._partial = options.partial
        self._takes_retained = options.retained == "state"
        self._heard = False

    def feed(self, message: tuple[bytes, bool], at: int) -> Samples:  # noqa: ARG002
        """The samples of one payload; True beside it says that the broker had kept it for us.

        A kept message is of unknown age: with `retained: stale` it is no value (STALE) until the
        device speaks, and nothing afterwards; with `state` its value is used as SUBSTITUTED.
        Raises CorruptData for what is no message of this device at all.
        """
        payload, retained = message
        if retained and self._heard and not self._takes_retained:
            return {}
        samples = self._samples(payload)
        if retained:
            return {name: self._kept(sample) for name, sample in samples.items()}
        self._heard = True
        return samples

    def _samples(self, payload: bytes) -> dict[str, Sample]:
        if len(payload) > PAYLOAD_MAX:
            raise CorruptData(f"a message of {len(payload)} bytes, at most {PAYLOAD_MAX}")
        document = _document(payload) if self._json else None
        samples: dict[str, Sample] = {}
        for name, reader in self._readers:
            sample = reader.of(document) if reader.steps is not None else reader.bare(payload)
            if sample is not None:
                samples[name] = sample
            elif not self._partial:
                samples[name] = Sample(None, Reason.SENSOR_FAILURE)
        if not samples:
            raise CorruptData("a message with none of the configured paths in it")
        return samples

    def _kept(self, sample: Sample) -> Sample:
        if sample.value is None:
            return sample
        if self._takes_retained:
            return Sample(sample.value, Reason.SUBSTITUTED, sample.raw)
        return Sample(None, Reason.STALE, sample.value)


class _Reader:
    """Finds and converts one metric."""

    def __init__(self, field: Field) -> None:
        self.steps = None if field.path is None else steps_of(field.path)
        self._first = self.steps[0] if self.steps and len(self.steps) == 1 else None
        self._kind = field.kind
        self._scale, self._offset = field.scale, field.offset
        self._plain = (field.scale, field.offset) == (1.0, 0.0)
        self._as_it_is = self._plain and field.kind == "number"
        self._words = {word.lower(): True for word in field.on}
        self._words |= {word.lower(): False for word in field.off}

    def of(self, document: object) -> Sample | None:
        """The sample at this path; None when the message has nothing there."""
        if type(document) is dict and self._first is not None:
            value = document.get(self._first, _ABSENT)
        else:
            value = _at(document, self.steps or ())
        if value is _ABSENT:
            return None
        if self._as_it_is and (
            type(value) is float or (type(value) is int and -_BIG < value < _BIG)
        ):
            return Sample(value)  # finite, or it would not have been JSON
        return self._sample(value)

    def bare(self, payload: bytes) -> Sample:
        """The sample of a payload that is nothing but the value."""
        try:
            text = payload.decode().strip()
        except UnicodeDecodeError:
            return _wrong(payload)
        if self._kind == "number":
            return self._sample(float(text)) if _NUMBER.fullmatch(text) else _wrong(text)
        return self._sample(text)

    def _sample(self, value: object) -> Sample:
        if self._kind == "number":
            return self._number(value)
        if self._kind == "boolean":
            return self._boolean(value)
        if isinstance(value, str) and len(value) <= _TEXT_MAX and value.isprintable():
            return Sample(value)
        return _wrong(value)

    def _number(self, value: object) -> Sample:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return _wrong(value)
        try:
            number = value * self._scale + self._offset
        except OverflowError:  # an integer that is no float
            return Sample(None, Reason.SENSOR_FAILURE, "a number too large")
        if not math.isfinite(number):
            return Sample(None, Reason.SENSOR_FAILURE, "a number too large")
        return Sample(number) if self._plain else Sample(number, raw=float(value))

    def _boolean(self, value: object) -> Sample:
        if isinstance(value, bool):
            return Sample(value)
        if isinstance(value, (int, str)):
            seen = self._words.get(_short(value).strip().lower())
            if seen is not None:
                return Sample(seen, raw=_short(value))
        return _wrong(value)


def steps_of(path: str) -> tuple[Step, ...]:
    """The keys and indices of a path; raises ValueError saying what a path looks like."""
    steps: list[Step] = []
    at = 1
    while path[:1] == "$" and at < len(path) and len(steps) < _STEPS_MAX:
        found = _STEP.match(path, at)
        if found is None:
            break
        index = found["index"]
        steps.append(int(index) if index is not None else found["key"] or found["quoted"])
        at = found.end()
    if path[:1] != "$" or at != len(path):
        expected = """$.v, $.data[0].temp or $["a key"]"""
        raise ValueError(f'path: got "{path[:60]}", expected one such as {expected}')
    return tuple(steps)


def check_topic(topic: str, key: str) -> None:
    """Raises ValueError, beginning with the key, for what is not one topic."""
    if not topic or len(topic.encode(errors="replace")) > TOPIC_MAX or "\0" in topic:
        raise ValueError(f'{key}: got "{topic[:60]}", expected one such as kitchen/fridge/state')
    if "+" in topic or "#" in topic:
        raise ValueError(f'{key}: got "{topic[:60]}", expected one topic, without wildcards')


def _document(payload: bytes) -> object:
    try:
        return _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CorruptData(f"no JSON: {str(error)[:100] or 'nested too deeply'}") from error


def _at(document: object, steps: Sequence[Step]) -> object:
    """What stands at a path, or `_ABSENT`."""
    for step in steps:
        if isinstance(step, str):
            document = document.get(step, _ABSENT) if isinstance(document, Mapping) else _ABSENT
        elif isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return _ABSENT
        if document is _ABSENT:
            return _ABSENT
    return document


def _wrong(value: object) -> Sample:
    return Sample(None, Reason.SENSOR_FAILURE, _short(value))


def _short(value: object) -> str:
    """What was there instead, for people: cut, and of a container only its kind."""
    if value is None or isinstance(value, (dict, list)):
        return type(value).__name__
    if isinstance(value, bytes):
        value = value[:_RAW_MAX].decode(errors="replace")
    if isinstance(value, int) and abs(value) > 1 << 64:
        return "a number too large"
    return str(value)[:_RAW_MAX]
