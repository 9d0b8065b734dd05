"""Reading `kg/v1` as strictly as `docs/protocol.md` states it, from a sender nobody vouches for.

Everything raises `Refused` with a reason for people; nothing here may be made to fail otherwise,
to run long or to fill the memory.
"""

import math
import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec

from gateway.reading import QUALITY_OF_CODE
from gateway.sync.protocol import INSTALL, NAME, READINGS_MAX, ROWS_MAX, Stream, unpack

_INTEGER_MAX = 2**53 - 1  # beyond it two JSON readers may disagree (RFC 8259, section 6)
_SQLITE_MAX = 2**63 - 1
_POSITION = re.compile(r"0|[1-9][0-9]{0,4}")
_LEAVES = frozenset({"tm", "ev", "st", "md"})
_LEVELS = 6  # kg/v1/{tenant}/gw/{gateway}/{leaf}

Integer = Annotated[int, msgspec.Meta(ge=-_INTEGER_MAX, le=_INTEGER_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=_INTEGER_MAX)]
Counter = Annotated[int, msgspec.Meta(ge=1, le=_INTEGER_MAX)]
Install = Annotated[str, msgspec.Meta(pattern=rf"^{INSTALL.pattern}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}\Z")]
Number = int | float
Value = Number | bool | str | None


class Refused(ValueError):
    """What was sent breaks the protocol; the message says where."""


class Address(NamedTuple):
    """Whom a topic belongs to, and which of its topics it is."""

    tenant: str
    gateway: str
    leaf: str


class ReadingColumns(NamedTuple):
    """One reading as it is stored; `kind` keeps JSON's types apart."""

    position: int
    point: int
    at: int  # UTC ms
    kind: str  # "number", "boolean", "text" or "null"
    value: float | str | None
    quality: int


class TelemetryRow(msgspec.Struct, frozen=True):
    """Section 4."""

    s: Counter
    e: Counter
    md: Count
    t0: Integer
    c: Annotated[list[Count], msgspec.Meta(min_length=1, max_length=READINGS_MAX)]
    dt: list[Count]
    x: list[Value]
    q: dict[str, int] = {}

    def __post_init__(self) -> None:
        if not len(self.c) == len(self.dt) == len(self.x):
            raise ValueError(f"c, dt and x have {len(self.c)}, {len(self.dt)}, {len(self.x)}")
        if any(later < earlier for earlier, later in zip(self.dt, self.dt[1:], strict=False)):
            raise ValueError("dt decreases")
        for place, code in self.q.items():
            if not _POSITION.fullmatch(place) or int(place) >= len(self.c):
                raise ValueError(f"q names no position: {place[:20]!r}")
            if code == 0 or code not in QUALITY_OF_CODE:
                raise ValueError(f"q has no code {code}")
        for position, value in enumerate(self.x):
            code = self.q.get(str(position), 0)
            if QUALITY_OF_CODE[code].bad != (value is None):
                raise ValueError(f"reading {position}: quality {code} with {_kind(value)}")
            if _kind(value) == "number":
                _storable(value)

    def readings(self) -> Iterator[ReadingColumns]:
        """One entry for each reading, in the order the gateway judged them."""
        quality = self.q
        for position, (point, after, value) in enumerate(zip(self.c, self.dt, self.x, strict=True)):
            kind = _kind(value)
            stored = _storable(value) if kind == "number" else value
            code = quality.get(str(position), 0)
            yield ReadingColumns(position, point, self.t0 + after, kind, stored, code)


class EventRow(msgspec.Struct, frozen=True):
    """Section 5; `d` may be any object, since kinds we do not know are kept too."""

    s: Counter
    e: Counter
    t0: Integer
    k: Annotated[str, msgspec.Meta(min_length=1)]
    d: msgspec.Raw

    def __post_init__(self) -> None:
        msgspec.json.decode(self.d, type=dict[str, object])


class Envelope(msgspec.Struct, frozen=True):
    """Section 3; its rows are judged one by one."""

    v: Literal[1]
    install: Install = msgspec.field(name="in")
    h: Literal[0, 1]
    rows: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=ROWS_MAX)]


class Channel(msgspec.Struct, frozen=True):
    """A point in the dictionary of section 6."""

    i: Count
    dev: str
    name: str
    label: str
    unit: str
    type: Literal["number", "boolean", "text"]
    prec: Count
    min: float | None
    max: float | None
    sim: bool


class Dictionary(msgspec.Struct, frozen=True):
    """Section 6."""

    v: Literal[1]
    install: Install = msgspec.field(name="in")
    ver: Count
    ch: list[Channel]

    def __post_init__(self) -> None:
        if len({channel.i for channel in self.ch}) != len(self.ch):
            raise ValueError("an index is given twice")


class Outbox(msgspec.Struct, frozen=True):
    """What the gateway has not seen acknowledged."""

    n: Count
    oldest: Integer | None


class Status(msgspec.Struct, frozen=True):
    """Section 7, as far as the will goes."""

    v: Literal[1]
    install: Install = msgspec.field(name="in")
    online: bool
    epoch: Counter


class Online(Status, frozen=True, kw_only=True):
    """Section 7, of a gateway that is there."""

    sw: str
    cfg: Digest
    rules: Digest
    model: Digest | None
    sim: bool
    clock: Literal["ntp", "rtc", "unsynced"]
    outbox: Outbox


_Shape = TypeVar("_Shape")


def address(topic: str) -> Address:
    """Whom the topic belongs to; raises Refused for one that is not of `kg/v1`."""
    levels = topic.split("/")
    if len(levels) == _LEVELS and levels[:2] == ["kg", "v1"] and levels[3] == "gw":
        tenant, gateway, leaf = levels[2], levels[4], levels[5]
        if NAME.fullmatch(tenant) and NAME.fullmatch(gateway) and leaf in _LEAVES:
            return Address(tenant, gateway, leaf)
    raise Refused("foreign topic")


def plain(payload: bytes) -> bytes:
    """The JSON of a payload (section 2)."""
    try:
        text = unpack(payload)
        text.decode()
    except ValueError as error:
        raise Refused(str(error)) from error
    if not text.startswith(b"{"):
        raise Refused("neither a JSON object nor a zlib stream of one")
    return text


def envelope(text: bytes) -> Envelope:
    return _decode(text, Envelope)


def row(stream: Stream, body: msgspec.Raw) -> TelemetryRow | EventRow:
    """One row of an envelope."""
    return _decode(body, TelemetryRow) if stream == "tm" else _decode(body, EventRow)


def dictionary(text: bytes) -> Dictionary:
    return _decode(text, Dictionary)


def status(text: bytes) -> Status:
    found = _decode(text, Status)
    return _decode(text, Online) if found.online else found


def _decode(text: bytes | msgspec.Raw, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(text, type=shape)
    except RecursionError as error:
        raise Refused("nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise Refused(str(error)) from error


def _kind(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _storable(value: Value) -> float:
    """A number as SQLite holds it: 64-bit integer or double; raises ValueError beyond both."""
    assert isinstance(value, Number)  # noqa: S101 - for mypy
    if isinstance(value, int) and not -_SQLITE_MAX <= value <= _SQLITE_MAX:
        value = float(value)
    if not math.isfinite(value):
        raise ValueError("a number is not finite")
    return value
