"""A device that publishes what it feels as JSON, each value at the path where it is looked for.

It finds its way through a path by itself, in another way than the driver.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from drivers.emulated.base import Faults, Feel

PERIOD_MS = 5_000  # of a device that is on mains; a switch that changes is published at once


class Field(Protocol):
    """Where a metric stands, and what it is."""

    @property
    def path(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def scale(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def on(self) -> tuple[str, ...]: ...
    @property
    def off(self) -> tuple[str, ...]: ...


class Options(Protocol):
    """What of the device's settings says what it publishes."""

    @property
    def topic(self) -> str: ...
    @property
    def metrics(self) -> Mapping[str, Field]: ...


class Chip:
    """One device; a metric's name is the quantity it feels, and one it cannot feel is null."""

    def __init__(
        self,
        options: Options,
        feel: Feel,
        post: Callable[[str, bytes], None],
        now_ms: Callable[[], int],
    ) -> None:
        self.faults = Faults()  # silent: out of the network
        self.garbled = False  # sends what is no message
        self._options = options
        self._feel = feel
        self._post = post
        self._now_ms = now_ms
        self._due_ms = 0
        self._switches: list[bool] = []
        self._shown: dict[str, float | bool | None] = {}

    def step(self) -> None:
        """Publish when it is time; call it at least ten times a second of kitchen time."""
        if self.faults.silent:
            return
        felt = {name: self._felt(name) for name in self._options.metrics}
        if not self.faults.stuck:
            self._shown = felt
        switches = [value for value in self._shown.values() if isinstance(value, bool)]
        now_ms = self._now_ms()
        if now_ms < self._due_ms and switches == self._switches:
            return
        self._switches = switches
        self._due_ms = now_ms + PERIOD_MS
        self._post(self._options.topic, b'{"' if self.garbled else self._payload())

    def _felt(self, quantity: str) -> float | bool | None:
        try:
            return self._feel(quantity)
        except ValueError:
            return None

    def _payload(self) -> bytes:
        document: Any = None
        for name, field in self._options.metrics.items():
            value = _sent(field, self._shown[name])
            if field.path is None:
                text = "null" if value is None else str(value)
                return text.encode()
            document = _put(document, _keys(field.path), value)
        return json.dumps(document).encode()


def _sent(field: Field, value: float | bool | None) -> object:
    if isinstance(value, bool):
        return value if field.path is not None else (field.on if value else field.off)[0]
    if value is None or field.kind != "number":
        return None
    return round((value - field.offset) / field.scale, 3)


def _keys(path: str) -> list[str | int]:
    """The way to a value: `$.a["b c"][0]` is `a`, `b c`, 0."""
    keys: list[str | int] = []
    rest = path[1:]
    while rest:
        if rest[0] == ".":
            end = min((at for at in (rest.find(".", 1), rest.find("[", 1)) if at > 0),
                      default=len(rest))  # fmt: skip
            keys.append(rest[1:end])
        elif rest[1] in "\"'":
            end = rest.index(rest[1] + "]") + 2
            keys.append(rest[2 : end - 2])
        else:
            end = rest.index("]") + 1
            keys.append(int(rest[1 : end - 1]))
        rest = rest[end:]
    return keys


def _put(document: Any, keys: list[str | int], value: object) -> Any:  # noqa: ANN401 - any JSON
    """The document with `value` where the keys lead."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, int):
        items = document if isinstance(document, list) else []
        items += [None] * (key + 1 - len(items))
        items[key] = _put(items[key], rest, value)
        return items
    entries = document if isinstance(document, dict) else {}
    entries[key] = _put(entries.get(key), rest, value)
    return entries
